package delivery

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

// How one person's messages are sent.
const (
	cliqLease = 30 * time.Second // unless Config says otherwise; with less than half of it left it is renewed before a send
	// marginPart of a lease is left when a request under it ends, 2 s: a process that was frozen never sends late.
	marginPart = 15
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
	// ClaimCliqUser leases one person, connected or not; false: somebody else holds the lease, or there never was a
	// connection.
	ClaimCliqUser(ctx context.Context, userID uuid.UUID, now model.Time, leaseID uuid.UUID, until model.Time) (model.Connection, bool, error)
	Connection(ctx context.Context, userID uuid.UUID) (model.Connection, error)
	RenewLease(ctx context.Context, userID, leaseID uuid.UUID, until, now model.Time) (bool, error)
	ReleaseLease(ctx context.Context, userID, leaseID uuid.UUID) error
	// DueCliq are the person's due messages, oldest first. What waits to be repeated is due with them.
	DueCliq(ctx context.Context, userID uuid.UUID, now model.Time, limit int) ([]model.Outgoing, error)
	// BeginCliq marks messages SENDING under the lease and answers those that still may go; the others end SKIPPED.
	BeginCliq(ctx context.Context, userID, leaseID uuid.UUID, ids []uuid.UUID, carrier *uuid.UUID, now model.Time) ([]uuid.UUID, error)
	// TakePace counts one message against the person's minute; false: the minute is used up, and the person is
	// paused until retryAt.
	TakePace(ctx context.Context, userID, leaseID uuid.UUID, perMinute int32, now model.Time) (ok bool, retryAt model.Time, err error)
	// FailCliq ends everything that waits for the person.
	FailCliq(ctx context.Context, userID, leaseID uuid.UUID, problem model.ProblemCode, now model.Time) (int, error)
	// ExpireCliq ends what waits for the person and was made before the given time as EXPIRED.
	ExpireCliq(ctx context.Context, userID, leaseID uuid.UUID, createdBefore, now model.Time) (int, error)
	MarkNeedsReconnect(ctx context.Context, userID uuid.UUID, leaseID *uuid.UUID, problem model.ProblemCode, now model.Time) (changed bool, err error)
	NoteProblem(ctx context.Context, userID uuid.UUID, leaseID *uuid.UUID, problem model.ProblemCode, probeAt, pausedUntil, now model.Time) (appeared bool, err error)
	// Untold are people who must act since before the given time and were not told of it; NoteTold says that they were told of
	// the problem that they have since that moment.
	Untold(ctx context.Context, before model.Time, limit int) ([]model.Connection, error)
	NoteTold(ctx context.Context, userID uuid.UUID, since model.Time) error
	ClearProblem(ctx context.Context, userID uuid.UUID, leaseID *uuid.UUID, deliveredAt model.Time) (cleared bool, err error)
}

func (w *Workers) claimCliq(ctx context.Context, n int) ([]job, error) {
	lease := uuid.New()
	now := w.now()
	until := now.Add(w.config.CliqLease)
	people, err := w.config.Store.ClaimCliq(ctx, now, n, lease, until)
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

// withinLease is ctx with the end that a request under the lease must have.
func (w *Workers) withinLease(ctx context.Context, until model.Time) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, until.Sub(w.now())-w.config.CliqLease/marginPart)
}
