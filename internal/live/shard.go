package live

import (
	"context"
	"slices"
	"sync"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"

	"github.com/heffl/bff/model"
)

// shardQueue is how many messages wait for one shard before its people are looked up in the database instead.
const shardQueue = 4096

// shard has a sixteenth of the connected people. Its own goroutine hands the messages to their subscribers.
type shard struct {
	hub    *Hub
	remote chan *nats.Msg
	local  chan *message

	mu      sync.Mutex // guards the rest, and all entries and subscribers of the shard
	ended   bool
	entries map[uuid.UUID]*entry
	stalled map[*subscriber]struct{}
	// received is what deliver lends to sinks: most of them only write it down, and so it is no garbage.
	received model.NotificationReceived
}

// entry is one connected person on this replica, however many subscriptions they have.
type entry struct {
	user        uuid.UUID
	workspace   uuid.UUID
	shard       *shard
	link        link
	subscribers []*subscriber
	removed     bool
	deaf        bool // not followed yet
	// heard is the highest number that a message has named, awaited one that its message is given time for; 0: none.
	heard, awaited int64
	// compared is the number that the database named last.
	compared int64

	checking progress // in the queue of positions to compare
	reading  progress // in the queue of inboxes to read

	viewer viewerClock
}

// progress is how far an entry is in a queue.
type progress byte

const (
	idle    progress = iota
	queued           // waits for a worker
	working          // a worker has it
	again            // a worker has it, and something happened since
)

// enter reports whether the entry must be put into the queue.
func (p *progress) enter() bool {
	switch *p {
	case idle:
		*p = queued
		return true
	case working:
		*p = again
	case queued, again:
	}
	return false
}

// leave reports whether the entry must be put into the queue again.
func (p *progress) leave() bool {
	more := *p == again
	*p = idle
	return more && p.enter()
}

func newShard(h *Hub) *shard {
	return &shard{
		hub: h, remote: make(chan *nats.Msg, shardQueue), local: make(chan *message, shardQueue),
		entries: make(map[uuid.UUID]*entry), stalled: make(map[*subscriber]struct{}),
	}
}

// run hands on messages until ctx ends.
func (s *shard) run(ctx context.Context) {
	var received message
	for {
		select {
		case <-ctx.Done():
			s.finish()
			return
		case m := <-s.local:
			s.deliver(m)
		case raw := <-s.remote:
			if err := received.decode(raw.Data); err != nil || raw.Subject != subjectOf(inboxSubject, received.user) {
				s.hub.stats.unreadable.Add(1)
				continue
			}
			s.deliver(&received)
		}
	}
}

// finish hands on what this replica has published itself before it stops.
func (s *shard) finish() {
	for {
		select {
		case m := <-s.local:
			s.deliver(m)
		default:
			return
		}
	}
}

// offer takes a message of this replica if the person is connected here.
func (s *shard) offer(m *message) {
	s.mu.Lock()
	_, here := s.entries[m.user]
	s.mu.Unlock()
	if !here {
		return
	}
	select {
	case s.local <- m:
	default:
		s.checkAll()
	}
}

// deliver hands one message to the person's subscribers and keeps nothing of it.
func (s *shard) deliver(m *message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[m.user]
	if e == nil {
		return
	}
	s.hub.stats.messages.Add(1)
	if s.hub.listening.Load() {
		poke(s.hub.heard)
	}
	if m.kind == kindViewer {
		e.viewer.personal = true
		e.check()
		return
	}
	e.heard = max(e.heard, m.seq)
	var change model.InboxChange
	made := false
	for _, sub := range e.subscribers {
		if sub.phase != live || m.seq <= sub.at.Seq || sub.follows == followsViewer {
			continue
		}
		next := model.Place{Seq: m.seq}
		switch {
		case m.seq > sub.at.Seq+1:
			s.hub.stats.gaps.Add(1)
			sub.phase = behind
		case sub.follows == followsReceived && m.kind != kindReceived:
			sub.at = next
		default:
			if !made {
				change, made = e.changeOf(m), true
			}
			if change == nil {
				sub.phase = behind
			} else if !sub.push(change, next) {
				e.stall(sub)
			}
		}
		if sub.phase == behind {
			e.read()
		}
	}
}

// changeOf is the message as subscribers see it, good until the next one; nil when the database must be asked.
func (e *entry) changeOf(m *message) model.InboxChange {
	h := e.shard.hub
	switch m.kind {
	case kindReceived:
		shared := m.shared
		if shared == nil {
			shared = h.events.of(m)
		}
		if shared == nil || shared.Event.WorkspaceID != e.workspace {
			return nil
		}
		lent := &e.shard.received
		*lent = model.NotificationReceived{Cursor: h.cursor(e.user, m.seq), UnreadCount: m.unread, Notification: *shared}
		n := &lent.Notification
		n.UUID, n.UserID, n.Seq, n.ChangedSeq, n.CreatedAt = m.notification, e.user, m.seq, m.seq, m.createdAt
		return lent
	case kindMarked:
		return &model.AllNotificationsRead{
			Cursor: h.cursor(e.user, m.seq), UnreadCount: m.unread, UpTo: h.cursor(e.user, m.upTo), ReadAt: m.readAt,
		}
	case kindChanged, kindViewer:
	}
	return nil
}

func (h *Hub) cursor(user uuid.UUID, seq int64) model.Cursor {
	return model.NewCursor(h.config.Epoch, user, seq)
}

// check has the position of the entry compared with the database soon. The shard's lock is held.
func (e *entry) check() {
	if e.checking.enter() {
		e.shard.hub.checks.add(e)
	}
}

// read has the entry's subscribers brought up to date from the database. The shard's lock is held.
func (e *entry) read() {
	if e.reading.enter() {
		e.shard.hub.reads.add(e)
	}
}

// stall notes that a subscriber refused a change. The shard's lock is held.
func (e *entry) stall(sub *subscriber) {
	e.shard.stalled[sub] = struct{}{}
	e.shard.hub.stats.stalls.Add(1)
	poke(e.shard.hub.stalls)
}

// checkAll is what remains to do when messages of the shard were lost: everybody's position is compared.
func (s *shard) checkAll() {
	s.hub.stats.overflows.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.entries {
		e.check()
	}
}

// overflow is told by the bus that a message of the subject did not fit into its shard's channel.
func (h *Hub) overflow(subject string) {
	if user, ok := idOf(inboxSubject, subject); ok {
		h.shardOf(user).checkAll()
	}
}

// retry lets stalled subscribers that have room again go on, and reports whether some have none.
func (s *shard) retry() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for sub := range s.stalled {
		if !sub.sink.Room() {
			continue
		}
		delete(s.stalled, sub)
		if sub.reset != "" {
			sub.phase = joining
			sub.entry.check()
		} else {
			sub.phase = behind
			sub.entry.read()
		}
	}
	return len(s.stalled) > 0
}

// remove takes a subscriber out. It reports whether the subscriber was still there: only then may the caller end it.
func (s *shard) remove(sub *subscriber) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.drop(sub)
}

// drop is remove with the lock held.
func (s *shard) drop(sub *subscriber) bool {
	if sub.gone {
		return false
	}
	sub.gone = true
	delete(s.stalled, sub)
	e := sub.entry
	e.subscribers = slices.DeleteFunc(e.subscribers, func(other *subscriber) bool { return other == sub })
	if len(e.subscribers) == 0 {
		delete(s.entries, e.user)
		e.removed = true
		if e.viewer.timer != nil {
			e.viewer.timer.Stop()
		}
		e.check() // whoever checks it cuts the link
	}
	return true
}

// endAll ends every subscriber of the shard and lets nobody in any more.
func (s *shard) endAll(err error) {
	s.mu.Lock()
	s.ended = true
	var all []*subscriber
	for _, e := range s.entries {
		all = append(all, e.subscribers...)
	}
	for _, sub := range all {
		s.drop(sub)
	}
	s.mu.Unlock()
	for _, sub := range all {
		sub.end(err)
	}
}
