package live

import (
	"context"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

// Arrived tells everybody's open streams about the new notifications of one event. It is called after the commit,
// and keeps both arguments: they must not be changed any more.
func (h *Hub) Arrived(_ context.Context, event *model.Event, entries []model.InboxEntry) {
	if len(entries) > 0 {
		h.publish(parcel{event: event, entries: entries})
	}
}

// Changed tells a person's open streams that the change with this number altered notifications in their inbox.
func (h *Hub) Changed(_ context.Context, inbox model.Inbox, seq int64) {
	h.publish(parcel{single: &message{kind: kindChanged, user: inbox.UserID, seq: seq, unread: inbox.UnreadCount}})
}

// Marked tells a person's open streams that everything up to a position was read.
func (h *Hub) Marked(_ context.Context, inbox model.Inbox, mark model.InboxMark) {
	h.publish(parcel{single: &message{
		kind: kindMarked, user: inbox.UserID, seq: mark.Seq, unread: inbox.UnreadCount, upTo: mark.UpTo, readAt: mark.ReadAt,
	}})
}

// ViewerChanged tells a person's open streams that their settings or integration changed, after the commit that
// raised their viewer_revision.
func (h *Hub) ViewerChanged(userID uuid.UUID) {
	h.publish(parcel{single: &message{kind: kindViewer, user: userID}})
}

// Deactivated ends the streams of people who were deactivated, after the commit.
func (h *Hub) Deactivated(userIDs []uuid.UUID) {
	for _, id := range userIDs {
		h.ViewerChanged(id)
	}
}

// PolicyChanged tells the streams of everybody in a workspace, spread over 5 s, that its rules changed.
func (h *Hub) PolicyChanged(workspaceID uuid.UUID) { h.publish(parcel{workspace: workspaceID}) }

// Wake makes the delivery workers of the other replicas look at the queue of a channel. Those of this replica are
// not told.
func (h *Hub) Wake(channel model.Channel) { h.outbox.wake(channel) }

// OnWake sets what is called when another replica calls Wake. It is called from a goroutine of NATS and must not block.
func (h *Hub) OnWake(wake func(model.Channel)) { h.onWake.Store(&wake) }

func (h *Hub) woken(c model.Channel) {
	if wake := h.onWake.Load(); wake != nil {
		(*wake)(c)
	}
}

func (h *Hub) publish(p parcel) {
	if !h.outbox.put(p) {
		h.stats.unsent.Add(int64(p.size()))
	}
}

// send empties the outbox: to the subscribers of this replica first, then to NATS.
func (h *Hub) send(ctx context.Context) {
	defer close(h.outbox.drained)
	var scratch []byte
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.outbox.ready:
		}
		parcels, wakes, last := h.outbox.take()
		for _, c := range wakes {
			h.sent(h.bus.publish(wakeSubjectOf(c), nil))
		}
		for i := range parcels {
			scratch = h.sendParcel(&parcels[i], scratch[:0])
			if ctx.Err() != nil {
				return
			}
		}
		if last {
			return
		}
	}
}

func (h *Hub) sendParcel(p *parcel, scratch []byte) []byte {
	switch {
	case p.workspace != uuid.Nil:
		h.workspaceChanged(p.workspace)
		h.sent(h.bus.publish(subjectOf(workspaceSubject, p.workspace), nil))
	case p.single != nil:
		scratch = h.sendMessage(p.single, scratch)
	default:
		content, shared := encodeContent(p.event), h.events.add(p.event)
		for i := range p.entries {
			e := &p.entries[i]
			scratch = h.sendMessage(&message{
				kind: kindReceived, user: e.UserID, seq: e.Seq, unread: e.UnreadCount, notification: e.NotificationID,
				event: p.event.UUID, createdAt: p.event.CreatedAt, content: content, shared: shared,
			}, scratch)
		}
	}
	return scratch
}

func (h *Hub) sendMessage(m *message, scratch []byte) []byte {
	h.shardOf(m.user).offer(m)
	scratch = m.appendTo(scratch[:0])
	h.sent(h.bus.publish(subjectOf(inboxSubject, m.user), scratch))
	return scratch
}

func (h *Hub) sent(err error) {
	if err != nil {
		h.stats.unsent.Add(1)
	}
}
