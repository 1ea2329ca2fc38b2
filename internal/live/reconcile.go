package live

import (
	"context"
	"time"
)

const (
	// round is how long the reconciler takes to visit every connected user, hurriedRound the same while NATS is out of reach.
	round        = 2 * time.Second
	hurriedRound = time.Second
	// parts is into how many queries a round is divided.
	parts = 20
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
	for part := byte(0); ; {
		select {
		case <-ctx.Done():
			return
		case <-h.resync:
			h.bus.settle()
			h.compareAll(ctx)
		case <-ticker.C:
			h.compare(ctx, h.entries(func(e *entry) bool { return e.user[14]%parts == part }))
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
	all := h.entries(func(*entry) bool { return true })
	for len(all) > 0 {
		n := min(len(all), compareLimit)
		h.compare(ctx, all[:n])
		all = all[n:]
	}
}

// entries are the connected people that the condition holds for.
func (h *Hub) entries(wanted func(*entry) bool) []*entry {
	var found []*entry
	for _, s := range h.shards {
		s.mu.Lock()
		for _, e := range s.entries {
			if wanted(e) {
				found = append(found, e)
			}
		}
		s.mu.Unlock()
	}
	return found
}

func (h *Hub) retryStalled() (more bool) {
	for _, s := range h.shards {
		more = s.retry() || more
	}
	return more
}
