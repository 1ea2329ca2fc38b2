package resolvers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/heffl/bff/internal/catalog"
	"github.com/heffl/bff/internal/preference"
	"github.com/heffl/bff/model"
)

// EventStore is what the dispatcher needs of the database.
type EventStore interface {
	// Audience loads everything that decides who gets an event of one type where, in statements whose number does
	// not depend on how many people are asked for.
	Audience(ctx context.Context, workspaceID uuid.UUID, eventType string, externalIDs []string, now model.Time) (model.Audience, error)
	// SavePlan stores all of a plan or nothing. An idempotency key that was used before wins.
	SavePlan(ctx context.Context, plan model.Plan) (model.SavedPlan, error)
	EventByKey(ctx context.Context, workspaceID uuid.UUID, key string) (model.Event, bool, error)
}

// EventLive is what the dispatcher tells after the commit. Neither method waits or fails.
type EventLive interface {
	// Arrived tells everybody's open streams about new notifications of one event.
	Arrived(ctx context.Context, event *model.Event, entries []model.InboxEntry)
	// Wake makes delivery workers look at the queue of a channel.
	Wake(channel model.Channel)
}

// DispatcherConfig is what the dispatcher needs. Every field is required.
type DispatcherConfig struct {
	Catalog *catalog.Catalog
	Store   EventStore
	Live    EventLive
	// AppURL is the CRM's app, without a trailing slash.
	AppURL string
	Logger *slog.Logger
	Now    func() time.Time
}

// Dispatcher decides who gets an event where, stores that in one transaction, and only then tells the world.
// Nothing outside the database can delay or fail it.
type Dispatcher struct{ DispatcherConfig }

// NewDispatcher makes a dispatcher. It fails when a part is missing.
func NewDispatcher(c DispatcherConfig) (*Dispatcher, error) {
	if c.Catalog == nil || c.Store == nil || c.Live == nil || c.AppURL == "" || c.Logger == nil || c.Now == nil {
		return nil, errors.New("dispatcher: a required part of the configuration is missing")
	}
	return &Dispatcher{c}, nil
}

// Published is one event as it was stored.
type Published struct {
	Event model.Event
	// Duplicate: the event was there before; nothing was stored or sent.
	Duplicate bool
	// Planned is what was decided, and Recipients Heffl's ids of the people it was decided for, in the same order.
	Planned    []model.PlannedNotification
	Recipients []string
}

// Publish stores an event with everything that follows from it. path is where the input stands in the request.
// Its error is model.UserErrors or *model.UserError for what the caller can mend.
func (d *Dispatcher) Publish(ctx context.Context, workspace model.Workspace, in *model.PublishEventInput, path []string) (Published, error) {
	p, err := d.plan(ctx, workspace, in, path)
	if err != nil {
		return d.repeated(ctx, workspace, in, path, err)
	}
	saved, err := d.Store.SavePlan(ctx, p.plan)
	if err != nil {
		return Published{}, fmt.Errorf("save event: %w", err)
	}
	if saved.Conflict {
		return Published{}, conflict(path)
	}
	if !saved.Duplicate {
		d.Live.Arrived(ctx, &saved.Event, saved.Entries)
		for _, channel := range p.leaving() {
			d.Live.Wake(channel)
		}
	}
	published := Published{Event: saved.Event, Duplicate: saved.Duplicate, Planned: p.plan.Notifications, Recipients: make([]string, len(p.recipients))}
	for i := range p.recipients {
		published.Recipients[i] = p.recipients[i].ExternalID
	}
	return published, nil
}

// repeated answers a repetition of an event that was accepted before but would be refused today, for example
// because its recipients are gone: a repetition gets the first answer.
func (d *Dispatcher) repeated(ctx context.Context, workspace model.Workspace, in *model.PublishEventInput, path []string, refused error) (Published, error) {
	problem, ok := errors.AsType[*model.UserError](refused)
	if !ok || problem.Code != model.UserErrorCodeUnknownRecipient {
		return Published{}, refused
	}
	first, found, err := d.Store.EventByKey(ctx, workspace.UUID, in.IdempotencyKey)
	if err != nil || !found {
		return Published{}, errors.Join(err, refused)
	}
	hash, err := contentHash(in)
	if err != nil {
		return Published{}, err
	}
	if !slices.Equal(first.ContentHash, hash) {
		return Published{}, conflict(path)
	}
	return Published{Event: first, Duplicate: true}, nil
}

func conflict(path []string) error {
	return model.UserErrorf(model.UserErrorCodeIdempotencyConflict, at(path, "idempotencyKey"),
		"This key was used before for an event with other content; use a new key for a new event.")
}

// planned is a plan with the recipients it is for, in the same order.
type planned struct {
	plan       model.Plan
	recipients []model.Recipient
}

// leaving are the channels on which the plan sends something out of the process.
func (p *planned) leaving() []model.Channel {
	var channels []model.Channel
	for _, channel := range []model.Channel{model.ChannelEmail, model.ChannelCliq} {
		if slices.ContainsFunc(p.plan.Notifications, func(n model.PlannedNotification) bool { return n.Decision.Delivers(channel) }) {
			channels = append(channels, channel)
		}
	}
	return channels
}

// plan checks an event, loads what decides, and decides. It stores nothing.
func (d *Dispatcher) plan(ctx context.Context, workspace model.Workspace, in *model.PublishEventInput, path []string) (planned, error) {
	now := model.NewTime(d.Now())
	et, err := d.check(in, path, now)
	if err != nil {
		return planned{}, err
	}
	asked := recipientsOf(in)
	audience, err := d.audience(ctx, workspace, et, asked)
	if err != nil {
		return planned{}, err
	}
	if len(asked) > 0 && len(audience.Recipients) == 0 {
		return planned{}, model.UserErrorf(model.UserErrorCodeUnknownRecipient, at(path, "recipientIds"),
			"No recipient is an active user of the workspace; syncUsers makes people known.")
	}
	p := planned{recipients: audience.Recipients}
	if p.plan.Event, err = d.event(workspace, et, in, now); err != nil {
		return planned{}, err
	}
	p.plan.Event.UnknownRecipients = audience.Unknown
	p.plan.Notifications = make([]model.PlannedNotification, len(audience.Recipients))
	for i := range audience.Recipients {
		decision := preference.Decide(&audience.Recipients[i], &audience.Rules, et)
		p.plan.Notifications[i] = model.PlannedNotification{
			NotificationID: model.NewID(), UserID: audience.Recipients[i].UserID, Decision: decision,
		}
		if decision.DeliversAny() {
			p.plan.Event.Notified++
		}
	}
	return p, nil
}

// audience spares the database a question about nobody.
func (d *Dispatcher) audience(ctx context.Context, workspace model.Workspace, et *catalog.EventType, asked []string) (model.Audience, error) {
	if len(asked) == 0 {
		return model.Audience{}, nil
	}
	audience, err := d.Store.Audience(ctx, workspace.UUID, et.Type, asked, model.NewTime(d.Now()))
	if err != nil {
		return model.Audience{}, fmt.Errorf("load audience: %w", err)
	}
	return audience, nil
}

// event is the event as it will be stored, with its text rendered once for everybody.
func (d *Dispatcher) event(workspace model.Workspace, et *catalog.EventType, in *model.PublishEventInput, now model.Time) (model.Event, error) {
	hash, err := contentHash(in)
	if err != nil {
		return model.Event{}, err
	}
	event := model.Event{
		UUID: model.NewID(), WorkspaceID: workspace.UUID, Type: et.Type, Data: in.Data, IdempotencyKey: in.IdempotencyKey,
		ContentHash: hash, OccurredAt: now, CreatedAt: now,
	}
	if occurred := in.OccurredAt.Value(); occurred != nil {
		event.OccurredAt = *occurred
	}
	if actor := in.Actor.Value(); actor != nil {
		event.ActorID, event.ActorName = actor.ID, actor.Name
	}
	text := et.Render(catalog.Facts{
		AppURL: d.AppURL, EventID: event.ID(), OccurredAt: event.OccurredAt, WorkspaceID: workspace.ExternalID, WorkspaceName: workspace.DisplayName(),
		ActorID: event.ActorID, ActorName: event.ActorName, Data: in.Data,
	})
	event.Title, event.Body, event.CliqText, event.Path = text.Title, text.Body, text.CliqText, text.Path
	event.SubjectType, event.SubjectID = text.SubjectType, text.SubjectID
	return event, nil
}
