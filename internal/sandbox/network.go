package sandbox

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const (
	// maxBody bounds the bodies that are read.
	maxBody = 256 << 10
	// maxEndless bounds the body without end: a client that reads this much is broken already.
	maxEndless = 4 << 30
)

// interfere applies the network faults and reports whether the request is dealt with. The body must have been read
// before: net/http notices that a client left only then.
func (s *Sandbox) interfere(w *recorder, r *http.Request, t target) bool {
	if value, ok := s.faults.strike(FaultSlow, t); ok {
		w.note(Account{}, string(FaultSlow))
		millis, _ := strconv.Atoi(value)
		if !s.pause(r, time.Duration(millis)*time.Millisecond) {
			s.abort(w)
			return true
		}
	}
	if value, ok := s.faults.strike(FaultBlackHole, t); ok {
		w.note(Account{}, string(FaultBlackHole))
		s.swallow(w, r, value)
		return true
	}
	if value, ok := s.faults.strike(FaultDown, t); ok {
		w.note(Account{}, string(FaultDown))
		s.fail(w, value)
		return true
	}
	if value, ok := s.faults.strike(FaultRedirect, t); ok {
		w.note(Account{}, string(FaultRedirect))
		status, location, _ := splitRedirect(value)
		if location == "" {
			location = s.base(r) + "/trap"
		}
		w.Header().Set("Location", location)
		w.WriteHeader(status)
		return true
	}
	return false
}

// pause waits, and reports false when the client or the sandbox went away meanwhile.
func (s *Sandbox) pause(r *http.Request, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
	case <-s.stop:
	}
	return false
}

// swallow holds a request until the client leaves or the sandbox closes.
func (s *Sandbox) swallow(w *recorder, r *http.Request, shape string) {
	control := http.NewResponseController(w)
	if shape != "silent" {
		w.Header().Set("Content-Type", "application/json;charset=UTF-8")
		w.WriteHeader(http.StatusOK)
		_ = control.Flush()
	}
	if shape == "endless" {
		chunk := bytes.Repeat([]byte(" "), 64<<10)
		for sent := 0; sent < maxEndless; sent += len(chunk) {
			select {
			case <-s.stop:
				s.abort(w)
				return
			default:
			}
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}
	select {
	case <-r.Context().Done():
	case <-s.stop:
	}
	s.abort(w)
}

// fail answers as a broken data centre does: never in JSON.
func (s *Sandbox) fail(w *recorder, value string) {
	if value == "reset" {
		s.abort(w)
		return
	}
	status, _ := strconv.Atoi(value)
	writeHTML(w, status, fmt.Sprintf("<!doctype html><html><head><title>%d</title></head><body><h1>%d %s</h1></body></html>\n",
		status, status, http.StatusText(status)))
}

// abort cuts the connection, so that the client sees no answer in place of an empty one.
func (s *Sandbox) abort(w *recorder) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// trap is where the redirect fault leads. A client that sends credentials must never arrive here.
func (s *Sandbox) trap(w http.ResponseWriter, r *http.Request) {
	body := readBody(w, r)
	rec := s.requests.begin(w, r, "", EndpointTrap)
	detail := r.Method + " followed a redirect"
	if r.Header.Get("Authorization") != "" || bytes.Contains(body, []byte("client_secret=")) {
		detail += " and brought its credentials"
	}
	s.requests.violate(ViolationRedirectFollowed, "", "", detail)
	writeJSON(rec, http.StatusOK, map[string]string{"status": "success"})
}

// unknownPath answers for paths a data centre does not have.
func (s *Sandbox) unknownPath(region Region, service Service) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		readBody(w, r)
		rec := s.requests.begin(w, r, region, EndpointOther)
		if s.interfere(rec, r, target{region: region, service: service}) {
			return
		}
		if service == ServiceAccounts {
			writeHTML(rec, http.StatusNotFound, "<!doctype html><html><body><h1>404 Not Found</h1></body></html>\n")
			return
		}
		errURLInvalid.write(rec)
	}
}

// readBody reads the whole body and tolerates one that is too long or broken: what comes of it is the decoder's business.
func readBody(w http.ResponseWriter, r *http.Request) []byte {
	body, _ := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	return body
}

// noteSecrets records credentials in the URL, where every proxy on the way would log them.
func (s *Sandbox) noteSecrets(query url.Values, region Region, names ...string) {
	for _, name := range names {
		if query.Has(name) {
			s.requests.violate(ViolationSecretInURL, region, "", name+" stood in the query string")
		}
	}
}
