package live

import (
	"context"
	"slices"

	"github.com/heffl/bff/model"
)

// read is one of the goroutines that bring subscribers up to date from the database.
func (h *Hub) read(ctx context.Context) {
	for {
		entries := h.reads.take(ctx, 1)
		if len(entries) == 0 {
			return
		}
		h.bringUp(ctx, entries[0])
	}
}

// station is a place at which subscribers of one person wait, and what they are waiting for.
type station struct {
	at      model.Place
	follows follows
}

// bringUp reads what the person's subscribers missed, once per place they are at. When the database does not answer
// they stay behind, and the reconciler has them read again.
func (h *Hub) bringUp(ctx context.Context, e *entry) {
	s := e.shard
	s.mu.Lock()
	e.reading = working
	heard := e.heard
	stations := make(map[station]bool)
	for _, sub := range e.subscribers {
		if sub.phase == behind {
			stations[station{sub.at, sub.follows}] = true
		}
	}
	s.mu.Unlock()

	changes := make(map[int64]model.InboxChanges)
	for st := range stations {
		got, ok := changes[st.at.Seq]
		if !ok {
			var err error
			if got, err = h.changes(ctx, e, st.at.Seq); err != nil {
				break
			}
			changes[st.at.Seq] = got
		}
		h.advance(e, st, &got)
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	for seq := range changes {
		// A number that was heard before the database was read, and is not in it, was a lie.
		if e.heard == heard && heard > changes[seq].Inbox.LastSeq {
			e.heard = changes[seq].Inbox.LastSeq
		}
	}
	wanted := false
	for _, sub := range e.subscribers {
		if sub.phase == live && sub.follows != followsViewer && e.heard > sub.at.Seq {
			sub.phase = behind
		}
		_, asked := stations[station{sub.at, sub.follows}]
		wanted = wanted || sub.phase == behind && !asked
	}
	switch {
	case e.reading.leave():
		h.reads.add(e)
	case wanted:
		e.read()
	}
}

func (h *Hub) changes(ctx context.Context, e *entry, after int64) (model.InboxChanges, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	h.stats.replays.Add(1)
	changes, err := h.config.Store.Changes(ctx, e.user, after, replayLimit)
	h.answered(ctx, err)
	return changes, err
}

// advance takes every subscriber at one station to the end of the changes, or as far as there is room.
func (h *Hub) advance(e *entry, st station, changes *model.InboxChanges) {
	var steps []step
	r := &replay{hub: h, user: e.user, changes: changes}
	switch {
	case changes.TooFarBehind:
	case st.follows == followsReceived:
		steps = r.receivedSteps(st.at)
	default:
		steps = r.inboxSteps(st.at)
	}
	var ended []*subscriber
	var why error
	s := e.shard
	s.mu.Lock()
	for _, sub := range slices.Clone(e.subscribers) { // one that ends is taken out
		if sub.phase != behind || sub.at != st.at || sub.follows != st.follows {
			continue
		}
		switch {
		case changes.Left:
			why = errInactive()
		case !changes.TooFarBehind:
			e.walk(sub, steps, changes.Inbox.LastSeq)
		case !e.restart(sub, model.InboxResetReasonTooFarBehind, changes.Inbox.LastSeq, changes.Inbox.UnreadCount):
			why = h.errCursor(e.user, changes.Inbox.LastSeq, model.InboxResetReasonTooFarBehind)
		}
		if why != nil {
			s.drop(sub)
			ended = append(ended, sub)
			continue
		}
		sub.begin()
	}
	s.mu.Unlock()
	for _, sub := range ended {
		sub.end(why)
	}
}

// walk pushes the steps and lets the subscriber go live behind them. The shard's lock is held.
func (e *entry) walk(sub *subscriber, steps []step, last int64) {
	for i := range steps {
		if !sub.push(steps[i].change, steps[i].next) {
			e.stall(sub)
			return
		}
	}
	sub.phase = live
	sub.at = model.Place{Seq: max(last, sub.at.Seq)}
}

// restart lets a subscriber go on from the end of the inbox and tells it so. It reports false for one that cannot be
// told, because it wants new notifications only: that one must be ended. The shard's lock is held.
func (e *entry) restart(sub *subscriber, why model.InboxResetReason, last int64, unread int32) bool {
	if sub.follows == followsReceived && why != model.InboxResetReasonStarted {
		return false
	}
	sub.reset = why
	if sub.follows == followsInbox {
		change := &model.InboxReset{Cursor: e.shard.hub.cursor(e.user, last), UnreadCount: unread, Reason: why}
		if !sub.push(change, model.Place{Seq: last}) {
			e.stall(sub)
			return true
		}
	}
	sub.reset = ""
	sub.at = model.Place{Seq: last}
	sub.phase = live
	return true
}
