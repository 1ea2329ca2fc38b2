package delivery

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/heffl/bff/internal/sandbox"
	"github.com/heffl/bff/model"
)

// slowList is a store in which something happens right after it was read who was not told.
type slowList struct {
	Store

	late *func()
}

func (s slowList) Untold(ctx context.Context, before model.Time, limit int) ([]model.Connection, error) {
	people, err := s.Store.Untold(ctx, before, limit)
	if *s.late != nil {
		(*s.late)()
	}
	return people, err
}

// TestProblems shows how a problem comes, is counted and goes.
func TestProblems(t *testing.T) {
	t.Parallel()
	t.Run("CountedNotRepeatedAndClearedByAMessage", func(t *testing.T) {
		t.Parallel()
		eachDatabase(t, func(t *testing.T, w *world) {
			t.Helper()
			ann := w.person(t, "ann")
			w.fault(t, sandbox.FaultBotUnknown, sandbox.Setting{})
			var since model.Time
			for i := range 3 {
				ids := w.publish(t, ann, model.ChannelCliq, 5)
				w.work(t)
				c := w.connection(t, ann)
				if i == 0 {
					since = c.ProblemSince
				}
				if c.Problem != model.ProblemCodeBotNotFound || int(c.ProblemCount) != i+1 || !c.ProblemSince.Equal(since) {
					t.Errorf("problem %s met %d times since %v", c.Problem, c.ProblemCount, c.ProblemSince)
				}
				for _, d := range w.deliveries(t, ann, ids...) {
					if d.Status != model.DeliveryStatusFailed || d.Problem != model.ProblemCodeBotNotFound {
						t.Errorf("delivery is %s %s", d.Status, d.Problem)
					}
				}
				if n := w.zoho.Count("", sandbox.EndpointMessage); n != i+1 {
					t.Errorf("%d requests after %d probes", n, i+1)
				}
				w.publish(t, ann, model.ChannelCliq, 1) // before the next probe: no request
				w.work(t)
				if n := w.zoho.Count("", sandbox.EndpointMessage); n != i+1 {
					t.Errorf("a request before the next probe")
				}
				w.clock.pass(probeInterval)
			}
			if len(w.changed) != 1 || len(w.disconnected) != 1 || w.disconnected[0] != model.ProblemCodeBotNotFound {
				t.Errorf("told %d times of one problem, %v", len(w.changed), w.disconnected)
			}
			w.zoho.ResetFaults()
			w.publish(t, ann, model.ChannelCliq, 2)
			w.work(t)
			if c := w.connection(t, ann); c.Problem != "" || c.ProblemCount != 0 || len(w.zoho.Messages()) != 2 || len(w.changed) != 2 {
				t.Errorf("after a message: %q, %d messages, told %d times", c.Problem, len(w.zoho.Messages()), len(w.changed))
			}
		})
	})
	t.Run("WhoeverWasNotToldIsToldLater", func(t *testing.T) {
		t.Parallel()
		eachDatabase(t, func(t *testing.T, w *world) {
			t.Helper()
			ann, bob, cal := w.person(t, "ann"), w.person(t, "bob"), w.person(t, "cal")
			deaf, told := true, map[uuid.UUID][]int64{}
			var late func()
			failing := w.replica(t, func(c *Config) {
				c.Store = slowList{c.Store, &late}
				c.Disconnected = func(_ context.Context, c model.Connection) error {
					told[c.UserID] = append(told[c.UserID], c.ProblemSince.UnixMilli())
					if deaf {
						return errors.New("the database cannot be reached")
					}
					return nil
				}
			})
			w.fault(t, sandbox.FaultBotUnknown, sandbox.Setting{})
			w.publish(t, ann, model.ChannelCliq, 1)
			w.work(t, failing) // she could not be told
			// The process that found out about bob was killed between two statements, and cal has connected again since.
			for _, v := range []model.Viewer{bob, cal} {
				if changed, err := w.store.MarkNeedsReconnect(t.Context(), v.User.UUID, nil, model.ProblemCodeTokenRevoked, w.now()); !changed || err != nil {
					t.Fatal(changed, err)
				}
			}
			w.person(t, "cal")
			failing.tellUntold(t.Context()) // whoever found it may still be at it
			w.clock.pass(untoldAfter)
			failing.tellUntold(t.Context())
			deaf = false
			w.clock.pass(time.Second)
			if _, err := w.store.MarkNeedsReconnect(t.Context(), cal.User.UUID, nil, model.ProblemCodeTokenRevoked, w.now()); err != nil {
				t.Fatal(err)
			}
			w.clock.pass(untoldAfter)
			late = func() { w.person(t, "cal") } // after the list was read
			failing.tellUntold(t.Context())
			late = nil
			failing.tellUntold(t.Context())
			anns, bobs := told[ann.User.UUID], told[bob.User.UUID]
			if len(anns) != 3 || len(slices.Compact(anns)) != 1 || len(bobs) != 2 || len(told) != 2 {
				t.Errorf("told %v", told)
			}
		})
	})
	t.Run("ADeadGrantIsToldOnce", func(t *testing.T) {
		t.Parallel()
		eachDatabase(t, func(t *testing.T, w *world) {
			t.Helper()
			ann, other := w.person(t, "ann"), w.replica(t, func(*Config) {})
			w.fault(t, sandbox.FaultTokenRevoked, sandbox.Setting{})
			for range 3 {
				w.publish(t, ann, model.ChannelCliq, 3)
				w.work(t, w.Workers, other)
				w.clock.pass(time.Hour)
			}
			if len(w.disconnected) != 1 || w.disconnected[0] != model.ProblemCodeTokenRevoked || len(w.changed) != 1 {
				t.Errorf("told of %v, %d changes", w.disconnected, len(w.changed))
			}
		})
	})
}

// TestTestMessage shows that a test message goes at once, tells the real reason, and is no delivery.
func TestTestMessage(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, w *world) {
		t.Helper()
		ann := w.person(t, "ann")
		got, err := w.SendTest(t.Context(), ann)
		if messages := w.zoho.Messages(); err != nil || got.Status != model.DeliveryStatusSent || len(messages) != 1 || !messages[0].Sync {
			t.Errorf("got %+v, %v, %d messages", got, err, len(messages))
		}
		w.fault(t, sandbox.FaultNotSubscribed, sandbox.Setting{})
		want := model.TestOutcome{Status: model.DeliveryStatusFailed, Problem: model.ProblemCodeNotSubscribed}
		if got, err := w.SendTest(t.Context(), ann); err != nil || got != want {
			t.Errorf("got %+v, %v", got, err)
		}
		w.zoho.ResetFaults()
		if got, err := w.SendTest(t.Context(), ann); err != nil || got.Status != model.DeliveryStatusSent {
			t.Errorf("got %+v, %v", got, err)
		}
		if c := w.connection(t, ann); c.Problem != "" || c.LeaseID != nil {
			t.Errorf("afterwards: %q, lease %v", c.Problem, c.LeaseID)
		}
		for range testsAtMost - 3 {
			if _, err := w.SendTest(t.Context(), ann); err != nil {
				t.Error(err)
			}
		}
		asked := w.zoho.Count("", sandbox.EndpointMessage)
		_, err = w.SendTest(t.Context(), ann)
		var refused *model.UserError
		if !errors.As(err, &refused) || refused.Code != model.UserErrorCodeRateLimited || refused.RetryAt == nil {
			t.Errorf("one too many: %v", err)
		}
		if n := w.zoho.Count("", sandbox.EndpointMessage); n != asked {
			t.Error("a refused test was sent")
		}
		w.clock.pass(testsPer)
		if _, err := w.SendTest(t.Context(), ann); err != nil {
			t.Errorf("a minute later: %v", err)
		}
		if _, queued, err := w.store.NextDue(t.Context(), model.ChannelCliq); queued || err != nil {
			t.Errorf("something is queued: %v, %v", queued, err)
		}
	})
	t.Run("LeavesAloneWhomZohoLimits", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		ann := w.person(t, "ann")
		w.fault(t, sandbox.FaultCliqThrottled, sandbox.Setting{})
		if got, err := w.SendTest(t.Context(), ann); err != nil || got.Problem != model.ProblemCodeRateLimited || got.Status != model.DeliveryStatusFailed {
			t.Errorf("got %+v, %v", got, err)
		}
		_, err := w.SendTest(t.Context(), ann)
		var refused *model.UserError
		if !errors.As(err, &refused) || refused.Code != model.UserErrorCodeRateLimited {
			t.Errorf("the next one: %v", err)
		}
		if n := w.zoho.Count("", sandbox.EndpointMessage); n != 1 {
			t.Errorf("%d requests", n)
		}
	})
	t.Run("NeedsAConnection", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		ann := w.person(t, "ann")
		if _, err := w.store.Disconnect(t.Context(), ann.User.UUID, model.NewTime(w.clock.now())); err != nil {
			t.Fatal(err)
		}
		_, err := w.SendTest(t.Context(), ann)
		var refused *model.UserError
		if !errors.As(err, &refused) || refused.Code != model.UserErrorCodeNotConnected {
			t.Errorf("got %v", err)
		}
	})
}
