package connect

import (
	"context"
	"errors"
	"fmt"

	"github.com/heffl/bff/internal/cliq"
	"github.com/heffl/bff/model"
)

// bot reads the bot's unique name out of what a person entered.
func (s *Service) bot(input string, chosen cliq.Code) (string, error) {
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
	if ref.Region != "" && ref.Region != chosen {
		return "", model.UserErrorf(model.UserErrorCodeRegionMismatch, field, "The bot's URL belongs to %s, but the region chosen is %s. Choose %s, or copy the URL of a bot there.",
			s.label(ref.Region), s.label(chosen), s.label(ref.Region))
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
	bot, err := s.bot(input, cliq.Code(current.Region))
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
