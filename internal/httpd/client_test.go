package httpd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// reply is an HTTP answer, read to its end.
type reply struct {
	status int
	header http.Header
	text   string
}

// code is the first error's code.
func (r reply) code() string {
	var body struct {
		Errors []struct {
			Extensions map[string]any `json:"extensions"`
		} `json:"errors"`
	}
	if json.Unmarshal([]byte(r.text), &body) != nil || len(body.Errors) == 0 {
		return ""
	}
	code, _ := body.Errors[0].Extensions["code"].(string)
	return code
}

func (r reply) hasData() bool {
	var body struct {
		Data map[string]any `json:"data"`
	}
	return json.Unmarshal([]byte(r.text), &body) == nil && body.Data != nil
}

// client follows no redirect and keeps no connection, so that goleak sees none.
func httpClient() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       20 * time.Second,
	}
}

func (b *bench) send(tb testing.TB, method, path, body string, header ...string) reply {
	tb.Helper()
	return b.sendBy(tb, httpClient(), method, path, body, header...)
}

func (b *bench) sendBy(tb testing.TB, client *http.Client, method, path, body string, header ...string) reply {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), method, b.url+path, strings.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	if body == "" {
		req.Body, req.ContentLength = http.NoBody, 0
	}
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
		req.Header.Add(header[i], header[i+1])
	}
	resp, err := client.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return reply{status: resp.StatusCode, header: resp.Header, text: string(text)}
}

// post sends an operation as JSON.
func (b *bench) post(tb testing.TB, query string, header ...string) reply {
	tb.Helper()
	return b.send(tb, http.MethodPost, "/graphql", mustJSON(tb, map[string]any{"query": query}), append([]string{"Content-Type", "application/json"}, header...)...)
}

func mustJSON(tb testing.TB, v any) string {
	tb.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

func bearerOf(token string) []string { return []string{"Authorization", "Bearer " + token} }

// message is one of graphql-transport-ws.
type message struct {
	Type    string          `json:"type"`
	ID      string          `json:"id,omitempty"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// peer is a WebSocket client.
type peer struct {
	*websocket.Conn
	tb  testing.TB
	ctx context.Context
}

func (b *bench) dial(tb testing.TB, header ...string) *peer {
	tb.Helper()
	p, _, err := b.tryDial(tb, header...)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func (b *bench) tryDial(tb testing.TB, header ...string) (*peer, int, error) {
	tb.Helper()
	h := http.Header{}
	for i := 0; i < len(header); i += 2 {
		h.Add(header[i], header[i+1])
	}
	ctx, cancel := context.WithTimeout(tb.Context(), 20*time.Second)
	tb.Cleanup(cancel)
	conn, resp, err := websocket.Dial(ctx, b.url+"/graphql", &websocket.DialOptions{ //nolint:bodyclose // there is none
		HTTPClient: httpClient(), HTTPHeader: h, Subprotocols: []string{socketProtocol}, CompressionMode: websocket.CompressionDisabled,
	})
	status := 0
	if resp != nil {
		status = resp.StatusCode
	}
	if err != nil {
		return nil, status, err
	}
	conn.SetReadLimit(8 << 20)
	tb.Cleanup(func() { _ = conn.CloseNow() })
	return &peer{Conn: conn, tb: tb, ctx: ctx}, status, nil
}

// ready is a client that has been acknowledged.
func (b *bench) ready(tb testing.TB, token string) *peer {
	tb.Helper()
	p := b.dial(tb)
	p.init(token)
	if got := p.read(); got.Type != "connection_ack" {
		tb.Fatalf("got %+v, want connection_ack", got)
	}
	return p
}

func (p *peer) init(token string) {
	p.tb.Helper()
	p.write(`{"type":"connection_init","payload":{"authorization":"Bearer ` + token + `"}}`)
}

func (p *peer) write(text string) {
	p.tb.Helper()
	if err := p.Write(p.ctx, websocket.MessageText, []byte(text)); err != nil {
		p.tb.Fatalf("write: %v", err)
	}
}

func (p *peer) subscribe(id, query string) {
	p.tb.Helper()
	p.write(mustJSON(p.tb, map[string]any{"id": id, "type": "subscribe", "payload": map[string]any{"query": query}}))
}

func (p *peer) read() message {
	p.tb.Helper()
	_, text, err := p.Read(p.ctx)
	if err != nil {
		p.tb.Fatalf("read: %v", err)
	}
	var m message
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&m); err != nil {
		p.tb.Fatalf("%s: %v", text, err)
	}
	return m
}

// closeCode reads on until the connection ends and answers the code of its close frame, and how
// many messages came before it. -1 is an end without a close frame.
func (p *peer) closeCode() (code, messages int) {
	p.tb.Helper()
	for {
		_, _, err := p.Read(p.ctx)
		if err == nil {
			messages++
			continue
		}
		if p.ctx.Err() != nil {
			p.tb.Fatal("the connection stays open")
		}
		if closed, ok := errors.AsType[websocket.CloseError](err); ok {
			return int(closed.Code), messages
		}
		return -1, messages
	}
}
