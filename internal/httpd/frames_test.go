package httpd

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/heffl/bff/model"
)

// rendered feeds every subscription to ticks that asks for n alone, without the executor.
type rendered struct {
	attached chan *renderedSource
}

func (r *rendered) Frames(_ context.Context, op *graphql.OperationContext) (FrameSource, bool) {
	field := op.Operation.SelectionSet[0].(*ast.Field)
	if field.Name != "ticks" || len(field.SelectionSet) != 1 {
		return nil, false
	}
	return &renderedSource{provider: r, ready: make(chan struct{}, 1), done: make(chan struct{})}, true
}

type renderedSource struct {
	provider *rendered
	sink     FrameSink
	ready    chan struct{}
	done     chan struct{}
	once     sync.Once
}

func (s *renderedSource) Attach(ctx context.Context, sink FrameSink) {
	s.sink = sink
	context.AfterFunc(ctx, func() { s.once.Do(func() { close(s.done) }) })
	s.provider.attached <- s
}

func (s *renderedSource) Ready() { s.ready <- struct{}{} }

func within(tb testing.TB, c <-chan struct{}) {
	tb.Helper()
	timer := time.NewTimer(10 * time.Second)
	defer timer.Stop()
	select {
	case <-c:
	case <-timer.C:
		tb.Fatal("it does not happen")
	}
}

func setupFrames(tb testing.TB) (*bench, *rendered) {
	tb.Helper()
	provider := &rendered{attached: make(chan *renderedSource, 10)}
	return setup(tb, func(c *Config) {
		c.Frames = provider
		c.Limits.Queue = 64 << 10
		c.Limits.UserRate = Rate{PerSecond: -1}
	}), provider
}

func TestFrames(t *testing.T) {
	t.Parallel()

	t.Run("WebSocket", func(t *testing.T) {
		t.Parallel()
		b, provider := setupFrames(t)
		p := b.ready(t, token(t, "u"))
		p.subscribe("1", ticks)
		source := <-provider.attached
		for n := range 3 {
			if !source.sink.Send(fmt.Appendf(nil, `{"data":{"ticks":{"n":%d}}}`, n)) {
				t.Fatal("refused")
			}
			if m := p.read(); m.Type != "next" || m.ID != "1" || string(m.Payload) != fmt.Sprintf(`{"data":{"ticks":{"n":%d}}}`, n) {
				t.Errorf("got %+v", m)
			}
		}
		source.sink.End(nil)
		if m := p.read(); m.Type != "complete" || m.ID != "1" {
			t.Errorf("got %+v", m)
		}
		within(t, source.done)
		source.sink.Send([]byte(`{"data":null}`)) // nothing follows
		p.subscribe("1", `subscription{ticks{n text}}`)
		<-b.inbox.started // that selection is executed
		b.inbox.ticks <- map[string]any{"__typename": "Tick", "n": 7}
		if m := p.read(); string(m.Payload) != `{"data":{"ticks":{"n":7,"text":null}}}` {
			t.Errorf("got %+v", m)
		}
	})

	t.Run("EventStream", func(t *testing.T) {
		t.Parallel()
		b, provider := setupFrames(t)
		stream := b.stream(t, http.MethodPost, "/graphql", `{"query":"`+ticks+`"}`, append(bearerOf(token(t, "u")), "Content-Type", jsonType)...)
		source := <-provider.attached
		source.sink.Send([]byte(`{"data":{"ticks":{"n":1}}}`))
		if event, data, err := stream.next(); event != "next" || data != `{"data":{"ticks":{"n":1}}}` {
			t.Errorf("%s %s %v", event, data, err)
		}
		source.sink.End(gqlerror.List{coded(model.CodeCursorUnusable, "Too far behind.")})
		event, data, err := stream.next()
		if (reply{text: data}).code() != "CURSOR_UNUSABLE" {
			t.Errorf("%s %s %v", event, data, err)
		}
		within(t, source.done)
	})

	t.Run("EndsWithAnError", func(t *testing.T) {
		t.Parallel()
		b, provider := setupFrames(t)
		p := b.ready(t, token(t, "u"))
		p.subscribe("1", ticks)
		source := <-provider.attached
		source.sink.End(gqlerror.List{coded(model.CodeCursorUnusable, "Too far behind.")})
		if m := p.read(); m.Type != "error" || !strings.Contains(string(m.Payload), "CURSOR_UNUSABLE") || !strings.Contains(string(m.Payload), "requestId") {
			t.Errorf("got %+v", m)
		}
	})

	t.Run("StopsWithTheClient", func(t *testing.T) {
		t.Parallel()
		b, provider := setupFrames(t)
		p := b.ready(t, token(t, "u"))
		for _, id := range []string{"1", "2"} {
			p.subscribe(id, ticks)
		}
		first, second := <-provider.attached, <-provider.attached
		if first.sink.(*socketOperation).id != "1" {
			first, second = second, first
		}
		p.write(`{"type":"complete","id":"1"}`)
		within(t, first.done)
		first.sink.Send([]byte(`{"data":{"ticks":{"n":1}}}`))
		second.sink.Send([]byte(`{"data":{"ticks":{"n":2}}}`))
		if m := p.read(); m.ID != "2" {
			t.Errorf("got %+v", m)
		}
		_ = p.CloseNow()
		within(t, second.done)
	})

	t.Run("SlowClient", func(t *testing.T) {
		t.Parallel()
		b, provider := setupFrames(t)
		p := b.ready(t, token(t, "u"))
		p.subscribe("1", ticks)
		source := <-provider.attached
		frame := []byte(`{"data":{"ticks":{"n":1}},"extensions":{"x":"` + strings.Repeat("x", 8<<10) + `"}}`)
		taken := 0
		for source.sink.Send(frame) { // nobody reads: the kernel's buffers fill up, then the queue
			if taken++; taken > 10_000 {
				t.Fatal("the queue has no end")
			}
		}
		for range taken {
			if m := p.read(); m.Type != "next" {
				t.Fatalf("got %+v", m)
			}
		}
		within(t, source.ready)
		if !source.sink.Send(frame) {
			t.Error("refused although there is room")
		}
		if m := p.read(); m.Type != "next" {
			t.Errorf("got %+v", m)
		}
	})
}

func TestFailSubscription(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.inbox.end = model.Errorf(model.CodeCursorUnusable, "Too far behind.")
	p := b.ready(t, token(t, "u"))
	p.subscribe("1", `subscription{inboxChanged{__typename}}`)
	if m := p.read(); m.Type != "next" {
		t.Fatalf("got %+v", m)
	}
	if m := p.read(); m.Type != "error" || !strings.Contains(string(m.Payload), "CURSOR_UNUSABLE") {
		t.Errorf("got %+v", m)
	}
	got := b.stream(t, http.MethodPost, "/graphql", `{"query":"subscription{inboxChanged{__typename}}"}`, append(bearerOf(token(t, "u")), "Content-Type", jsonType)...).all(t)
	if len(got) != 6 || (reply{text: got[3]}).code() != "CURSOR_UNUSABLE" || got[4] != "complete" {
		t.Errorf("got %q", got)
	}
}

// BenchmarkFanOut sends one rendered result to many sockets: what a burst costs.
func BenchmarkFanOut(b *testing.B) {
	const sockets = 200
	own, provider := setupFrames(b)
	provider.attached = make(chan *renderedSource, sockets)
	own.connections.most = sockets
	var sources []*renderedSource
	for range sockets {
		conn, reader := own.rawSocket(b)
		text := mustJSON(b, map[string]any{"id": "1", "type": "subscribe", "payload": map[string]any{"query": ticks}})
		if _, err := conn.Write(maskedFrame(finBit|byte(opText), []byte(text))); err != nil {
			b.Fatal(err)
		}
		go func() {
			for {
				if _, err := reader.Discard(1); err != nil {
					return
				}
			}
		}()
		sources = append(sources, <-provider.attached)
	}
	frame := []byte(`{"data":{"inboxChanged":{"cursor":"AQAAAAAAAAAAAAAA","unreadCount":17,"notification":{"id":"AQAAAAAAAAAAAAAAAAAAAAA","eventType":"deal.won","title":"Ada Lovelace won the deal Analytical Engine","url":"https://app.heffl.test/deals/1","createdAt":"2026-11-22T10:48:00.000Z"}}}}`)
	b.ReportAllocs()
	for b.Loop() {
		for _, source := range sources {
			source.sink.Send(frame)
		}
	}
	b.ReportMetric(float64(b.N)*sockets/b.Elapsed().Seconds(), "msg/s")
}
