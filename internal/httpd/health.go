package httpd

import (
	"encoding/json"
	"net/http"
)

// serveLive answers whether the process works at all. It asks nobody: a database that is away is
// no reason to be restarted.
func (s *Server) serveLive(w http.ResponseWriter, _ *http.Request) {
	writeBody(w, http.StatusOK, mediaJSON, []byte(`{"status":"ok"}`))
}

// serveReady answers whether requests should be sent here: 503 while the server drains or misses
// something it cannot do without, 200 "degraded" when only a part of its work is affected.
func (s *Server) serveReady(w http.ResponseWriter, r *http.Request) {
	type part struct {
		Name   string `json:"name"`
		Status string `json:"status"`
		Detail string `json:"detail,omitempty"`
	}
	answer := struct {
		Status string `json:"status"`
		Parts  []part `json:"parts,omitempty"`
	}{Status: "ok"}
	status := http.StatusOK
	if s.cfg.Health != nil {
		for _, p := range s.cfg.Health.Check(r.Context()) {
			state := "ok"
			switch {
			case p.OK:
			case p.Required:
				state, answer.Status, status = "down", "down", http.StatusServiceUnavailable
			default:
				state = "degraded"
				if status == http.StatusOK {
					answer.Status = "degraded"
				}
			}
			answer.Parts = append(answer.Parts, part{Name: p.Name, Status: state, Detail: p.Detail})
		}
	}
	if s.draining() {
		answer.Status, status = "draining", http.StatusServiceUnavailable
	}
	body, err := json.Marshal(answer)
	if err != nil { // cannot happen: strings only
		body, status = []byte(`{"status":"down"}`), http.StatusServiceUnavailable
	}
	writeBody(w, status, mediaJSON, body)
}
