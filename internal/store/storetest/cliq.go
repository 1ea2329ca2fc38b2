package storetest

import (
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/heffl/bff/internal/store"
	"github.com/heffl/bff/model"
)

// worker is somebody who works for one person under a lease.
type worker struct {
	s     *store.Store
	user  uuid.UUID
	lease uuid.UUID
}

// claim takes the person's lease, until half a minute past noon.
func (w worker) claim(tb testing.TB) worker {
	tb.Helper()
	if _, ok, err := w.s.ClaimCliqUser(tb.Context(), w.user, noon, w.lease, noon.Add(30*time.Second)); !ok || err != nil {
		tb.Fatalf("claim: %v, %v", ok, err)
	}
	return w
}

func (w worker) begin(tb testing.TB, now model.Time, carrier *uuid.UUID, ids ...uuid.UUID) []uuid.UUID {
	tb.Helper()
	send, err := w.s.BeginCliq(tb.Context(), w.user, w.lease, ids, carrier, now)
	if err != nil {
		tb.Fatalf("begin: %v", err)
	}
	return send
}

func (w worker) finish(tb testing.TB, status model.DeliveryStatus, ids ...uuid.UUID) bool {
	tb.Helper()
	done, err := w.s.FinishDelivery(tb.Context(), model.DeliveryOutcome{
		NotificationIDs: ids, Channel: model.ChannelCliq, LeaseID: w.lease, Status: status, FinishedAt: noon,
	})
	if err != nil {
		tb.Fatalf("finish: %v", err)
	}
	return done
}

// connected is somebody with a connection and a worker who holds it.
func connected(tb testing.TB, s *store.Store, name string) (model.Viewer, worker) {
	tb.Helper()
	v := admit(tb, s, "acme", name)
	connect(tb, s, v, name)
	return v, worker{s, v.User.UUID, model.NewID()}.claim(tb)
}

func runCliq(t *testing.T, open Open) {
	t.Helper()
	t.Run("nobody is claimed twice", func(t *testing.T) { t.Parallel(); testCliqClaims(t, open(t)) })
	t.Run("who is claimed, and when", func(t *testing.T) { t.Parallel(); testCliqTurns(t, open(t)) })
	t.Run("leases are renewed and released by their holder", func(t *testing.T) { t.Parallel(); testLease(t, open(t)) })
	t.Run("messages one by one", func(t *testing.T) { t.Parallel(); testCliqMessages(t, open(t)) })
	t.Run("messages folded into one", func(t *testing.T) { t.Parallel(); testFold(t, open(t)) })
	t.Run("a lost worker's message may have arrived", func(t *testing.T) { t.Parallel(); testCliqLease(t, open(t)) })
	t.Run("everything that waits ends at once", func(t *testing.T) { t.Parallel(); testEndCliq(t, open(t)) })
	t.Run("no minute sees more than the pace", func(t *testing.T) { t.Parallel(); testPace(t, open(t)) })
}

func testCliqClaims(t *testing.T, s *store.Store) {
	t.Helper()
	const people = 40
	for i := range people {
		v := admit(t, s, "acme", strconv.Itoa(i))
		connect(t, s, v, "r")
		deliver(t, s, v, "deal.won", onlyCliq, noon)
		deliver(t, s, v, "deal.won", onlyCliq, noon)
	}
	var mu sync.Mutex
	seen := make(map[uuid.UUID]int)
	claim := func() int {
		lease := model.NewID()
		got, err := s.ClaimCliq(t.Context(), noon, 3, lease, noon.Add(time.Minute))
		if err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		for _, c := range got {
			seen[c.UserID]++
			if c.LeaseID == nil || *c.LeaseID != lease || !c.LeaseUntil.Equal(noon.Add(time.Minute)) || c.BotName != "bot" {
				t.Errorf("claimed %+v", c)
			}
		}
		return len(got)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for claim() > 0 {
			}
		})
	}
	wg.Wait()
	for claim() > 0 { // who met others may have left some
	}
	for user, times := range seen {
		if times != 1 {
			t.Errorf("%v was claimed %d times", user, times)
		}
	}
	if len(seen) != people {
		t.Errorf("%d of %d were claimed", len(seen), people)
	}
}

func testCliqTurns(t *testing.T, s *store.Store) {
	t.Helper()
	early, late, paused, gone := admit(t, s, "acme", "early"), admit(t, s, "acme", "late"), admit(t, s, "acme", "paused"), admit(t, s, "acme", "gone")
	admit(t, s, "acme", "never connected")
	for i, v := range []model.Viewer{late, early, paused, gone} {
		connect(t, s, v, "r")
		deliver(t, s, v, "deal.won", onlyCliq, noon.Add(time.Duration(10-i)*time.Second))
		deliver(t, s, v, "deal.won", onlyEmail, noon.Add(-time.Hour))
	}
	end := noon.Add(time.Minute)
	if _, err := s.NoteProblem(t.Context(), paused.User.UUID, nil, model.ProblemCodeRateLimited, model.Time{}, end, noon); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Disconnect(t.Context(), gone.User.UUID, noon); err != nil {
		t.Fatal(err)
	}
	claim := func(at model.Time, want ...model.Viewer) {
		t.Helper()
		var names, wanted []uuid.UUID
		for _, v := range want {
			wanted = append(wanted, v.User.UUID)
		}
		got, err := s.ClaimCliq(t.Context(), at, 1, model.NewID(), at.Add(30*time.Second))
		for _, c := range got {
			names = append(names, c.UserID)
		}
		if err != nil || !slices.Equal(names, wanted) {
			t.Errorf("at %v claimed %v, want %v, %v", at, names, wanted, err)
		}
	}
	next := func(want model.Time) {
		t.Helper()
		got, found, err := s.NextDue(t.Context(), model.ChannelCliq)
		if !found || err != nil || !got.Equal(want) {
			t.Errorf("next due %v, want %v, %v, %v", got, want, found, err)
		}
	}
	next(noon.Add(7 * time.Second))
	claim(noon)
	at := noon.Add(20 * time.Second)
	claim(at, gone) // what waits for somebody who left has to end
	claim(at, early)
	claim(at, late)
	claim(at)
	next(at.Add(30 * time.Second)) // the first lease
	claim(at.Add(30*time.Second), gone)
	claim(at.Add(35*time.Second), early)
	claim(at.Add(39*time.Second), late)
	claim(at.Add(39 * time.Second))
	claim(end, paused)
}

func testLease(t *testing.T, s *store.Store) {
	t.Helper()
	v, w := connected(t, s, "ann")
	ctx := t.Context()
	other := model.NewID()
	claim := func(at model.Time, want bool) {
		t.Helper()
		if _, ok, err := s.ClaimCliqUser(ctx, v.User.UUID, at, other, at.Add(time.Second)); ok != want || err != nil {
			t.Errorf("claimed at %v: %v, %v", at, ok, err)
		}
	}
	renew := func(lease uuid.UUID, at, until model.Time, want bool) {
		t.Helper()
		if ok, err := s.RenewLease(ctx, v.User.UUID, lease, until, at); ok != want || err != nil {
			t.Errorf("renewed at %v: %v, %v", at, ok, err)
		}
	}
	half := noon.Add(30 * time.Second)
	claim(half.Add(-time.Millisecond), false)
	renew(other, noon, half.Add(time.Hour), false)
	renew(w.lease, half, half.Add(time.Hour), false)
	renew(w.lease, half.Add(-time.Millisecond), half.Add(time.Second), true)
	claim(half, false)
	if err := s.ReleaseLease(ctx, v.User.UUID, other); err != nil {
		t.Fatal(err)
	}
	claim(half, false)
	if err := s.ReleaseLease(ctx, v.User.UUID, w.lease); err != nil {
		t.Fatal(err)
	}
	claim(half, true)
	if _, ok, err := s.ClaimCliqUser(ctx, model.NewID(), noon, other, half); ok || err != nil {
		t.Errorf("somebody unknown: %v, %v", ok, err)
	}
	if n := winners(t, 20, func() (bool, error) {
		_, ok, err := s.ClaimCliqUser(ctx, v.User.UUID, noon.Add(time.Hour), model.NewID(), noon.Add(2*time.Hour))
		return ok, err
	}); n != 1 {
		t.Errorf("%d hold one lease", n)
	}
}

func testCliqMessages(t *testing.T, s *store.Store) {
	t.Helper()
	v, w := connected(t, s, "ann")
	var ids []uuid.UUID
	for i := range 4 {
		ids = append(ids, deliver(t, s, v, "deal.won", onlyCliq, noon.Add(time.Duration(i)*time.Second)))
	}
	due, err := s.DueCliq(t.Context(), v.User.UUID, noon.Add(2*time.Second), 2)
	if err != nil || len(due) != 2 || due[0].Delivery.NotificationID != ids[0] || due[1].Delivery.NotificationID != ids[1] ||
		due[0].Event.CliqText == "" || due[0].User.UUID != v.User.UUID {
		t.Errorf("due = %+v, %v", due, err)
	}
	now := noon.Add(10 * time.Second)
	if send := w.begin(t, now, nil, ids[1], model.NewID(), ids[0]); !slices.Equal(send, []uuid.UUID{ids[1], ids[0]}) {
		t.Errorf("begun: %v", send)
	}
	want := model.Delivery{
		NotificationID: ids[0], Channel: model.ChannelCliq, UserID: v.User.UUID, Status: model.DeliveryStatusSending,
		Attempts: 1, NextAttemptAt: noon, LeaseID: &w.lease, LeaseUntil: noon.Add(30 * time.Second),
	}
	if diff := cmp.Diff(want, delivery(t, s, v, model.ChannelCliq, ids[0])); diff != "" {
		t.Errorf("begun (-want +got):\n%s", diff)
	}
	if send := w.begin(t, now, nil, ids[0]); len(send) != 0 {
		t.Errorf("begun twice: %v", send)
	}
	stranger := worker{s, v.User.UUID, model.NewID()}
	if _, err := s.BeginCliq(t.Context(), v.User.UUID, stranger.lease, ids[2:], nil, now); !errors.Is(err, model.ErrLeaseLost) {
		t.Errorf("without the lease: %v", err)
	}
	if _, err := s.BeginCliq(t.Context(), v.User.UUID, w.lease, ids[2:], nil, noon.Add(30*time.Second)); !errors.Is(err, model.ErrLeaseLost) {
		t.Errorf("after the lease: %v", err)
	}
	if d := delivery(t, s, v, model.ChannelCliq, ids[2]); d.Status != model.DeliveryStatusQueued || d.Attempts != 0 {
		t.Errorf("without the lease something happened: %+v", d)
	}
	if stranger.finish(t, model.DeliveryStatusSent, ids[0]) {
		t.Error("finished by another")
	}
	if !w.finish(t, model.DeliveryStatusSent, ids[0], ids[1]) {
		t.Error("not finished")
	}
	want.Status, want.LeaseID, want.LeaseUntil, want.FinishedAt = model.DeliveryStatusSent, nil, model.Time{}, noon
	if diff := cmp.Diff(want, delivery(t, s, v, model.ChannelCliq, ids[0])); diff != "" {
		t.Errorf("finished (-want +got):\n%s", diff)
	}
}
