package model

import "github.com/google/uuid"

// Inbox is one person's inbox at one moment.
type Inbox struct {
	UserID uuid.UUID `gorm:"primaryKey"`
	// LastSeq is the number of the last change.
	LastSeq int64
	// UnreadCount is exact: in the inbox, not read, not archived.
	UnreadCount int32
	// ReplayFrom: changes before this number can no longer be replayed.
	ReplayFrom int64
	// Cursor is the position LastSeq; package inbox fills it in.
	Cursor Cursor `gorm:"-"`
}

// ID is the global id of the inbox.
func (i *Inbox) ID() string { return GlobalID(KindInbox, i.UserID) }

// IsNode marks a thing that node(id:) finds.
func (*Inbox) IsNode() {}

// InboxQuery asks for one page of a person's notifications, newest first.
type InboxQuery struct {
	UserID uuid.UUID
	// Limit is how many at most; one more is read to learn whether there are more.
	Limit int
	// Backward reads the oldest ones of the range instead of the newest (`last`); the answer is newest first all the same.
	Backward bool
	// After and Before are positions that a page's edges gave; nil for none. After means older than, Before newer than.
	After, Before  *PagePosition
	Read, Archived *bool
	// OutOfInbox asks for what was decided for the person but kept out of the inbox, by creation time.
	OutOfInbox bool
	// EventTypes are the wanted types; nil: all. An empty slice matches nothing.
	EventTypes []string
}

// PagePosition is a place in a list of notifications: Seq in the inbox, else the id, whose order is that of creation.
type PagePosition struct {
	Seq int64
	ID  uuid.UUID
}

// InboxPage is one page, newest first.
type InboxPage struct {
	Notifications []Notification
	// More: there is at least one more in the direction of reading.
	More bool
}

// InboxMark is one mark-all-read: everything up to UpTo was read at ReadAt; Seq is its own number.
type InboxMark struct {
	UserID uuid.UUID `gorm:"primaryKey"`
	Seq    int64     `gorm:"primaryKey"`
	UpTo   int64
	ReadAt Time
}

// InboxChanges are what changed in an inbox since a position, in order, and the inbox itself, in one snapshot.
type InboxChanges struct {
	Inbox Inbox
	// Left: its owner is no longer active.
	Left bool
	// Notifications have ChangedSeq > the position, ordered by ChangedSeq, then Seq; with their events.
	Notifications []Notification
	// Marks have Seq > the position, ordered by Seq.
	Marks []InboxMark
	// TooFarBehind: the position is before ReplayFrom or more changes happened than asked for; nothing else is filled in but Inbox and Left.
	TooFarBehind bool
}

// InboxUpdate is what a change of read or archive state did.
type InboxUpdate struct {
	Inbox Inbox
	// Seq is the number of the change; 0 when nothing changed.
	Seq int64
	// Notifications are all asked-for ones that exist, in the order asked, as they are now.
	Notifications []Notification
	// Changed are the ids of those that the change really altered.
	Changed []uuid.UUID
	// Missing are the asked-for ids that the person has no notification for.
	Missing []uuid.UUID
}

// InboxMarkResult is what a mark-all-read did.
type InboxMarkResult struct {
	Inbox   Inbox
	Seq     int64 // 0 when nothing was unread
	UpTo    int64
	ReadAt  Time
	Changed int32
}

// InboxSeen is what a listener has seen of a person, for the database to answer only where it knows something else. A
// number of -1 is none that the database can know.
type InboxSeen struct {
	UserID  uuid.UUID
	LastSeq int64
	// ViewerRevision counts only where FollowsViewer says that somebody listens for it.
	ViewerRevision int64
	FollowsViewer  bool
}

// InboxPosition is where a person is according to the database.
type InboxPosition struct {
	UserID         uuid.UUID
	LastSeq        int64
	UnreadCount    int32
	ViewerRevision int64
	Active         bool
}

// PageArgs are the arguments of Inbox.notifications as they were asked.
type PageArgs struct {
	First, Last   *int32
	After, Before *string
	Filter        *NotificationFilter
	// OneWay: nobody asks for hasPreviousPage of a page read forward, or hasNextPage of one read backward.
	// Both need a query of their own, which is then spared.
	OneWay bool
	// Outcomes: what happened on every channel is wanted of all notifications of the page.
	Outcomes bool
}

// InboxResult is what a change of read or archive state answers.
type InboxResult struct {
	Inbox Inbox
	// Notifications are all asked-for ones that exist, in the order asked, as they are now.
	Notifications []Notification
}

// MarkAllResult is what a mark-all-read answers.
type MarkAllResult struct {
	Inbox   Inbox
	UpTo    Cursor
	ReadAt  *Time // nil when nothing was unread
	Changed int32
}
