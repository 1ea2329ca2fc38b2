package app

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/heffl/bff/internal/store"
	"github.com/heffl/bff/internal/testkit"
)

// TestClockOfTheDatabase shows that a replica whose clock is wrong goes by that of the database, and that nothing else
// moves it.
func TestClockOfTheDatabase(t *testing.T) {
	t.Parallel()
	quiet := slog.New(slog.DiscardHandler)
	wrong := func(d time.Duration) func() time.Time { return func() time.Time { return time.Now().Add(d) } }
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		db, err := store.Open(t.Context(), store.Config{URL: testkit.Postgres(t), Logger: quiet, Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		for _, skew := range []time.Duration{10 * time.Minute, -10 * time.Minute, 0} {
			c := &clock{own: wrong(skew)}
			for c.look(t.Context(), db.Ahead, quiet); skew != 0 && c.ahead.Load() == 0; {
				c.look(t.Context(), db.Ahead, quiet) // an answer that took long was not believed
			}
			if off := time.Until(c.now()); off.Abs() > 2*clockTolerance {
				t.Errorf("a clock that is wrong by %v is still wrong by %v", skew, off)
			}
		}
	})
	t.Run("ADatabaseThatDoesNotAnswer", func(t *testing.T) {
		t.Parallel()
		c := &clock{own: time.Now}
		told := func(ahead, within time.Duration, err error) {
			c.look(t.Context(), func(context.Context, func() time.Time) (time.Duration, time.Duration, error) {
				return ahead, within, err
			}, quiet)
		}
		for _, step := range []struct {
			ahead, within time.Duration
			err           error
			want          time.Duration
		}{
			{200 * time.Millisecond, 0, nil, 0},                                       // as clocks are
			{time.Minute, 2 * time.Second, nil, 0},                                    // too slow an answer
			{time.Minute, time.Millisecond, nil, time.Minute},                         // wrong
			{time.Hour, 0, errors.New("gone"), time.Minute},                           // what was known stays
			{time.Minute + 100*time.Millisecond, 0, nil, time.Minute},                 // no trembling
			{time.Minute + 3*time.Second, 0, nil, time.Minute + 3*time.Second},        // it drifts
			{-time.Minute, 0, nil, -time.Minute}, {500 * time.Millisecond, 0, nil, 0}, // and is put right
		} {
			told(step.ahead, step.within, step.err)
			if got := time.Duration(c.ahead.Load()); got != step.want {
				t.Errorf("told %+v: ahead by %v", step, got)
			}
		}
	})
}
