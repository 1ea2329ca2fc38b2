package model

import "github.com/google/uuid"

// Preference is one cell that a person changed. A cell without a row follows the workspace or the catalog.
type Preference struct {
	UserID    uuid.UUID `gorm:"primaryKey"`
	EventType string    `gorm:"primaryKey"`
	Channel   Channel   `gorm:"primaryKey"`
	Enabled   bool
}

// CellKey names one cell of a person's settings.
type CellKey struct {
	EventType string
	Channel   Channel
}

// SettingsSnapshot is everything that decides how a person's settings look, read at one moment.
type SettingsSnapshot struct {
	User       User
	Cells      []Preference
	Rules      []WorkspaceRule
	Connection Connection
}

// ChangeSource says through what a setting was changed.
type ChangeSource string

// The ways settings change.
const (
	ThroughPage        ChangeSource = "PAGE"
	ThroughBulk        ChangeSource = "BULK"
	ThroughReset       ChangeSource = "RESET"
	ThroughUnsubscribe ChangeSource = "UNSUBSCRIBE_LINK"
	ThroughAdmin       ChangeSource = "ADMIN"
)

// SettingsChange is what one person changes in one go: all of it or nothing.
type SettingsChange struct {
	UserID uuid.UUID
	// Set are cells with their new value, Reset cells that go back to the default. No cell is in both or twice.
	Set   []Preference
	Reset []CellKey
	// Master are the master switches to set; nil for none. In-app has none.
	Master map[Channel]bool
	// ExpectedRevision is the revision that the caller saw; nil when they do not mind.
	ExpectedRevision *int32
	Through          ChangeSource
	// ActorID is who changes it, Heffl's own id; for the audit.
	ActorID string
}

// SettingsOutcome is what a SettingsChange did.
type SettingsOutcome struct {
	Revision int32
	// Conflict: ExpectedRevision was not the current one, which is Revision; nothing was done.
	Conflict bool
	// Changed: at least one row differs from before; otherwise no revision was counted and nothing was audited.
	Changed bool
}

// Apply is the snapshot after a change that was the only one since it was read: the revision it gave is the next one.
func (s SettingsSnapshot) Apply(c SettingsChange, revision int32) SettingsSnapshot {
	touched := make(map[CellKey]bool, len(c.Set)+len(c.Reset))
	for _, cell := range c.Set {
		touched[CellKey{EventType: cell.EventType, Channel: cell.Channel}] = true
	}
	for _, key := range c.Reset {
		touched[key] = true
	}
	cells := make([]Preference, 0, len(s.Cells)+len(c.Set))
	for _, cell := range s.Cells {
		if !touched[CellKey{EventType: cell.EventType, Channel: cell.Channel}] {
			cells = append(cells, cell)
		}
	}
	cells = append(cells, c.Set...)
	s.Cells = cells
	if on, ok := c.Master[ChannelEmail]; ok {
		s.User.EmailEnabled = on
	}
	if on, ok := c.Master[ChannelCliq]; ok {
		s.User.CliqEnabled = on
	}
	s.User.SettingsRevision = revision
	return s
}

// PolicyChange is what an administrator changes in one go. An empty Mode removes the rule.
type PolicyChange struct {
	WorkspaceID      uuid.UUID
	Rules            []WorkspaceRule
	ExpectedRevision *int32
	ActorID          string
}
