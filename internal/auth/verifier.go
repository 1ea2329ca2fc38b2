package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/golang-jwt/jwt/v5"
	lru "github.com/hashicorp/golang-lru/v2"
)

// ErrUnauthenticated is what every token that cannot be believed comes to. The reason is
// wrapped for the log; a caller from outside learns only that it did not work.
var ErrUnauthenticated = errors.New("unauthenticated")

const (
	defaultLeeway = 30 * time.Second
	// A signature costs up to 100 µs to check and the same token comes again and again.
	// A key that was withdrawn is believed for so long at most.
	rememberFor    = time.Minute
	rememberTokens = 10_000
)

// Config says whose tokens are believed: either Key or JWKSURL is set.
type Config struct {
	Key        []byte           // HS256, development only; at least 32 bytes
	JWKSURL    string           // where the identity provider publishes its keys
	Issuer     string           // required with JWKSURL; checked when set
	Audience   string           // required with JWKSURL; checked when set
	Leeway     time.Duration    // between the two clocks; default 30 s
	HTTPClient *http.Client     // fetches the JWKS; default one with a timeout of 10 s
	Logger     *slog.Logger     // required
	Now        func() time.Time // required
}

// Verifier checks tokens. It is safe for concurrent use.
type Verifier struct {
	parser *jwt.Parser
	keys   func(context.Context) jwt.Keyfunc
	leeway time.Duration
	now    func() time.Time
	known  *lru.Cache[[sha256.Size]byte, remembered]
}

type remembered struct {
	identity Identity
	until    time.Time
}

// New makes a verifier. With a JWKSURL it starts a goroutine that refreshes the keys and
// ends with ctx; the provider need not be there yet.
func New(ctx context.Context, cfg Config) (*Verifier, error) {
	if cfg.Now == nil || cfg.Logger == nil {
		return nil, errors.New("auth: Now and Logger are required")
	}
	if cfg.Leeway == 0 {
		cfg.Leeway = defaultLeeway
	}
	known, err := lru.New[[sha256.Size]byte, remembered](rememberTokens)
	if err != nil {
		return nil, fmt.Errorf("make token cache: %w", err)
	}
	v := &Verifier{leeway: cfg.Leeway, now: cfg.Now, known: known}
	options := []jwt.ParserOption{
		jwt.WithTimeFunc(cfg.Now), jwt.WithLeeway(cfg.Leeway), jwt.WithExpirationRequired(), jwt.WithIssuedAt(),
	}
	if cfg.Issuer != "" {
		options = append(options, jwt.WithIssuer(cfg.Issuer))
	}
	if cfg.Audience != "" {
		options = append(options, jwt.WithAudience(cfg.Audience))
	}
	var methods []string
	switch {
	case cfg.Key != nil && cfg.JWKSURL != "":
		return nil, errors.New("auth: a development key and a JWKS exclude each other")
	case cfg.Key != nil:
		if len(cfg.Key) < keyBytes {
			return nil, fmt.Errorf("auth: the development key is shorter than %d bytes", keyBytes)
		}
		methods = []string{jwt.SigningMethodHS256.Alg()}
		v.keys = func(context.Context) jwt.Keyfunc {
			return func(*jwt.Token) (any, error) { return cfg.Key, nil }
		}
	case cfg.JWKSURL != "":
		if cfg.Issuer == "" || cfg.Audience == "" {
			return nil, errors.New("auth: a JWKS needs an issuer and an audience")
		}
		methods = asymmetric
		if v.keys, err = remoteKeys(ctx, cfg); err != nil {
			return nil, err
		}
	default:
		return nil, errors.New("auth: neither a development key nor a JWKS")
	}
	v.parser = jwt.NewParser(append(options, jwt.WithValidMethods(methods))...)
	return v, nil
}

// Verify answers who a token speaks for. Every error wraps [ErrUnauthenticated].
func (v *Verifier) Verify(ctx context.Context, token string) (Identity, error) {
	if token == "" || len(token) > maxTokenBytes {
		return Identity{}, fmt.Errorf("%w: token of %d bytes", ErrUnauthenticated, len(token))
	}
	now := v.now()
	sum := sha256.Sum256([]byte(token))
	if hit, ok := v.known.Get(sum); ok && now.Before(hit.until) {
		return hit.identity, nil
	}
	var body claims
	if _, err := v.parser.ParseWithClaims(token, &body, v.keys(ctx)); err != nil {
		return Identity{}, fmt.Errorf("%w: %w", ErrUnauthenticated, err)
	}
	id := body.identity()
	until := now.Add(rememberFor)
	if end := id.ExpiresAt.Add(v.leeway); end.Before(until) {
		until = end
	}
	v.known.Add(sum, remembered{identity: id, until: until})
	return id, nil
}
