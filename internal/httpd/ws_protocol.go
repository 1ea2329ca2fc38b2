package httpd

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"strings"

	"github.com/vektah/gqlparser/v2/gqlerror"
)

// envelope is a message of graphql-transport-ws.
type envelope struct {
	ID      *string         `json:"id"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload"`
}

func decodeEnvelope(text []byte) (envelope, error) {
	var m envelope
	if trimmed := bytes.TrimLeft(text, " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '{' {
		return m, errNotOneValue
	}
	err := json.Unmarshal(text, &m)
	return m, err //nolint:wrapcheck // nobody reads it: it may quote the message
}

const maxOperationID = 128

// handle serves one message. Its error ends the connection.
func (c *socket) handle(text []byte) error {
	m, err := decodeEnvelope(text)
	if err != nil {
		return &closeError{closeBadMessage, "Invalid message"}
	}
	switch m.Type {
	case "connection_init":
		return c.initialise(m.Payload)
	case "ping":
		return c.replyText(`{"type":"pong"}`)
	case "pong":
		return nil
	case "subscribe":
		return c.subscribe(m)
	case "complete":
		if m.ID == nil || *m.ID == "" {
			return &closeError{closeBadMessage, "Invalid message"}
		}
		c.stop(*m.ID)
		return nil
	default:
		return &closeError{closeBadMessage, "Invalid message type"}
	}
}

// initialise learns who asks, from the message or else from the upgrade request.
func (c *socket) initialise(payload json.RawMessage) error {
	if c.ready.Load() {
		return &closeError{closeTooMany, "Too many initialisation requests"}
	}
	token, err := tokenOf(payload)
	if err != nil {
		return err
	}
	if token == "" {
		token = c.token
	}
	c.token = ""
	ctx, cancel := context.WithTimeout(withFacts(context.Background(), c.facts), c.server.cfg.Limits.Init)
	defer cancel()
	who, p := c.server.identify(ctx, token, c.facts.client)
	if p == nil && who.expired(c.server.cfg.Now()) {
		p = unauthenticated("The token has run out.")
	}
	if p == nil {
		_, p = c.server.admit(ctx, who)
	}
	if p != nil {
		return p.closing()
	}
	key := who.key(c.facts.client)
	if !c.server.connections.acquire(key) {
		return &closeError{closeTooMany, "Too many connections"}
	}
	c.limited, c.caller, c.limit = key, who, int(c.server.bodyLimit(who))
	if !who.anonymous {
		c.expires.Store(who.ExpiresAt.UnixNano())
		c.server.sockets.hasten(c, who.ExpiresAt.Sub(c.server.cfg.Now()))
	}
	c.ready.Store(true)
	c.server.pending.release(c.facts.client)
	return c.replyText(`{"type":"connection_ack"}`)
}

// tokenOf reads the payload of connection_init.
func tokenOf(payload json.RawMessage) (string, error) {
	if len(payload) == 0 || string(payload) == "null" {
		return "", nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(payload, &fields); err != nil {
		return "", &closeError{closeBadMessage, "Invalid payload"}
	}
	found := ""
	for name, raw := range fields {
		if !strings.EqualFold(name, "authorization") || string(raw) == "null" {
			continue
		}
		var value string
		err := json.Unmarshal(raw, &value)
		token, ok := bearer(value)
		if err != nil || !ok || (found != "" && found != token) {
			return "", &closeError{closeForbidden, "Forbidden"}
		}
		found = token
	}
	return found, nil
}

// closing is the same problem as the end of a connection.
func (p *problem) closing() error {
	switch {
	case p.status == http.StatusTooManyRequests:
		return &closeError{closeTooMany, "Too many requests"}
	case p.status >= http.StatusInternalServerError:
		return &closeError{closeRestart, "Try again"} // clients wait and come back
	default:
		return &closeError{closeForbidden, "Forbidden"}
	}
}

// subscribe begins an operation.
func (c *socket) subscribe(m envelope) error {
	if !c.ready.Load() {
		return &closeError{closeNoInit, "Unauthorized"}
	}
	if m.ID == nil || *m.ID == "" || len(*m.ID) > maxOperationID {
		return &closeError{closeBadMessage, "Invalid message"}
	}
	params, err := decodeParameters(m.Payload)
	if err != nil {
		return &closeError{closeBadMessage, "Invalid payload"}
	}
	if p := c.server.checkQuery(params); p != nil {
		return &closeError{closeBadMessage, "Query too long"}
	}
	op, err := c.begin(*m.ID)
	if err != nil || op == nil {
		return err
	}
	c.server.work.Go(func() { op.run(params) })
	return nil
}

// begin makes a place for an operation. It answers nil without an error when the operation was
// refused and the connection goes on.
func (c *socket) begin(id string) (*socketOperation, error) {
	op := newSocketOperation(c, id)
	c.mu.Lock()
	if c.write.closed {
		c.mu.Unlock()
		op.cancel()
		return nil, net.ErrClosed
	}
	for _, other := range c.operations {
		if other.id == id {
			c.mu.Unlock()
			op.cancel()
			return nil, &closeError{closeDuplicateID, "Subscriber for " + id + " already exists"}
		}
	}
	most := c.server.cfg.Limits.Operations
	if len(c.operations) < most {
		c.operations = append(c.operations, op)
		c.mu.Unlock()
		return op, nil
	}
	c.mu.Unlock()
	p := tooMany(0)
	p.message = "Too many operations run on this connection."
	errs := c.server.engine.finish(op.ctx, gqlerror.List{p.graphqlError()})
	op.cancel()
	return nil, c.reply(op.frame("error", func(b []byte) []byte { return appendJSON(b, errs) }))
}
