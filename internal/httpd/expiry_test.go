package httpd

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// TestStreamDiesWithToken shows G9: it opens streams with a token that runs out while events keep coming.
func TestStreamDiesWithToken(t *testing.T) {
	t.Parallel()
	b := setup(t)
	stop := make(chan struct{})
	var publishing sync.WaitGroup
	publishing.Go(func() {
		ticker := time.NewTicker(20 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				b.inbox.publish("t")
			case <-stop:
				return
			}
		}
	})
	t.Cleanup(func() { close(stop); publishing.Wait() })
	const follow = `subscription{inboxChanged{__typename}}`

	t.Run("WebSocket", func(t *testing.T) {
		t.Parallel()
		end := time.Now().Truncate(time.Second).Add(2 * time.Second)
		p := b.ready(t, tokenUntil(t, "u", end))
		p.subscribe("1", follow)
		for {
			_, _, err := p.Read(p.ctx)
			if err != nil {
				if code := websocket.CloseStatus(err); code != closeForbidden {
					t.Errorf("closed with %d", code)
				}
				break
			}
			// A message that was on its way may be read a little later.
			if late := time.Since(end); late > 100*time.Millisecond*slowdown {
				t.Fatalf("an event %v after the token has run out", late)
			}
		}
		if late := time.Since(end); late < 0 || late > 2*time.Second {
			t.Errorf("closed %v after the token has run out", late)
		}
	})

	t.Run("WebSocketIdle", func(t *testing.T) {
		t.Parallel()
		end := time.Now().Truncate(time.Second).Add(2 * time.Second)
		p := b.ready(t, tokenUntil(t, "u", end))
		if code, _ := p.closeCode(); code != 4403 || time.Since(end) > 2*time.Second {
			t.Errorf("closed with %d %v after the token has run out", code, time.Since(end))
		}
	})

	for name, single := range map[string]bool{"EventStream": false, "SharedEventStream": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			end := time.Now().Truncate(time.Second).Add(2 * time.Second)
			who := bearerOf(tokenUntil(t, "u", end))
			var stream *events
			if single {
				reserved := b.send(t, http.MethodPut, "/graphql", "", who...)
				who = append(who, streamTokenHeader, reserved.text)
				stream = b.stream(t, http.MethodGet, "/graphql", "", who...)
				b.send(t, http.MethodPost, "/graphql", `{"query":"`+follow+`","extensions":{"operationId":"1"}}`, append(who, "Content-Type", jsonType)...)
			} else {
				stream = b.stream(t, http.MethodPost, "/graphql", `{"query":"`+follow+`"}`, append(who, "Content-Type", jsonType)...)
			}
			seen := 0
			for {
				event, _, err := stream.next()
				if err != nil {
					break
				}
				if event == "next" {
					seen++
				}
				if late := time.Since(end); late > 100*time.Millisecond*slowdown {
					t.Fatalf("an event %v after the token has run out", late)
				}
			}
			if late := time.Since(end); seen == 0 || late < 0 || late > 2*time.Second {
				t.Errorf("%d events, ended %v after the token has run out", seen, late)
			}
		})
	}
}

// TestNothingAfterExpiry shows the other half of G9 with a clock that is set forward: of all that is sent from the
// moment on in which the token runs out, nothing arrives.
func TestNothingAfterExpiry(t *testing.T) {
	t.Parallel()
	const late = 10
	result := func(n int) []byte { return fmt.Appendf(nil, `{"data":{"ticks":{"n":%d}}}`, n) }
	begin := func(t *testing.T) (b *bench, provider *rendered, expire func()) {
		t.Helper()
		var offset atomic.Int64
		provider = &rendered{attached: make(chan *renderedSource, 1)}
		b = setup(t, func(c *Config) {
			c.Frames = provider
			c.Now = func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }
		})
		return b, provider, func() { offset.Store(int64(time.Hour)) }
	}

	t.Run("WebSocket", func(t *testing.T) {
		t.Parallel()
		b, provider, expire := begin(t)
		p := b.ready(t, token(t, "u"))
		p.subscribe("1", ticks)
		source := <-provider.attached
		source.sink.Send(result(0))
		if m := p.read(); m.Type != "next" {
			t.Fatalf("got %+v", m)
		}
		expire()
		for n := range late {
			source.sink.Send(result(n))
		}
		if code, messages := p.closeCode(); code != closeForbidden || messages != 0 {
			t.Errorf("closed with %d after %d messages", code, messages)
		}
		within(t, source.done)
	})

	for name, single := range map[string]bool{"EventStream": false, "SharedEventStream": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, provider, expire := begin(t)
			who := bearerOf(token(t, "u"))
			var stream *events
			if single {
				reserved := b.send(t, http.MethodPut, "/graphql", "", who...)
				who = append(who, streamTokenHeader, reserved.text)
				stream = b.stream(t, http.MethodGet, "/graphql", "", who...)
				b.send(t, http.MethodPost, "/graphql", `{"query":"`+ticks+`","extensions":{"operationId":"1"}}`, append(who, "Content-Type", jsonType)...)
			} else {
				stream = b.stream(t, http.MethodPost, "/graphql", `{"query":"`+ticks+`"}`, append(who, "Content-Type", jsonType)...)
			}
			source := <-provider.attached
			source.sink.Send(result(0))
			if event, _, err := stream.next(); event != "next" || err != nil {
				t.Fatalf("%s %v", event, err)
			}
			expire()
			for n := range late {
				source.sink.Send(result(n))
			}
			if got := stream.all(t); len(got) != 0 {
				t.Errorf("afterwards came %q", got)
			}
			within(t, source.done)
		})
	}
}
