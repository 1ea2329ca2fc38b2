package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/time/rate"
)

const (
	jwksTimeout = 10 * time.Second
	jwksRefresh = 15 * time.Minute
	// An unknown key id makes the server look for a new key, but anybody can invent key ids.
	unknownKeyEvery = 30 * time.Second
	unknownKeyWait  = 2 * time.Second
)

// asymmetric is the closed list for production. Symmetric algorithms are not in it, or a
// public key could be used as a secret.
var asymmetric = []string{
	jwt.SigningMethodRS256.Alg(), jwt.SigningMethodES256.Alg(), jwt.SigningMethodEdDSA.Alg(),
}

var errRedirected = errors.New("jwks: redirects are not followed")

func remoteKeys(ctx context.Context, cfg Config) (func(context.Context) jwt.Keyfunc, error) {
	client := cfg.HTTPClient
	if client == nil {
		client = &http.Client{
			Timeout:       jwksTimeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return errRedirected },
		}
	}
	absent := true
	keys, err := keyfunc.NewDefaultOverrideCtx(ctx, []string{cfg.JWKSURL}, keyfunc.Override{
		Client:                    client,
		HTTPTimeout:               jwksTimeout,
		NoErrorReturnFirstHTTPReq: &absent,
		RefreshInterval:           jwksRefresh,
		RefreshUnknownKID:         rate.NewLimiter(rate.Every(unknownKeyEvery), 1),
		RateLimitWaitMax:          unknownKeyWait,
		RefreshErrorHandlerFunc: func(string) func(context.Context, error) {
			return func(ctx context.Context, err error) {
				cfg.Logger.ErrorContext(ctx, "signing keys could not be refreshed", "error", err)
			}
		},
	})
	if err != nil {
		return nil, fmt.Errorf("read jwks: %w", err)
	}
	return keys.KeyfuncCtx, nil
}
