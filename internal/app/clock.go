package app

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// How the clock is kept.
const (
	clockInterval = 30 * time.Second
	// clockTolerance is what clocks that are kept well differ by, and what a slow answer may hide: less changes nothing.
	clockTolerance = time.Second
)

// clock is the time that replicas share: that of the database. One of them writes when a lease or a pause ends, and the
// others compare: a replica whose own clock is ten minutes fast would take every lease away and send past the pace.
// Tokens of callers are another matter: they are compared with the machine's clock.
type clock struct {
	own   func() time.Time
	ahead atomic.Int64 // the database of own, in nanoseconds
}

func (c *clock) now() time.Time { return c.own().Add(time.Duration(c.ahead.Load())) }

// look compares the clocks once. Without an answer, what was known stays.
func (c *clock) look(
	ctx context.Context, compare func(ctx context.Context, now func() time.Time) (ahead, within time.Duration, err error), logger *slog.Logger,
) {
	ahead, within, err := compare(ctx, c.own)
	if err != nil || within > clockTolerance {
		return
	}
	if ahead.Abs() < clockTolerance {
		ahead = 0
	}
	if before := time.Duration(c.ahead.Load()); (ahead-before).Abs() >= clockTolerance || ahead == 0 && before != 0 {
		c.ahead.Store(int64(ahead))
		logger.WarnContext(ctx, "this machine's clock is corrected by the database's", slog.Duration("ahead", ahead))
	}
}

// keepClock lets everything from here on go by the database's clock.
func (a *App) keepClock(ctx context.Context) error {
	c := &clock{own: a.now}
	a.now = c.now
	c.look(ctx, a.store.Ahead, a.logger)
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	running.Go(func() {
		ticker := time.NewTicker(clockInterval)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				c.look(ctx, a.store.Ahead, a.logger)
			}
		}
	})
	a.onStop(func(context.Context) {
		cancel()
		running.Wait()
	})
	return nil
}
