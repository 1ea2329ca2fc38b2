package delivery

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heffl/bff/model"
)

// TestLoopEases shows what looking costs while nothing can be sent, however often the loop is woken: a tenth of the time. What can
// be sent is looked for at once.
func TestLoopEases(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		found      int
		fail       bool
		least, ask int
	}{"InVain": {0, false, 30, 34}, "Failing": {0, true, 45, 51}, "Found": {1, false, 300, 340}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				looks := 0
				l := &loop{
					name: "test", workers: 4, poll: 5 * time.Second, ease: 9, now: time.Now, logger: slog.New(slog.DiscardHandler), wake: make(chan struct{}, 1),
					claim: func(context.Context, int) ([]job, error) {
						looks++
						time.Sleep(20 * time.Millisecond)
						if c.fail {
							return nil, errors.New("the database is down")
						}
						return make([]job, c.found, 4), nil
					},
					next: func(context.Context) (model.Time, bool, error) {
						time.Sleep(10 * time.Millisecond)
						return model.NewTime(time.Now()), true, nil
					},
				}
				ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
				defer stop()
				var waking sync.WaitGroup
				waking.Go(func() {
					for ctx.Err() == nil {
						l.notify()
						time.Sleep(time.Millisecond)
					}
				})
				l.run(ctx, ctx)
				waking.Wait()
				if looks < c.least || looks > c.ask {
					t.Errorf("looked %d times in ten seconds, want %d to %d", looks, c.least, c.ask)
				}
			})
		})
	}
}
