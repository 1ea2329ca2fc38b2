package storetest

import (
	"testing"
	"time"

	"github.com/heffl/bff/internal/store"
	"github.com/heffl/bff/model"
)

// testTakeRefresh asks for a refresh every second, and counts how many any ten minutes hold.
func testTakeRefresh(t *testing.T, s *store.Store) {
	t.Helper()
	v := admit(t, s, "acme", "ann")
	connect(t, s, v, "refresh")
	const atOnce, step, span = 5, 2 * time.Minute, 10 * time.Minute
	version := func() int64 {
		t.Helper()
		tokens, found, err := s.Tokens(t.Context(), v.User.UUID)
		if err != nil || !found {
			t.Fatal(found, err)
		}
		return tokens.Version
	}
	take := func(now model.Time) (bool, model.Time) {
		t.Helper()
		ok, retryAt, err := s.TakeRefresh(t.Context(), v.User.UUID, version(), atOnce, step, now)
		if err != nil {
			t.Fatal(err)
		}
		return ok, retryAt
	}
	var taken []model.Time
	var promised model.Time // to who was refused; zero: nobody was since the last one
	for now := noon; now.Before(noon.Add(time.Hour)); now = now.Add(5 * time.Second) {
		ok, retryAt := take(now)
		if !ok && !retryAt.After(now) || !promised.IsZero() && ok == now.Before(promised) {
			t.Fatalf("at %v: %t, next at %v, it was to be at %v", now, ok, retryAt, promised)
		}
		promised = retryAt
		if ok {
			taken = append(taken, now)
		}
	}
	for i, first := range taken {
		n := 0
		for _, at := range taken[i:] {
			if at.Sub(first) < span {
				n++
			}
		}
		if n > 10 {
			t.Errorf("%d within ten minutes from %v", n, first)
		}
	}
	if len(taken) < 30 {
		t.Errorf("%d in an hour", len(taken))
	}
	// What a clock counted that is ahead keeps nobody waiting for longer than what a right one counts.
	later := noon.Add(2 * time.Hour)
	if ok, _ := take(later.Add(time.Hour)); !ok {
		t.Error("refused after a quiet time")
	}
	if ok, _ := take(later); !ok {
		t.Error("held up by a clock that is ahead")
	}
	// Other tokens begin anew, and old ones are told apart.
	before := version()
	connect(t, s, v, "another")
	if ok, retryAt, err := s.TakeRefresh(t.Context(), v.User.UUID, before, atOnce, step, later); ok || !retryAt.IsZero() || err != nil {
		t.Errorf("old tokens: %t, %v, %v", ok, retryAt, err)
	}
	for range atOnce {
		if ok, _ := take(later); !ok {
			t.Error("refused although nothing was counted")
		}
	}
}
