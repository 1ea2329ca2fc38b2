package resolvers

import (
	"context"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

// Connect is what the resolvers need of the connect flow. Errors that the caller can mend are *model.UserError.
type Connect interface {
	// Start stores a single-use state and answers Zoho's consent URL.
	Start(ctx context.Context, v model.Viewer, in model.ConnectCliqInput) (model.ConnectStart, error)
	// Complete redeems the ticket of a hand-over.
	Complete(ctx context.Context, v model.Viewer, ticket string) (model.Connection, error)
	SetBot(ctx context.Context, v model.Viewer, bot string) (model.Connection, error)
	// Disconnect forgets the tokens at once and queues their revocation at Zoho.
	Disconnect(ctx context.Context, v model.Viewer) (model.Revocation, error)
	Connection(ctx context.Context, userID uuid.UUID) (model.Connection, error)
}

// Tester sends one message right away and says what became of it.
type Tester interface {
	SendTest(ctx context.Context, v model.Viewer) (model.TestOutcome, error)
}

// integration is a connection as the API shows it.
func (r *Resolver) integration(c model.Connection) *model.CliqIntegration {
	out := &model.CliqIntegration{Connection: c}
	if c.Problem != "" {
		out.Problem = describeProblem(&c, r.regions[c.Region])
	}
	if c.Region != "" {
		out.Region = r.regions[c.Region]
		if c.BotName != "" {
			url := r.BotAPIURL(c.Region, c.BotName)
			out.BotAPIURL = &url
		}
	}
	return out
}

// CliqRegions are the regions that the Connect form offers.
func (r queryResolver) CliqRegions(context.Context) ([]model.CliqRegion, error) {
	return r.Regions, nil
}

// ConnectCliq begins to connect the viewer's account.
func (r mutationResolver) ConnectCliq(ctx context.Context, in model.ConnectCliqInput) (*model.ConnectCliqPayload, error) {
	v, err := mustViewer(ctx)
	if err != nil {
		return nil, err
	}
	start, err := r.Connect.Start(ctx, *v, in)
	problems, err := userErrors(err)
	if err != nil {
		return nil, err
	}
	integration, err := r.currentIntegration(ctx, v)
	if err != nil {
		return nil, err
	}
	out := &model.ConnectCliqPayload{Integration: *integration, Viewer: *r.answer(ctx, *v), UserErrors: problems}
	if len(problems) == 0 {
		out.ConsentURL, out.ExpiresAt = &start.ConsentURL, &start.ExpiresAt
	}
	return out, nil
}

// CompleteCliqConnect ends a connection that the browser could not end itself.
func (r mutationResolver) CompleteCliqConnect(ctx context.Context, in model.CompleteCliqConnectInput) (*model.CompleteCliqConnectPayload, error) {
	v, err := mustViewer(ctx)
	if err != nil {
		return nil, err
	}
	_, err = r.Connect.Complete(ctx, *v, in.Ticket)
	problems, integration, err := r.afterChange(ctx, v, err)
	if err != nil {
		return nil, err
	}
	return &model.CompleteCliqConnectPayload{Integration: *integration, Viewer: *r.answer(ctx, *v), UserErrors: problems}, nil
}

// UpdateCliqBot changes the bot without connecting again.
func (r mutationResolver) UpdateCliqBot(ctx context.Context, in model.UpdateCliqBotInput) (*model.UpdateCliqBotPayload, error) {
	v, err := mustViewer(ctx)
	if err != nil {
		return nil, err
	}
	_, err = r.Connect.SetBot(ctx, *v, in.Bot)
	problems, integration, err := r.afterChange(ctx, v, err)
	if err != nil {
		return nil, err
	}
	return &model.UpdateCliqBotPayload{Integration: *integration, Viewer: *r.answer(ctx, *v), UserErrors: problems}, nil
}

// SendCliqTestMessage sends one message now and says what became of it.
func (r mutationResolver) SendCliqTestMessage(ctx context.Context) (*model.SendCliqTestMessagePayload, error) {
	v, err := mustViewer(ctx)
	if err != nil {
		return nil, err
	}
	outcome, err := r.Tester.SendTest(ctx, *v)
	problems, integration, err := r.afterChange(ctx, v, err)
	if err != nil {
		return nil, err
	}
	out := &model.SendCliqTestMessagePayload{
		Outcome: outcome.Status, Delivered: outcome.Status == model.DeliveryStatusSent,
		Integration: *integration, Viewer: *r.answer(ctx, *v), UserErrors: problems,
	}
	if len(problems) > 0 && outcome.Status == "" {
		out.Outcome = model.DeliveryStatusSkipped
	}
	if outcome.Problem != "" {
		out.Problem = integration.Problem
		if out.Problem == nil || out.Problem.Code != outcome.Problem {
			failed := integration.Connection
			failed.Problem, failed.ProblemSince, failed.ProblemCount = outcome.Problem, r.now(), 1
			out.Problem = describeProblem(&failed, r.regions[failed.Region])
		}
	}
	return out, nil
}

// DisconnectCliq forgets the connection.
func (r mutationResolver) DisconnectCliq(ctx context.Context) (*model.DisconnectCliqPayload, error) {
	v, err := mustViewer(ctx)
	if err != nil {
		return nil, err
	}
	revocation, err := r.Connect.Disconnect(ctx, *v)
	problems, integration, err := r.afterChange(ctx, v, err)
	if err != nil {
		return nil, err
	}
	return &model.DisconnectCliqPayload{Integration: *integration, Revocation: revocation, Viewer: *r.answer(ctx, *v), UserErrors: problems}, nil
}

// afterChange splits the error of a change and reads the connection as it is now.
func (r *Resolver) afterChange(ctx context.Context, v *model.Viewer, err error) ([]model.UserError, *model.CliqIntegration, error) {
	problems, err := userErrors(err)
	if err != nil {
		return nil, nil, err
	}
	integration, err := r.currentIntegration(ctx, v)
	return problems, integration, err
}

func (r *Resolver) currentIntegration(ctx context.Context, v *model.Viewer) (*model.CliqIntegration, error) {
	c, err := r.Connect.Connection(ctx, v.User.UUID)
	if err != nil {
		return nil, err
	}
	return r.integration(c), nil
}
