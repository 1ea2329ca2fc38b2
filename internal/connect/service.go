package connect

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/google/uuid"

	"github.com/heffl/bff/internal/cliq"
	"github.com/heffl/bff/internal/secret"
	"github.com/heffl/bff/model"
)

// Lifetimes of an attempt to connect.
const (
	stateLifetime  = 10 * time.Minute
	maxAttempts    = 10 // of one person that are open at the same time
	ticketLifetime = 60 * time.Second
)

// Store is what the flow needs of the database.
type Store interface {
	AuditStore
	Connection(ctx context.Context, userID uuid.UUID) (model.Connection, error)
	// SaveConnectState answers false when the person has so many open attempts that another one is too much.
	SaveConnectState(ctx context.Context, st model.ConnectState, now model.Time, most int) (bool, error)
	// ConsumeConnectState answers a state once; one that expired comes with false, and an unknown one is empty.
	ConsumeConnectState(ctx context.Context, stateHash []byte, now model.Time) (model.ConnectState, bool, error)
	HandOverConnectState(ctx context.Context, st model.ConnectState) error
	// RedeemTicket answers a ticket once, and only to the person who started; one that expired comes with false.
	RedeemTicket(ctx context.Context, ticketHash []byte, userID uuid.UUID, now model.Time) (model.ConnectState, bool, error)
	// SaveConnected replaces the person's connection and queues the revocation of the one before.
	SaveConnected(ctx context.Context, c model.NewConnection, now model.Time) (model.Connection, error)
	SetBot(ctx context.Context, userID uuid.UUID, bot string, now model.Time) (c model.Connection, connected bool, err error)
	Disconnect(ctx context.Context, userID uuid.UUID, now model.Time) (queued bool, err error)
}

// Config is what the flow needs. Every field is required unless it says otherwise.
type Config struct {
	Store   Store
	Client  *cliq.Client
	Regions *cliq.Regions
	Box     *secret.Box
	// CallbackURL is where Zoho sends the browser back to, as registered with Zoho.
	CallbackURL string
	// Origins are the exact origins that a browser may be sent back to.
	Origins []string
	// DefaultReturn is where it is sent when nobody said.
	DefaultReturn *url.URL
	// SecureCookie names the cookie __Host-… and marks it Secure: everywhere but on http://localhost.
	SecureCookie bool
	// Cookie is a cookie of the request that a mutation came by; SetCookie answers false where none can be set.
	Cookie    func(ctx context.Context, name string) string
	SetCookie func(ctx context.Context, cookie *http.Cookie) bool
	// Session tells whose session cookie a request carries; false: none.
	Session func(r *http.Request) (workspaceID, userID string, ok bool)
	// Viewer finds a person; used to compare the session's user with the one who started.
	Viewer func(ctx context.Context, userID uuid.UUID) (model.Viewer, bool, error)
	// Changed is told whose connection changed. It must not wait.
	Changed func(userID uuid.UUID)
	// Revoke is told that a revocation was queued. It must not wait.
	Revoke func()
	Logger *slog.Logger
	Now    func() time.Time
}

// Service is the connect flow.
type Service struct {
	Config
	strangers, people *budget // of the audit
}

// New makes the flow. It fails when a part is missing.
func New(c Config) (*Service, error) {
	missing := c.Store == nil || c.Client == nil || c.Regions == nil || c.Box == nil || c.CallbackURL == "" || c.DefaultReturn == nil ||
		c.Cookie == nil || c.SetCookie == nil || c.Session == nil || c.Viewer == nil || c.Changed == nil || c.Revoke == nil || c.Logger == nil || c.Now == nil
	if missing {
		return nil, errors.New("connect: a required part of the configuration is missing")
	}
	return &Service{Config: c, strangers: newBudget(), people: newBudget()}, nil
}

func (s *Service) now() model.Time { return model.NewTime(s.Now()) }

// Start stores an attempt to connect and answers where the browser goes. What the person can mend is a
// *model.UserError: INVALID_BOT, REGION_MISMATCH, REGION_NOT_AVAILABLE, INVALID_RETURN_TO.
func (s *Service) Start(ctx context.Context, v model.Viewer, in model.ConnectCliqInput) (model.ConnectStart, error) {
	code := cliq.Code(in.Region)
	if !s.Regions.IsOffered(code) {
		return model.ConnectStart{}, model.UserErrorf(model.UserErrorCodeRegionNotAvailable, []string{"input", "region"},
			"Accounts of this region cannot be connected here; cliqRegions lists those that can.")
	}
	bot, err := s.bot(in.Bot, code, otherThanChosen)
	if err != nil {
		return model.ConnectStart{}, err
	}
	returnTo, err := s.returnTo(in.ReturnTo.Value())
	if err != nil {
		return model.ConnectStart{}, err
	}
	state, verifier := random(), random()
	now := s.now()
	st := model.ConnectState{
		StateHash: hash(state), UserID: v.User.UUID, WorkspaceID: v.Workspace.UUID, BrowserHash: s.browserHash(ctx),
		Region: in.Region, BotName: bot, ReturnTo: returnTo, ExpiresAt: now.Add(stateLifetime),
	}
	if st.Verifier, err = s.Box.Seal(stateBinding(&st, "verifier"), []byte(verifier)); err != nil {
		return model.ConnectStart{}, fmt.Errorf("seal verifier: %w", err)
	}
	consentURL, err := s.Client.ConsentURL(code, cliq.Consent{State: state, Verifier: cliq.NewSecret(verifier), RedirectURI: s.CallbackURL})
	if err != nil {
		return model.ConnectStart{}, fmt.Errorf("make consent URL: %w", err)
	}
	saved, err := s.Store.SaveConnectState(ctx, st, now, maxAttempts)
	if err != nil {
		return model.ConnectStart{}, fmt.Errorf("save state: %w", err)
	}
	if !saved {
		return model.ConnectStart{}, model.UserErrorf(model.UserErrorCodeRateLimited, nil,
			"You began to connect %d times and finished none of them. Finish one in the page that Zoho opened, or try again in ten minutes.", maxAttempts)
	}
	s.record(ctx, entry(&st, actorOf(&v), model.ConnectStarted, ""))
	return model.ConnectStart{ConsentURL: consentURL, ExpiresAt: st.ExpiresAt}, nil
}

// Connection is the person's connection, connected or not.
func (s *Service) Connection(ctx context.Context, userID uuid.UUID) (model.Connection, error) {
	return s.Store.Connection(ctx, userID)
}

// Disconnect forgets the tokens at once; Zoho is told in the background.
func (s *Service) Disconnect(ctx context.Context, v model.Viewer) (model.Revocation, error) {
	queued, err := s.Store.Disconnect(ctx, v.User.UUID, s.now())
	if err != nil {
		return "", fmt.Errorf("disconnect: %w", err)
	}
	s.Changed(v.User.UUID)
	if !queued {
		return model.RevocationNotNeeded, nil
	}
	s.Revoke()
	forgotten, err := s.Store.Connection(ctx, v.User.UUID)
	if err != nil { // the entry does without the region and the bot
		s.Logger.WarnContext(ctx, "connection cannot be read", slog.Any("error", err))
	}
	s.record(ctx, ownEntry(&v, &forgotten, model.ConnectDisconnected))
	return model.RevocationQueued, nil
}

// random is 32 random bytes in base64url: 43 characters, as RFC 7636 §4.1 wants of a verifier.
func random() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails: it ends the process instead
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func hash(s string) []byte {
	sum := sha256.Sum256([]byte(s))
	return sum[:]
}

// stateBinding is the one place where something sealed of an attempt may stand.
func stateBinding(st *model.ConnectState, column string) secret.Binding {
	return secret.Binding{Table: "oauth_states", Column: column, Row: hex.EncodeToString(st.StateHash), User: st.UserID.String()}
}
