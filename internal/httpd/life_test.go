package httpd

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heffl/bff/internal/auth"
)

// TestStalledReader takes nothing from streams that have much to say. They are cut off, nobody waits
// for them, and what they hold up is bounded.
func TestStalledReader(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *Config) { c.Limits.Write = time.Second })
	text := strings.Repeat("x", 64<<10)
	flood := func(t *testing.T) func() {
		t.Helper()
		done := make(chan struct{})
		var producing sync.WaitGroup
		producing.Go(func() {
			for {
				select {
				case b.inbox.ticks <- map[string]any{"__typename": "Tick", "n": 1, "text": text}:
				case <-done:
					return
				}
			}
		})
		return func() { close(done); producing.Wait() }
	}
	t.Cleanup(flood(t))

	t.Run("WebSocket", func(t *testing.T) {
		t.Parallel()
		p := b.ready(t, token(t, "u"))
		p.subscribe("1", `subscription{ticks{n text}}`)
		<-b.inbox.started
		start := time.Now()
		b.waitFor(t, func() bool { return b.Stats().WebSockets == 0 })
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("it was cut off after %v", took)
		}
	})

	t.Run("EventStream", func(t *testing.T) {
		t.Parallel()
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(b.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		body := `{"query":"subscription{ticks{n text}}"}`
		_, err = io.WriteString(conn, "POST /graphql HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nContent-Type: application/json\r\nContent-Length: 39\r\nAuthorization: Bearer "+token(t, "u")+"\r\n\r\n"+body)
		if err != nil {
			t.Fatal(err)
		}
		<-b.inbox.started
		start := time.Now()
		b.waitFor(t, func() bool { return b.Stats().EventStreams == 0 })
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("it was cut off after %v", took)
		}
	})
}

// TestOldConnection is told something long after the time that a peer has to take one message.
func TestOldConnection(t *testing.T) {
	t.Parallel()
	const write = 50 * time.Millisecond
	b := setup(t, func(c *Config) { c.Limits.Write = write })
	p := b.ready(t, token(t, "u"))
	p.subscribe("1", `subscription{inboxChanged{__typename}}`)
	for range 3 {
		<-time.After(2 * write)
		b.inbox.publish("t")
		if got := p.read(); got.Type != "next" {
			t.Errorf("got %+v", got)
		}
	}
}

func TestShutdown(t *testing.T) {
	t.Parallel()

	t.Run("StreamsEnd", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		p := b.ready(t, token(t, "u"))
		p.subscribe("1", ticks)
		<-b.inbox.started
		stream := b.stream(t, http.MethodPost, "/graphql", `{"query":"`+ticks+`"}`, append(bearerOf(token(t, "u")), "Content-Type", jsonType)...)
		<-b.inbox.started
		ended := make(chan error, 1)
		go func() { ended <- b.Shutdown(context.WithoutCancel(t.Context())) }()
		if code, messages := p.closeCode(); code != 1012 || messages != 0 {
			t.Errorf("closed with %d after %d messages", code, messages)
		}
		for {
			if _, _, err := stream.next(); err != nil {
				break
			}
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})

	t.Run("ClientsLeaveOneAfterAnother", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		const each = 40
		var sockets []*peer
		var streams []*events
		for range each {
			p := b.ready(t, token(t, "u"))
			p.subscribe("1", ticks)
			<-b.inbox.started
			sockets = append(sockets, p)
			streams = append(streams, b.stream(t, http.MethodPost, "/graphql", `{"query":"`+ticks+`"}`, append(bearerOf(token(t, "u")), "Content-Type", jsonType)...))
			<-b.inbox.started
		}
		begin := time.Now()
		ended := make(chan error, 1)
		go func() { ended <- b.Shutdown(context.WithoutCancel(t.Context())) }()
		var leaving sync.WaitGroup
		socketTimes, streamTimes := make([]time.Duration, each), make([]time.Duration, each)
		for i := range each {
			leaving.Go(func() {
				if code, _ := sockets[i].closeCode(); code != 1012 {
					t.Errorf("closed with %d", code)
				}
				socketTimes[i] = time.Since(begin)
			})
			leaving.Go(func() {
				for {
					if _, _, err := streams[i].next(); err != nil {
						break
					}
				}
				streamTimes[i] = time.Since(begin)
			})
		}
		leaving.Wait()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		const spread = 2 * each * 10 * time.Millisecond // a hundred a second
		for name, times := range map[string][]time.Duration{"sockets": socketTimes, "streams": streamTimes} {
			slices.Sort(times)
			// In the middle of the spread about half of them are still there.
			if first, last := times[each/5], times[each*4/5]; last-first < spread/4 {
				t.Errorf("the %s went from %v to %v, of %v", name, first, last, spread)
			}
		}
	})

	t.Run("DrainingIsNotReady", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.Drain()
		if got := b.send(t, http.MethodGet, "/readyz", ""); got.status != 503 || !strings.Contains(got.text, "draining") {
			t.Errorf("%d %s", got.status, got.text)
		}
		if got := b.post(t, `{__typename}`); got.status != 200 {
			t.Errorf("a request while draining: %d", got.status)
		}
	})

	t.Run("SilentPeersAreCut", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		p := b.ready(t, token(t, "u")) // it never reads its close frame
		_ = p
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 4*time.Second)
		defer cancel()
		start := time.Now()
		if err := b.Shutdown(ctx); err != nil || time.Since(start) > 4*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// TestSweep checks what needs a clock of its own: pings, and peers that are gone without a word.
func TestSweep(t *testing.T) {
	t.Parallel()
	var offset atomic.Int64
	b := setup(t, func(c *Config) {
		c.Now = func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }
	})
	conn, reader := b.rawSocket(t)
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	offset.Store(int64(26 * time.Second))
	head := make([]byte, 2)
	if _, err := io.ReadFull(reader, head); err != nil || head[0] != finBit|byte(opPing) {
		t.Fatalf("%x %v, want a ping", head, err)
	}
	offset.Store(int64(42 * time.Second))
	if _, err := io.ReadAll(reader); isTimeout(err) {
		t.Error("a peer that answers no ping stays")
	}
}

// rawSocket is a WebSocket that is ready, without a client's opinions.
func (b *bench) rawSocket(tb testing.TB) (net.Conn, *bufio.Reader) {
	tb.Helper()
	conn, err := (&net.Dialer{}).DialContext(tb.Context(), "tcp", strings.TrimPrefix(b.url, "http://"))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = conn.Close() })
	_, err = io.WriteString(conn, "GET /graphql HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n")
	if err != nil {
		tb.Fatal(err)
	}
	reader := bufio.NewReader(conn)
	resp, err := http.ReadResponse(reader, nil)
	if err != nil {
		tb.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusSwitchingProtocols {
		tb.Fatalf("%d", resp.StatusCode)
	}
	init := `{"type":"connection_init","payload":{"authorization":"Bearer ` + token(tb, "u", auth.ScopeAdmin) + `"}}`
	if _, err := conn.Write(maskedFrame(finBit|byte(opText), []byte(init))); err != nil {
		tb.Fatal(err)
	}
	ack := make([]byte, 2+len(`{"type":"connection_ack"}`))
	if _, err := io.ReadFull(reader, ack); err != nil || string(ack[2:]) != `{"type":"connection_ack"}` {
		tb.Fatalf("%q %v", ack, err)
	}
	return conn, reader
}

// maskedFrame is a frame of a client; the mask is zero.
func maskedFrame(first byte, payload []byte) []byte {
	frame := appendFrameHeader(nil, 0, len(payload))
	frame[0] = first
	frame[1] |= maskBit
	return append(append(frame, 0, 0, 0, 0), payload...)
}
