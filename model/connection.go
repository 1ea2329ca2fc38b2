package model

import (
	"strings"

	"github.com/google/uuid"
)

// Connection is one person's connection to one provider, connected or not. It holds no secret.
type Connection struct {
	UserID      uuid.UUID           `gorm:"primaryKey"`
	Provider    IntegrationProvider `gorm:"primaryKey"`
	WorkspaceID uuid.UUID
	Status      IntegrationStatus
	// Region is where the account lives, RegionChosen what the person picked; empty before the first connection.
	Region       CliqRegionCode
	RegionChosen CliqRegionCode
	BotName      string
	Scopes       string // separated by spaces, as granted
	ConnectedAt  Time
	// LastDeliveredAt is when a message last got through.
	LastDeliveredAt Time
	// Problem is what is wrong right now; empty: nothing.
	Problem      ProblemCode
	ProblemSince Time
	// ProblemCount counts how often the problem was met since.
	ProblemCount int32
	// Untold: the person must act, and no event has told them of it yet.
	Untold bool
	// PausedUntil: nothing is sent before this moment.
	PausedUntil Time
	// ProbeAt: with a problem that only a person can solve, when one message may be tried again.
	ProbeAt Time
	// LeaseID and LeaseUntil say which worker may send and refresh for this person.
	LeaseID    *uuid.UUID
	LeaseUntil Time
	// PaceFrom and PaceCount are the budget of messages: at PaceFrom, PaceCount of them still counted. They stop
	// counting one by one (see the store's TakePace), so that no minute, wherever it begins, sees more than allowed.
	PaceFrom  Time
	PaceCount int32
}

// TableName is where gorm keeps connections.
func (Connection) TableName() string { return "integrations" }

// AwaitsOwner reports whether no message gets through until the owner of the connection does something: connects again, or
// sets right what is wrong with the bot. What only an administrator can mend is the same for everybody in the region, and
// nobody's to act on.
func (c *Connection) AwaitsOwner() bool {
	return c.Status == IntegrationStatusNeedsReconnect ||
		c.Status == IntegrationStatusConnected && c.Problem.NeedsPerson() && c.Problem != ProblemCodeProviderMisconfigured
}

// ScopeList is the granted scopes, one each.
func (c *Connection) ScopeList() []string { return strings.Fields(c.Scopes) }

// CliqIntegration is a person's connection to Zoho Cliq as the API shows it.
type CliqIntegration struct {
	Connection Connection
	// Problem is the current problem in words; nil: none.
	Problem *IntegrationProblem
	// Region is where the account lives; nil before the first connection.
	Region    *CliqRegion
	BotAPIURL *string
}

// ID is the global id, the same whether connected or not.
func (c *CliqIntegration) ID() string { return GlobalID(KindIntegration, c.Connection.UserID) }

// Provider is always Zoho Cliq.
func (*CliqIntegration) Provider() IntegrationProvider { return IntegrationProviderZohoCliq }

// Name is the product's name.
func (*CliqIntegration) Name() string { return "Zoho Cliq" }

// Status says whether messages can be sent.
func (c *CliqIntegration) Status() IntegrationStatus { return c.Connection.Status }

// ConnectedAt is when the current connection was made.
func (c *CliqIntegration) ConnectedAt() *Time { return c.Connection.ConnectedAt.Ptr() }

// RegionCorrected reports that the person picked another region than the one the account lives in.
func (c *CliqIntegration) RegionCorrected() bool {
	return c.Connection.Region != "" && c.Connection.Region != c.Connection.RegionChosen
}

// BotUniqueName is the bot that sends; nil before the first connection.
func (c *CliqIntegration) BotUniqueName() *string { return optional(c.Connection.BotName) }

// Scopes are what Zoho granted, empty when not connected.
func (c *CliqIntegration) Scopes() []string { return c.Connection.ScopeList() }

// LastDeliveredAt is when a message last got through.
func (c *CliqIntegration) LastDeliveredAt() *Time { return c.Connection.LastDeliveredAt.Ptr() }

// IsNode marks a thing that node(id:) finds.
func (*CliqIntegration) IsNode() {}

// IsIntegration marks an integration.
func (*CliqIntegration) IsIntegration() {}

// ConnectStart is an attempt to connect that has begun.
type ConnectStart struct {
	// ConsentURL is where the browser goes next.
	ConsentURL string
	// ExpiresAt is when the attempt is forgotten.
	ExpiresAt Time
}

// TestOutcome is what became of a test message.
type TestOutcome struct {
	// Status is SENT, FAILED, OUTCOME_UNKNOWN, or SKIPPED when the account is not connected.
	Status DeliveryStatus
	// Problem is the reason of a FAILED; empty: none.
	Problem ProblemCode
}
