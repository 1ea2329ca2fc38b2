package live

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

// compareLimit is how many positions are asked for in one query.
const compareLimit = 5000

// admit compares the positions of entries that cannot wait for the reconciler: new ones, and those that something
// was heard of that only the database can tell. It is also what follows and leaves subjects.
func (h *Hub) admit(ctx context.Context) {
	for {
		entries := h.checks.take(ctx, compareLimit)
		if len(entries) == 0 {
			return
		}
		var present people
		followed := false
		for _, e := range entries {
			s := e.shard
			s.mu.Lock()
			e.checking = working
			removed := e.removed
			e.deaf = e.link == nil // seen by whoever hears that NATS is back after this
			s.mu.Unlock()
			if removed {
				h.unfollow(e)
				continue
			}
			if e.link == nil && h.bus.connected() {
				followed = true
				h.follow(e)
			}
			present = append(present, e)
		}
		// Whatever is committed from now on is heard; what was committed before is read.
		if followed {
			h.bus.settle()
		}
		h.compare(ctx, present, &comparison{}, false)
		for _, e := range present {
			s := e.shard
			s.mu.Lock()
			if e.checking.leave() {
				h.checks.add(e)
			} else if e.viewer.timer == nil {
				e.viewer.personal = false // what was said is in what was compared, and waits for nothing
			}
			s.mu.Unlock()
		}
	}
}

// follow subscribes to the person's subject. Without it the reconciler still finds every change.
func (h *Hub) follow(e *entry) {
	l, err := h.bus.follow(subjectOf(inboxSubject, e.user), e.shard.remote)
	if err != nil {
		h.config.Logger.Warn("cannot follow a subject", "error", err)
		return
	}
	e.link = l
	e.shard.mu.Lock()
	defer e.shard.mu.Unlock()
	e.deaf = false
}

// unfollow cuts the link of somebody who has left. While NATS is out of reach that may take as long as an attempt to reach
// it, and nobody must wait for it.
func (h *Hub) unfollow(e *entry) {
	switch {
	case e.link == nil:
	case h.bus.connected():
		_ = e.link.Unsubscribe()
	default:
		h.done.Go(func() { _ = e.link.Unsubscribe() })
	}
}

// followRest has everybody followed who came while NATS was out of reach.
func (h *Hub) followRest() {
	for _, s := range h.shards {
		s.mu.Lock()
		for _, e := range s.entries {
			if e.deaf {
				e.check()
			}
		}
		s.mu.Unlock()
	}
}

// people are connected people to be compared with the database.
type people []*entry

// of are the people of a shard, in the room of those that were there before. They are in the order of their ids, so that
// the database finds one near the other.
func (p people) of(s *shard) people {
	clear(p)
	p = p[:0]
	s.mu.Lock()
	for _, e := range s.entries {
		p = append(p, e)
	}
	s.mu.Unlock()
	slices.SortFunc(p, func(a, b *entry) int { return bytes.Compare(a.user[:], b.user[:]) })
	return p
}

// slice is one of so many.
func (p people) slice(i, n int) people { return p[len(p)*i/n : len(p)*(i+1)/n] }

// comparison is what compare works in. It can be used again: nothing in the process is done more often.
type comparison struct {
	seen []model.InboxSeen
	// furthest are the highest places of the subscribers.
	furthest []int64
}

// compare asks the database who of the given people is elsewhere than their subscribers, and sets those right. When it
// does not answer, everything stays as it is until the reconciler comes by. patient: a message that was sent just now may
// still come.
func (h *Hub) compare(ctx context.Context, who people, in *comparison, patient bool) {
	if len(who) == 0 {
		return
	}
	in.seen, in.furthest = in.seen[:0], in.furthest[:0]
	for _, e := range who {
		seen, furthest := e.seen()
		in.seen, in.furthest = append(in.seen, seen), append(in.furthest, furthest)
	}
	positions, err := h.positions(ctx, in.seen)
	if err != nil || len(positions) == 0 {
		return
	}
	elsewhere := make(map[uuid.UUID]model.InboxPosition, len(positions))
	for _, p := range positions {
		elsewhere[p.UserID] = p
	}
	now := h.config.Now()
	for i, e := range who {
		if p, ok := elsewhere[e.user]; ok {
			e.settle(p, in.furthest[i], now, patient)
		}
	}
}

func (h *Hub) positions(ctx context.Context, seen []model.InboxSeen) ([]model.InboxPosition, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	positions, err := h.config.Store.Positions(ctx, seen)
	h.answered(ctx, err)
	return positions, err
}

// answered notes whether the database answers, and tells the log when that changes.
func (h *Hub) answered(ctx context.Context, err error) {
	if errors.Is(ctx.Err(), context.Canceled) {
		return
	}
	switch failing := err != nil; {
	case failing && !h.failing.Swap(true):
		h.config.Logger.ErrorContext(ctx, "the database does not answer live questions", "error", err)
	case !failing && h.failing.Swap(false):
		h.config.Logger.InfoContext(ctx, "the database answers live questions again")
	}
}

// seen is what the subscribers have seen of the person. Where one of them waits for an answer whatever it is, that is
// nothing, and the database always answers. furthest is the highest place of a subscriber.
func (e *entry) seen() (seen model.InboxSeen, furthest int64) {
	e.shard.mu.Lock()
	defer e.shard.mu.Unlock()
	seen = model.InboxSeen{UserID: e.user, LastSeq: e.compared, ViewerRevision: e.viewer.revision, FollowsViewer: e.hasViewers()}
	if !e.viewer.seen || e.viewer.personal {
		seen.ViewerRevision = -1
	}
	alike, inboxes := true, 0
	for _, sub := range e.subscribers {
		switch {
		case sub.phase == joining, sub.phase == behind:
			alike = false
		case sub.phase == live && sub.follows != followsViewer:
			alike = alike && sub.at.Seq >= e.heard && (inboxes == 0 || sub.at.Seq == furthest)
			furthest = max(furthest, sub.at.Seq)
			inboxes++
		}
	}
	switch {
	case !alike:
		seen.LastSeq = -1
	case inboxes > 0:
		seen.LastSeq = furthest
	}
	return seen, furthest
}

// settle sets every subscriber right by what the database says. known is the place that a subscriber had reached
// before the question: a smaller answer means that a message lied, or that the database lost something.
func (e *entry) settle(p model.InboxPosition, known int64, now time.Time, patient bool) {
	s := e.shard
	var ended []*subscriber
	var why []error
	s.mu.Lock()
	for _, sub := range slices.Clone(e.subscribers) { // one that ends is taken out
		if err := e.place(sub, p, known, patient); err != nil {
			s.drop(sub)
			ended, why = append(ended, sub), append(why, err)
		} else if sub.phase != joining && sub.phase != behind {
			sub.begin()
		}
	}
	e.compared = p.LastSeq
	if !e.removed {
		e.compareViewer(p.ViewerRevision, now)
	}
	s.mu.Unlock()
	for i, sub := range ended {
		sub.end(why[i])
	}
}

// place decides how one subscriber goes on. An error ends it. The shard's lock is held.
func (e *entry) place(sub *subscriber, p model.InboxPosition, known int64, patient bool) error {
	h := e.shard.hub
	if !p.Active {
		return errInactive()
	}
	if sub.follows == followsViewer {
		if sub.phase == joining {
			sub.phase = live
			sub.viewer.Changed()
		}
		return nil
	}
	reset := model.InboxResetReason("")
	switch sub.phase {
	case joining:
		patient = false
		reset = sub.reset
		if reset == "" && sub.at.Seq > p.LastSeq {
			reset = model.InboxResetReasonUnknownCursor
		}
		sub.phase = live
		if sub.at.Within > 0 {
			sub.phase = behind
		}
	case live:
		if p.LastSeq < known && sub.at.Seq > p.LastSeq {
			reset = model.InboxResetReasonUnknownCursor
		}
	case behind:
	case stalled:
		return nil
	}
	if reset != "" {
		if !e.restart(sub, reset, p.LastSeq, p.UnreadCount) {
			return h.errCursor(e.user, p.LastSeq, reset)
		}
	}
	switch {
	case sub.phase != live || sub.at.Seq >= max(p.LastSeq, e.heard):
	case patient && sub.at.Seq >= e.heard:
		e.await(p.LastSeq)
	default:
		sub.phase = behind
	}
	if sub.phase == behind {
		e.read()
	}
	return nil
}

// await leaves a change to its message for a moment. The shard's lock is held.
func (e *entry) await(seq int64) {
	if e.awaited == 0 {
		e.awaited = seq
		time.AfterFunc(messagePatience, e.overdue)
	}
}

// overdue reads what no message has told of.
func (e *entry) overdue() {
	e.shard.mu.Lock()
	defer e.shard.mu.Unlock()
	seq := e.awaited
	e.awaited = 0
	for _, sub := range e.subscribers {
		if sub.follows != followsViewer && sub.phase == live && sub.at.Seq < seq {
			sub.phase = behind
			e.read()
		}
	}
}
