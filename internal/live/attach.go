package live

import (
	"sync"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

// Attachment is a subscription that runs.
type Attachment struct {
	subscriber *subscriber
	once       sync.Once
}

// Close ends the subscription. Nothing is pushed any more once it has returned. It may be called more than once, but
// not from within the sink.
func (a *Attachment) Close() {
	a.once.Do(func() {
		if a.subscriber.entry.shard.remove(a.subscriber) {
			a.subscriber.end(nil)
		}
	})
}

// AttachInbox lets a sink follow everything that changes in the viewer's inbox, beginning behind `after`, or now.
func (h *Hub) AttachInbox(v model.Viewer, after *model.Cursor, sink Sink) (*Attachment, error) {
	return h.attach(v, h.subscriber(v, followsInbox, after, sink))
}

// AttachReceived lets a sink follow the viewer's new notifications, beginning behind `after`, or now. Such a
// subscription ends with CURSOR_UNUSABLE when it cannot go on without leaving something out.
func (h *Hub) AttachReceived(v model.Viewer, after *model.Cursor, sink Sink) (*Attachment, error) {
	return h.attach(v, h.subscriber(v, followsReceived, after, sink))
}

// AttachViewer tells a sink whenever settings, policy or integration of the viewer changed.
func (h *Hub) AttachViewer(v model.Viewer, sink ViewerSink) (*Attachment, error) {
	return h.attach(v, &subscriber{follows: followsViewer, viewer: sink})
}

func (h *Hub) subscriber(v model.Viewer, f follows, after *model.Cursor, sink Sink) *subscriber {
	sub := &subscriber{follows: f, sink: sink, reset: model.InboxResetReasonStarted}
	if after != nil {
		var known bool
		sub.reset = ""
		if sub.at, known = after.Place(h.config.Epoch, v.User.UUID); !known {
			sub.reset = model.InboxResetReasonUnknownCursor
		}
	}
	return sub
}

func (h *Hub) attach(v model.Viewer, sub *subscriber) (*Attachment, error) {
	if !v.User.Active {
		return nil, errInactive()
	}
	if !h.running() {
		return nil, errStopped()
	}
	s := h.shardOf(v.User.UUID)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return nil, errStopped()
	}
	e := s.entries[v.User.UUID]
	if e == nil {
		e = &entry{user: v.User.UUID, workspace: v.Workspace.UUID, shard: s}
		s.entries[e.user] = e
	}
	if sub.follows == followsViewer && !e.hasViewers() {
		e.viewer.seen = false // while nobody followed, nobody asked for the revision
	}
	sub.entry = e
	e.subscribers = append(e.subscribers, sub)
	e.check()
	return &Attachment{subscriber: sub}, nil
}

func errStopped() error {
	return model.Errorf(model.CodeUnavailable, "The server is restarting. Subscribe again from your last cursor.")
}

func errInactive() error {
	return model.Errorf(model.CodeUnauthenticated, "This account is no longer active.")
}

// errCursor says why new notifications cannot be told without a gap, and from where they can again.
func (h *Hub) errCursor(user uuid.UUID, seq int64, why model.InboxResetReason) error {
	err := model.Errorf(model.CodeCursorUnusable, "New notifications cannot be replayed from this cursor. Read the inbox again and go on from its cursor.")
	err.Extensions = map[string]any{"cursor": h.cursor(user, seq), "reason": why}
	return err
}
