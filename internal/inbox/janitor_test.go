package inbox

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/heffl/bff/internal/live"
	"github.com/heffl/bff/internal/store"
	"github.com/heffl/bff/internal/store/storetest"
	"github.com/heffl/bff/model"
)

// attic is a store of so many old notifications.
type attic struct {
	mu     sync.Mutex
	old    int
	failed int // so many calls fail first
	calls  []time.Time
	before []model.Time
	limits []int
}

func (a *attic) Purge(_ context.Context, olderThan, _ model.Time, limit int) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls, a.before, a.limits = append(a.calls, time.Now()), append(a.before, olderThan), append(a.limits, limit)
	if a.failed > 0 {
		a.failed--
		return 0, errors.New("the database is away")
	}
	n := min(limit, a.old)
	a.old -= n
	return n, nil
}

// look reads what happened so far.
func (a *attic) look(at func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	at()
}

// TestJanitor shows, in virtual time, that the work is bounded: batches of one size with a pause between them, a
// round an hour, another one after an error, and an end at once.
func TestJanitor(t *testing.T) {
	t.Parallel()
	begin := func(t *testing.T, a *attic) *Janitor {
		t.Helper()
		j, err := NewJanitor(JanitorConfig{Store: a, Retention: 24 * time.Hour, Logger: slog.New(slog.DiscardHandler), Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		j.Start(t.Context())
		j.Start(t.Context()) // a second start does nothing
		return j
	}
	t.Run("Batches", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			a, start := &attic{old: 2500}, time.Now()
			j := begin(t, a)
			time.Sleep(30 * time.Minute)
			synctest.Wait()
			a.look(func() {
				if len(a.calls) != 3 || a.old != 0 {
					t.Errorf("%d calls, %d left", len(a.calls), a.old)
				}
				for i, at := range a.calls {
					if a.limits[i] != purgeBatch || at.Sub(start) < time.Duration(i)*purgePause || !a.before[i].Equal(model.NewTime(start.Add(-24*time.Hour))) {
						t.Errorf("call %d after %v of %d before %v", i, at.Sub(start), a.limits[i], a.before[i])
					}
				}
			})
			time.Sleep(time.Hour)
			synctest.Wait()
			a.look(func() {
				if len(a.calls) != 4 {
					t.Errorf("%d calls after an hour", len(a.calls))
				}
			})
			j.Stop()
			j.Stop()
			j.Start(t.Context())
			time.Sleep(3 * time.Hour)
			synctest.Wait()
			if len(a.calls) != 4 {
				t.Errorf("%d calls after the end", len(a.calls))
			}
		})
	})
	t.Run("AfterAnError", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			a := &attic{old: 10, failed: 2}
			j := begin(t, a)
			defer j.Stop()
			time.Sleep(150 * time.Minute)
			synctest.Wait()
			if len(a.calls) != 3 || a.old != 0 {
				t.Errorf("%d calls, %d left", len(a.calls), a.old)
			}
		})
	})
	t.Run("StopInTheMiddle", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			a := &attic{old: 1_000_000}
			j := begin(t, a)
			time.Sleep(10*purgePause + purgePause/2)
			synctest.Wait()
			at := time.Now()
			j.Stop()
			if took := time.Since(at); took > 0 || len(a.calls) != 11 {
				t.Errorf("%d calls, stopped in %v", len(a.calls), took)
			}
		})
	})
	t.Run("Chores", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			notifications := &attic{failed: 1}
			// Each is a store of its own, and one that fails keeps none from its work.
			attics := []*attic{{old: 1500}, {failed: 5}, {old: 1}}
			var chores []Chore
			for _, a := range attics {
				chores = append(chores, Chore{Name: "old things", Purge: func(ctx context.Context, now model.Time, limit int) (int, error) {
					return a.Purge(ctx, now, now, limit)
				}})
			}
			j, err := NewJanitor(JanitorConfig{
				Store: notifications, Retention: time.Hour, Chores: chores, Logger: slog.New(slog.DiscardHandler), Now: time.Now,
			})
			if err != nil {
				t.Fatal(err)
			}
			j.Start(t.Context())
			time.Sleep(30 * time.Minute)
			synctest.Wait()
			j.Stop()
			for i, want := range []int{2, 1, 1} {
				if a := attics[i]; len(a.calls) != want || a.old != 0 || a.limits[0] != purgeBatch || a.before[0].Before(model.NewTime(start)) {
					t.Errorf("chore %d: %d calls, %d left, %+v", i, len(a.calls), a.old, a.before)
				}
			}
		})
	})
	t.Run("NeedsEverything", func(t *testing.T) {
		t.Parallel()
		if _, err := NewJanitor(JanitorConfig{}); err == nil {
			t.Error("no error")
		}
		if _, err := New(Config{}); err == nil {
			t.Error("no error")
		}
	})
}

// TestJanitorBreaksNoCursorSilently purges while people follow and while they are away: who is there learns the new count, and
// who comes back from before what was deleted is reset, not served with a hole.
func TestJanitorBreaksNoCursorSilently(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		b := setup(t, s)
		v, found, err := s.ViewerByID(t.Context(), b.user)
		if err != nil || !found {
			t.Fatal(err)
		}
		hub, err := live.New(live.Config{
			Epoch: s.Epoch(), Store: s, Decorate: b.Decorate, Logger: slog.New(slog.DiscardHandler), Now: time.Now,
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := hub.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { hub.Stop(context.Background()) })
		old := make([]uuid.UUID, 6)
		for i := range old { // read, archived and neither
			old[i] = b.deliver(t, "deal.won", noon.Add(-48*time.Hour+time.Duration(i)*time.Second), 0)
		}
		b.arrive(t, some(3)...)                                                                // numbers 7 to 9
		if _, _, err := b.SetRead(t.Context(), b.user, global(old[:2]...), true); err != nil { // 10
			t.Fatal(err)
		}
		if _, _, err := b.SetArchived(t.Context(), b.user, global(old[2:4]...), true); err != nil { // 11
			t.Fatal(err)
		}
		follow := func(after int64) <-chan model.InboxChange {
			t.Helper()
			changes, err := hub.InboxChanges(t.Context(), v, new(model.NewCursor(s.Epoch(), b.user, after)))
			if err != nil {
				t.Fatal(err)
			}
			return changes
		}
		there := follow(11)
		j, err := NewJanitor(JanitorConfig{Store: s, Retention: 24 * time.Hour, Logger: slog.New(slog.DiscardHandler), Now: noon.Std})
		if err != nil {
			t.Fatal(err)
		}
		j.Start(t.Context())
		defer j.Stop()
		next := func(from <-chan model.InboxChange) model.InboxChange {
			t.Helper()
			select {
			case change := <-from:
				return change
			case <-time.After(20 * time.Second):
				t.Fatal("nothing came")
			}
			panic("unreachable")
		}
		read, ok := next(there).(*model.AllNotificationsRead)
		if !ok || read.UnreadCount != 3 || read.UpTo != model.NewCursor(s.Epoch(), b.user, 6) || !read.ReadAt.Equal(noon) {
			t.Fatalf("who is there is told %+v", read)
		}
		if left := b.page(t, model.PageArgs{}); len(left.Nodes) != 3 || b.unread(t) != 3 || b.inbox(t).UnreadCount != 3 || b.inbox(t).LastSeq != 12 {
			t.Errorf("%d left, inbox %+v", len(left.Nodes), b.inbox(t))
		}
		for _, after := range []int64{0, 5, 10} {
			reset, ok := next(follow(after)).(*model.InboxReset)
			if !ok || reset.Reason != model.InboxResetReasonTooFarBehind || reset.UnreadCount != 3 || reset.Cursor != b.inbox(t).Cursor {
				t.Errorf("who comes back from %d is told %+v", after, reset)
			}
		}
		if again, ok := next(follow(11)).(*model.AllNotificationsRead); !ok || again.Cursor != read.Cursor {
			t.Errorf("who comes back from 11 is told %+v", again)
		}
	})
}
