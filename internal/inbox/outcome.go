package inbox

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

// Outcomes says what happened to a notification on every channel, as of now. For notifications of one answer the
// first call reads what all of them need; the calls may come from several goroutines.
func (s *Service) Outcomes(ctx context.Context, n *model.Notification) ([]model.ChannelOutcome, error) {
	decision := n.Decision
	var deliveries []model.Delivery
	var err error
	if n.Siblings != nil {
		deliveries, err = n.Siblings.Deliveries(n.UUID, func(ids []uuid.UUID) ([]model.Delivery, error) {
			return s.config.Store.Deliveries(ctx, n.UserID, ids)
		})
	} else if decision, err = s.decision(ctx, n); err == nil {
		deliveries, err = s.config.Store.Deliveries(ctx, n.UserID, []uuid.UUID{n.UUID})
	}
	if err != nil {
		return nil, fmt.Errorf("read deliveries: %w", err)
	}
	outcomes := make([]model.ChannelOutcome, 0, len(model.Channels))
	for _, c := range model.Channels {
		outcomes = append(outcomes, outcome(c, decision, n.CreatedAt, deliveries))
	}
	return outcomes, nil
}

// decision reads the decision of a notification that came by a live message, which does not carry it.
func (s *Service) decision(ctx context.Context, n *model.Notification) (model.Decision, error) {
	stored, err := s.config.Store.NotificationsByID(ctx, n.UserID, []uuid.UUID{n.UUID})
	if err != nil {
		return 0, err
	}
	if len(stored) == 0 { // purged since
		return n.Decision, nil
	}
	return stored[0].Decision, nil
}

// outcome is one channel's. What is only of interest in some states is left out in the others.
func outcome(c model.Channel, decision model.Decision, created model.Time, deliveries []model.Delivery) model.ChannelOutcome {
	if why := decision.Why(c); why != "" {
		return model.ChannelOutcome{Channel: c, Status: model.DeliveryStatusSkipped, Reason: &why}
	}
	if c == model.ChannelInApp { // stored with the event: there at once
		return model.ChannelOutcome{Channel: c, Status: model.DeliveryStatusSent, Attempts: 1, FinishedAt: created.Ptr()}
	}
	for i := range deliveries {
		if d := &deliveries[i]; d.Channel == c {
			return delivered(d)
		}
	}
	return model.ChannelOutcome{Channel: c, Status: model.DeliveryStatusOutcomeUnknown}
}

func delivered(d *model.Delivery) model.ChannelOutcome {
	o := model.ChannelOutcome{
		Channel: d.Channel, Status: d.Status, Folded: d.Carrier != nil, Attempts: d.Attempts, FinishedAt: d.FinishedAt.Ptr(),
	}
	switch d.Status {
	case model.DeliveryStatusSkipped:
		o.Reason = filled(d.Reason)
	case model.DeliveryStatusQueued:
		o.NextAttemptAt = d.NextAttemptAt.Ptr()
	case model.DeliveryStatusRetrying:
		o.NextAttemptAt, o.Problem = d.NextAttemptAt.Ptr(), filled(d.Problem)
	case model.DeliveryStatusFailed:
		o.Problem = filled(d.Problem)
	case model.DeliveryStatusSending, model.DeliveryStatusSent, model.DeliveryStatusOutcomeUnknown:
	}
	return o
}

// filled is the value for a nullable field: nil for the empty one.
func filled[T ~string](s T) *T {
	if s == "" {
		return nil
	}
	return &s
}
