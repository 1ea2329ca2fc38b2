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

// How one person's messages are sent.
const (
	cliqLease   = 30 * time.Second
	cliqRenewal = 15 * time.Second // a lease with less left is renewed before a send
	cliqMargin  = 2 * time.Second  // a request ends so long before its lease: a process that was frozen never sends late
	// perMinute is the pace; Zoho locks a person out for ten minutes at 50.
	perMinute = 40
	// foldAbove: more than so many due at once are not told one by one; the first foldAlone go alone.
	foldAbove, foldAlone = 10, 9
	// foldMost bounds what one message tells of.
	foldMost = 500
	// tooOld: a chat message that is an hour late is noise.
	tooOld = 60 * time.Minute
)

// CliqStore is what Cliq needs of the queue.
type CliqStore interface {
	// ClaimCliq leases people who have something due and may be sent to.
	ClaimCliq(ctx context.Context, now model.Time, limit int, leaseID uuid.UUID, until model.Time) ([]model.Connection, error)
	ClaimCliqUser(ctx context.Context, userID uuid.UUID, now model.Time, leaseID uuid.UUID, until model.Time) (model.Connection, bool, error)
	RenewLease(ctx context.Context, userID, leaseID uuid.UUID, until, now model.Time) (bool, error)
	ReleaseLease(ctx context.Context, userID, leaseID uuid.UUID) error
	// DueCliq are the person's due messages, oldest first, and how many there are in all.
	DueCliq(ctx context.Context, userID uuid.UUID, now model.Time, limit int) (due []model.Outgoing, total int, err error)
	// BeginCliq marks messages SENDING under the lease and answers those that still may go; the others end SKIPPED.
	BeginCliq(ctx context.Context, userID, leaseID uuid.UUID, ids []uuid.UUID, carrier *uuid.UUID, now model.Time) ([]uuid.UUID, error)
	// TakePace counts one message against the person's minute; false: the minute is used up, and the person is
	// paused until retryAt.
	TakePace(ctx context.Context, userID, leaseID uuid.UUID, perMinute int32, now model.Time) (ok bool, retryAt model.Time, err error)
	// FailCliq ends everything that is queued for the person.
	FailCliq(ctx context.Context, userID, leaseID uuid.UUID, problem model.ProblemCode, now model.Time) (int, error)
	MarkNeedsReconnect(ctx context.Context, userID uuid.UUID, leaseID *uuid.UUID, problem model.ProblemCode, now model.Time) (changed bool, err error)
	NoteProblem(ctx context.Context, userID uuid.UUID, leaseID *uuid.UUID, problem model.ProblemCode, probeAt, pausedUntil, now model.Time) (appeared bool, err error)
	ClearProblem(ctx context.Context, userID uuid.UUID, leaseID *uuid.UUID, deliveredAt model.Time) (cleared bool, err error)
}

func (w *Workers) claimCliq(ctx context.Context, n int) ([]job, error) {
	lease := uuid.New()
	until := w.now().Add(cliqLease)
	people, err := w.config.Store.ClaimCliq(ctx, w.now(), n, lease, until)
	if err != nil {
		return nil, fmt.Errorf("claim cliq: %w", err)
	}
	jobs := make([]job, len(people))
	for i := range people {
		s := &session{Workers: w, c: &people[i], lease: lease, until: until}
		jobs[i] = s.serve
	}
	return jobs, nil
}

// session sends what is due for one person, in order, while it holds their lease.
type session struct {
	*Workers
	c     *model.Connection
	lease uuid.UUID
	until model.Time // end of the lease
}

// errSessionOver ends a session early: the person is paused, or somebody has to act first.
var errSessionOver = errors.New("nothing more can be sent to this person now")

func (s *session) serve(ctx context.Context) {
	err := s.sendAll(ctx)
	release, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if releaseErr := s.config.Store.ReleaseLease(release, s.c.UserID, s.lease); releaseErr != nil {
		err = errors.Join(err, releaseErr)
	}
	if err != nil && !errors.Is(err, errSessionOver) && !errors.Is(err, model.ErrLeaseLost) && ctx.Err() == nil {
		s.config.Logger.ErrorContext(ctx, "cliq messages cannot be worked on", slog.Any("error", err), slog.String("user_id", s.c.UserID.String()))
	}
}

func (s *session) sendAll(ctx context.Context) error {
	for ctx.Err() == nil {
		due, total, err := s.config.Store.DueCliq(ctx, s.c.UserID, s.now(), foldMost)
		if err != nil {
			return fmt.Errorf("load due messages: %w", err)
		}
		if due, err = s.dropOld(ctx, due); err != nil {
			return err
		}
		if len(due) == 0 {
			if total > foldMost {
				continue // only old ones so far
			}
			return nil
		}
		if needsPerson(s.c.Problem) {
			if err := s.probe(ctx, due); err != nil {
				return err
			}
			continue
		}
		if err := s.sendDue(ctx, due); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// dropOld ends what is too old to be worth a message and answers the rest.
func (s *session) dropOld(ctx context.Context, due []model.Outgoing) ([]model.Outgoing, error) {
	limit := s.now().Add(-tooOld)
	var old []uuid.UUID
	fresh := due[:0:len(due)]
	for _, o := range due {
		if o.CreatedAt.Before(limit) {
			old = append(old, o.Delivery.NotificationID)
		} else {
			fresh = append(fresh, o)
		}
	}
	if len(old) == 0 {
		return fresh, nil
	}
	begun, err := s.config.Store.BeginCliq(ctx, s.c.UserID, s.lease, old, nil, s.now())
	if err != nil {
		return nil, fmt.Errorf("begin old messages: %w", err)
	}
	if len(begun) == 0 {
		return fresh, nil
	}
	return fresh, s.finish(ctx, model.DeliveryOutcome{
		NotificationIDs: begun, Channel: model.ChannelCliq, LeaseID: s.lease, Status: model.DeliveryStatusFailed,
		Problem: model.ProblemCodeExpired, FinishedAt: s.now(), Untried: true,
	})
}

// sendDue tells what is due: one by one, or when it is much, the first ones alone and the rest in one message.
func (s *session) sendDue(ctx context.Context, due []model.Outgoing) error {
	alone := due
	var folded []model.Outgoing
	if len(due) > foldAbove {
		alone, folded = due[:foldAlone], due[foldAlone:]
	}
	for i := range alone {
		if err := s.sendOne(ctx, alone[i:i+1]); err != nil {
			return err
		}
	}
	if len(folded) > 0 {
		return s.sendOne(ctx, folded)
	}
	return nil
}

// probe lets the newest message find out whether a problem that needs a person is solved. Without a probe due, or
// when it fails, everything queued ends.
func (s *session) probe(ctx context.Context, due []model.Outgoing) error {
	if !s.c.ProbeAt.IsZero() && s.c.ProbeAt.After(s.now()) {
		return s.failAll(ctx, s.c.Problem)
	}
	if err := s.sendOne(ctx, due[len(due)-1:]); err != nil {
		return err
	}
	s.c.Problem = "" // it got through: the others follow
	return nil
}

// failAll ends everything queued for the person without a request.
func (s *session) failAll(ctx context.Context, problem model.ProblemCode) error {
	if _, err := s.config.Store.FailCliq(ctx, s.c.UserID, s.lease, problem, s.now()); err != nil {
		return fmt.Errorf("fail queued messages: %w", err)
	}
	return errSessionOver
}

// sendOne makes one attempt with one message, for one notification or for several folded into it.
func (s *session) sendOne(ctx context.Context, batch []model.Outgoing) error {
	if err := s.renew(ctx); err != nil {
		return err
	}
	ok, _, err := s.config.Store.TakePace(ctx, s.c.UserID, s.lease, perMinute, s.now())
	if err != nil {
		return fmt.Errorf("take pace: %w", err)
	}
	if !ok {
		return errSessionOver
	}
	batch, err = s.begin(ctx, batch)
	if err != nil || len(batch) == 0 {
		return err
	}
	sending, cancel := context.WithDeadline(ctx, s.until.Std().Add(-cliqMargin))
	defer cancel()
	r := s.attempt(sending, s.c, s.message(batch))
	if ctx.Err() != nil && r.status == model.DeliveryStatusRetrying {
		r.problem = "" // the process is stopping: that says nothing about Zoho
	}
	return s.conclude(context.WithoutCancel(ctx), batch, &r)
}

// begin marks the batch SENDING and answers what of it still may go. The first one carries the others.
func (s *session) begin(ctx context.Context, batch []model.Outgoing) ([]model.Outgoing, error) {
	ids := make([]uuid.UUID, len(batch))
	for i := range batch {
		ids[i] = batch[i].Delivery.NotificationID
	}
	var carrier *uuid.UUID
	if len(batch) > 1 {
		carrier = &ids[0]
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
	if r.deadGrant || r.needsPerson {
		return s.failAll(ctx, r.problem)
	}
	if r.status == model.DeliveryStatusRetrying {
		return errSessionOver
	}
	if r.status == model.DeliveryStatusSent && s.c.LastDeliveredAt.Before(s.c.ConnectedAt) {
		s.c.LastDeliveredAt = s.now() // the next one need not ask who received it
	}
	return nil
}

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
	if r.status != model.DeliveryStatusRetrying {
		out.FinishedAt = now
		return out, model.Time{}
	}
	d, again := wait(cliqWaits, batch[0].Delivery.Attempts, s.config.Random)
	if r.hint > 0 {
		d, again = hinted(r.hint, s.config.Random), true // being told to wait is no failed attempt
	}
	if !again {
		out.Status, out.FinishedAt = model.DeliveryStatusFailed, now
		return out, model.Time{}
	}
	out.NextAttemptAt = now.Add(d)
	return out, out.NextAttemptAt
}

// renew keeps the lease long enough for one more request.
func (s *session) renew(ctx context.Context) error {
	now := s.now()
	if s.until.Sub(now) >= cliqRenewal {
		return nil
	}
	until := now.Add(cliqLease)
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

// needsPerson reports whether a problem stays until somebody acts.
func needsPerson(p model.ProblemCode) bool {
	switch p {
	case model.ProblemCodeBotNotFound, model.ProblemCodeNotSubscribed, model.ProblemCodeDeliveredToOthers, model.ProblemCodeProviderMisconfigured:
		return true
	}
	return false
}
