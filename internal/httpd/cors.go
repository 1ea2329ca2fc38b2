package httpd

import (
	"net/http"
	"slices"
	"strings"
)

const (
	corsMethods = "GET, POST, PUT, DELETE"
	corsHeaders = "Authorization, Content-Type, Accept, Apollo-Require-Preflight, X-GraphQL-Event-Stream-Token"
	corsExposed = "X-Request-Id, Retry-After"
	corsMaxAge  = "7200" // seconds; what Chromium keeps at most
)

// cors lets listed pages read answers, and answers preflights. A foreign page gets no header at
// all: its browser then keeps the answer from it. It reports whether the request is done.
func (s *Server) cors(w http.ResponseWriter, r *http.Request) bool {
	header := w.Header()
	header.Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	permitted := origin != "" && s.origins.listed(r, origin)
	if permitted {
		header.Set("Access-Control-Allow-Origin", origin)
		header.Set("Access-Control-Allow-Credentials", "true")
		header.Set("Access-Control-Expose-Headers", corsExposed)
	}
	if r.Method != http.MethodOptions {
		return false
	}
	if permitted && slices.Contains(strings.Split(corsMethods, ", "), r.Header.Get("Access-Control-Request-Method")) {
		header.Set("Access-Control-Allow-Methods", corsMethods)
		header.Set("Access-Control-Allow-Headers", corsHeaders)
		header.Set("Access-Control-Max-Age", corsMaxAge)
	}
	header.Set("Allow", corsMethods+", OPTIONS")
	w.WriteHeader(http.StatusNoContent)
	return true
}
