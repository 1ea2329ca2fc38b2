package httpd

import (
	"bufio"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestNativeEventSource connects as a browser's own EventSource does: by GET, with the cookie, from a page in the list.
func TestNativeEventSource(t *testing.T) {
	t.Parallel()
	page := func(t *testing.T, more ...string) []string {
		t.Helper()
		return append([]string{"Cookie", "session=" + token(t, "u"), "Origin", appOrigin, "Sec-Fetch-Site", "cross-site", "Cache-Control", "no-cache"}, more...)
	}
	path := func(query string) string { return "/graphql?query=" + url.QueryEscape(query) }

	t.Run("Subscription", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		stream := b.stream(t, http.MethodGet, path(ticks), "", page(t)...)
		if got := stream.response.Header; got.Get("Access-Control-Allow-Origin") != appOrigin || got.Get("Access-Control-Allow-Credentials") != "true" {
			t.Errorf("the page may not read it: %v", got)
		}
		<-b.inbox.started
		b.inbox.ticks <- map[string]any{"__typename": "Tick", "n": 1}
		if event, data, err := stream.next(); event != "next" || data != `{"data":{"ticks":{"n":1}}}` {
			t.Errorf("%s %s %v", event, data, err)
		}
		close(b.inbox.ticks)
		if event, data, err := stream.next(); event != "complete" || data != "" || err != nil { // with a data line, or it would not be dispatched
			t.Errorf("%s %q %v", event, data, err)
		}
	})

	// The browser sends back the id of the last event it saw. None has one, so whatever comes is somebody's invention.
	for name, last := range map[string]string{"Cursor": "c0", "Long": strings.Repeat("x", 8<<10), "NotUTF8": "\xff\xfe", "Injection": "1'; DROP TABLE inboxes"} {
		t.Run("LastEventID/"+name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.inbox.publish("before")
			stream := b.stream(t, http.MethodGet, path(`subscription{inboxChanged{__typename ...on InboxReset{cursor reason}}}`), "", page(t, "Last-Event-ID", last)...)
			event, data, err := stream.next()
			if want := `{"data":{"inboxChanged":{"__typename":"InboxReset","cursor":"c1","reason":"STARTED"}}}`; event != "next" || data != want || err != nil {
				t.Errorf("%s %s %v", event, data, err)
			}
		})
	}

	t.Run("NoIDs", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		stream := b.stream(t, http.MethodGet, path("{viewer{id}}"), "", page(t)...)
		lines := bufio.NewScanner(stream.reader)
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), "id") || strings.HasPrefix(lines.Text(), "retry") {
				t.Errorf("a line %q", lines.Text())
			}
		}
		if err := lines.Err(); err != nil {
			t.Error(err)
		}
	})

	// EventSource can show its page no status, and comes back after any that is not final: a refusal is one answer.
	t.Run("Refused", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		for _, header := range [][]string{
			{"Cookie", "session=" + token(t, "u"), "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"},
			{"Cookie", "session=" + token(t, "u")},
		} {
			if got := b.send(t, http.MethodGet, path(ticks), "", append(header, "Accept", mediaEvents)...); got.status != http.StatusForbidden {
				t.Errorf("%d %s", got.status, got.text)
			}
		}
	})
}
