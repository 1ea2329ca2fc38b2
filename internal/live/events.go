package live

import (
	"sync"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

// cachedEvents is how many events are kept decoded: those that are on their way to many people at this moment.
const cachedEvents = 256

// eventCache keeps recent events decoded and decorated, because one event comes once per recipient. All its
// recipients on this replica then share one *model.Event: whoever renders changes may render by that pointer, once
// for many.
type eventCache struct {
	decorate func(*model.Notification)

	mu    sync.Mutex // guards the rest
	known map[uuid.UUID]*model.Notification
	ring  [cachedEvents]uuid.UUID
	next  int
}

func newEventCache(decorate func(*model.Notification)) *eventCache {
	return &eventCache{decorate: decorate, known: make(map[uuid.UUID]*model.Notification, cachedEvents)}
}

// add makes a notification's part that is the same for everyone and keeps it.
func (c *eventCache) add(e *model.Event) *model.Notification {
	shared := &model.Notification{EventID: e.UUID, Event: e}
	c.decorate(shared)
	c.mu.Lock()
	defer c.mu.Unlock()
	if first, ok := c.known[e.UUID]; ok {
		return first
	}
	delete(c.known, c.ring[c.next])
	c.ring[c.next] = e.UUID
	c.known[e.UUID] = shared
	c.next = (c.next + 1) % cachedEvents
	return shared
}

// of is the shared part of the notification that a message brings; nil when the message has no readable content.
func (c *eventCache) of(m *message) *model.Notification {
	c.mu.Lock()
	shared := c.known[m.event]
	c.mu.Unlock()
	if shared != nil || len(m.content) == 0 {
		return shared
	}
	e, err := decodeContent(m.event, m.content)
	if err != nil {
		return nil
	}
	return c.add(e)
}
