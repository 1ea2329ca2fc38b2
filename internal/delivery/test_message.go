package delivery

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/heffl/bff/internal/cliq"
	"github.com/heffl/bff/model"
)

// Limits of test messages.
const (
	testWait    = 5 * time.Second // for a lease that a worker holds
	testPoll    = 250 * time.Millisecond
	testsPer    = time.Minute
	testsAtMost = 5
)

// SendTest sends one message to the person right now and says what became of it. It is no delivery: nothing is
// queued and nothing counts but the pace. What the person can mend is a *model.UserError: NOT_CONNECTED,
// RATE_LIMITED, PROVIDER_BUSY.
func (w *Workers) SendTest(ctx context.Context, v model.Viewer) (model.TestOutcome, error) {
	if retryAt, ok := w.tests.take(v.User.UUID); !ok {
		return skipped(), limited(retryAt, "At most %d test messages a minute; try again in a moment.", testsAtMost)
	}
	lease := uuid.New()
	c, until, err := w.leaseFor(ctx, v.User.UUID, lease)
	if err != nil {
		return skipped(), err
	}
	// From here on it goes through, even if the browser leaves: what became of it concerns the integration.
	ctx = context.WithoutCancel(ctx)
	defer func() {
		release, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		_ = w.config.Store.ReleaseLease(release, c.UserID, lease) // else it runs out by itself
		w.cliq.notify()                                           // what came meanwhile was passed over
	}()
	if err := mayUse(&c); err != nil {
		return skipped(), err
	}
	if err := w.mayTest(ctx, &c, lease); err != nil {
		return skipped(), err
	}
	sending, cancel := w.withinLease(ctx, until)
	defer cancel()
	a := w.attempt(&c)
	defer a.close()
	a.ready(sending)
	r := a.send(sending, testMessage(&v))
	var pause model.Time
	if r.hint > 0 {
		pause = w.now().Add(hinted(r.hint, w.config.Random))
	}
	if err := w.settle(ctx, &c, lease, &r, pause); err != nil {
		return model.TestOutcome{}, err
	}
	if r.status == model.DeliveryStatusRetrying { // a test is not repeated
		r.status = model.DeliveryStatusFailed
	}
	return model.TestOutcome{Status: r.status, Problem: r.problem}, nil
}

// leaseFor takes the person's lease, waiting for a worker that holds it.
func (w *Workers) leaseFor(ctx context.Context, userID, lease uuid.UUID) (model.Connection, model.Time, error) {
	waited := time.Duration(0)
	for {
		now := w.now()
		until := now.Add(w.config.CliqLease)
		c, ok, err := w.config.Store.ClaimCliqUser(ctx, userID, now, lease, until)
		if err != nil {
			return c, until, fmt.Errorf("claim person: %w", err)
		}
		if ok {
			return c, until, nil
		}
		if c, err = w.config.Store.Connection(ctx, userID); err != nil {
			return c, until, fmt.Errorf("load connection: %w", err)
		}
		if err := mayUse(&c); err != nil {
			return c, until, err
		}
		if waited >= testWait {
			return c, until, model.UserErrorf(model.UserErrorCodeProviderBusy, nil, "Messages are being sent to you at this moment; try again in a few seconds.")
		}
		timer := time.NewTimer(testPoll)
		select {
		case <-ctx.Done():
			timer.Stop()
			return c, until, ctx.Err()
		case <-timer.C:
			waited += testPoll
		}
	}
}

// mayUse refuses a connection that nothing can be sent through.
func mayUse(c *model.Connection) error {
	switch c.Status {
	case model.IntegrationStatusConnected:
		return nil
	case model.IntegrationStatusNeedsReconnect:
		return model.UserErrorf(model.UserErrorCodeNotConnected, nil, "The Zoho Cliq account must be connected again first.")
	case model.IntegrationStatusNotConnected:
	}
	return model.UserErrorf(model.UserErrorCodeNotConnected, nil, "No Zoho Cliq account is connected; connect one first.")
}

// mayTest refuses while Zoho wants the person to be left alone: a test would only prolong it.
func (w *Workers) mayTest(ctx context.Context, c *model.Connection, lease uuid.UUID) error {
	if c.Problem == model.ProblemCodeRateLimited && c.PausedUntil.After(w.now()) {
		return limited(c.PausedUntil, "Zoho takes no more messages for you right now; sending goes on by itself.")
	}
	ok, retryAt, err := w.config.Store.TakePace(ctx, c.UserID, lease, perMinute, w.now())
	if err != nil {
		return fmt.Errorf("take pace: %w", err)
	}
	if !ok {
		return limited(retryAt, "%d messages were sent to you in the last minute; try again in a moment.", perMinute)
	}
	return nil
}

func skipped() model.TestOutcome { return model.TestOutcome{Status: model.DeliveryStatusSkipped} }

func limited(retryAt model.Time, format string, args ...any) error {
	problem := model.UserErrorf(model.UserErrorCodeRateLimited, nil, format, args...)
	problem.RetryAt = &retryAt
	return problem
}

// testMessage says what it is; it asks Zoho who received it.
func testMessage(v *model.Viewer) cliq.Message {
	m := cliq.Compose(cliq.Notice{
		Title: "Test message from Heffl",
		Body:  fmt.Sprintf("Hello %s, your notifications from %s will arrive here.", v.Name(), v.Workspace.DisplayName()),
	})
	m.Sync = true
	return m
}

// testLimiter keeps one person from sending test messages all the time, on this replica; the pace holds for all.
type testLimiter struct {
	now  func() time.Time
	mu   sync.Mutex
	sent map[uuid.UUID][]time.Time // guarded by mu; at most testsAtMost each
}

func newTestLimiter(now func() time.Time) *testLimiter {
	return &testLimiter{now: now, sent: map[uuid.UUID][]time.Time{}}
}

// take counts a test; false: too many, try again at the time answered.
func (l *testLimiter) take(userID uuid.UUID) (model.Time, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	for id, times := range l.sent { // few people test at the same time
		if now.Sub(times[len(times)-1]) > testsPer {
			delete(l.sent, id)
		}
	}
	times := l.sent[userID]
	for len(times) > 0 && now.Sub(times[0]) >= testsPer {
		times = times[1:]
	}
	if len(times) >= testsAtMost {
		return model.NewTime(times[0].Add(testsPer)), false
	}
	l.sent[userID] = append(times, now)
	return model.Time{}, true
}
