package live

import "github.com/heffl/bff/model"

// Sink takes what one subscription brings. The hub calls it from goroutines of its own, one call at a time, while it
// holds a lock: no method may block or call the hub.
type Sink interface {
	// Push offers the next change: a *model.NotificationReceived, *model.NotificationsUpdated,
	// *model.AllNotificationsRead or *model.InboxReset. It is shared by all subscribers of a person and must not be altered,
	// and it is lent: when Push has returned, it becomes another one. Push answers false when there is no room. The change is
	// then not lost: it is read from the database when Room says so.
	Push(change model.InboxChange) bool
	// Room is asked from time to time after a refused Push.
	Room() bool
	// End says that nothing more comes, and why; nil when the subscription was closed by its owner.
	End(err error)
}

// ViewerSink takes the news that something about a person changed. Sink's rules hold for it too.
type ViewerSink interface {
	// Changed says that the viewer as last read is out of date. It comes at most every 750 ms.
	Changed()
	// End says that nothing more comes, and why; nil when the subscription was closed by its owner.
	End(err error)
}

// follows says what a subscriber wants to hear of.
type follows byte

const (
	followsInbox    follows = iota // every change
	followsReceived                // new notifications only
	followsViewer                  // nothing of the inbox
)

// phase is where a subscriber stands.
type phase byte

const (
	joining phase = iota // its position is still to be compared with the inbox
	behind               // it is to be brought up to date from the database
	live                 // the next message is for it
	stalled              // it refused a change and is waited for
)

// subscriber is one subscription. The lock of its shard guards all fields but sink and viewer.
type subscriber struct {
	entry   *entry
	follows follows
	phase   phase
	gone    bool
	// reset is what the subscriber must hear before anything else; empty: nothing.
	reset  model.InboxResetReason
	at     model.Place
	sink   Sink
	viewer ViewerSink
	// begun is called once, when the subscriber has been compared with the inbox or has ended; nil: nobody waits.
	begun func()
}

// push hands a change over and moves on to the place behind it.
func (s *subscriber) push(change model.InboxChange, next model.Place) bool {
	if !s.sink.Push(change) {
		s.phase = stalled
		return false
	}
	s.at = next
	return true
}

// begin lets go of whoever waits for the start.
func (s *subscriber) begin() {
	if s.begun != nil {
		s.begun()
		s.begun = nil
	}
}

// end tells the owner. It is called once, with no lock held, when the subscriber is in no shard any more.
func (s *subscriber) end(err error) {
	if s.sink != nil {
		s.sink.End(err)
	} else {
		s.viewer.End(err)
	}
	s.begin()
}
