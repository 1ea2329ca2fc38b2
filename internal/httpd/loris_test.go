package httpd

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// halfOpen are the beginnings of connections that never get any further.
func halfOpen(tb testing.TB) map[string]string {
	tb.Helper()
	upgrade := "GET /graphql HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n"
	return map[string]string{
		"Nothing":   "",
		"Header":    "POST /graphql HTTP/1.1\r\nHost: localhost\r\nX-A: ",
		"Body":      "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAuthorization: Bearer " + token(tb, "u") + "\r\nContent-Length: 100\r\n\r\n{",
		"Handshake": upgrade,
		"NoInit":    upgrade + "\r\n",
		"HalfFrame": upgrade + "\r\n\x81",
	}
}

// loris opens so many connections of each kind. One can wait until all of them are open, and until the server has closed
// them all.
func (b *bench) loris(tb testing.TB, each int) (open, gone *sync.WaitGroup) {
	tb.Helper()
	open, gone = &sync.WaitGroup{}, &sync.WaitGroup{}
	start := time.Now()
	for name, text := range halfOpen(tb) {
		for range each {
			open.Add(1)
			gone.Go(func() {
				opened := sync.OnceFunc(open.Done)
				defer opened()
				conn, err := (&net.Dialer{}).DialContext(tb.Context(), "tcp", strings.TrimPrefix(b.url, "http://"))
				if err != nil {
					tb.Error(err)
					return
				}
				defer func() { _ = conn.Close() }()
				_, _ = io.WriteString(conn, text)
				opened()
				_ = conn.SetReadDeadline(start.Add(15 * time.Second))
				if _, err := io.Copy(io.Discard, conn); errors.Is(err, context.DeadlineExceeded) || isTimeout(err) {
					tb.Errorf("%s: still open", name)
				}
			})
		}
	}
	return open, gone
}

// TestSlowLoris shows G11: it holds connections in every state they can be half-open in.
func TestSlowLoris(t *testing.T) {
	t.Parallel()
	b := setup(t)
	each := 50
	if *full {
		each = 170 // more than a thousand together
	}
	start := time.Now()
	_, gone := b.loris(t, each)
	// Somebody else is served meanwhile.
	for range 20 {
		asked := time.Now()
		if got := b.post(t, `{viewer{id}}`, bearerOf(token(t, "u"))...); got.status != 200 || time.Since(asked) > time.Second*slowdown {
			t.Errorf("%d after %v", got.status, time.Since(asked))
		}
	}
	gone.Wait()
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("the last one went after %v", took)
	}
}

// BenchmarkSlowLoris measures the other half of G11: how late subscribers are told, before and beside a thousand
// connections that are half-open, and how long the last of those stays.
func BenchmarkSlowLoris(b *testing.B) {
	const each = 1000
	for b.Loop() {
		own, provider := setupFrames(b)
		own.connections.most = each
		provider.attached = make(chan *renderedSource, each)
		live := gather(b, own, provider, each)
		const half, rounds = 170, 60 // a second and a half: none of them has gone by then
		quiet := live.told(b, rounds)
		begin := time.Now()
		open, gone := own.loris(b, half)
		open.Wait() // opening them is work for this machine, being open is none for the server
		own.waitFor(b, func() bool { return own.Stats().WebSockets == each+2*half })
		beside := live.told(b, rounds)
		gone.Wait()
		b.ReportMetric(float64(quiet.Microseconds())/1000, "quiet-p99-ms")
		b.ReportMetric(float64(beside.Microseconds())/1000, "beside-p99-ms")
		b.ReportMetric(time.Since(begin).Seconds(), "gone-after-s")
	}
}
