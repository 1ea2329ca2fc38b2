package live

import (
	"sync"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

// outboxLimit is how many messages wait to be sent at most. NATS takes a million a second; more than this waits only
// while its connection is stuck, and then hints are worth nothing.
const outboxLimit = 100_000

// parcel is what one call publishes.
type parcel struct {
	// event and entries are one new event and the inboxes it came into.
	event   *model.Event
	entries []model.InboxEntry
	// single is any other message to one person.
	single *message
	// workspace is whose people are all to look; uuid.Nil: none.
	workspace uuid.UUID
}

func (p *parcel) size() int { return max(1, len(p.entries)) }

// outbox takes what is published, so that no caller ever waits for NATS.
type outbox struct {
	ready   chan struct{}
	drained chan struct{} // closed by the sender when it has ended

	mu      sync.Mutex // guards the rest
	closed  bool
	parcels []parcel
	size    int
	wakes   map[model.Channel]bool
}

func newOutbox() *outbox {
	return &outbox{ready: make(chan struct{}, 1), drained: make(chan struct{}), wakes: make(map[model.Channel]bool)}
}

// put answers false when the parcel was thrown away.
func (o *outbox) put(p parcel) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed || o.size+p.size() > outboxLimit {
		return false
	}
	o.parcels = append(o.parcels, p)
	o.size += p.size()
	poke(o.ready)
	return true
}

func (o *outbox) wake(c model.Channel) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.closed {
		o.wakes[c] = true
		poke(o.ready)
	}
}

// take empties the outbox. last is true when nothing will come any more.
func (o *outbox) take() (parcels []parcel, wakes []model.Channel, last bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	parcels, o.parcels, o.size = o.parcels, nil, 0
	for c := range o.wakes {
		wakes = append(wakes, c)
	}
	clear(o.wakes)
	return parcels, wakes, o.closed
}

func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	poke(o.ready)
}
