package delivery

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/heffl/bff/model"
)

// job is one claimed piece of work.
type job func(ctx context.Context)

// loop claims work for a fixed number of workers and sleeps when there is none: until the nearest due time, a
// wake-up, or the poll interval as the safety net.
type loop struct {
	name    string
	workers int
	poll    time.Duration
	// claim takes at most n pieces of work.
	claim func(ctx context.Context, n int) ([]job, error)
	// next is when something will be due; false: nothing is queued.
	next func(ctx context.Context) (model.Time, bool, error)
	// ease is how many times as long as it looked in vain the loop then lets the database be, whoever wakes it: where many
	// wait whom nothing may be sent to, looking is dear, and every event would ask for it. 0: it looks at once.
	ease   int
	now    func() time.Time
	logger *slog.Logger

	wake chan struct{}
}

// notify makes the loop look at once. It never waits.
func (l *loop) notify() {
	select {
	case l.wake <- struct{}{}:
	default: // it is going to look anyway
	}
}

// run works until claiming ends, then waits for the work that was begun. Work runs under working, which ends later
// than claiming so that what was claimed can be finished.
func (l *loop) run(claiming, working context.Context) {
	var running sync.WaitGroup
	defer running.Wait()
	slots := make(chan struct{}, l.workers)
	for {
		select {
		case slots <- struct{}{}:
			<-slots
		case <-claiming.Done():
			return
		}
		free := l.workers - len(slots)
		began := l.now()
		jobs, err := l.claim(claiming, free)
		if err != nil && claiming.Err() == nil {
			l.logger.ErrorContext(claiming, "work cannot be claimed", slog.String("worker", l.name), slog.Any("error", err))
		}
		for _, j := range jobs {
			slots <- struct{}{}
			running.Go(func() {
				defer func() { <-slots }()
				l.protect(working, j)
			})
		}
		if len(jobs) > 0 && len(jobs) == free {
			continue // there may be more: go on as soon as a worker is free
		}
		if len(jobs) > 0 {
			began = time.Time{}
		}
		if !l.sleep(claiming, err != nil, began) {
			return
		}
	}
}

// protect keeps a panic of one piece of work from the others; its lease runs out by itself.
func (l *loop) protect(ctx context.Context, j job) {
	defer func() {
		if panicked := recover(); panicked != nil {
			l.logger.ErrorContext(ctx, "delivery panicked", slog.String("worker", l.name), slog.Any("panic", panicked))
		}
	}()
	j(ctx)
}

// sleep waits for something to do; false: it is time to end. inVain is since when the loop has looked and found nothing; the zero
// time: it found something.
func (l *loop) sleep(ctx context.Context, failed bool, inVain time.Time) bool {
	d := l.poll
	if !failed {
		due, queued, err := l.next(ctx)
		if err == nil && queued {
			d = min(d, max(due.Std().Sub(l.now()), minSleep))
		}
	}
	if l.ease > 0 && !inVain.IsZero() {
		rest := min(time.Duration(l.ease)*l.now().Sub(inVain), l.poll)
		d = max(d-rest, 0)
		eased := time.NewTimer(rest)
		defer eased.Stop()
		select {
		case <-ctx.Done():
			return false
		case <-eased.C:
		}
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-l.wake:
	case <-timer.C:
	}
	return true
}

// minSleep keeps a loop from spinning over work that is due but held by somebody else.
const minSleep = 200 * time.Millisecond
