package httpd

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// events reads an event stream.
type events struct {
	response *http.Response
	reader   *bufio.Reader
	cancel   context.CancelFunc
}

func (b *bench) stream(tb testing.TB, method, path, body string, header ...string) *events {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), 20*time.Second)
	tb.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, method, b.url+path, strings.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	req.Header.Set("Accept", mediaEvents)
	for i := 0; i < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	client := httpClient()
	client.Timeout = 0
	resp, err := client.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = resp.Body.Close() })
	return &events{response: resp, reader: bufio.NewReader(resp.Body), cancel: cancel}
}

// next reads one event; comments are skipped.
func (e *events) next() (event, data string, err error) {
	hasData := false
	for {
		line, err := e.reader.ReadString('\n')
		if err != nil {
			return event, data, err
		}
		line = strings.TrimSuffix(line, "\n")
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "event":
			event = value
		case "data":
			data, hasData = value, true
		case "":
			if line == "" && event != "" {
				if !hasData {
					return event, data, fmt.Errorf("the event %s has no data line", event)
				}
				return event, data, nil
			}
		}
	}
}

func (e *events) all(tb testing.TB) []string {
	tb.Helper()
	var got []string
	for {
		event, data, err := e.next()
		if errors.Is(err, io.EOF) {
			return got
		}
		if err != nil {
			tb.Fatal(err)
		}
		got = append(got, event, data)
	}
}

func TestEventStream(t *testing.T) {
	t.Parallel()
	b := setup(t)
	who := append(bearerOf(token(t, "u")), "Content-Type", jsonType)
	viewer := []string{"next", `{"data":{"viewer":{"id":"u"}}}`, "complete", ""}

	t.Run("Query", func(t *testing.T) {
		t.Parallel()
		stream := b.stream(t, http.MethodPost, "/graphql", `{"query":"{viewer{id}}"}`, who...)
		header := stream.response.Header
		if stream.response.StatusCode != http.StatusOK || header.Get("Content-Type") != "text/event-stream; charset=utf-8" ||
			header.Get("X-Accel-Buffering") != "no" || !strings.Contains(header.Get("Cache-Control"), "no-store") {
			t.Errorf("%d %v", stream.response.StatusCode, header)
		}
		if diff := cmp.Diff(viewer, stream.all(t)); diff != "" {
			t.Error(diff)
		}
	})

	t.Run("QueryByGET", func(t *testing.T) {
		t.Parallel()
		stream := b.stream(t, http.MethodGet, "/graphql?query="+url.QueryEscape("{viewer{id}}"), "", who[:2]...)
		if diff := cmp.Diff(viewer, stream.all(t)); diff != "" {
			t.Error(diff)
		}
	})

	t.Run("Subscription", func(t *testing.T) {
		t.Parallel()
		own := setup(t)
		stream := own.stream(t, http.MethodPost, "/graphql", `{"query":"subscription{ticks{n}}"}`, who...)
		<-own.inbox.started
		for n := range 3 {
			own.inbox.ticks <- map[string]any{"__typename": "Tick", "n": n}
			if event, data, err := stream.next(); event != "next" || data != fmt.Sprintf(`{"data":{"ticks":{"n":%d}}}`, n) {
				t.Errorf("%s %s %v", event, data, err)
			}
		}
		close(own.inbox.ticks)
		if diff := cmp.Diff([]string{"complete", ""}, stream.all(t)); diff != "" {
			t.Error(diff)
		}
	})

	for name, c := range map[string]struct{ query, code string }{
		"Syntax":          {"{", "GRAPHQL_PARSE_FAILED"},
		"Validation":      {"{nope}", "GRAPHQL_VALIDATION_FAILED"},
		"Unauthenticated": {"subscription{inboxChanged{__typename}}", "UNAUTHENTICATED"},
	} {
		t.Run("Err"+name, func(t *testing.T) {
			t.Parallel()
			got := b.stream(t, http.MethodPost, "/graphql", mustJSON(t, map[string]string{"query": c.query}), "Content-Type", jsonType).all(t)
			if len(got) != 4 || got[0] != "next" || (reply{text: got[1]}).code() != c.code || got[2] != "complete" || strings.Contains(got[1], `"data"`) {
				t.Errorf("got %q", got)
			}
		})
	}

	for name, c := range map[string]struct {
		method, path, body string
		header             []string
		status             int
	}{
		"Malformed":  {"POST", "/graphql", `{"query":`, who, 400},
		"BadToken":   {"POST", "/graphql", `{"query":"{__typename}"}`, append(bearerOf("x"), "Content-Type", jsonType), 401},
		"Expired":    {"POST", "/graphql", `{"query":"{__typename}"}`, append(bearerOf(tokenUntil(t, "u", time.Now().Add(-time.Second))), "Content-Type", jsonType), 401},
		"TextPlain":  {"POST", "/graphql", `{"query":"{__typename}"}`, []string{"Content-Type", "text/plain"}, 415},
		"Mutation":   {"GET", "/graphql?query=" + url.QueryEscape("mutation{setCookie}"), "", who[:2], 405},
		"NoQuery":    {"GET", "/graphql", "", who[:2], 400},
		"CrossSite":  {"GET", "/graphql?query=%7B__typename%7D", "", []string{"Cookie", "session=" + token(t, "u"), "Origin", "https://evil.example"}, 403},
		"TooLarge":   {"POST", "/graphql", `{"query":"{__typename}","extensions":{"x":"` + strings.Repeat("x", 64<<10) + `"}}`, who, 413},
		"PutNoToken": {"PUT", "/graphql", "", nil, 401},
		"PutBody":    {"PUT", "/graphql", "{}", who, 405},
	} {
		t.Run("Err"+name, func(t *testing.T) {
			t.Parallel()
			got := b.send(t, c.method, c.path, c.body, append([]string{"Accept", mediaEvents}, c.header...)...)
			if got.status != c.status || got.code() == "" {
				t.Errorf("%d %s, want %d", got.status, got.text, c.status)
			}
		})
	}

	t.Run("LeavingEndsTheOperation", func(t *testing.T) {
		t.Parallel()
		own := setup(t)
		stream := own.stream(t, http.MethodPost, "/graphql", `{"query":"subscription{ticks{n}}"}`, who...)
		<-own.inbox.started
		stream.cancel()
		own.waitFor(t, func() bool { return own.Stats().EventStreams == 0 })
	})

	t.Run("StreamsOfOneIdentity", func(t *testing.T) {
		t.Parallel()
		own := setup(t, func(c *Config) { c.Limits.Connections = 2 })
		for range 2 {
			own.stream(t, http.MethodPost, "/graphql", `{"query":"subscription{ticks{n}}"}`, who...)
			<-own.inbox.started
		}
		if got := own.send(t, http.MethodPost, "/graphql", `{"query":"subscription{ticks{n}}"}`, append(who, "Accept", mediaEvents)...); got.status != 429 {
			t.Errorf("%d %s", got.status, got.text)
		}
		if got := own.send(t, http.MethodPut, "/graphql", "", who[:2]...); got.status != 429 {
			t.Errorf("%d %s", got.status, got.text)
		}
	})
}

func TestSharedEventStream(t *testing.T) {
	t.Parallel()
	b := setup(t)
	who := bearerOf(token(t, "u"))
	reserved := b.send(t, http.MethodPut, "/graphql", "", who...)
	if reserved.status != 201 || !strings.HasPrefix(reserved.header.Get("Content-Type"), "text/plain") {
		t.Fatalf("%d %v", reserved.status, reserved.header)
	}
	with := append(slices.Clone(who), streamTokenHeader, reserved.text)
	operate := func(id, query string, header ...string) reply {
		return b.send(t, http.MethodPost, "/graphql", mustJSON(t, map[string]any{"query": query, "extensions": map[string]any{"operationId": id}}), append([]string{"Content-Type", jsonType}, header...)...)
	}
	if got := operate("early", "{viewer{id}}", with...); got.status != 202 {
		t.Fatalf("before the stream is open: %d %s", got.status, got.text)
	}
	stream := b.stream(t, http.MethodGet, "/graphql", "", with...)
	expect := func(want ...string) {
		t.Helper()
		for i := 0; i < len(want); i += 2 {
			event, data, err := stream.next()
			if event != want[i] || data != want[i+1] {
				t.Fatalf("%s %s %v, want %s %s", event, data, err, want[i], want[i+1])
			}
		}
	}
	expect("next", `{"id":"early","payload":{"data":{"viewer":{"id":"u"}}}}`, "complete", `{"id":"early"}`)

	statuses := map[string]struct {
		got  reply
		want int
	}{
		"SecondStream":      {b.send(t, http.MethodGet, "/graphql", "", append(with, "Accept", mediaEvents)...), 409},
		"NoOperationID":     {b.send(t, http.MethodPost, "/graphql", `{"query":"{__typename}"}`, append(with, "Content-Type", jsonType)...), 400},
		"OperationIDNumber": {b.send(t, http.MethodPost, "/graphql", `{"query":"{__typename}","extensions":{"operationId":7}}`, append(with, "Content-Type", jsonType)...), 400},
		"UnknownStream":     {operate("x", "{__typename}", append(who, streamTokenHeader, "nonsense")...), 404},
		"SomebodyElse":      {operate("x", "{__typename}", append(bearerOf(token(t, "eve")), streamTokenHeader, reserved.text)...), 404},
		"Anonymous":         {operate("x", "{__typename}", streamTokenHeader, reserved.text), 404},
		"StealTheStream":    {b.send(t, http.MethodGet, "/graphql", "", append(bearerOf(token(t, "eve")), streamTokenHeader, reserved.text)...), 404},
		"DeleteNothing":     {b.send(t, http.MethodDelete, "/graphql", "", with...), 400},
		"DeleteElsewhere":   {b.send(t, http.MethodDelete, "/graphql?operationId=x", "", append(who, streamTokenHeader, "nonsense")...), 404},
	}
	for name, s := range statuses {
		if s.got.status != s.want {
			t.Errorf("%s: %d %s, want %d", name, s.got.status, s.got.text, s.want)
		}
	}

	if got := operate("a", ticks, with...); got.status != 202 {
		t.Fatalf("%d %s", got.status, got.text)
	}
	<-b.inbox.started
	if got := operate("a", ticks, with...); got.status != 409 {
		t.Errorf("the same id: %d %s", got.status, got.text)
	}
	b.inbox.ticks <- map[string]any{"__typename": "Tick", "n": 1}
	expect("next", `{"id":"a","payload":{"data":{"ticks":{"n":1}}}}`)
	if got := b.send(t, http.MethodDelete, "/graphql?operationId=a", "", with...); got.status != 200 {
		t.Errorf("%d %s", got.status, got.text)
	}
	if got := operate("bad", "{nope}", with...); got.status != 202 {
		t.Errorf("%d %s", got.status, got.text)
	}
	event, data, err := stream.next()
	var bad struct {
		ID      string
		Payload json.RawMessage
	}
	if json.Unmarshal([]byte(data), &bad) != nil || event != "next" || bad.ID != "bad" || (reply{text: string(bad.Payload)}).code() != "GRAPHQL_VALIDATION_FAILED" {
		t.Errorf("%s %s %v", event, data, err)
	}
	expect("complete", `{"id":"bad"}`)

	stream.cancel()
	b.waitFor(t, func() bool { return operate("late", "{__typename}", with...).status == 404 })
}

// TestSharedEventStreamMostOperations shows that a shared stream runs so many operations and no more, and another one when
// one of them has ended.
func TestSharedEventStreamMostOperations(t *testing.T) {
	t.Parallel()
	const most = 50 // by default
	b := setup(t)
	who := bearerOf(token(t, "u"))
	with := append(slices.Clone(who), streamTokenHeader, b.send(t, http.MethodPut, "/graphql", "", who...).text, "Content-Type", jsonType)
	stream := b.stream(t, http.MethodGet, "/graphql", "", with...)
	begin := func(id int) reply {
		t.Helper()
		return b.send(t, http.MethodPost, "/graphql", fmt.Sprintf(`{"query":%q,"extensions":{"operationId":"%d"}}`, ticks, id), with...)
	}
	for id := range most {
		if got := begin(id); got.status != http.StatusAccepted {
			t.Fatalf("operation %d: %d %s", id, got.status, got.text)
		}
		<-b.inbox.started
	}
	if got := begin(most); got.status != http.StatusTooManyRequests || got.code() != "RATE_LIMITED" {
		t.Errorf("one more: %d %s", got.status, got.text)
	}
	if got := b.send(t, http.MethodDelete, "/graphql?operationId=7", "", with...); got.status != http.StatusOK {
		t.Errorf("%d %s", got.status, got.text)
	}
	if got := begin(most); got.status != http.StatusAccepted {
		t.Errorf("after one has ended: %d %s", got.status, got.text)
	}
	<-b.inbox.started
	stream.cancel()
}
