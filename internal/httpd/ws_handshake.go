package httpd

import (
	"bufio"
	"crypto/sha1" //nolint:gosec // RFC 6455 prescribes it; nothing secret depends on it
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"github.com/heffl/bff/model"
)

const (
	socketProtocol = "graphql-transport-ws"
	socketGUID     = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
)

func isUpgrade(r *http.Request) bool {
	return r.Method == http.MethodGet && hasWord(r.Header, "Connection", "upgrade") && hasWord(r.Header, "Upgrade", "websocket")
}

// hasWord looks for a word in a header that holds a list.
func hasWord(h http.Header, name, word string) bool {
	for _, value := range h.Values(name) {
		for entry := range strings.SplitSeq(value, ",") {
			if strings.EqualFold(strings.TrimSpace(entry), word) {
				return true
			}
		}
	}
	return false
}

// serveSocket upgrades to a WebSocket and returns: from then on the connection has one goroutine,
// and net/http's buffers are free. Who asks is decided by connection_init, not here; a token in
// the headers is only taken along.
func (s *Server) serveSocket(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	key := r.Header.Get("Sec-WebSocket-Key")
	if nonce, err := base64.StdEncoding.DecodeString(key); err != nil || len(nonce) != 16 {
		writeProblem(ctx, w, badRequest("The Sec-WebSocket-Key is not valid."), "")
		return
	}
	if r.Header.Get("Sec-WebSocket-Version") != "13" {
		w.Header().Set("Sec-WebSocket-Version", "13")
		writeProblem(ctx, w, &problem{status: http.StatusUpgradeRequired, code: model.CodeBadUserInput, message: "Only version 13 of WebSocket is spoken here."}, "")
		return
	}
	cred, p := s.credentials(r)
	if p == nil && !s.origins.admitsSocket(r, cred.cookie) {
		p = forbidden("This page may not connect.")
	}
	if p == nil && s.stopping() {
		p = &problem{status: http.StatusServiceUnavailable, code: model.CodeUnavailable, message: "The server is going down.", retry: time.Second}
	}
	if p == nil && !s.pending.acquire(clientOf(ctx)) {
		p = tooMany(s.cfg.Limits.Init)
	}
	if p != nil {
		writeProblem(ctx, w, p, "")
		return
	}
	agreed := hasWord(r.Header, "Sec-WebSocket-Protocol", socketProtocol)
	requestID := RequestID(ctx)
	factsOf(ctx).answerBegins()
	nc, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		s.pending.release(clientOf(ctx))
		writeProblem(ctx, w, &problem{status: http.StatusHTTPVersionNotSupported, code: model.CodeBadUserInput, message: "A WebSocket needs HTTP/1.1."}, "")
		return
	}
	if a, ok := w.(*answer); ok {
		a.status = http.StatusSwitchingProtocols
	}
	c := newSocket(s, nc, early(buffered), factsOf(ctx))
	c.token = cred.token
	if err := c.writeHandshake(key, requestID, agreed); err != nil {
		s.pending.release(clientOf(ctx))
		_ = nc.Close()
		return
	}
	s.sockets.start(c)
	if !agreed {
		c.close(closeSubprotocol, "Subprotocol not acceptable")
	}
}

// early is what the client sent without waiting for the handshake's end; net/http has read it.
func early(buffered *bufio.ReadWriter) []byte {
	n := buffered.Reader.Buffered()
	if n == 0 {
		return nil
	}
	head, err := buffered.Peek(n)
	if err != nil {
		return nil
	}
	return append([]byte(nil), head...)
}

// writeHandshake answers the upgrade. Without a common subprotocol it still succeeds, because a
// browser can be told what was wrong only by the code of a close frame.
func (c *socket) writeHandshake(key, requestID string, agreed bool) error {
	sum := sha1.Sum([]byte(key + socketGUID)) //nolint:gosec // RFC 6455
	b := make([]byte, 0, 256)
	b = append(b, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "...)
	b = base64.StdEncoding.AppendEncode(b, sum[:])
	if agreed {
		b = append(b, "\r\nSec-WebSocket-Protocol: "+socketProtocol...)
	}
	b = append(b, "\r\nX-Request-Id: "+requestID+"\r\n\r\n"...)
	return c.writeDeadlined(b)
}

// writeDeadlined gives the peer its time to take b. The deadline goes with the write: one that has passed would
// refuse every later write, also one that does not wait.
func (c *socket) writeDeadlined(b []byte) error {
	if err := c.nc.SetWriteDeadline(c.server.cfg.Now().Add(c.server.cfg.Limits.Write)); err != nil {
		return err //nolint:wrapcheck // the connection is dropped, whatever it says
	}
	if _, err := c.nc.Write(b); err != nil {
		return err //nolint:wrapcheck // as above
	}
	return c.nc.SetWriteDeadline(time.Time{}) //nolint:wrapcheck // as above
}
