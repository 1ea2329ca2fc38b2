package storetest

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/heffl/bff/internal/store"
	"github.com/heffl/bff/model"
)

var (
	onlyEmail = model.Decision(0).Skip(model.ChannelCliq, model.SkipReasonEventOff) //nolint:gochecknoglobals // constants
	onlyCliq  = model.Decision(0).Skip(model.ChannelEmail, model.SkipReasonEventOff)
)

// delivery reads one delivery.
func delivery(tb testing.TB, s *store.Store, v model.Viewer, channel model.Channel, id uuid.UUID) model.Delivery {
	tb.Helper()
	all, err := s.Deliveries(tb.Context(), v.User.UUID, []uuid.UUID{id})
	i := slices.IndexFunc(all, func(d model.Delivery) bool { return d.Channel == channel })
	if err != nil || i < 0 {
		tb.Fatalf("delivery of %v on %s: %v, %v", id, channel, all, err)
	}
	return all[i]
}

func claimEmail(tb testing.TB, s *store.Store, limit int, lease uuid.UUID, now model.Time) []uuid.UUID {
	tb.Helper()
	claimed, err := s.ClaimEmail(tb.Context(), now, limit, lease, now.Add(30*time.Second))
	if err != nil {
		tb.Fatalf("claim: %v", err)
	}
	var ids []uuid.UUID
	for i := range claimed {
		ids = append(ids, claimed[i].Delivery.NotificationID)
	}
	return ids
}

func runEmail(t *testing.T, open Open) {
	t.Helper()
	t.Run("claimed with all that is needed to send it", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		v := admit(t, s, "acme", "ann")
		id := deliver(t, s, v, "deal.won", onlyEmail, noon)
		if early, err := s.ClaimEmail(t.Context(), noon.Add(-time.Millisecond), 5, model.NewID(), noon); err != nil || len(early) != 0 {
			t.Errorf("too early: %+v, %v", early, err)
		}
		lease, until := model.NewID(), noon.Add(time.Minute)
		got, err := s.ClaimEmail(t.Context(), noon, 5, lease, until)
		if err != nil || len(got) != 1 {
			t.Fatalf("claimed %+v, %v", got, err)
		}
		want := model.Outgoing{
			Delivery: model.Delivery{
				NotificationID: id, Channel: model.ChannelEmail, UserID: v.User.UUID, Status: model.DeliveryStatusSending,
				Attempts: 1, NextAttemptAt: noon, LeaseID: &lease, LeaseUntil: until,
			},
			CreatedAt: noon, User: v.User, Event: got[0].Event,
		}
		if diff := cmp.Diff(want, got[0]); diff != "" {
			t.Errorf("outgoing (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(want.Delivery, delivery(t, s, v, model.ChannelEmail, id)); diff != "" {
			t.Errorf("delivery (-want +got):\n%s", diff)
		}
		e := got[0].Event
		if e.Title == "" || e.CliqText == "" || e.Data["deal"] == nil || e.Type != "deal.won" || e.WorkspaceID != v.Workspace.UUID || !e.CreatedAt.Equal(noon) {
			t.Errorf("event = %+v", e)
		}
		if again := claimEmail(t, s, 5, model.NewID(), noon); len(again) != 0 {
			t.Errorf("claimed twice: %v", again)
		}
	})
	t.Run("no two claim the same, oldest first", func(t *testing.T) { t.Parallel(); testEmailClaims(t, open(t)) })
	t.Run("what no longer may go is skipped and makes room", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		ann, bob := admit(t, s, "acme", "ann"), admit(t, s, "acme", "bob")
		change(t, s, set(ann.User.UUID, false, "deal.won/EMAIL"))
		for i := range 5 {
			deliver(t, s, ann, "deal.won", onlyEmail, noon.Add(time.Duration(i)*time.Second))
		}
		want := deliver(t, s, bob, "deal.won", onlyEmail, noon.Add(time.Minute))
		if got := claimEmail(t, s, 2, model.NewID(), noon.Add(time.Hour)); !slices.Equal(got, []uuid.UUID{want}) {
			t.Errorf("claimed %v", got)
		}
	})
	t.Run("outcomes", func(t *testing.T) { t.Parallel(); testEmailOutcomes(t, open(t)) })
	t.Run("a lost worker's e-mail goes again", func(t *testing.T) { t.Parallel(); testEmailLease(t, open(t)) })
	t.Run("a bounce belongs to an address", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		v := admit(t, s, "acme", "ann")
		for i, address := range []string{"old@example.com", "ann@example.com", "ann@example.com"} {
			if err := s.MarkBounced(t.Context(), v.User.UUID, address); err != nil {
				t.Fatal(err)
			}
			now, _, err := s.ViewerByID(t.Context(), v.User.UUID)
			if bounced := i > 0; err != nil || (now.User.EmailState == model.EmailBounced) != bounced || now.User.ViewerRevision != int64(min(i, 1)) {
				t.Errorf("%s: %+v, %v", address, now.User, err)
			}
		}
	})
	t.Run("why an e-mail or a message no longer goes", func(t *testing.T) { t.Parallel(); testReasons(t, open(t)) })
}

func testEmailClaims(t *testing.T, s *store.Store) {
	t.Helper()
	users := crowd(t, s, "acme", 100)
	ws, _, err := s.WorkspaceByExternalID(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	savePlan(t, s, plan(ws.UUID, "k", onlyEmail, users...))
	var mu sync.Mutex
	seen := make(map[uuid.UUID]int)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			lease := model.NewID()
			for n := 1; n > 0; {
				got, err := s.ClaimEmail(t.Context(), noon, 7, lease, noon.Add(time.Minute))
				if err != nil {
					t.Error(err)
				}
				n = len(got)
				mu.Lock()
				for i := range got {
					seen[got[i].Delivery.NotificationID]++
					if *got[i].Delivery.LeaseID != lease {
						t.Error("another's lease")
					}
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for rest := 1; rest > 0; { // who met others may have left some
		ids := claimEmail(t, s, 7, model.NewID(), noon)
		rest = len(ids)
		for _, id := range ids {
			seen[id]++
		}
	}
	for id, times := range seen {
		if times != 1 {
			t.Errorf("%v was claimed %d times", id, times)
		}
	}
	if len(seen) != 100 {
		t.Errorf("%d of 100 were claimed", len(seen))
	}

	v := admit(t, s, "acme", "ann")
	var ids []uuid.UUID
	for _, i := range []int{3, 1, 2} {
		ids = append(ids, deliver(t, s, v, "deal.won", onlyEmail, noon.Add(time.Duration(i)*time.Second)))
	}
	later := noon.Add(time.Minute)
	if got := claimEmail(t, s, 2, model.NewID(), later); !slices.Equal(got, []uuid.UUID{ids[1], ids[2]}) {
		t.Errorf("claimed %v of %v", got, ids)
	}
}

func testEmailOutcomes(t *testing.T, s *store.Store) {
	t.Helper()
	v := admit(t, s, "acme", "ann")
	id := deliver(t, s, v, "deal.won", onlyEmail, noon)
	due := func(want model.Time, waits bool) {
		t.Helper()
		next, found, err := s.NextDue(t.Context(), model.ChannelEmail)
		if err != nil || found != waits || !next.Equal(want) {
			t.Errorf("next due = %v, %v, %v", next, found, err)
		}
	}
	due(noon, true)
	finish := func(want bool, o model.DeliveryOutcome) {
		t.Helper()
		o.Channel, o.NotificationIDs = model.ChannelEmail, []uuid.UUID{id}
		if done, err := s.FinishDelivery(t.Context(), o); done != want || err != nil {
			t.Errorf("finish %+v: %v, %v", o, done, err)
		}
	}
	expect := func(d model.Delivery) {
		t.Helper()
		d.NotificationID, d.Channel, d.UserID = id, model.ChannelEmail, v.User.UUID
		if diff := cmp.Diff(d, delivery(t, s, v, model.ChannelEmail, id)); diff != "" {
			t.Errorf("delivery (-want +got):\n%s", diff)
		}
	}
	lease := model.NewID()
	claimEmail(t, s, 1, lease, noon)
	due(model.Time{}, false)
	finish(false, model.DeliveryOutcome{LeaseID: model.NewID(), Status: model.DeliveryStatusSent, FinishedAt: noon})
	later := noon.Add(5 * time.Second)
	finish(true, model.DeliveryOutcome{
		LeaseID: lease, Status: model.DeliveryStatusRetrying, Problem: model.ProblemCodeMailServerUnavailable, NextAttemptAt: later,
	})
	expect(model.Delivery{
		Status: model.DeliveryStatusRetrying, Problem: model.ProblemCodeMailServerUnavailable, NextAttemptAt: later, Attempts: 1,
	})
	due(later, true)
	finish(false, model.DeliveryOutcome{LeaseID: lease, Status: model.DeliveryStatusSent, FinishedAt: later})

	claimEmail(t, s, 1, lease, later)
	finish(true, model.DeliveryOutcome{LeaseID: lease, Status: model.DeliveryStatusQueued, NextAttemptAt: later, Untried: true})
	expect(model.Delivery{Status: model.DeliveryStatusQueued, NextAttemptAt: later, Attempts: 1})

	claimEmail(t, s, 1, lease, later)
	finish(true, model.DeliveryOutcome{LeaseID: lease, Status: model.DeliveryStatusSent, FinishedAt: later})
	expect(model.Delivery{Status: model.DeliveryStatusSent, NextAttemptAt: later, Attempts: 2, FinishedAt: later})
	due(model.Time{}, false)
}

func testEmailLease(t *testing.T, s *store.Store) {
	t.Helper()
	v := admit(t, s, "acme", "ann")
	id := deliver(t, s, v, "deal.won", onlyEmail, noon)
	lease := model.NewID()
	claimEmail(t, s, 1, lease, noon) // until noon + 30 s
	sweep := func(seconds, want int) {
		t.Helper()
		email, cliq, err := s.SweepLeases(t.Context(), noon.Add(time.Duration(seconds)*time.Second))
		if err != nil || email != want || cliq != 0 {
			t.Errorf("swept %d and %d, %v", email, cliq, err)
		}
	}
	sweep(29, 0)
	sweep(30, 1)
	sweep(30, 0)
	want := model.Delivery{
		NotificationID: id, Channel: model.ChannelEmail, UserID: v.User.UUID, Status: model.DeliveryStatusRetrying,
		NextAttemptAt: noon.Add(30 * time.Second), Attempts: 1,
	}
	if diff := cmp.Diff(want, delivery(t, s, v, model.ChannelEmail, id)); diff != "" {
		t.Errorf("delivery (-want +got):\n%s", diff)
	}
	if done, err := s.FinishDelivery(t.Context(), model.DeliveryOutcome{
		NotificationIDs: []uuid.UUID{id}, Channel: model.ChannelEmail, LeaseID: lease, Status: model.DeliveryStatusSent, FinishedAt: noon,
	}); done || err != nil {
		t.Errorf("the lost worker still counts: %v", err)
	}
	if again := claimEmail(t, s, 1, model.NewID(), noon.Add(time.Minute)); !slices.Equal(again, []uuid.UUID{id}) {
		t.Errorf("claimed again: %v", again)
	}
}
