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

// TokenStore is what tokens need of the database.
type TokenStore interface {
	Tokens(ctx context.Context, userID uuid.UUID) (model.SealedTokens, bool, error)
	// SaveRefreshed writes only if the version is still the one that the refresh began with.
	SaveRefreshed(ctx context.Context, userID uuid.UUID, version int64, access []byte, expiresAt model.Time, keyID uint32) (bool, error)
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

// Access is the person's access token, refreshed when it has run out, with the version of the row it stands in.
// Its errors are ErrNoTokens, those of cliq.Client.Refresh, and internal ones.
func (t *Tokens) Access(ctx context.Context, c *model.Connection) (cliq.Secret, int64, error) {
	sealed, found, err := t.Store.Tokens(ctx, c.UserID)
	if err != nil {
		return cliq.Secret{}, 0, fmt.Errorf("load tokens: %w", err)
	}
	if !found {
		return cliq.Secret{}, 0, ErrNoTokens
	}
	if sealed.ExpiresAt.Std().Sub(t.Now()) > expirySkew {
		return t.open(&sealed)
	}
	return t.refresh(ctx, c, &sealed)
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

// refresh asks Zoho and keeps the answer for everybody: at most ten are allowed in ten minutes.
func (t *Tokens) refresh(ctx context.Context, c *model.Connection, sealed *model.SealedTokens) (cliq.Secret, int64, error) {
	user := c.UserID.String()
	refresh, err := t.Box.Open(tokenBinding("refresh", user), sealed.Refresh)
	if err != nil {
		return cliq.Secret{}, 0, fmt.Errorf("open refresh token: %w", err)
	}
	token, err := t.Client.Refresh(ctx, cliq.Code(c.Region), cliq.NewSecret(string(refresh)))
	if err != nil {
		return cliq.Secret{}, 0, fmt.Errorf("refresh: %w", err)
	}
	access, err := t.Box.Seal(tokenBinding("access", user), []byte(token.Access.Reveal()))
	if err != nil {
		return cliq.Secret{}, 0, fmt.Errorf("seal access token: %w", err)
	}
	// What Zoho gave must not be lost when the caller's deadline runs out just now.
	saving, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	won, err := t.Store.SaveRefreshed(saving, c.UserID, sealed.Version, access, model.NewTime(token.ExpiresAt), t.Box.PrimaryKeyID())
	if err != nil {
		return cliq.Secret{}, 0, fmt.Errorf("save access token: %w", err)
	}
	if won {
		return token.Access, sealed.Version + 1, nil
	}
	t.Logger.InfoContext(ctx, "refresh lost the race", slog.String("user_id", user))
	current, found, err := t.Store.Tokens(saving, c.UserID)
	if err != nil {
		return cliq.Secret{}, 0, fmt.Errorf("load tokens: %w", err)
	}
	if !found {
		return cliq.Secret{}, 0, ErrNoTokens
	}
	return t.open(&current)
}
