package httpd

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/heffl/bff/internal/auth"
)

// Names of the session cookie. The prefix makes browsers refuse one that another host has set;
// it needs https, which a developer's machine has not.
const (
	sessionCookie            = "__Host-session"
	sessionCookieDevelopment = "session"
)

func (s *Server) sessionCookie() string {
	if s.cfg.Development {
		return sessionCookieDevelopment
	}
	return sessionCookie
}

// credentials is the token a request carries. It never comes from the URL: those are logged.
type credentials struct {
	token  string // empty: anonymous
	cookie bool
}

// credentials reads the token, the Authorization header before the cookie: who sets the header
// means it, a cookie comes by itself.
func (s *Server) credentials(r *http.Request) (credentials, *problem) {
	switch values := r.Header.Values("Authorization"); len(values) {
	case 0:
	case 1:
		token, ok := bearer(values[0])
		if !ok {
			return credentials{}, unauthenticated(`The Authorization header must be "Bearer" and a token.`)
		}
		return credentials{token: token}, nil
	default:
		return credentials{}, unauthenticated("There is more than one Authorization header.")
	}
	if cookie, err := r.Cookie(s.sessionCookie()); err == nil && cookie.Value != "" {
		return credentials{token: cookie.Value, cookie: true}, nil
	}
	return credentials{}, nil
}

// bearer takes the token out of "Bearer <token>"; the scheme's case does not matter (RFC 9110).
func bearer(value string) (string, bool) {
	scheme, token, ok := strings.Cut(value, " ")
	token = strings.TrimLeft(token, " ")
	return token, ok && strings.EqualFold(scheme, "Bearer") && token != "" && !strings.ContainsAny(token, " \t,")
}

// caller is who a request or an operation comes from.
type caller struct {
	auth.Identity
	anonymous bool
}

// identify verifies a token. Guessing tokens costs the guesser's address its budget.
func (s *Server) identify(ctx context.Context, token, client string) (caller, *problem) {
	if token == "" {
		return caller{anonymous: true}, nil
	}
	id, err := s.cfg.Verifier.Verify(ctx, token)
	if err != nil {
		s.cfg.Logger.DebugContext(ctx, "token refused", "error", err)
		if p := s.take(ctx, s.anonymousRate, client, 1); p != nil {
			return caller{}, p
		}
		return caller{}, unauthenticated("The token is not valid or has run out.")
	}
	return caller{Identity: id}, nil
}

// admit puts identity and viewer into the context.
func (s *Server) admit(ctx context.Context, c caller) (context.Context, *problem) {
	if c.anonymous {
		return ctx, nil
	}
	ctx = auth.With(ctx, c.Identity)
	admitted, err := s.cfg.Viewers.Admit(ctx, c.Identity)
	if err != nil {
		p := problemOf(err)
		if p.status >= http.StatusInternalServerError && ctx.Err() == nil {
			s.cfg.Logger.ErrorContext(ctx, "viewer could not be found", "error", err)
		}
		return nil, p
	}
	return admitted, nil
}

// service reports whether the token belongs to a service that sends in bulk.
func (c caller) service() bool {
	return !c.anonymous && (c.Has(auth.ScopeEventsWrite) || c.Has(auth.ScopeUsersWrite))
}

// bodyLimit is how large a message of this caller may be.
func (s *Server) bodyLimit(c caller) int64 {
	if c.service() {
		return s.cfg.Limits.ServiceBody
	}
	return s.cfg.Limits.Body
}

// expired reports whether the token has run out. Streams end to the second, without the leeway
// that a single request is given.
func (c caller) expired(now time.Time) bool {
	return !c.anonymous && !now.Before(c.ExpiresAt)
}

// key names the caller in limits.
func (c caller) key(client string) string {
	if c.anonymous {
		return "\x00" + client
	}
	return c.WorkspaceExternalID + "\x00" + c.UserExternalID
}
