package frames

import (
	"sync/atomic"

	"github.com/heffl/bff/model"
	"github.com/heffl/bff/model/projection"
)

// recentEvents is how many events a shape remembers: those that are on their way to many people at this moment.
const recentEvents = 16

// sharedTexts remembers, for one selection, what the recipients of an event have in common, rendered. The hub gives all
// of them on a replica one *model.Event, and it is by that pointer that an event is known; an event that is read from
// the database for one person has one of its own, and nothing is rendered for others when it comes once only.
type sharedTexts struct {
	recent [recentEvents]atomic.Pointer[sharedText]
}

type sharedText struct {
	event *model.Event
	texts projection.Shared // nil: it was met once, or has nothing to share
}

// append writes a new notification.
func (s *sharedTexts) append(b []byte, plan *projection.Plan, c *model.NotificationReceived) []byte {
	event := c.Notification.Event
	if event == nil {
		return plan.Append(b, c)
	}
	place := &s.recent[event.UUID[15]%recentEvents]
	known := place.Load()
	switch {
	case known == nil || known.event != event:
		place.Store(&sharedText{event: event})
		return plan.Append(b, c)
	case known.texts == nil:
		texts := plan.Share(c)
		if texts == nil {
			return plan.Append(b, c)
		}
		known = &sharedText{event: event, texts: texts}
		place.Store(known)
	}
	return plan.AppendShared(b, known.texts, c)
}
