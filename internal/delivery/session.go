package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

// session sends what is due for one person, in order, while it holds their lease.
type session struct {
	*Workers
	c     *model.Connection
	lease uuid.UUID
	until model.Time // end of the lease
}

// errSessionOver ends a session early: the person is paused, somebody has to act first, or the process stops.
var errSessionOver = errors.New("nothing more can be sent to this person now")

func (s *session) serve(ctx context.Context) {
	err := s.sendAll(ctx)
	release, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if releaseErr := s.config.Store.ReleaseLease(release, s.c.UserID, s.lease); releaseErr != nil {
		err = errors.Join(err, releaseErr)
	}
	switch {
	case err == nil, errors.Is(err, errSessionOver), errors.Is(err, model.ErrLeaseLost):
		// Whoever looked while the lease was held passed this person over, and does not know when their pause ends.
		s.cliq.notify()
	case ctx.Err() == nil:
		s.config.Logger.ErrorContext(ctx, "cliq messages cannot be worked on", slog.Any("error", err), slog.String("user_id", s.c.UserID.String()))
	}
}

func (s *session) sendAll(ctx context.Context) error {
	for {
		connected := s.c.Status == model.IntegrationStatusConnected
		plain := connected && !s.c.Problem.NeedsPerson()
		most := foldMost
		if plain {
			most = foldAbove + 1 // whether to fold is all that matters yet
		}
		due, err := s.due(ctx, most)
		if err != nil || len(due) == 0 {
			return err
		}
		switch {
		case plain:
			err = s.sendDue(ctx, due)
		case connected:
			err = s.probe(ctx, due)
		default:
			_, err = s.begin(ctx, due) // they end SKIPPED, all at once and without counting against the pace
		}
		if err != nil {
			return err
		}
	}
}

// due is what is due and young enough, oldest first and at most so much; what is too old ends.
func (s *session) due(ctx context.Context, most int) ([]model.Outgoing, error) {
	for {
		now := s.now()
		due, err := s.config.Store.DueCliq(ctx, s.c.UserID, now, most)
		if err != nil {
			return nil, fmt.Errorf("load due messages: %w", err)
		}
		limit := now.Add(-tooOld)
		if len(due) == 0 || !due[0].CreatedAt.Before(limit) {
			return due, nil
		}
		if _, err := s.config.Store.ExpireCliq(ctx, s.c.UserID, s.lease, limit, now); err != nil {
			return nil, fmt.Errorf("end old messages: %w", err)
		}
	}
}

// sendDue tells what is due: one by one, or when it is much, the first ones alone and the rest in one message. The rest is read
// when its turn comes: while Zoho is silent it never does, and much waits then.
func (s *session) sendDue(ctx context.Context, due []model.Outgoing) error {
	fold := len(due) > foldAbove
	if fold {
		due = due[:foldAlone]
	}
	for i := range due {
		if _, err := s.sendOne(ctx, due[i:i+1]); err != nil {
			return err
		}
	}
	if !fold {
		return nil
	}
	rest, err := s.due(ctx, foldMost)
	if err == nil && len(rest) > 0 {
		_, err = s.sendOne(ctx, rest)
	}
	return err
}

// probe lets the newest message find out whether a problem that needs a person is solved. Without a probe due, or
// when it fails, everything queued ends.
func (s *session) probe(ctx context.Context, due []model.Outgoing) error {
	if s.c.ProbeAt.After(s.now()) {
		return s.failAll(ctx, s.c.Problem)
	}
	tried, err := s.sendOne(ctx, due[len(due)-1:])
	if err == nil && tried {
		s.c.Problem = "" // it got through: the others follow
	}
	return err
}

// failAll ends everything queued for the person without a request.
func (s *session) failAll(ctx context.Context, problem model.ProblemCode) error {
	if _, err := s.config.Store.FailCliq(ctx, s.c.UserID, s.lease, problem, s.now()); err != nil {
		return fmt.Errorf("fail queued messages: %w", err)
	}
	return errSessionOver
}

// sendOne makes one attempt with one message, for one notification or for several folded into it. It tells whether
// there was anything to send.
func (s *session) sendOne(ctx context.Context, batch []model.Outgoing) (tried bool, err error) {
	if s.stopping() {
		return false, errSessionOver
	}
	if err := s.renew(ctx); err != nil {
		return false, err
	}
	ok, _, err := s.config.Store.TakePace(ctx, s.c.UserID, s.lease, perMinute, s.now())
	if err != nil {
		return false, fmt.Errorf("take pace: %w", err)
	}
	if !ok {
		return false, errSessionOver
	}
	a := s.attempt(s.c)
	defer a.close()
	asking, cancel := s.withinLease(ctx, s.until)
	a.ready(asking)
	cancel()
	// A refresh may have taken long: the message has a lease's time of its own.
	if err := s.renew(ctx); err != nil {
		return false, err
	}
	batch, err = s.begin(ctx, batch)
	if err != nil || len(batch) == 0 {
		return false, err
	}
	sending, cancel := s.withinLease(ctx, s.until)
	defer cancel()
	r := a.send(sending, s.message(batch))
	return true, s.conclude(context.WithoutCancel(ctx), batch, &r)
}

// begin marks the batch SENDING and answers what of it still may go. The first one carries the others.
func (s *session) begin(ctx context.Context, batch []model.Outgoing) ([]model.Outgoing, error) {
	ids := make([]uuid.UUID, len(batch))
	for i := range batch {
		ids[i] = batch[i].Delivery.NotificationID
	}
	var carrier *uuid.UUID
	if len(batch) > 1 {
		carrier = &ids[0] // or the first that may go: the store sees to it
	}
	begun, err := s.config.Store.BeginCliq(ctx, s.c.UserID, s.lease, ids, carrier, s.now())
	if err != nil {
		return nil, fmt.Errorf("begin messages: %w", err)
	}
	may := make(map[uuid.UUID]bool, len(begun))
	for _, id := range begun {
		may[id] = true
	}
	going := make([]model.Outgoing, 0, len(begun))
	for _, o := range batch {
		if may[o.Delivery.NotificationID] {
			o.Delivery.Attempts++
			going = append(going, o)
		}
	}
	return going, nil
}

// conclude writes what became of the batch and of the integration. Its error ends the session.
func (s *session) conclude(ctx context.Context, batch []model.Outgoing, r *result) error {
	outcome, until := s.outcome(batch, r)
	if err := s.finish(ctx, outcome); err != nil {
		return err
	}
	if err := s.settle(ctx, s.c, s.lease, r, until); err != nil {
		return err
	}
	switch {
	case r.deadGrant || r.needsPerson:
		return s.failAll(ctx, r.problem)
	case r.status == model.DeliveryStatusRetrying, !until.IsZero():
		return errSessionOver
	case r.status == model.DeliveryStatusSent && s.asks():
		s.c.LastDeliveredAt = s.now() // the next one need not ask who received it
	}
	return nil
}

// asks reports whether the next message is the first of its connection, which asks Zoho who received it.
func (s *session) asks() bool { return s.c.LastDeliveredAt.Before(s.c.ConnectedAt) }

// outcome is what the result means for the batch, and until when the person is left alone.
func (s *session) outcome(batch []model.Outgoing, r *result) (out model.DeliveryOutcome, until model.Time) {
	now := s.now()
	out = model.DeliveryOutcome{Channel: model.ChannelCliq, LeaseID: s.lease, Status: r.status, Untried: !r.left}
	for i := range batch {
		out.NotificationIDs = append(out.NotificationIDs, batch[i].Delivery.NotificationID)
	}
	if r.status == model.DeliveryStatusFailed || r.status == model.DeliveryStatusRetrying {
		out.Problem = r.problem
	}
	d, again := wait(cliqWaits, batch[0].Delivery.Attempts, s.config.Random)
	switch {
	case r.status == model.DeliveryStatusOutcomeUnknown && !r.brokenOff:
		// The next one might be lost the same way: it waits a little.
		d, _ = wait(cliqWaits, 1, s.config.Random)
		out.FinishedAt = now
		return out, now.Add(d)
	case r.status != model.DeliveryStatusRetrying:
		out.FinishedAt = now
		return out, model.Time{}
	case r.brokenOff:
		out.NextAttemptAt = now // somebody else goes on
		return out, model.Time{}
	case r.hint > 0:
		d = hinted(r.hint, s.config.Random) // being told to wait is no reason to give up
	case !again:
		out.Status, out.FinishedAt = model.DeliveryStatusFailed, now
		return out, model.Time{}
	}
	out.NextAttemptAt = now.Add(d)
	return out, out.NextAttemptAt
}

// renew keeps the lease long enough for one more request.
func (s *session) renew(ctx context.Context) error {
	now := s.now()
	if s.until.Sub(now) >= s.config.CliqLease/2 {
		return nil
	}
	until := now.Add(s.config.CliqLease)
	held, err := s.config.Store.RenewLease(ctx, s.c.UserID, s.lease, until, now)
	if err != nil {
		return fmt.Errorf("renew lease: %w", err)
	}
	if !held {
		return model.ErrLeaseLost
	}
	s.until = until
	return nil
}
