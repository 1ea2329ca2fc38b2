package httpd

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestStalledMemory shows G7 with few connections: who stops reading while much is to be said holds at most 1 MiB, on
// both kinds of stream, and is gone within ten seconds.
func TestStalledMemory(t *testing.T) { //nolint:paralleltest // it measures
	const each, most = 20, 1 << 20
	for name, subscribe := range map[string]func(t *testing.T, b *bench){ //nolint:paralleltest // it measures
		"WebSocket": func(t *testing.T, b *bench) {
			t.Helper()
			conn, _ := b.rawSocket(t)
			text := mustJSON(t, map[string]any{"id": "1", "type": "subscribe", "payload": map[string]any{"query": ticks}})
			if _, err := conn.Write(maskedFrame(finBit|byte(opText), []byte(text))); err != nil {
				t.Fatal(err)
			}
		},
		"EventStream": func(t *testing.T, b *bench) {
			t.Helper()
			conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(b.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = conn.Close() })
			body := mustJSON(t, map[string]string{"query": ticks})
			_, err = fmt.Fprintf(conn, "POST /graphql HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nContent-Type: application/json\r\nContent-Length: %d\r\nAuthorization: Bearer %s\r\n\r\n", len(body), token(t, "u"))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(conn, body); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			provider := &rendered{attached: make(chan *renderedSource, each)}
			b := setup(t, func(c *Config) {
				c.Frames = provider
				c.Limits.Write = 2 * time.Second // it is five by default; the queue is as it always is
			})
			before := heapAndStacks()
			var stalled []*renderedSource
			for range each {
				subscribe(t, b)
				stalled = append(stalled, <-provider.attached)
			}
			big := []byte(`{"data":{"ticks":{"text":"` + strings.Repeat("x", 32<<10) + `"}}}`)
			var filling sync.WaitGroup
			for _, source := range stalled {
				filling.Go(func() { source.fill(t, big) })
			}
			filling.Wait()
			filled := time.Now()
			if held := (heapAndStacks() - before) / each; held > most {
				t.Errorf("each holds %d KiB", held>>10)
			}
			b.waitFor(t, func() bool { return b.Stats() == (Stats{}) })
			took := time.Since(filled)
			t.Logf("the last was gone after %v", took)
			if slowdown == 1 && took > 10*time.Second { // with the race detector a busy machine needs longer to fill the queues
				t.Errorf("the last was gone after %v", took)
			}
		})
	}
}

// fill sends until nothing more is taken: the kernel's buffers fill up, then the queue.
func (s *renderedSource) fill(tb testing.TB, frame []byte) {
	tb.Helper()
	for range 10_000 {
		if s.sink.Send(frame) {
			continue
		}
		select {
		case <-s.ready: // it was only for a moment
		case <-time.After(time.Second):
			return
		}
	}
	tb.Error("the queue has no end")
}
