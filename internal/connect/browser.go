package connect

import (
	"context"
	"crypto/subtle"
	"net/http"
	"strings"
	"time"
)

// secretLength is the length of what random makes.
const secretLength = 43

// browserLifetime is how long a browser keeps its secret: longer than any attempt that it began.
const browserLifetime = time.Hour

type browserKey struct{}

// browser is the HTTP exchange that a mutation came by.
type browser struct {
	w http.ResponseWriter
	r *http.Request
}

// Middleware lets connectCliq give the browser its cookie when the mutation comes by plain HTTP. A WebSocket or an
// event stream cannot set one: their attempts end by hand-over.
func (s *Service) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		plain := r.Method == http.MethodPost && !strings.Contains(r.Header.Get("Accept"), "text/event-stream")
		if plain {
			r = r.WithContext(context.WithValue(r.Context(), browserKey{}, browser{w, r}))
		}
		next.ServeHTTP(w, r)
	})
}

// browserHash is the hash of the browser's secret, which it is given when it has none; nil when the mutation did
// not come by plain HTTP. One secret serves every attempt of a browser, so that two tabs do not undo each other.
func (s *Service) browserHash(ctx context.Context) []byte {
	b, ok := ctx.Value(browserKey{}).(browser)
	if !ok {
		return nil
	}
	value, ok := s.browserSecret(b.r)
	if !ok {
		value = random()
	}
	http.SetCookie(b.w, &http.Cookie{
		Name: s.cookieName(), Value: value, Path: "/", MaxAge: int(browserLifetime.Seconds()),
		HttpOnly: true, Secure: s.SecureCookie, SameSite: http.SameSiteLaxMode,
	})
	return hash(value)
}

// cookieName follows RFC 6265bis §4.1.3: __Host- cookies cannot be planted by another host.
func (s *Service) cookieName() string {
	if s.SecureCookie {
		return "__Host-heffl_connect"
	}
	return "heffl_connect"
}

// browserSecret is what the request's cookie holds; false when there is none that we could have made.
func (s *Service) browserSecret(r *http.Request) (string, bool) {
	cookie, err := r.Cookie(s.cookieName())
	if err != nil || len(cookie.Value) != secretLength {
		return "", false
	}
	return cookie.Value, true
}

// proof says what a callback's browser proves about the attempt.
type proof int

const (
	proofMissing proof = iota // no cookie on one side: the SPA must hand over
	proofGiven
	proofWrong // another browser's
)

func (s *Service) prove(r *http.Request, browserHash []byte) proof {
	if _, err := r.Cookie(s.cookieName()); err != nil || browserHash == nil {
		return proofMissing
	}
	value, _ := s.browserSecret(r)
	if subtle.ConstantTimeCompare(hash(value), browserHash) == 1 {
		return proofGiven
	}
	return proofWrong
}
