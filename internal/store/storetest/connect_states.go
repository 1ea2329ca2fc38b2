package storetest

import (
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/heffl/bff/internal/store"
	"github.com/heffl/bff/model"
)

func connectState(v model.Viewer) model.ConnectState {
	return model.ConnectState{
		StateHash: []byte("hash"), UserID: v.User.UUID, WorkspaceID: v.Workspace.UUID, BrowserHash: []byte("browser"),
		Region: model.CliqRegionCodeEu, BotName: "bot", Verifier: []byte("sealed"), ReturnTo: "https://app/x", ExpiresAt: noon.Add(10 * time.Minute),
	}
}

func runConnectStates(t *testing.T, open Open) {
	t.Helper()
	t.Run("a state comes back once, whole", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		v := admit(t, s, "acme", "ann")
		for _, browser := range [][]byte{[]byte("b"), nil} {
			st := connectState(v)
			st.BrowserHash = browser
			if saved, err := s.SaveConnectState(t.Context(), st, noon, 10); err != nil || !saved {
				t.Fatal(err)
			}
			got, found, err := s.ConsumeConnectState(t.Context(), st.StateHash, noon)
			if diff := cmp.Diff(st, got); !found || err != nil || diff != "" {
				t.Errorf("%v, %v (-want +got):\n%s", found, err, diff)
			}
			if _, found, err := s.ConsumeConnectState(t.Context(), st.StateHash, noon); found || err != nil {
				t.Errorf("twice: %v, %v", found, err)
			}
		}
	})
	t.Run("so many open attempts of one person and no more", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		ann, ben := admit(t, s, "acme", "ann"), admit(t, s, "acme", "ben")
		save := func(v model.Viewer, now model.Time) bool {
			t.Helper()
			st := connectState(v)
			id := model.NewID()
			st.StateHash, st.ExpiresAt = id[:], now.Add(10*time.Minute)
			saved, err := s.SaveConnectState(t.Context(), st, now, 3)
			if err != nil {
				t.Fatal(err)
			}
			return saved
		}
		for i := range 4 {
			if saved := save(ann, noon); saved != (i < 3) {
				t.Errorf("attempt %d: %t", i, saved)
			}
		}
		if !save(ben, noon) {
			t.Error("somebody else must wait, too")
		}
		if !save(ann, noon.Add(11*time.Minute)) {
			t.Error("expired attempts still count")
		}
	})
	t.Run("fifty at once: one wins", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		v := admit(t, s, "acme", "ann")
		if saved, err := s.SaveConnectState(t.Context(), connectState(v), noon, 10); err != nil || !saved {
			t.Fatal(err)
		}
		if n := winners(t, 50, func() (bool, error) {
			_, found, err := s.ConsumeConnectState(t.Context(), []byte("hash"), noon)
			return found, err
		}); n != 1 {
			t.Errorf("%d won", n)
		}
	})
	t.Run("none after ten minutes", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		v := admit(t, s, "acme", "ann")
		for after, want := range map[time.Duration]bool{10*time.Minute - time.Millisecond: true, 10 * time.Minute: false} {
			if saved, err := s.SaveConnectState(t.Context(), connectState(v), noon, 10); err != nil || !saved {
				t.Fatal(err)
			}
			if _, found, err := s.ConsumeConnectState(t.Context(), []byte("hash"), noon.Add(after)); found != want || err != nil {
				t.Errorf("after %v: %v, %v", after, found, err)
			}
		}
		for i := range 5 {
			st := connectState(v)
			st.StateHash = []byte{byte(i)}
			if saved, err := s.SaveConnectState(t.Context(), st, noon, 10); err != nil || !saved {
				t.Fatal(err)
			}
		}
		for i, step := range []struct{ after, want int }{{9, 0}, {10, 3}, {10, 2}, {11, 0}} {
			if n, err := s.PurgeConnectStates(t.Context(), noon.Add(time.Duration(step.after)*time.Minute), 3); n != step.want || err != nil {
				t.Errorf("step %d: after %d minutes %d were deleted, %v", i, step.after, n, err)
			}
		}
	})
	t.Run("a ticket is for its person, once, for a minute", func(t *testing.T) { t.Parallel(); testTicket(t, open(t)) })
	t.Run("revocations are claimed, retried and finished", func(t *testing.T) { t.Parallel(); testRevocations(t, open(t)) })
}

// winners runs do many times at once and counts who got it.
func winners(t *testing.T, n int, do func() (bool, error)) int32 {
	t.Helper()
	var won atomic.Int32
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			ok, err := do()
			if err != nil {
				t.Error(err)
			}
			if ok {
				won.Add(1)
			}
		})
	}
	wg.Wait()
	return won.Load()
}

func testTicket(t *testing.T, s *store.Store) {
	t.Helper()
	ann, eve := admit(t, s, "acme", "ann"), admit(t, s, "acme", "eve")
	handOver := func() model.ConnectState {
		t.Helper()
		if saved, err := s.SaveConnectState(t.Context(), connectState(ann), noon, 10); err != nil || !saved {
			t.Fatal(err)
		}
		st, _, err := s.ConsumeConnectState(t.Context(), []byte("hash"), noon)
		if err != nil {
			t.Fatal(err)
		}
		st.TicketHash, st.Answer, st.ExpiresAt = []byte("ticket"), []byte("answer"), noon.Add(time.Minute)
		if err := s.HandOverConnectState(t.Context(), st); err != nil {
			t.Fatal(err)
		}
		return st
	}
	st := handOver()
	if _, found, err := s.ConsumeConnectState(t.Context(), []byte("hash"), noon); found || err != nil {
		t.Errorf("the state works beside the ticket: %v, %v", found, err)
	}
	for name, try := range map[string]struct {
		ticket string
		user   uuid.UUID
	}{"somebody else": {"ticket", eve.User.UUID}, "another ticket": {"tickeT", ann.User.UUID}, "an empty one": {"", ann.User.UUID}} {
		if _, found, err := s.RedeemTicket(t.Context(), []byte(try.ticket), try.user, noon); found || err != nil {
			t.Errorf("%s: %v, %v", name, found, err)
		}
	}
	got, found, err := s.RedeemTicket(t.Context(), []byte("ticket"), ann.User.UUID, noon)
	if diff := cmp.Diff(st, got); !found || err != nil || diff != "" {
		t.Errorf("%v, %v (-want +got):\n%s", found, err, diff)
	}
	handOver()
	if n := winners(t, 20, func() (bool, error) {
		_, found, err := s.RedeemTicket(t.Context(), []byte("ticket"), ann.User.UUID, noon)
		return found, err
	}); n != 1 {
		t.Errorf("%d redeemed one ticket", n)
	}
	handOver()
	if _, found, err := s.RedeemTicket(t.Context(), []byte("ticket"), ann.User.UUID, noon.Add(time.Minute)); found || err != nil {
		t.Errorf("after a minute: %v, %v", found, err)
	}
}

func testRevocations(t *testing.T, s *store.Store) {
	t.Helper()
	const n = 9
	for i := range n {
		v := admit(t, s, "acme", strconv.Itoa(i))
		connect(t, s, v, "refresh")
		if _, err := s.Disconnect(t.Context(), v.User.UUID, noon); err != nil {
			t.Fatal(err)
		}
	}
	if due, err := s.DueRevocations(t.Context(), noon.Add(-time.Millisecond), 100, time.Minute); err != nil || len(due) != 0 {
		t.Errorf("too early: %v, %v", due, err)
	}
	var mu sync.Mutex
	seen := make(map[uuid.UUID]int)
	winners(t, 8, func() (bool, error) {
		due, err := s.DueRevocations(t.Context(), noon, 2, time.Minute)
		mu.Lock()
		defer mu.Unlock()
		for _, r := range due {
			seen[r.ID]++
		}
		return true, err
	})
	for rest := 1; rest > 0; {
		due, err := s.DueRevocations(t.Context(), noon, 2, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		rest = len(due)
		for _, r := range due {
			seen[r.ID]++
		}
	}
	for id, times := range seen {
		if times != 1 {
			t.Errorf("%v was claimed %d times", id, times)
		}
	}
	if len(seen) != n {
		t.Errorf("%d of %d were claimed", len(seen), n)
	}
	again, err := s.DueRevocations(t.Context(), noon.Add(time.Minute), 100, time.Minute)
	if err != nil || len(again) != n {
		t.Fatalf("after the lease: %d, %v", len(again), err)
	}
	if err := s.FinishRevocation(t.Context(), again[0].ID); err != nil {
		t.Fatal(err)
	}
	if err := s.RetryRevocation(t.Context(), again[1].ID, 3, noon.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	last, err := s.DueRevocations(t.Context(), noon.Add(time.Hour), 100, time.Minute)
	if err != nil || len(last) != n-1 {
		t.Fatalf("in the end: %d, %v", len(last), err)
	}
	for _, r := range last {
		if want := map[bool]int32{true: 3}[r.ID == again[1].ID]; r.Attempts != want {
			t.Errorf("attempts = %d, want %d", r.Attempts, want)
		}
	}
}
