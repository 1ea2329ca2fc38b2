package live

import "sync/atomic"

// Stats are counts since the start, and how things are now.
type Stats struct {
	// Users are connected to this replica now, with so many Subscriptions, of which so many are Stalled.
	Users, Subscriptions, Stalled int
	// Messages counts those that came for people who are connected here, from other replicas and from this one, Gaps those
	// of them that came after one that did not. Overflows counts the times that a shard lost messages, Stalls the
	// changes that a subscriber had no room for, Replays the inboxes read, Unreadable the messages that were none of
	// ours and Unsent those that could not be sent.
	Messages, Gaps, Overflows, Stalls, Replays, Unreadable, Unsent int64
}

type counters struct{ gaps, overflows, stalls, replays, unreadable, unsent, messages atomic.Int64 }

// Stats counts. It takes every shard's lock for a moment.
func (h *Hub) Stats() Stats {
	st := Stats{
		Messages: h.stats.messages.Load(), Gaps: h.stats.gaps.Load(), Overflows: h.stats.overflows.Load(), Stalls: h.stats.stalls.Load(),
		Replays: h.stats.replays.Load(), Unreadable: h.stats.unreadable.Load(), Unsent: h.stats.unsent.Load(),
	}
	for _, s := range h.shards {
		s.mu.Lock()
		st.Users += len(s.entries)
		st.Stalled += len(s.stalled)
		for _, e := range s.entries {
			st.Subscriptions += len(e.subscribers)
		}
		s.mu.Unlock()
	}
	return st
}
