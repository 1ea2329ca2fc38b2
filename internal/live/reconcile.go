package live

import (
	"context"
	"time"
)

const (
	// round is how long the reconciler takes to visit every connected user, hurriedRound the same while NATS is out of reach.
	// With messagePatience it is no more than 2 s until a change is told of that no message told of.
	round        = 1600 * time.Millisecond
	hurriedRound = 800 * time.Millisecond
	// messagePatience is how long a change that the reconciler meets first is left to its message. While an event is on its
	// way to ten thousand people there are always some whose message comes a moment later, and reading their inboxes one
	// by one takes four times as long as telling everybody.
	messagePatience = 200 * time.Millisecond
	// The people of a shard are divided into slices of about so many, up to so many slices, and each slice is asked for in
	// one query: for fewer, the way to the database and back costs more than the answer; a query for more keeps a processor
	// busy for so long that messages wait behind it.
	sliceSize  = 128
	mostSlices = 20
	// A message and a question at the same time keep each other waiting, and the question has time. So the reconciler asks
	// in the lull behind messages, when none has come for quietBefore after one: what comes regularly comes again as long
	// after that as it can, and what comes at random meets a question no more often than at any other time. It waits for that
	// for half of its pause, but for no longer than mostLull, and so a round stays as long as it is.
	quietBefore = time.Millisecond
	mostLull    = 20 * time.Millisecond
	// stallPause is how long a subscriber that refused a change is left alone.
	stallPause = 50 * time.Millisecond
)

// reconcile compares every connected user with the database again and again, so that no lost message stays unnoticed.
func (h *Hub) reconcile(ctx context.Context) {
	slices := h.slices()
	pause := h.pause(slices)
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	stall := time.NewTimer(stallPause)
	stall.Stop()
	defer stall.Stop()
	var in people
	var room comparison
	for part := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-h.resync:
			h.bus.settle()
			for _, s := range h.shards {
				h.compare(ctx, people(nil).of(s), &room, false)
			}
			if h.bus.connected() {
				h.followRest()
			}
		case <-ticker.C:
			h.awaitLull(ctx, min(pause/2, mostLull))
			slice := part % slices
			if slice == 0 {
				in = in.of(h.shards[part/slices])
			}
			h.compare(ctx, in.slice(slice, slices), &room, h.bus.connected())
			if part++; part >= slices*shardCount {
				part, slices = 0, h.slices()
			}
		case <-h.stalls:
			stall.Reset(stallPause)
		case <-stall.C:
			if h.retryStalled() {
				stall.Reset(stallPause)
			}
		}
		if p := h.pause(slices); p != pause {
			pause = p
			ticker.Reset(pause)
		}
	}
}

// awaitLull waits for a message and for the quiet behind it. Without NATS none is on its way.
func (h *Hub) awaitLull(ctx context.Context, most time.Duration) {
	if !h.bus.connected() {
		return
	}
	end, quiet := time.NewTimer(most), time.NewTimer(most)
	defer end.Stop()
	defer quiet.Stop()
	var before int64
	h.listening.Store(true)
	defer h.listening.Store(false)
	for {
		select {
		case <-ctx.Done():
			return
		case <-end.C:
			return
		case <-h.heard:
			h.listening.Store(false) // of those that follow, it is enough to count them
			before = h.stats.messages.Load()
			quiet.Reset(quietBefore)
		case <-quiet.C:
			now := h.stats.messages.Load()
			if now == before {
				return
			}
			before = now
			quiet.Reset(quietBefore)
		}
	}
}

// slices is into how many the people of each shard are divided in a round. Each shard has its time in the round, so that
// nobody waits much longer when their number changes.
func (h *Hub) slices() int {
	count := 0
	for _, s := range h.shards {
		s.mu.Lock()
		count += len(s.entries)
		s.mu.Unlock()
	}
	return min(max(1, count/(shardCount*sliceSize)), mostSlices)
}

// pause is how long the reconciler waits between two slices.
func (h *Hub) pause(slices int) time.Duration {
	around := h.round
	if !h.bus.connected() {
		around /= round / hurriedRound
	}
	return around / time.Duration(slices*shardCount)
}

func (h *Hub) retryStalled() (more bool) {
	for _, s := range h.shards {
		more = s.retry() || more
	}
	return more
}
