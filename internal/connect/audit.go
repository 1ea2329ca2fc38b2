package connect

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"golang.org/x/time/rate"

	"github.com/heffl/bff/model"
)

// Bounds of what the audit takes in and costs. What belongs to a person's own doing is bounded elsewhere: by the attempts
// that may be open, and by the rate of requests.
const (
	// auditTimeout is how long a person waits at most for an entry to be written.
	auditTimeout = 2 * time.Second
	// auditSame is how many refusals of one attempt are kept for the same actor and reason.
	auditSame = 5
	// What is refused without belonging to any attempt is kept so often at once and then at this pace, by each replica.
	auditBurst = 30
	auditPace  = 2 * time.Minute
)

// AuditStore keeps what became of attempts and connections.
type AuditStore interface {
	// AddConnectAudit adds an entry; with most > 0 only while fewer of the same attempt, actor and reason are there.
	AddConnectAudit(ctx context.Context, e model.ConnectAudit, most int) error
	// ConnectAttempt is what was written of one attempt, oldest first.
	ConnectAttempt(ctx context.Context, attempt []byte) ([]model.ConnectAudit, error)
	// HandedOver is the attempt that a ticket was made for, as long as nobody redeemed it.
	HandedOver(ctx context.Context, ticketHash []byte) (model.ConnectState, bool, error)
}

// actor is who comes, by Heffl's own ids; the zero value is somebody who is not signed in.
type actor struct{ workspace, id string }

func actorOf(v *model.Viewer) actor { return actor{v.Workspace.ExternalID, v.User.ExternalID} }

func (s *Service) actorIn(r *http.Request) actor {
	workspace, user, signedIn := s.Session(r)
	if !signedIn {
		return actor{}
	}
	return actor{workspace, user}
}

// entry is an entry about an attempt.
func entry(st *model.ConnectState, by actor, outcome model.ConnectOutcome, reason model.ConnectReason) model.ConnectAudit {
	return model.ConnectAudit{
		Attempt: st.StateHash, WorkspaceID: &st.WorkspaceID, UserID: &st.UserID, ActorWorkspace: by.workspace, ActorID: by.id,
		Outcome: outcome, Reason: reason, Region: st.Region, BotName: st.BotName,
	}
}

// ownEntry is an entry about what a person did with their own connection.
func ownEntry(v *model.Viewer, c *model.Connection, outcome model.ConnectOutcome) model.ConnectAudit {
	by := actorOf(v)
	return model.ConnectAudit{
		WorkspaceID: &v.Workspace.UUID, UserID: &v.User.UUID, ActorWorkspace: by.workspace, ActorID: by.id,
		Outcome: outcome, Region: c.Region, BotName: c.BotName,
	}
}

// budget bounds what is written of refusals that belong to no attempt, and counts what it leaves out.
type budget struct {
	rate    *rate.Limiter
	omitted atomic.Int32
}

func newBudget() *budget { return &budget{rate: rate.NewLimiter(rate.Every(auditPace), auditBurst)} }

// record adds to the audit. Nothing depends on it: what was decided stays decided when the entry cannot be written.
func (s *Service) record(ctx context.Context, e model.ConnectAudit) {
	e.ID, e.CreatedAt = model.NewID(), s.now()
	most := 0
	if e.Outcome == model.ConnectRefused {
		attrs := []slog.Attr{slog.String("reason", string(e.Reason)), slog.String("actor_id", e.ActorID)}
		if e.UserID != nil {
			attrs = append(attrs, slog.String("user_id", e.UserID.String()))
		}
		s.Logger.LogAttrs(ctx, slog.LevelWarn, "connect refused", attrs...)
		most = auditSame
	}
	if e.UserID == nil {
		// Those who signed in do not lose their trace to strangers who make noise.
		of := s.strangers
		if e.ActorID != "" {
			of = s.people
		}
		if !of.rate.AllowN(e.CreatedAt.Std(), 1) {
			of.omitted.Add(1)
			return
		}
		e.Omitted, most = of.omitted.Swap(0), 0
	}
	// A browser that leaves does not take its trace with it, and a slow database keeps nobody waiting.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), auditTimeout)
	defer cancel()
	if err := s.Store.AddConnectAudit(ctx, e, most); err != nil {
		s.Logger.ErrorContext(ctx, "connect audit cannot be written", slog.Any("error", err),
			slog.String("outcome", string(e.Outcome)), slog.String("reason", string(e.Reason)))
	}
}

// closed is the entry about a callback whose attempt is not open. Consuming tells whose attempt expired; whose was used is
// known by what was written of it, and so is one that the janitor has taken away since.
func (s *Service) closed(ctx context.Context, stateHash []byte, expired *model.ConnectState, by actor) model.ConnectAudit {
	if expired.UserID != uuid.Nil {
		return entry(expired, by, model.ConnectRefused, model.ConnectStateExpired)
	}
	unknown := model.ConnectAudit{
		ActorWorkspace: by.workspace, ActorID: by.id, Outcome: model.ConnectRefused, Reason: model.ConnectStateUnknown,
	}
	before, err := s.Store.ConnectAttempt(ctx, stateHash)
	if err != nil {
		s.Logger.ErrorContext(ctx, "connect audit cannot be read", slog.Any("error", err))
		return unknown
	}
	if len(before) == 0 {
		return unknown
	}
	e := before[0]
	onlyStarted := len(before) == 1 && e.Outcome == model.ConnectStarted
	e.ActorWorkspace, e.ActorID, e.Outcome, e.Reason = by.workspace, by.id, model.ConnectRefused, model.ConnectStateUsed
	if onlyStarted && !s.now().Before(e.CreatedAt.Add(stateLifetime)) {
		e.Reason = model.ConnectStateExpired
	}
	return e
}

// misused is the entry about a ticket that was not redeemed.
func (s *Service) misused(ctx context.Context, ticketHash []byte, expired *model.ConnectState, v *model.Viewer) model.ConnectAudit {
	by := actorOf(v)
	if expired.UserID != uuid.Nil {
		return entry(expired, by, model.ConnectRefused, model.ConnectTicketExpired)
	}
	unknown := model.ConnectAudit{
		ActorWorkspace: by.workspace, ActorID: by.id, Outcome: model.ConnectRefused, Reason: model.ConnectTicketUnknown,
	}
	st, found, err := s.Store.HandedOver(ctx, ticketHash)
	switch {
	case err != nil:
		s.Logger.ErrorContext(ctx, "hand-over cannot be read", slog.Any("error", err))
		return unknown
	case !found || st.UserID == v.User.UUID:
		return unknown
	}
	return entry(&st, by, model.ConnectRefused, model.ConnectOtherUser)
}
