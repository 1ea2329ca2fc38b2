package scenario

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
	"github.com/jackc/pgx/v5"

	"github.com/heffl/bff/internal/testkit"
)

const poolSize = 10

// TestPoolExhaustion shows D16: while every connection of the pool is held up in the database, whoever is in excess is refused
// within 2 s and told that trying again helps; and a thousand subscriptions with nothing to do hold no connection.
func TestPoolExhaustion(t *testing.T) { //nolint:tparallel // its parts share the pool, one after another
	t.Parallel()
	database := testkit.Postgres(t)
	s := start(t, t.TempDir(), "HEFFL_DATABASE_URL="+database, fmt.Sprint("HEFFL_DATABASE_MAX_CONNS=", poolSize))
	outside, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = outside.Close(context.Background()) })
	people := make([]*person, 20)
	for i := range people {
		people[i] = s.bearer(t, fmt.Sprint("u-", i))
		people[i].inbox(t)
	}
	// The query is slow for as long as the lock is held.
	holdUp := func(what string) (release func()) {
		t.Helper()
		tx, err := outside.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), "LOCK TABLE "+what+" IN ACCESS EXCLUSIVE MODE"); err != nil {
			t.Fatal(err)
		}
		return func() {
			if err := tx.Rollback(context.Background()); err != nil {
				t.Error(err)
			}
		}
	}
	t.Run("Requests", func(t *testing.T) { //nolint:paralleltest // the subtests share the pool, one after another
		const requests = 200
		type outcome struct {
			err  error
			took time.Duration
		}
		outcomes := make([]outcome, requests)
		release := holdUp("notifications, inboxes, users")
		var asking sync.WaitGroup
		for i := range requests {
			asking.Go(func() {
				begin := time.Now()
				_, err := people[i%len(people)].try(t.Context(), inboxQuery, nil)
				outcomes[i] = outcome{err, time.Since(begin)}
			})
		}
		asking.Wait()
		release()
		codes := map[string]int{}
		var took []time.Duration
		for _, o := range outcomes {
			code := "none"
			if o.err != nil {
				code = o.err.Error()
			}
			codes[code]++
			took = append(took, o.took)
		}
		slices.Sort(took)
		t.Logf("%d requests on %d connections, all held up: %v; half after %v, the excess after %v, the slowest after %v", requests, poolSize,
			codes, took[requests/2].Round(time.Millisecond), took[requests-poolSize-1].Round(time.Millisecond), took[requests-1].Round(time.Millisecond))
		if codes["UNAVAILABLE"] != requests {
			t.Errorf("codes: %v, want UNAVAILABLE for all", codes)
		}
		// Those with a connection end with the database's own limits.
		if excess := took[requests-poolSize-1]; excess > 2*time.Second {
			t.Errorf("the excess was refused after %v", excess)
		}
		eventually(t, "everybody is served again", promptly, func() bool {
			_, err := people[0].try(t.Context(), inboxQuery, nil)
			return err == nil
		})
	})
	t.Run("IdleSubscriptions", func(t *testing.T) { //nolint:paralleltest // as above
		const each = 50
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for _, p := range people {
			conn := p.dial(t)
			t.Cleanup(func() { _ = conn.CloseNow() })
			for i := range each {
				payload := fmt.Appendf(nil, `{"query":%q}`, "subscription { inboxChanged { __typename ... on InboxReset { reason } } }")
				if err := wsjson.Write(ctx, conn, frame{ID: strconv.Itoa(i), Type: "subscribe", Payload: payload}); err != nil {
					t.Fatal(err)
				}
			}
			readBeginnings(ctx, t, conn, each)
		}
		busy, none, most, open := 0, 0, 0, 0
		const samples = 60
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for range samples {
			<-tick.C
			err := outside.QueryRow(ctx, `SELECT count(*) FILTER (WHERE state <> 'idle'), count(*) FROM pg_stat_activity
				WHERE datname = current_database() AND application_name = 'heffl-bff'`).Scan(&busy, &open)
			if err != nil {
				t.Fatal(err)
			}
			if busy == 0 {
				none++
			}
			most = max(most, busy)
		}
		t.Logf("%d idle subscriptions: of %d connections none in use in %d of %d samples, %d at most", len(people)*each, open, none, samples, most)
		if open == 0 || open > poolSize {
			t.Errorf("the server has %d connections", open)
		}
		// The reconciler asks five times in 2 s, one question for everybody; delivery looks after its queues.
		if none < samples*8/10 || most > 3 {
			t.Errorf("connections were in use in %d of %d samples, up to %d", samples-none, samples, most)
		}
	})
}

// readBeginnings reads until so many subscriptions have begun.
func readBeginnings(ctx context.Context, tb testing.TB, conn *websocket.Conn, n int) {
	tb.Helper()
	for n > 0 {
		var f frame
		if err := wsjson.Read(ctx, conn, &f); err != nil {
			tb.Fatal(err)
		}
		switch f.Type {
		case "next":
			n--
		case "ping":
			if err := wsjson.Write(ctx, conn, frame{Type: "pong"}); err != nil {
				tb.Fatal(err)
			}
		default:
			tb.Fatalf("a subscription ended: %s %s", f.Type, f.Payload)
		}
	}
}
