package scenario

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"testing"
	"time"

	natsd "github.com/nats-io/nats-server/v2/server"

	"github.com/heffl/bff/internal/testkit"
)

var full = flag.Bool("full", false, "as long as the goals name, instead of some seconds")

// natsServer serves NATS on a port of its own, or on the one given, until the test ends or it is shut down.
func natsServer(tb testing.TB, port int) *natsd.Server {
	tb.Helper()
	s, err := natsd.NewServer(&natsd.Options{Host: "127.0.0.1", Port: port, NoSigs: true, NoLog: true})
	if err != nil {
		tb.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(startTimeout) {
		tb.Fatal("NATS does not start")
	}
	tb.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	return s
}

// replicas are several processes on one PostgreSQL and one NATS. The first one makes the keys that all of them use.
func replicas(tb testing.TB, n int, nats string, settings ...string) []*server {
	tb.Helper()
	data := tb.TempDir()
	settings = append([]string{"HEFFL_DATABASE_URL=" + testkit.Postgres(tb), "HEFFL_NATS_URL=" + nats}, settings...)
	all := make([]*server, n)
	for i := range all {
		all[i] = start(tb, data, settings...)
	}
	return all
}

// raw sends a request's body and answers what comes back.
func (p *person) raw(ctx context.Context, body []byte) (status int, text []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url+"/graphql", bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Authorization", "Bearer "+p.token)
	request.Header.Set("Content-Type", "application/json")
	response, err := p.browser.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	text, err = io.ReadAll(response.Body)
	return response.StatusCode, text, err
}

// try asks once and answers whatever goes wrong as an error, with the code that the server gave.
func (p *person) try(ctx context.Context, query string, variables any) (json.RawMessage, error) {
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		return nil, err
	}
	status, raw, err := p.raw(ctx, body)
	if err != nil {
		return nil, err
	}
	var got answer
	if err := json.Unmarshal(raw, &got); err != nil {
		return nil, fmt.Errorf("%d: %s", status, raw)
	}
	if len(got.Errors) > 0 {
		return nil, errors.New(got.Errors[0].Extensions.Code)
	}
	return got.Data, nil
}

// numbered is an event with a number in its title.
func numbered(n int, to []string) map[string]any {
	return input(map[string]any{
		"type": "deal.won", "idempotencyKey": fmt.Sprint("numbered-", n), "recipientIds": to,
		"actor": map[string]string{"id": "u_ada", "name": "Ada Lovelace"},
		"data":  map[string]any{"dealId": fmt.Sprint("deal-", n), "dealTitle": fmt.Sprintf("Number <%d>", n)},
	})
}

var numberInTitle = regexp.MustCompile(`<(\d+)>`)

// numberOf is the number that numbered put into the title.
func numberOf(tb testing.TB, title string) int {
	tb.Helper()
	match := numberInTitle.FindStringSubmatch(title)
	if match == nil {
		tb.Fatalf("no number in %q", title)
	}
	n, err := strconv.Atoi(match[1])
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

// readiness is what /readyz answers: the code, and the status of the whole and of its part that is live.
func (s *server) readiness(tb testing.TB) (code int, status, live string) {
	tb.Helper()
	p := &person{server: s, browser: s.http}
	response, body := p.do(tb, p.request(tb, http.MethodGet, s.url+"/readyz", nil))
	var health struct {
		Status string
		Parts  []struct{ Name, Status string }
	}
	if err := json.Unmarshal(body, &health); err != nil {
		tb.Fatalf("/readyz: %s", body)
	}
	for _, part := range health.Parts {
		if part.Name == "live" {
			live = part.Status
		}
	}
	return response.StatusCode, health.Status, live
}

// TestNATSGone shows D6 with processes: without NATS everything still arrives from the other replica within 2 s, the
// replicas stay ready and say that they are degraded; with NATS again they are as before.
func TestNATSGone(t *testing.T) {
	t.Parallel()
	nats := natsServer(t, -1)
	port := nats.Addr().(*net.TCPAddr).Port
	both := replicas(t, 2, nats.ClientURL())
	services := both[1].bearer(t, "u_ada", "events:write")
	ann := both[0].bearer(t, "u-ann")
	stream := ann.subscribe(t, inboxSubscription, nil)
	if first, _ := next[change](t, stream); first.Reason != "STARTED" {
		t.Fatalf("a stream begins with %+v", first)
	}
	sent := 0
	expectWithin := func(limit time.Duration) (slowest time.Duration) {
		t.Helper()
		for range 5 {
			sent++
			begin := time.Now()
			if _, err := services.try(t.Context(), publishMutation, numbered(sent, []string{"u-ann"})); err != nil {
				t.Fatal(err)
			}
			got, at := next[change](t, stream)
			if got.Notification == nil || numberOf(t, got.Notification.Title) != sent || got.UnreadCount != sent {
				t.Fatalf("event %d came as %+v", sent, got)
			}
			slowest = max(slowest, at.Sub(begin))
		}
		if slowest > limit {
			t.Errorf("an event took %v, more than %v", slowest, limit)
		}
		return slowest
	}
	expectState := func(status string) {
		t.Helper()
		for _, s := range both {
			eventually(t, "the replicas are "+status, waitLong, func() bool {
				code, whole, live := s.readiness(t)
				if code != http.StatusOK {
					t.Errorf("/readyz = %d %s", code, whole)
				}
				return whole == status && live == status
			})
		}
	}
	expectState("ok")
	with := expectWithin(5 * time.Second)
	nats.Shutdown()
	nats.WaitForShutdown()
	expectState("degraded")
	without := expectWithin(2 * time.Second)
	natsServer(t, port)
	expectState("ok")
	again := expectWithin(5 * time.Second)
	t.Logf("slowest with NATS %v, without %v, with NATS again %v", with.Round(time.Millisecond), without.Round(time.Millisecond), again.Round(time.Millisecond))
}
