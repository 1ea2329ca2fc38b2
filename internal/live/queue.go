package live

import (
	"context"
	"slices"
	"sync"
)

// queue hands entries to workers in the order they came. Whoever adds sees to it that no entry is in it twice, so it
// never holds more than the connected users.
type queue struct {
	ready chan struct{}

	mu    sync.Mutex // guards items
	items []*entry
}

func newQueue() *queue { return &queue{ready: make(chan struct{}, 1)} }

func (q *queue) add(e *entry) {
	q.mu.Lock()
	q.items = append(q.items, e)
	q.mu.Unlock()
	poke(q.ready)
}

// take waits for up to limit entries; it answers none when ctx ends.
func (q *queue) take(ctx context.Context, limit int) []*entry {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-q.ready:
		}
		if taken := q.cut(limit); len(taken) > 0 {
			return taken
		}
	}
}

func (q *queue) cut(limit int) []*entry {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(limit, len(q.items))
	taken := slices.Clone(q.items[:n])
	clear(q.items[:n])
	q.items = q.items[n:]
	if len(q.items) > 0 {
		poke(q.ready)
	} else {
		q.items = nil
	}
	return taken
}
