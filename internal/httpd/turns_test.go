package httpd

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestTurns(t *testing.T) {
	t.Parallel()
	// take takes a turn in the background and answers what becomes of it.
	take := func(ctx context.Context, turns *turns, key string) <-chan func() {
		taken := make(chan func(), 1)
		go func() {
			if done, ok := turns.take(ctx, key); ok {
				taken <- done
			} else {
				close(taken)
			}
		}()
		return taken
	}
	waits := func(t *testing.T, taken <-chan func()) {
		t.Helper()
		synctest.Wait()
		select {
		case <-taken:
			t.Error("it does not wait")
		default:
		}
	}

	t.Run("OneAtATime", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			turns := newTurns(0, 0, time.Now)
			first := <-take(t.Context(), turns, "a")
			second := take(t.Context(), turns, "a")
			waits(t, second)
			(<-take(t.Context(), turns, "b"))() // somebody else does not wait
			first()
			(<-second)()
			if len(turns.lines) != 0 {
				t.Errorf("%d lines are left", len(turns.lines))
			}
		})
	})
	t.Run("Seats", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			turns := newTurns(2, 0, time.Now)
			a, b := <-take(t.Context(), turns, "a"), <-take(t.Context(), turns, "b")
			c := take(t.Context(), turns, "c")
			waits(t, c)
			a()
			(<-c)()
			b()
			if len(turns.lines) != 0 || len(turns.seats) != 0 {
				t.Errorf("%d lines and %d seats are left", len(turns.lines), len(turns.seats))
			}
		})
	})
	t.Run("Rests", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			turns := newTurns(1, 3, time.Now)
			begin := time.Now()
			first := <-take(t.Context(), turns, "a")
			time.Sleep(time.Second)
			first()
			(<-take(t.Context(), turns, "b"))()
			if waited := time.Since(begin); waited != time.Second {
				t.Errorf("somebody else waited until %v", waited)
			}
			(<-take(t.Context(), turns, "a"))()
			if waited := time.Since(begin); waited != 4*time.Second {
				t.Errorf("the next turn came after %v", waited)
			}
			synctest.Wait()
		})
	})
	t.Run("GivenUp", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			turns := newTurns(1, 0, time.Now)
			a := <-take(t.Context(), turns, "a")
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			again, other := take(ctx, turns, "a"), take(ctx, turns, "b") // one waits for the line, one for the seat
			if _, ok := <-again; ok {
				t.Error("two of one caller at a time")
			}
			if _, ok := <-other; ok {
				t.Error("two on one seat")
			}
			a()
			(<-take(t.Context(), turns, "b"))()
			if len(turns.lines) != 0 {
				t.Errorf("%d lines are left", len(turns.lines))
			}
		})
	})
}
