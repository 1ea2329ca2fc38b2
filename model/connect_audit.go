package model

import "github.com/google/uuid"

// ConnectAudit is one thing that happened to an attempt to connect, or to a connection. It holds no secret and nothing of a
// request's text but the ids of who came.
type ConnectAudit struct {
	ID        uuid.UUID `gorm:"primaryKey"`
	CreatedAt Time
	// Attempt is SHA-256 of the attempt's state, so that what belongs together is found; nil: no attempt is known.
	Attempt []byte
	// WorkspaceID and UserID are whose attempt or connection it is; nil: nobody knows.
	WorkspaceID *uuid.UUID
	UserID      *uuid.UUID
	// ActorWorkspace and ActorID are who came, Heffl's own ids, as their session or token says; empty: nobody was signed in.
	ActorWorkspace string
	ActorID        string
	Outcome        ConnectOutcome
	// Reason is why, in a word of a fixed list; empty: it needs none.
	Reason ConnectReason
	// Region is the one chosen, and once connected the one where the account lives; empty: not known.
	Region  CliqRegionCode
	BotName string
	// Omitted counts what was refused since the entry before without an attempt, and left out because it was too much.
	Omitted int32
}

// TableName is where gorm keeps the audit of connections.
func (ConnectAudit) TableName() string { return "connect_audit" }

// ConnectOutcome is what became of it.
type ConnectOutcome string

// What becomes of attempts and connections.
const (
	// ConnectStarted: a person was sent to Zoho.
	ConnectStarted ConnectOutcome = "STARTED"
	// ConnectHandedOver: Zoho has answered, and a ticket waits for the person who started.
	ConnectHandedOver ConnectOutcome = "HANDED_OVER"
	// ConnectConnected: the account is connected, in place of the one before if there was one.
	ConnectConnected ConnectOutcome = "CONNECTED"
	// ConnectRefused: somebody came who may not, or with what belongs to no open attempt.
	ConnectRefused ConnectOutcome = "REFUSED"
	// ConnectFailed: the right person came, and nothing could be connected.
	ConnectFailed ConnectOutcome = "FAILED"
	// ConnectBotChanged: another bot sends from now on.
	ConnectBotChanged ConnectOutcome = "BOT_CHANGED"
	// ConnectDisconnected: the connection is forgotten.
	ConnectDisconnected ConnectOutcome = "DISCONNECTED"
)

// ConnectReason is why nothing was connected, or why a connection ended: one of these, or the code that the app is told of
// an exchange that failed.
type ConnectReason string

// Why callbacks and tickets are refused, attempts fail and connections end.
const (
	// ConnectMalformed: a callback that Zoho would not send.
	ConnectMalformed ConnectReason = "MALFORMED"
	// ConnectStateUnknown: no attempt ever had this state, as far as the audit goes back.
	ConnectStateUnknown ConnectReason = "STATE_UNKNOWN"
	// ConnectStateUsed: the attempt is over.
	ConnectStateUsed ConnectReason = "STATE_USED"
	// ConnectStateExpired: the attempt was begun too long ago.
	ConnectStateExpired ConnectReason = "STATE_EXPIRED"
	// ConnectTicketUnknown: no hand-over has this ticket, or none has it any more.
	ConnectTicketUnknown ConnectReason = "TICKET_UNKNOWN"
	// ConnectTicketExpired: the hand-over waited too long.
	ConnectTicketExpired ConnectReason = "TICKET_EXPIRED"
	// ConnectOtherBrowser: the browser is not the one that began.
	ConnectOtherBrowser ConnectReason = "OTHER_BROWSER"
	// ConnectOtherUser: the actor is not the person who began.
	ConnectOtherUser ConnectReason = "OTHER_USER"
	// ConnectUnknownRegion: the callback names a server that is none of Zoho's.
	ConnectUnknownRegion ConnectReason = "UNKNOWN_REGION"
	// ConnectAccessDenied: the person said no on Zoho's page.
	ConnectAccessDenied ConnectReason = "ACCESS_DENIED"
	// ConnectInternal: something went wrong on our side.
	ConnectInternal ConnectReason = "INTERNAL"
	// ConnectUserDeactivated: the person left.
	ConnectUserDeactivated ConnectReason = "USER_DEACTIVATED"
)
