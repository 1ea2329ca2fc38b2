package scenario

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

// waitLong is how long anything live may take before a test gives up. What is promised is far less.
const waitLong = 20 * time.Second

// frame is a message of the graphql-transport-ws protocol.
type frame struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// arrived is one result of a subscription with the moment it came.
type arrived struct {
	data json.RawMessage
	at   time.Time
}

// stream is one subscription on a WebSocket of its own.
type stream struct {
	conn    *websocket.Conn
	results chan arrived // closed when the stream has ended
	ended   error        // why; to be read after results is closed
}

// dial opens a WebSocket as a page does: with the token in connection_init, or with the session cookie.
func (p *person) dial(tb testing.TB) *websocket.Conn {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), callTimeout)
	defer cancel()
	header := http.Header{"Origin": {p.url}}
	init := map[string]any{}
	if p.token != "" {
		init["authorization"] = "Bearer " + p.token
	} else {
		header.Set("Cookie", p.sessionCookie(tb))
	}
	conn, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(p.url, "http")+"/graphql", &websocket.DialOptions{
		Subprotocols: []string{"graphql-transport-ws"}, HTTPHeader: header, HTTPClient: &http.Client{Transport: p.browser.Transport},
	})
	if err != nil {
		tb.Fatalf("dial: %v", err)
	}
	conn.SetReadLimit(1 << 20)
	payload, err := json.Marshal(init)
	if err != nil {
		tb.Fatal(err)
	}
	if err := wsjson.Write(ctx, conn, frame{Type: "connection_init", Payload: payload}); err != nil {
		tb.Fatalf("connection_init: %v", err)
	}
	var ack frame
	if err := wsjson.Read(ctx, conn, &ack); err != nil || ack.Type != "connection_ack" {
		tb.Fatalf("connection_init was answered with %+v, %v", ack, err)
	}
	return conn
}

// subscribe opens a stream that is read until the test ends or it is closed.
func (p *person) subscribe(tb testing.TB, query string, variables any) *stream {
	tb.Helper()
	s := &stream{conn: p.dial(tb), results: make(chan arrived, 1024)}
	payload, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		tb.Fatal(err)
	}
	if err := wsjson.Write(tb.Context(), s.conn, frame{ID: "1", Type: "subscribe", Payload: payload}); err != nil {
		tb.Fatalf("subscribe: %v", err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(s.results)
		s.ended = s.read()
	}()
	tb.Cleanup(func() {
		_ = s.conn.CloseNow()
		<-done
	})
	return s
}

// read passes results on until the connection or the subscription ends.
func (s *stream) read() error {
	ctx := context.Background() // ends with the connection
	for {
		var f frame
		if err := wsjson.Read(ctx, s.conn, &f); err != nil {
			return err
		}
		switch f.Type {
		case "next":
			var result answer
			if err := json.Unmarshal(f.Payload, &result); err != nil {
				return err
			}
			if len(result.Errors) > 0 {
				return errors.New(result.Errors[0].Message)
			}
			var root map[string]json.RawMessage
			if err := json.Unmarshal(result.Data, &root); err != nil {
				return err
			}
			for _, value := range root {
				s.results <- arrived{value, time.Now()}
			}
		case "ping":
			if err := wsjson.Write(ctx, s.conn, frame{Type: "pong"}); err != nil {
				return err
			}
		case "error", "complete":
			return errors.New(f.Type + ": " + string(f.Payload))
		}
	}
}

// close ends the stream as a closed tab does.
func (s *stream) close() { _ = s.conn.CloseNow() }

// next is the next result, decoded.
func next[T any](tb testing.TB, s *stream) (T, time.Time) {
	tb.Helper()
	var value T
	select {
	case got, ok := <-s.results:
		if !ok {
			tb.Fatalf("the stream ended: %v", s.ended)
		}
		if err := json.Unmarshal(got.data, &value); err != nil {
			tb.Fatalf("decode %s: %v", got.data, err)
		}
		return value, got.at
	case <-time.After(waitLong):
		tb.Fatalf("nothing came within %s", waitLong)
	}
	panic("unreachable")
}

// until skips results until one fits.
func until[T any](tb testing.TB, s *stream, what string, fits func(T) bool) (T, time.Time) {
	tb.Helper()
	deadline := time.Now().Add(waitLong)
	for time.Now().Before(deadline) {
		if value, at := next[T](tb, s); fits(value) {
			return value, at
		}
	}
	tb.Fatalf("not within %s: %s", waitLong, what)
	panic("unreachable")
}
