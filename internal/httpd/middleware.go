package httpd

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"time"

	"github.com/heffl/bff/model"
)

// answer notes what became of a request, for the log.
type answer struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// WriteHeader implements [http.ResponseWriter].
func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= http.StatusOK {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	n, err := a.ResponseWriter.Write(b)
	a.bytes += int64(n)
	return n, err //nolint:wrapcheck // a writer passes on what it wraps
}

// Unwrap lets [http.ResponseController] flush, hijack and set deadlines.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// around is what every request goes through: an id, the headers, the host check, the log, and a
// net under panics.
func (s *Server) around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := s.cfg.Now()
		facts := &requestFacts{
			id: newRequestID(), origin: r.Header.Get("Origin"), client: s.clientAddress(r), header: w.Header(), writer: w,
		}
		r = r.WithContext(withFacts(r.Context(), facts))
		facts.request = r
		a := &answer{ResponseWriter: w}
		s.secure(w.Header())
		w.Header().Set("X-Request-Id", facts.id)
		defer func() {
			if cause := recover(); cause != nil {
				s.panicked(a, r, cause)
			}
			s.logRequest(r, a, s.cfg.Now().Sub(start))
		}()
		if s.cfg.Development && !s.localOnly(a, r) {
			return
		}
		next.ServeHTTP(a, r)
	})
}

func (s *Server) panicked(a *answer, r *http.Request, cause any) {
	if cause == http.ErrAbortHandler { //nolint:errorlint // net/http panics with this very value
		panic(cause)
	}
	s.cfg.Logger.ErrorContext(r.Context(), "a handler panicked",
		"request_id", RequestID(r.Context()), "route", r.Pattern, "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
	if a.status == 0 {
		writeProblem(r.Context(), a, &problem{status: http.StatusInternalServerError, code: model.CodeInternal, message: "Internal error."}, "")
	}
}

// logRequest names the route and never the path or the query: both may hold secrets.
func (s *Server) logRequest(r *http.Request, a *answer, took time.Duration) {
	level := slog.LevelInfo
	switch {
	case a.status >= http.StatusInternalServerError:
		level = slog.LevelWarn
	case r.Pattern == patternLive || r.Pattern == patternReady:
		level = slog.LevelDebug
	}
	if !s.cfg.Logger.Enabled(r.Context(), level) {
		return
	}
	facts := factsOf(r.Context())
	s.cfg.Logger.LogAttrs(r.Context(), level, "request",
		slog.String("request_id", facts.id), slog.String("method", r.Method), slog.String("route", r.Pattern),
		slog.Int("status", a.status), slog.Int64("bytes", a.bytes), slog.Duration("took", took), slog.String("client", facts.client))
}

// secure sets the headers that every answer has. A mounted page replaces the policy by its own.
func (s *Server) secure(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	if !s.cfg.Development {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// localOnly keeps a developer's server to the name localhost, where its cookies live and no
// rebound name of a foreign page reaches it. It reports whether the request may go on.
func (s *Server) localOnly(w http.ResponseWriter, r *http.Request) bool {
	if localhost(r.Host) || r.URL.Path == "/healthz" || r.URL.Path == "/readyz" {
		return true
	}
	host, err := url.Parse("http://" + r.Host)
	if err == nil && (host.Hostname() == "127.0.0.1" || host.Hostname() == "::1") {
		target := *r.URL
		target.Scheme, target.Host = "http", "localhost"
		if port := host.Port(); port != "" {
			target.Host += ":" + port
		}
		http.Redirect(w, r, target.String(), http.StatusTemporaryRedirect) //nolint:gosec // to localhost and nowhere else
		return false
	}
	writeProblem(r.Context(), w, &problem{
		status: http.StatusMisdirectedRequest, code: model.CodeForbidden, message: "This development server answers to localhost only.",
	}, "")
	return false
}
