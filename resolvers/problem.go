package resolvers

import (
	"fmt"
	"strings"

	"github.com/heffl/bff/model"
)

// describeProblem puts a connection's problem into words that a person can act on. Screen names are Zoho's own.
// region is where the account lives; nil when that is not known.
func describeProblem(c *model.Connection, region *model.CliqRegion) *model.IntegrationProblem {
	message, remedy := problemText(c, region)
	return &model.IntegrationProblem{Code: c.Problem, Message: message, Remedy: remedy, Since: c.ProblemSince, Occurrences: max(c.ProblemCount, 1)}
}

func problemText(c *model.Connection, region *model.CliqRegion) (message, remedy string) {
	where, accounts := "Zoho Cliq", "Zoho Accounts"
	if region != nil {
		where, accounts = region.CliqURL, strings.Replace(region.CliqURL, "//cliq.", "//accounts.", 1)
	}
	switch c.Problem {
	case model.ProblemCodeBotNotFound:
		return fmt.Sprintf("Zoho Cliq knows no bot with the unique name “%s”.", c.BotName),
			fmt.Sprintf("In Cliq (%s) open your profile picture → Bots & Tools → Bots, open the bot and copy its API endpoint, then paste it here with “Change bot”.", where)
	case model.ProblemCodeTokenRevoked:
		return "Zoho no longer accepts the permission you gave.",
			fmt.Sprintf("Connect again. If it was not you who removed it, look at %s → Sessions → Connected Apps, and note that Zoho drops the oldest of 20 permissions of one account.", accounts)
	case model.ProblemCodeScopeMissing:
		return "The permission does not cover sending messages with a bot.",
			"Connect again and accept the permission “ZohoCliq.Webhooks.CREATE” on Zoho's page."
	case model.ProblemCodeNotSubscribed:
		return fmt.Sprintf("You are not subscribed to the bot “%s”, so it cannot write to you.", c.BotName),
			fmt.Sprintf("In Cliq (%s) open Bots, find the bot and choose Subscribe, then send a test message.", where)
	case model.ProblemCodeDeliveredToOthers:
		return fmt.Sprintf("A message of the bot “%s” reached other people too, so sending was stopped.", c.BotName),
			"Connect as a subscriber of the bot instead of its owner, or use a bot that only you are subscribed to, then send a test message."
	case model.ProblemCodeRateLimited:
		return "Zoho takes no more messages for you right now.", "Nothing to do: sending goes on by itself, mostly within ten minutes, and within an hour when Zoho asks for more."
	case model.ProblemCodeProviderUnavailable:
		return "Zoho Cliq does not answer at the moment.", "Nothing to do: we go on by ourselves. What is older than an hour is left out, and what may have arrived is not sent twice."
	case model.ProblemCodeProviderMisconfigured:
		return "Zoho refuses this server's own registration in your region.", "Tell your administrator: the client id or secret for this region is wrong in Zoho's API console (Client → Settings)."
	case model.ProblemCodeMessageRejected:
		return "Zoho refused a message.", "Nothing to do: the message is in your inbox here; later messages are not held up."
	case model.ProblemCodeMailboxRefused:
		return "Your mailbox refuses our e-mails.", "Ask your administrator to correct your e-mail address."
	case model.ProblemCodeMailServerUnavailable:
		return "Our mail server does not answer at the moment.", "Nothing to do: we try again by ourselves for a day."
	case model.ProblemCodeExpired:
		return "Messages were older than an hour before they could be sent, and were left out.", "Nothing to do: they are in your inbox here."
	case model.ProblemCodeInternal:
		return "Something went wrong on our side.", "Nothing to do: it has been logged. Tell your administrator if it stays."
	}
	return "Something is wrong with the connection.", "Send a test message to learn more."
}
