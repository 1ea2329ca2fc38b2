package model

import (
	"sync"

	"github.com/google/uuid"

	"github.com/heffl/bff/model/projection"
)

// Notification is one event as one person has it.
type Notification struct {
	UUID    uuid.UUID `gorm:"column:id;primaryKey"`
	UserID  uuid.UUID
	EventID uuid.UUID
	// Seq is the inbox's number when it came, ChangedSeq when it last changed; 0 when it is kept out of the inbox.
	Seq        int64
	ChangedSeq int64
	CreatedAt  Time
	ReadAt     *Time
	ArchivedAt *Time
	Decision   Decision

	// Event is what it is about.
	Event *Event `gorm:"-"`
	// Category, Importance and URL come from the catalog and the configuration; package inbox fills them in.
	Category   string     `gorm:"-"`
	Importance Importance `gorm:"-"`
	URL        string     `gorm:"-"`
	// Siblings are the notifications of the same answer, so that what each of them needs is read for all at once; nil: it is alone.
	Siblings *Siblings `gorm:"-"`
	// Outcomes is what happened on every channel, where a whole list was asked for it at once.
	Outcomes []ChannelOutcome `gorm:"-"`
}

// Siblings are notifications that were answered together, with the deliveries of all of them once somebody asked.
type Siblings struct {
	ids  []uuid.UUID
	once sync.Once
	rows map[uuid.UUID][]Delivery
	err  error
}

// Together makes siblings of the given notifications.
func Together(notifications []Notification) {
	s := &Siblings{ids: make([]uuid.UUID, len(notifications))}
	for i := range notifications {
		s.ids[i] = notifications[i].UUID
		notifications[i].Siblings = s
	}
}

// Deliveries are the deliveries of one sibling. The first call reads those of all; it may come from several goroutines.
func (s *Siblings) Deliveries(id uuid.UUID, read func(ids []uuid.UUID) ([]Delivery, error)) ([]Delivery, error) {
	s.once.Do(func() {
		var all []Delivery
		all, s.err = read(s.ids)
		s.rows = make(map[uuid.UUID][]Delivery, len(s.ids))
		for _, d := range all {
			s.rows[d.NotificationID] = append(s.rows[d.NotificationID], d)
		}
	})
	return s.rows[id], s.err
}

// ID is the global id of the notification.
func (n *Notification) ID() string { return GlobalID(KindNotification, n.UUID) }

// EventType is the type of the event, for example "deal.won".
func (n *Notification) EventType() string { return n.Event.Type }

// Title is the headline in plain text.
func (n *Notification) Title() string { return n.Event.Title }

// Body is the text below the headline; nil: none.
func (n *Notification) Body() *string { return optional(n.Event.Body) }

// Path is the link into the app, relative.
func (n *Notification) Path() string { return n.Event.Path }

// Subject is the record it is about.
func (n *Notification) Subject() Subject {
	return Subject{Type: n.Event.SubjectType, ID: n.Event.SubjectID}
}

// Actor is who did it; nil when nobody did.
func (n *Notification) Actor() *Actor {
	if n.Event.ActorID == "" {
		return nil
	}
	return &Actor{ID: n.Event.ActorID, Name: n.Event.ActorName}
}

// InInbox reports whether it is in the inbox at all.
func (n *Notification) InInbox() bool { return n.Seq > 0 }

// IsNode marks a thing that node(id:) finds.
func (*Notification) IsNode() {}

// ProjectedFields are the fields of the schema that are no Go fields.
func (*Notification) ProjectedFields() projection.Getters {
	return projection.Getters{
		"id":        projection.Get((*Notification).ID),
		"eventType": projection.Get((*Notification).EventType),
		"title":     projection.Get((*Notification).Title),
		"body":      projection.Get((*Notification).Body),
		"path":      projection.Get((*Notification).Path),
		"subject":   projection.Get((*Notification).Subject),
		"actor":     projection.Get((*Notification).Actor),
		"channels":  projection.Get((*Notification).channels),
	}
}

// SharedFields are the fields that say something about the event: the same for all its recipients.
func (*Notification) SharedFields() []string {
	return []string{"eventType", "category", "importance", "title", "body", "url", "path", "subject", "actor"}
}

func (n *Notification) channels() []ChannelOutcome { return n.Outcomes }
