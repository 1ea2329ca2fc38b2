package model

import "github.com/google/uuid"

// AuditEntry is one change of one setting, as it is kept for ever: who, when, which cell, from what to what, through what.
type AuditEntry struct {
	UUID        uuid.UUID `gorm:"column:id;primaryKey"`
	WorkspaceID uuid.UUID
	// UserID is the person whose setting changed; nil: a rule of the whole workspace.
	UserID *uuid.UUID
	// UserExternalID is that person's id of Heffl's own.
	UserExternalID string `gorm:"-"`
	// ActorID is who changed it, Heffl's own id; empty: nobody is known, as with an unsubscribe link.
	ActorID   string
	CreatedAt Time
	// EventType is the cell's event type; empty: the master switch of the channel.
	EventType string
	Channel   Channel
	// Old and New are AuditOn and AuditOff for a cell, a mode for a rule; empty: the default applied.
	Old     string
	New     string
	Through ChangeSource
}

// TableName is where gorm keeps audit entries.
func (AuditEntry) TableName() string { return "settings_audit" }

// The values of cells and master switches in an AuditEntry.
const (
	AuditOn  = "ON"
	AuditOff = "OFF"
)

// AuditValue is how an AuditEntry writes a switch.
func AuditValue(enabled bool) string {
	if enabled {
		return AuditOn
	}
	return AuditOff
}

// AuditQuery asks for one page of the audit of a workspace, newest first.
type AuditQuery struct {
	WorkspaceID uuid.UUID
	// UserID asks for one person's own settings only; nil: the whole workspace, its rules included.
	UserID *uuid.UUID
	// UserExternalID asks for the same by Heffl's own id; empty: everybody. Nobody who has it: nothing.
	UserExternalID string
	// Before asks for entries older than this one; uuid.Nil: from the newest.
	Before uuid.UUID
	// Limit is how many at most.
	Limit int
}

// AuditPage is one page, newest first.
type AuditPage struct {
	Entries []AuditEntry
	// More: older entries exist.
	More bool
}
