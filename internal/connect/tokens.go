package connect

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/heffl/bff/internal/cliq"
	"github.com/heffl/bff/internal/secret"
	"github.com/heffl/bff/model"
)

// expirySkew is how long before its end an access token is no longer used: a request may take ten seconds and
// clocks of replicas differ.
const expirySkew = time.Minute

// Zoho makes ten access tokens of one refresh token in ten minutes and then none for the rest of them. Half of them may
// be made at once and the others over that time, so that no ten minutes hold more than ten. Who is connected needs one
// an hour; this is for a Zoho that refuses every token after its first use, or that makes them last no time.
const (
	refreshesAtOnce = 5
	refreshEvery    = 2 * time.Minute
)

// TokenStore is what tokens need of the database.
type TokenStore interface {
	Tokens(ctx context.Context, userID uuid.UUID) (model.SealedTokens, bool, error)
	// TakeRefresh counts one refresh of tokens of the given version: atOnce may follow each other, the others one step
	// apart. Without ok, one may be made at retryAt; the zero time: these are not the person's tokens any more.
	TakeRefresh(ctx context.Context, userID uuid.UUID, version int64, atOnce int, step time.Duration, now model.Time) (ok bool, retryAt model.Time, err error)
	// SaveRefreshed writes only if the version is still the one that the refresh began with.
	SaveRefreshed(ctx context.Context, userID uuid.UUID, version int64, access, refresh []byte, expiresAt model.Time, keyID uint32) (bool, error)
}

// Refresher makes access tokens at Zoho. *cliq.Client is one.
type Refresher interface {
	Refresh(ctx context.Context, code cliq.Code, refresh cliq.Secret) (cliq.Token, error)
}

// ErrNoTokens says that the person is not connected any more.
var ErrNoTokens = errors.New("no tokens are kept for this person")

// TokensConfig is what Tokens needs. Every field is required.
type TokensConfig struct {
	Store  TokenStore
	Client Refresher
	Box    *secret.Box
	Logger *slog.Logger
	Now    func() time.Time
}

// Tokens opens people's access tokens and refreshes them. A caller holds the person's lease, so that one process at
// a time refreshes for one person; the version of the stored row catches what happens all the same.
type Tokens struct{ TokensConfig }

// NewTokens makes Tokens. It fails when a part is missing.
func NewTokens(c TokensConfig) (*Tokens, error) {
	if c.Store == nil || c.Client == nil || c.Box == nil || c.Logger == nil || c.Now == nil {
		return nil, errors.New("tokens: a required part of the configuration is missing")
	}
	return &Tokens{c}, nil
}

// Access is the person's access token, refreshed when it has run out, with the version of the row it stands in. One that
// is about to run out is still good when Zoho makes no new one now. Its errors are ErrNoTokens, those of
// cliq.Client.Refresh, and internal ones.
func (t *Tokens) Access(ctx context.Context, c *model.Connection) (cliq.Secret, int64, error) {
	sealed, found, err := t.Store.Tokens(ctx, c.UserID)
	if err != nil {
		return cliq.Secret{}, 0, fmt.Errorf("load tokens: %w", err)
	}
	if !found {
		return cliq.Secret{}, 0, ErrNoTokens
	}
	left := sealed.ExpiresAt.Std().Sub(t.Now())
	if left > expirySkew {
		return t.open(&sealed)
	}
	token, version, err := t.refresh(ctx, c, &sealed)
	var throttled *cliq.ThrottledError
	var unavailable *cliq.UnavailableError
	if left > 0 && ctx.Err() == nil && (errors.As(err, &throttled) || errors.As(err, &unavailable)) {
		return t.open(&sealed)
	}
	return token, version, err
}

// Renew is a new access token in place of one that Zoho refused; stale is the version that Access gave with it.
// When somebody else renewed it meanwhile, theirs is the answer.
func (t *Tokens) Renew(ctx context.Context, c *model.Connection, stale int64) (cliq.Secret, int64, error) {
	sealed, found, err := t.Store.Tokens(ctx, c.UserID)
	if err != nil {
		return cliq.Secret{}, 0, fmt.Errorf("load tokens: %w", err)
	}
	if !found {
		return cliq.Secret{}, 0, ErrNoTokens
	}
	if sealed.Version != stale {
		return t.open(&sealed)
	}
	return t.refresh(ctx, c, &sealed)
}

func (t *Tokens) open(sealed *model.SealedTokens) (cliq.Secret, int64, error) {
	plain, err := t.Box.Open(tokenBinding("access", sealed.UserID.String()), sealed.Access)
	if err != nil {
		return cliq.Secret{}, 0, fmt.Errorf("open access token: %w", err)
	}
	return cliq.NewSecret(string(plain)), sealed.Version, nil
}

// refresh asks Zoho, unless it was asked too often, and keeps the answer for everybody.
func (t *Tokens) refresh(ctx context.Context, c *model.Connection, sealed *model.SealedTokens) (cliq.Secret, int64, error) {
	user := c.UserID.String()
	refresh, err := t.Box.Open(tokenBinding("refresh", user), sealed.Refresh)
	if err != nil {
		return cliq.Secret{}, 0, fmt.Errorf("open refresh token: %w", err)
	}
	now := model.NewTime(t.Now())
	ok, retryAt, err := t.Store.TakeRefresh(ctx, c.UserID, sealed.Version, refreshesAtOnce, refreshEvery, now)
	switch {
	case err != nil:
		return cliq.Secret{}, 0, fmt.Errorf("count refresh: %w", err)
	case !ok && retryAt.IsZero():
		return t.current(ctx, c.UserID)
	case !ok:
		return cliq.Secret{}, 0, fmt.Errorf("refresh too often: %w", &cliq.ThrottledError{RetryAfter: retryAt.Sub(now)})
	}
	token, err := t.Client.Refresh(ctx, cliq.Code(c.Region), cliq.NewSecret(string(refresh)))
	if err != nil {
		return cliq.Secret{}, 0, fmt.Errorf("refresh: %w", err)
	}
	access, err := t.Box.Seal(tokenBinding("access", user), []byte(token.Access.Reveal()))
	if err != nil {
		return cliq.Secret{}, 0, fmt.Errorf("seal access token: %w", err)
	}
	resealed, err := t.Box.Seal(tokenBinding("refresh", user), refresh)
	if err != nil {
		return cliq.Secret{}, 0, fmt.Errorf("seal refresh token: %w", err)
	}
	// What Zoho gave must not be lost when the caller's deadline runs out just now.
	saving, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	won, err := t.Store.SaveRefreshed(saving, c.UserID, sealed.Version, access, resealed, model.NewTime(token.ExpiresAt), t.Box.PrimaryKeyID())
	if err != nil {
		return cliq.Secret{}, 0, fmt.Errorf("save access token: %w", err)
	}
	if won {
		return token.Access, sealed.Version + 1, nil
	}
	t.Logger.InfoContext(ctx, "refresh lost the race", slog.String("user_id", user))
	return t.current(saving, c.UserID)
}

// current is the token that somebody else stored meanwhile.
func (t *Tokens) current(ctx context.Context, userID uuid.UUID) (cliq.Secret, int64, error) {
	sealed, found, err := t.Store.Tokens(ctx, userID)
	if err != nil {
		return cliq.Secret{}, 0, fmt.Errorf("load tokens: %w", err)
	}
	if !found {
		return cliq.Secret{}, 0, ErrNoTokens
	}
	return t.open(&sealed)
}
