package connect

import (
	"context"
	"errors"
	"fmt"

	"github.com/heffl/bff/internal/cliq"
	"github.com/heffl/bff/model"
)

// What is told of a bot's URL that leads to another region, which is named first.
const (
	otherThanChosen = "The bot's URL belongs to %[1]s, but the region chosen is %[2]s. Choose %[1]s, or copy the URL of a bot in %[2]s."
	otherThanLives  = "The bot's URL belongs to %[1]s, but the connected account lives in %[2]s. Copy the URL of a bot there, or connect an account of %[1]s."
)

// bot reads the bot's unique name out of what a person entered for a region.
func (s *Service) bot(input string, region cliq.Code, mismatch string) (string, error) {
	field := []string{"input", "bot"}
	ref, err := s.Regions.ParseBot(input)
	switch {
	case errors.Is(err, cliq.ErrBotMissing):
		return "", model.UserErrorf(model.UserErrorCodeInvalidBot, field, "Enter the bot's unique name, or its API URL as Cliq shows it.")
	case errors.Is(err, cliq.ErrBotHost):
		return "", model.UserErrorf(model.UserErrorCodeInvalidBot, field, "This URL does not lead to Zoho Cliq. Copy the bot's API endpoint from Cliq → Bots, or enter its unique name.")
	case errors.Is(err, cliq.ErrBotPath):
		return "", model.UserErrorf(model.UserErrorCodeInvalidBot, field, "This URL of Zoho Cliq names no bot. It looks like https://cliq.zoho.com/api/v2/bots/yourbot/message.")
	case err != nil:
		return "", model.UserErrorf(model.UserErrorCodeInvalidBot, field, "A bot's unique name has 1 to 100 letters, digits, hyphens and underscores; Cliq shows it in the bot's API endpoint.")
	}
	if ref.Region != "" && ref.Region != region {
		return "", model.UserErrorf(model.UserErrorCodeRegionMismatch, field, mismatch, s.label(ref.Region), s.label(region))
	}
	return ref.Name, nil
}

func (s *Service) label(code cliq.Code) string {
	if region, ok := s.Regions.Get(code); ok {
		return region.Label
	}
	return string(code)
}

// SetBot changes the bot that sends. What the person can mend is a *model.UserError: INVALID_BOT, REGION_MISMATCH,
// NOT_CONNECTED.
func (s *Service) SetBot(ctx context.Context, v model.Viewer, input string) (model.Connection, error) {
	current, err := s.Store.Connection(ctx, v.User.UUID)
	if err != nil {
		return model.Connection{}, fmt.Errorf("load connection: %w", err)
	}
	if current.Status == model.IntegrationStatusNotConnected {
		return current, notConnected()
	}
	bot, err := s.bot(input, cliq.Code(current.Region), otherThanLives)
	if err != nil {
		return current, err
	}
	changed, connected, err := s.Store.SetBot(ctx, v.User.UUID, bot, s.now())
	if err != nil {
		return current, fmt.Errorf("set bot: %w", err)
	}
	if !connected {
		return changed, notConnected()
	}
	s.Changed(v.User.UUID)
	if changed.BotName != current.BotName {
		s.record(ctx, ownEntry(&v, &changed, model.ConnectBotChanged))
	}
	return changed, nil
}

func notConnected() error {
	return model.UserErrorf(model.UserErrorCodeNotConnected, nil, "No Zoho Cliq account is connected; connect one first.")
}
