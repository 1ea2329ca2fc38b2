package inbox

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/heffl/bff/model"
)

const (
	purgeBatch = 1000
	// purgePause lies between two batches, so that a purge of millions leaves the database to others.
	purgePause = 200 * time.Millisecond
)

// PurgeStore removes notifications, and raises what can still be replayed in the same transaction. What is unread by then
// leaves the count by a change of the inbox as every other.
type PurgeStore interface {
	Purge(ctx context.Context, olderThan, now model.Time, limit int) (deleted int, err error)
}

// Chore is something else that grows old and that the janitor removes in the same rounds.
type Chore struct {
	// Name says what is removed, for the log.
	Name string
	// Purge deletes what is too old, at most limit of it, and tells how many.
	Purge func(ctx context.Context, now model.Time, limit int) (deleted int, err error)
}

// JanitorConfig is what the janitor needs. Fields without a remark are required.
type JanitorConfig struct {
	Store PurgeStore
	// Retention is how long notifications are kept.
	Retention time.Duration
	// Chores come after the notifications; there may be none.
	Chores []Chore
	// Interval lies between two purges; 0: one hour. Several replicas may purge at the same time.
	Interval time.Duration
	Logger   *slog.Logger
	Now      func() time.Time
}

// Janitor removes notifications that are older than the retention, and does the chores.
type Janitor struct {
	config JanitorConfig

	mu      sync.Mutex // guards the rest
	stopped bool
	cancel  context.CancelFunc
	done    chan struct{}
}

// NewJanitor makes a janitor that Start sets to work.
func NewJanitor(c JanitorConfig) (*Janitor, error) {
	if c.Store == nil || c.Logger == nil || c.Now == nil || c.Retention <= 0 {
		return nil, errors.New("inbox: Store, Retention, Logger and Now are required")
	}
	if c.Interval <= 0 {
		c.Interval = time.Hour
	}
	return &Janitor{config: c}, nil
}

// Start begins with a first purge. It does nothing when the janitor was started or stopped before.
func (j *Janitor) Start(ctx context.Context) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.stopped || j.cancel != nil {
		return
	}
	ctx, j.cancel = context.WithCancel(context.WithoutCancel(ctx))
	j.done = make(chan struct{})
	go func() {
		defer close(j.done)
		j.run(ctx)
	}()
}

// Stop ends the work and waits for it. It may be called at any time and more than once.
func (j *Janitor) Stop() {
	j.mu.Lock()
	j.stopped = true
	cancel, done := j.cancel, j.done
	j.mu.Unlock()
	if cancel != nil {
		cancel()
		<-done
	}
}

func (j *Janitor) run(ctx context.Context) {
	notifications := Chore{"notifications", func(ctx context.Context, now model.Time, limit int) (int, error) {
		return j.config.Store.Purge(ctx, now.Add(-j.config.Retention), now, limit)
	}}
	for {
		j.purge(ctx, notifications)
		for _, chore := range j.config.Chores {
			j.purge(ctx, chore)
		}
		if !wait(ctx, j.config.Interval) {
			return
		}
	}
}

// purge removes batch after batch until nothing old is left. After an error the next round tries again.
func (j *Janitor) purge(ctx context.Context, chore Chore) {
	now := model.NewTime(j.config.Now())
	total := 0
	for {
		n, err := chore.Purge(ctx, now, purgeBatch)
		total += n
		if err != nil && ctx.Err() == nil {
			j.config.Logger.ErrorContext(ctx, "cannot remove what is old", "what", chore.Name, "error", err)
		}
		if err != nil || n < purgeBatch || !wait(ctx, purgePause) {
			break
		}
	}
	if total > 0 {
		j.config.Logger.InfoContext(ctx, "removed what is old", "what", chore.Name, "count", total)
	}
}

// wait answers false when ctx ended first.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
