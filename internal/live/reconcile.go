package live

import (
	"context"
	"time"
)

const (
	// round is how long the reconciler takes to visit every connected user, hurriedRound the same while NATS is out of reach.
	// With messagePatience it is no more than 2 s until a change is told of that no message told of.
	round        = 1800 * time.Millisecond
	hurriedRound = 900 * time.Millisecond
	// messagePatience is how long a change that the reconciler meets first is left to its message. While an event is on its
	// way to ten thousand people there are always some whose message comes a moment later, and reading their inboxes one
	// by one takes four times as long as telling everybody.
	messagePatience = 200 * time.Millisecond
	// shardSlices is into how many queries the people of one shard are divided, and parts how many a round has: of ten
	// thousand connected people each asks for about a hundred. One query for more keeps processors of the server and of
	// the database busy long enough for messages to wait behind it.
	shardSlices = 6
	parts       = shardSlices * shardCount
	// stallPause is how long a subscriber that refused a change is left alone.
	stallPause = 50 * time.Millisecond
)

// reconcile compares every connected user with the database again and again, so that no lost message stays unnoticed.
func (h *Hub) reconcile(ctx context.Context) {
	pause := h.pause()
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	stall := time.NewTimer(stallPause)
	stall.Stop()
	defer stall.Stop()
	for part := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-h.resync:
			h.bus.settle()
			h.compareAll(ctx)
			if h.bus.connected() {
				h.followRest()
			}
		case <-ticker.C:
			h.compare(ctx, h.shards[part%shardCount].slice(byte(part/shardCount)), h.bus.connected())
			part = (part + 1) % parts
		case <-h.stalls:
			stall.Reset(stallPause)
		case <-stall.C:
			if h.retryStalled() {
				stall.Reset(stallPause)
			}
		}
		if p := h.pause(); p != pause {
			pause = p
			ticker.Reset(pause)
		}
	}
}

func (h *Hub) pause() time.Duration {
	if h.bus.connected() {
		return h.round / parts
	}
	return h.round / (round / hurriedRound) / parts
}

func (h *Hub) compareAll(ctx context.Context) {
	for _, s := range h.shards {
		for i := range byte(shardSlices) {
			h.compare(ctx, s.slice(i), false)
		}
	}
}

// slice is one part of the shard's people.
func (s *shard) slice(i byte) []*entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []*entry
	for _, e := range s.entries {
		if e.user[14]%shardSlices == i {
			found = append(found, e)
		}
	}
	return found
}

func (h *Hub) retryStalled() (more bool) {
	for _, s := range h.shards {
		more = s.retry() || more
	}
	return more
}
