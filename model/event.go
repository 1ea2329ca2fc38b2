package model

import "github.com/google/uuid"

// Event is something that happened in the CRM, with its text already rendered: the text is the same for every recipient.
type Event struct {
	UUID           uuid.UUID `gorm:"column:id;primaryKey"`
	WorkspaceID    uuid.UUID
	Type           string // "deal.won"
	ActorID        string // Heffl's own id; empty: nobody's doing
	ActorName      string
	Data           JSONObject
	IdempotencyKey string
	ContentHash    []byte // SHA-256 of the canonical content
	OccurredAt     Time
	CreatedAt      Time
	Title          string
	Body           string // empty: none
	CliqText       string // empty: the title is used
	Path           string // relative link into the app
	SubjectType    string
	SubjectID      string
	// Notified is how many recipients had at least one channel that delivers.
	Notified int32
	// UnknownRecipients are those of the request that nobody knows; part of the first answer, so kept for its repetition.
	UnknownRecipients []string `gorm:"serializer:json"`
}

// ID is the global id of the event.
func (e *Event) ID() string { return GlobalID(KindEvent, e.UUID) }

// Audience is everything that decides who gets an event of one type where, read at one moment.
type Audience struct {
	// Recipients are the known and active ones, in no order.
	Recipients []Recipient
	// Unknown are the asked-for ids that no active user of the workspace has, in the order asked.
	Unknown []string
	// Rules are the workspace's rules for this event type, by channel number; empty mode: none.
	Rules [len(Channels)]WorkspaceRuleMode
}

// Recipient is one person with what decides about one event type.
type Recipient struct {
	UserID     uuid.UUID
	ExternalID string
	// Inactive people get nothing. An Audience has none; who looks at one person's settings may meet them.
	Inactive     bool
	HasEmail     bool
	EmailState   EmailState
	EmailEnabled bool
	CliqEnabled  bool
	// Cells are the person's own choices for the event type, by channel number.
	Cells [len(Channels)]Toggle
	// CliqStatus and CliqProblem are the state of the person's Cliq connection.
	CliqStatus  IntegrationStatus
	CliqProblem ProblemCode
}

// Plan is one event with its decisions, ready to be stored in one transaction.
type Plan struct {
	Event         Event
	Notifications []PlannedNotification
}

// PlannedNotification is the decision for one recipient.
type PlannedNotification struct {
	NotificationID uuid.UUID
	UserID         uuid.UUID
	Decision       Decision
}

// SavedPlan is what storing a Plan gave.
type SavedPlan struct {
	// Event is the stored one: the first one when Duplicate.
	Event Event
	// Duplicate: the idempotency key was used before with the same content; nothing was stored.
	Duplicate bool
	// Conflict: the key was used before with other content; nothing was stored.
	Conflict bool
	// Entries are the inbox positions that the in-app notifications got; none for those kept out of the inbox.
	Entries []InboxEntry
}

// InboxEntry is the position one notification got in one person's inbox.
type InboxEntry struct {
	UserID         uuid.UUID
	NotificationID uuid.UUID
	Seq            int64
	UnreadCount    int32
}
