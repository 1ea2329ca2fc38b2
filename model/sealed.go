package model

import "github.com/google/uuid"

// SealedTokens are a connection's tokens as they are stored: ciphertext only. Package secret opens them.
type SealedTokens struct {
	UserID    uuid.UUID           `gorm:"primaryKey"`
	Provider  IntegrationProvider `gorm:"primaryKey"`
	Access    []byte
	Refresh   []byte
	ExpiresAt Time // of the access token
	// Version grows with every change: a refresh is written only if the version is still the one it began with.
	Version int64
	KeyID   uint32
	// RefreshesUntil is until when the refreshes so far count against Zoho's limit; zero: there was none.
	RefreshesUntil Time
}

// TableName is where gorm keeps sealed tokens.
func (SealedTokens) TableName() string { return "integration_tokens" }

// NewConnection is what a successful exchange gave: it replaces whatever connection the person had.
type NewConnection struct {
	UserID      uuid.UUID
	WorkspaceID uuid.UUID
	// Region is where the account lives, RegionChosen what the person picked.
	Region       CliqRegionCode
	RegionChosen CliqRegionCode
	BotName      string
	Scopes       string // separated by spaces
	Access       []byte // sealed
	Refresh      []byte // sealed
	ExpiresAt    Time   // of the access token
	KeyID        uint32
}

// ConnectState is one attempt to connect: single use, ten minutes. It holds hashes and ciphertext only.
type ConnectState struct {
	StateHash   []byte `gorm:"primaryKey"` // SHA-256 of the state
	UserID      uuid.UUID
	WorkspaceID uuid.UUID
	// BrowserHash is SHA-256 of the secret in the browser's cookie; nil when the mutation did not come by HTTP.
	BrowserHash []byte
	Region      CliqRegionCode
	BotName     string
	Verifier    []byte // PKCE verifier, sealed
	ReturnTo    string
	ExpiresAt   Time
	// The hand-over: set once Zoho has answered and the browser could not prove whose it is.
	TicketHash []byte // SHA-256 of the ticket
	Answer     []byte // code, location and accounts-server, sealed
}

// TableName is where gorm keeps attempts to connect.
func (ConnectState) TableName() string { return "oauth_states" }

// PendingRevocation is a refresh token that Zoho is still to be told to forget. Its ciphertext keeps the seal of the
// place where it stood: table integration_tokens, column refresh, row and user the person's id.
type PendingRevocation struct {
	ID            uuid.UUID `gorm:"primaryKey"`
	WorkspaceID   uuid.UUID
	UserID        uuid.UUID
	Region        CliqRegionCode
	Refresh       []byte // sealed
	KeyID         uint32
	Attempts      int32
	NextAttemptAt Time
}

// TableName is where gorm keeps pending revocations.
func (PendingRevocation) TableName() string { return "revocations" }
