package resolvers

import (
	"context"

	"github.com/heffl/bff/model"
)

// Limits of publishEvents.
const (
	maxEvents          = 100
	maxBatchRecipients = 10000
)

// PublishEvent stores one business event and tells everybody concerned.
func (r mutationResolver) PublishEvent(ctx context.Context, in model.PublishEventInput) (*model.PublishEventPayload, error) {
	return r.publish(ctx, &in, []string{"input"})
}

// PublishEvents stores several events, each with a result of its own.
func (r mutationResolver) PublishEvents(ctx context.Context, in model.PublishEventsInput) (*model.PublishEventsPayload, error) {
	recipients := 0
	for i := range in.Events {
		recipients += len(in.Events[i].RecipientIds)
	}
	if len(in.Events) > maxEvents || recipients > maxBatchRecipients {
		return nil, model.Errorf(model.CodeBadUserInput, "At most %d events with %d recipients together fit into one request.", maxEvents, maxBatchRecipients)
	}
	out := &model.PublishEventsPayload{Results: make([]model.PublishEventPayload, len(in.Events))}
	for i := range in.Events {
		result, err := r.publish(ctx, &in.Events[i], indexed("input", "events", i))
		if err != nil {
			return nil, err
		}
		out.Results[i] = *result
	}
	return out, nil
}

func (r *Resolver) publish(ctx context.Context, in *model.PublishEventInput, path []string) (*model.PublishEventPayload, error) {
	out := &model.PublishEventPayload{UnknownRecipientIds: []string{}, UserErrors: []model.UserError{}}
	workspace, err := r.eventWorkspace(ctx, in, path)
	if err == nil {
		var published Published
		if published, err = r.Dispatcher.Publish(ctx, workspace, in, path); err == nil {
			out.Event, out.Duplicate, out.Notified = &published.Event, published.Duplicate, published.Event.Notified
			out.UnknownRecipientIds = append(out.UnknownRecipientIds, published.Event.UnknownRecipients...)
			return out, nil
		}
	}
	if out.UserErrors, err = userErrors(err); err != nil {
		return nil, err
	}
	return out, nil
}

// PreviewEvent says what publishEvent would do; it sends and stores nothing.
func (r queryResolver) PreviewEvent(ctx context.Context, in model.PublishEventInput) (*model.EventPreview, error) {
	path := []string{"input"}
	out := &model.EventPreview{Recipients: []model.RecipientPreview{}, UnknownRecipientIds: []string{}, UserErrors: []model.UserError{}}
	workspace, err := r.eventWorkspace(ctx, &in, path)
	if err == nil {
		var plan planned
		if plan, err = r.Dispatcher.plan(ctx, workspace, &in, path); err == nil {
			r.describePlan(plan, out)
			return out, nil
		}
	}
	if out.UserErrors, err = userErrors(err); err != nil {
		return nil, err
	}
	return out, nil
}

// describePlan puts a plan into the words of a preview.
func (r *Resolver) describePlan(p planned, out *model.EventPreview) {
	event := &p.plan.Event
	out.Title, out.URL = event.Title, r.AppURL.String()+event.Path
	if event.Body != "" {
		out.Body = &event.Body
	}
	out.UnknownRecipientIds = append(out.UnknownRecipientIds, event.UnknownRecipients...)
	for i, n := range p.plan.Notifications {
		recipient := model.RecipientPreview{UserID: p.recipients[i].ExternalID, Channels: make([]model.ChannelOutcome, 0, len(model.Channels))}
		for _, channel := range model.Channels {
			recipient.Channels = append(recipient.Channels, plannedOutcome(n.Decision, channel))
		}
		out.Recipients = append(out.Recipients, recipient)
	}
}

// plannedOutcome is what a decision means for one channel before anything was sent: in-app happens at once,
// the others are queued.
func plannedOutcome(d model.Decision, channel model.Channel) model.ChannelOutcome {
	out := model.ChannelOutcome{Channel: channel, Status: model.DeliveryStatusQueued}
	if why := d.Why(channel); why != "" {
		out.Status, out.Reason = model.DeliveryStatusSkipped, &why
	} else if channel == model.ChannelInApp {
		out.Status = model.DeliveryStatusSent
	}
	return out
}

// eventWorkspace is the workspace that an event belongs to.
func (r *Resolver) eventWorkspace(ctx context.Context, in *model.PublishEventInput, path []string) (model.Workspace, error) {
	field := at(path, "workspaceId")
	externalID, err := workspaceFor(ctx, in.WorkspaceID.Value(), field)
	if err != nil {
		return model.Workspace{}, err
	}
	if v, ok := viewerFrom(ctx); ok && v.Workspace.ExternalID == externalID {
		return v.Workspace, nil
	}
	workspace, found, err := r.Users.WorkspaceByExternalID(ctx, externalID)
	if err != nil {
		return model.Workspace{}, err
	}
	if !found {
		return model.Workspace{}, model.UserErrorf(model.UserErrorCodeUnknownWorkspace, field, "Nobody of this workspace is known yet; syncUsers makes it known.")
	}
	return workspace, nil
}
