package httpd

import (
	"net/http"
)

// serveSession turns a token into a cookie and back into nothing, for pages that do not want to
// keep a token where their scripts can read it.
func (s *Server) serveSession(w http.ResponseWriter, r *http.Request) {
	if s.cors(w, r) {
		return
	}
	switch r.Method {
	case http.MethodPost:
		s.openSession(w, r)
	case http.MethodDelete:
		s.closeSession(w, r)
	default:
		writeProblem(r.Context(), w, &problem{
			status: http.StatusMethodNotAllowed, code: badRequest("").code,
			message: "A session is opened by POST and closed by DELETE.", allow: "POST, DELETE, OPTIONS",
		}, "")
	}
}

// openSession needs the token in the header: a page of another origin cannot set it, so nobody
// can be signed in as somebody else behind their back.
func (s *Server) openSession(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	r.Header.Del("Cookie")
	cred, p := s.credentials(r)
	if p == nil && cred.token == "" {
		p = unauthenticated("Send the token in the Authorization header.")
	}
	var c caller
	if p == nil {
		c, p = s.identify(ctx, cred.token, clientOf(ctx))
	}
	if p == nil && c.expired(s.cfg.Now()) {
		p = unauthenticated("The token has run out.")
	}
	if p == nil {
		p = s.charge(ctx, c, 1)
	}
	if p == nil {
		_, p = s.admit(ctx, c)
	}
	if p != nil {
		writeProblem(ctx, w, p, "")
		return
	}
	http.SetCookie(w, s.newSessionCookie(cred.token, c))
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent)
}

// closeSession asks the browser to forget the cookie; the token itself lives until it runs out.
func (s *Server) closeSession(w http.ResponseWriter, r *http.Request) {
	if _, err := r.Cookie(s.sessionCookie()); err == nil && !s.origins.proves(r) {
		writeProblem(r.Context(), w, forbidden("A request with a cookie must come from a page of this application."), "")
		return
	}
	cookie := s.newSessionCookie("", caller{}) //nolint:gosec // it sets every attribute
	cookie.MaxAge = -1
	http.SetCookie(w, cookie)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) newSessionCookie(token string, c caller) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // not Secure in development only: localhost has no https
		Name:     s.sessionCookie(),
		Value:    token,
		Path:     "/",
		Expires:  c.ExpiresAt,
		HttpOnly: true,
		Secure:   !s.cfg.Development,
		SameSite: http.SameSiteLaxMode,
	}
}
