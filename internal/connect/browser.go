package connect

import (
	"context"
	"crypto/subtle"
	"net/http"
	"time"
)

// secretLength is the length of what random makes.
const secretLength = 43

// browserLifetime is how long a browser keeps its secret: longer than any attempt that it began.
const browserLifetime = time.Hour

// browserHash is the hash of the browser's secret, which it is given when it has none; nil when the mutation came by
// a WebSocket or an event stream, which can set no cookie: such an attempt ends by hand-over. One secret serves every
// attempt of a browser, so that two tabs do not undo each other.
func (s *Service) browserHash(ctx context.Context) []byte {
	value := s.Cookie(ctx, s.cookieName())
	if len(value) != secretLength {
		value = random()
	}
	set := s.SetCookie(ctx, &http.Cookie{ //nolint:gosec // Secure everywhere but on http://localhost
		Name: s.cookieName(), Value: value, Path: "/", MaxAge: int(browserLifetime.Seconds()),
		HttpOnly: true, Secure: s.SecureCookie, SameSite: http.SameSiteLaxMode,
	})
	if !set {
		return nil
	}
	return hash(value)
}

// cookieName follows RFC 6265bis §4.1.3: __Host- cookies cannot be planted by another host.
func (s *Service) cookieName() string {
	if s.SecureCookie {
		return "__Host-heffl_connect"
	}
	return "heffl_connect"
}

// proof says what a callback's browser proves about the attempt.
type proof int

const (
	proofMissing proof = iota // no cookie on one side: the SPA must hand over
	proofGiven
	proofWrong // another browser's
)

func (s *Service) prove(r *http.Request, browserHash []byte) proof {
	cookie, err := r.Cookie(s.cookieName())
	if err != nil || browserHash == nil {
		return proofMissing
	}
	if subtle.ConstantTimeCompare(hash(cookie.Value), browserHash) == 1 {
		return proofGiven
	}
	return proofWrong
}
