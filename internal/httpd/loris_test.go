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

// loris opens so many connections of each kind and waits until the server has closed them all.
func (b *bench) loris(tb testing.TB, each int) (gone *sync.WaitGroup) {
	tb.Helper()
	gone = &sync.WaitGroup{}
	start := time.Now()
	for name, text := range halfOpen(tb) {
		for range each {
			gone.Go(func() {
				conn, err := (&net.Dialer{}).DialContext(tb.Context(), "tcp", strings.TrimPrefix(b.url, "http://"))
				if err != nil {
					tb.Error(err)
					return
				}
				defer func() { _ = conn.Close() }()
				_, _ = io.WriteString(conn, text)
				_ = conn.SetReadDeadline(start.Add(15 * time.Second))
				if _, err := io.Copy(io.Discard, conn); errors.Is(err, context.DeadlineExceeded) || isTimeout(err) {
					tb.Errorf("%s: still open", name)
				}
			})
		}
	}
	return gone
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
	gone := b.loris(t, each)
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
		quiet := live.told(b, 160)
		begin := time.Now()
		gone := own.loris(b, 170)
		beside := live.told(b, 160) // four seconds: none of them has gone yet but those that never began a session
		gone.Wait()
		b.ReportMetric(float64(quiet.Microseconds())/1000, "quiet-p99-ms")
		b.ReportMetric(float64(beside.Microseconds())/1000, "beside-p99-ms")
		b.ReportMetric(time.Since(begin).Seconds(), "gone-after-s")
	}
}
