package model

import "github.com/google/uuid"

// EmailState says whether mail to an address is worth sending.
type EmailState int16

// The states of an address. A bounce is forgotten when syncUsers brings another address.
const (
	EmailGood    EmailState = 0
	EmailBounced EmailState = 1
)

// User is one person in one workspace.
type User struct {
	UUID        uuid.UUID `gorm:"column:id;primaryKey"`
	WorkspaceID uuid.UUID
	ExternalID  string // Heffl's own id, unique in the workspace
	Name        string
	Email       string // empty: none known
	TimeZone    string // IANA name, empty: none known
	EmailState  EmailState
	// EmailEnabled and CliqEnabled are the master switches; in-app has none.
	EmailEnabled bool
	CliqEnabled  bool
	Active       bool
	// SettingsRevision counts this person's own changes of settings.
	SettingsRevision int32
	// ViewerRevision counts every change that viewerChanged tells: settings, policy, integration.
	ViewerRevision int64
}

// ChannelEnabled is the master switch of one channel.
func (u *User) ChannelEnabled(c Channel) bool {
	switch c {
	case ChannelEmail:
		return u.EmailEnabled
	case ChannelCliq:
		return u.CliqEnabled
	case ChannelInApp:
		return true
	}
	return false
}

// Viewer is the person who asks, with their workspace.
type Viewer struct {
	User      User
	Workspace Workspace
	// Settings reads what decides about the person's settings, at most once for all fields of one answer;
	// nil: not prepared.
	Settings func() (SettingsSnapshot, error)
	// Found is the inbox as it was when the person was looked up, without its cursor; nil: something may have changed it
	// since, for example the mutation that is being answered.
	Found *Inbox
}

// ID is the global id of the person.
func (v *Viewer) ID() string { return GlobalID(KindViewer, v.User.UUID) }

// UserID is Heffl's own id of the person, as publishEvent names recipients.
func (v *Viewer) UserID() string { return v.User.ExternalID }

// Name is the person's name, or their id until one is known.
func (v *Viewer) Name() string {
	if v.User.Name == "" {
		return v.User.ExternalID
	}
	return v.User.Name
}

// Email is the person's address, nil if none is known.
func (v *Viewer) Email() *string { return optional(v.User.Email) }

// IsNode marks a thing that node(id:) finds.
func (*Viewer) IsNode() {}

// Claims are the facts of a verified token that concern a person: what creates a missing user and fills
// columns that are empty, and never overwrites what syncUsers wrote.
type Claims struct {
	UserID        string // Heffl's own
	WorkspaceID   string // Heffl's own
	WorkspaceName string
	Name          string
	Email         string
}

// SyncedUser is one person as Heffl's directory knows them. It overwrites what is stored.
type SyncedUser struct {
	WorkspaceID string // Heffl's own
	ExternalID  string
	Name        string
	Email       string // empty: none
	TimeZone    string
	Active      bool
}

// SyncedWorkspace is a workspace's name as Heffl's directory knows it.
type SyncedWorkspace struct {
	ExternalID string
	Name       string
}

// optional is s for a nullable field: nil for the empty string.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
