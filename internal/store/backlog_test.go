package store

import (
	"context"
	"log/slog"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/heffl/bff/internal/testkit"
	"github.com/heffl/bff/model"
)

// backlogRows is what waits for each of two people after ten minutes of a black hole, in backlogStore.
const backlogRows = 10_000

// backlogStore is a store in which much waits for two people whom nobody may send to now, one message for each of some
// others, and nothing for the rest. It answers the one whom a worker holds, and the statements that are run.
func backlogStore(tb testing.TB, url string) (s *Store, held uuid.UUID, statements *[]string) {
	tb.Helper()
	statements = new([]string)
	s, err := Open(tb.Context(), Config{
		URL: url, MaxConns: 2, Logger: slog.New(slog.DiscardHandler), Now: time.Now,
		Observe: func(_ context.Context, statement string, _ time.Duration, _ error) {
			*statements = append(*statements, statement)
		},
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.Close() })
	if err := s.Migrate(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	w := s.writer(tb.Context())
	for _, statement := range []string{
		`INSERT INTO workspaces (id, external_id) VALUES ('00000000-0000-7000-8000-000000000000', 'acme')`,
		`INSERT INTO users (id, workspace_id, external_id) SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
			'00000000-0000-7000-8000-000000000000', 'user-' || n FROM generate_series(1, 3000) n`,
		`INSERT INTO integrations (user_id, provider, workspace_id, status, lease_until, paused_until)
			SELECT id, 'ZOHO_CLIQ', workspace_id, 1, CASE external_id WHEN 'user-1' THEN now() + interval '1 hour' END,
				CASE external_id WHEN 'user-7' THEN now() + interval '1 hour' END FROM users`,
		`INSERT INTO events (id, workspace_id, type, data, idempotency_key, content_hash, occurred_at, created_at, title, path, notified, unknown_recipients)
			VALUES ('00000000-0000-7000-8000-0000000000ff', '00000000-0000-7000-8000-000000000000', 'a', '{}', 'k', '', now(), now(), 'title', '/', 1, '[]')`,
		`INSERT INTO notifications (id, user_id, event_id, seq, changed_seq, created_at, decision)
			SELECT (lpad(to_hex(n), 12, '0') || '7000' || right(u.id::text, 12) || '8000')::uuid, u.id, '00000000-0000-7000-8000-0000000000ff', n, n,
				now() - interval '10 minutes' + n * interval '1 ms', 0
			FROM users u CROSS JOIN LATERAL generate_series(1, CASE WHEN u.external_id IN ('user-1', 'user-7') THEN ` + strconv.Itoa(backlogRows) + ` ELSE 10 END) n`,
		`INSERT INTO deliveries (notification_id, user_id, channel, status, next_attempt_at)
			SELECT n.id, n.user_id, 2, CASE WHEN u.external_id IN ('user-1', 'user-7') OR n.seq = 1 AND u.id < '00000000-0000-7000-8000-000000000020' THEN 0 ELSE 3 END, n.created_at
			FROM notifications n JOIN users u ON u.id = n.user_id`,
		`VACUUM ANALYZE`,
	} {
		if _, err := w.exec(statement); err != nil {
			tb.Fatalf("%s: %v", statement, err)
		}
	}
	if _, err := w.one([]any{&held}, `SELECT id FROM users WHERE external_id = 'user-1'`); err != nil {
		tb.Fatal(err)
	}
	return s, held, statements
}

// TestCliqClaimsPassOverBacklogs shows that what waits for people who cannot be sent to costs the others nothing: who asks for
// work, or when there is some, does not read it row by row.
func TestCliqClaimsPassOverBacklogs(t *testing.T) {
	t.Parallel()
	url := testkit.Postgres(t)
	s, held, statements := backlogStore(t, url)
	now := model.NewTime(time.Now())
	until, lease := now.Add(time.Minute), model.NewID()
	*statements = nil
	if next, queued, err := s.NextDue(t.Context(), model.ChannelCliq); err != nil || !queued || next.After(now) {
		t.Errorf("next due %v, %t, %v", next, queued, err)
	}
	due, err := s.DueCliq(t.Context(), held, now, 10)
	if err != nil || len(due) != 10 {
		t.Errorf("%d due, %v", len(due), err)
	}
	people, err := s.ClaimCliq(t.Context(), now, 16, lease, until)
	if err != nil || len(people) != 16 {
		t.Errorf("%d people claimed, %v", len(people), err)
	}
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	arguments := [][]any{
		{uuid.Nil.String()},
		{held.String(), now.Std(), 10},
		{uuid.Nil.String(), now.Std()},
	}
	if len(*statements) != len(arguments)+1 { // and the one that takes the lease
		t.Fatalf("%d statements", len(*statements))
	}
	read := regexp.MustCompile(`(\S+ on (?:deliveries|notifications|events)\b.*) \(actual rows=(\d+) loops=(\d+)\)`)
	for i, statement := range (*statements)[:len(arguments)] {
		rows, err := c.Query(t.Context(), "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) "+statement, arguments[i]...)
		if err != nil {
			t.Fatal(err)
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		total := 0
		for _, match := range read.FindAllStringSubmatch(strings.Join(lines, "\n"), -1) {
			n, _ := strconv.Atoi(match[2])
			loops, _ := strconv.Atoi(match[3])
			if i == 1 && strings.Contains(match[1], "deliveries_cliq_due") {
				continue // finding a person's oldest looks at all of theirs in the index, and joins only those
			}
			total += n * loops
		}
		if total > 200 {
			t.Errorf("%d rows are read by\n%s", total, strings.Join(lines, "\n"))
		}
	}
}

// BenchmarkCliqBacklog measures what workers ask for on every wake-up, and what the holder of a lease asks for before
// every message, beside a backlog of ten thousand messages each for two people.
func BenchmarkCliqBacklog(b *testing.B) {
	s, held, _ := backlogStore(b, testkit.DurablePostgres(b))
	if _, err := s.writer(b.Context()).exec(`UPDATE deliveries SET status = 3 WHERE user_id NOT IN (SELECT user_id FROM integrations
		WHERE lease_until IS NOT NULL OR paused_until IS NOT NULL)`); err != nil {
		b.Fatal(err)
	}
	now := model.NewTime(time.Now())
	b.Run("claim", func(b *testing.B) {
		for b.Loop() {
			if people, err := s.ClaimCliq(b.Context(), now, 16, model.NewID(), now.Add(time.Minute)); err != nil || len(people) != 0 {
				b.Fatal(len(people), err)
			}
		}
	})
	b.Run("next", func(b *testing.B) {
		for b.Loop() {
			if _, queued, err := s.NextDue(b.Context(), model.ChannelCliq); err != nil || !queued {
				b.Fatal(queued, err)
			}
		}
	})
	b.Run("due", func(b *testing.B) {
		for b.Loop() {
			if due, err := s.DueCliq(b.Context(), held, now, 500); err != nil || len(due) != 500 {
				b.Fatal(len(due), err)
			}
		}
	})
}

// TestCliqClaimsReachEverybody lets more people wait than one claim looks at: no claim comes back empty before everybody was claimed.
func TestCliqClaimsReachEverybody(t *testing.T) {
	t.Parallel()
	s, _, _ := backlogStore(t, testkit.Postgres(t))
	n, err := s.writer(t.Context()).exec(`UPDATE deliveries SET status = 0 WHERE status = 3 AND notification_id IN (
		SELECT id FROM notifications WHERE seq = 1)`)
	if err != nil {
		t.Fatal(err)
	}
	now := model.NewTime(time.Now())
	seen, last := map[uuid.UUID]bool{}, uuid.Max
	s.cliqTurn.Store(&last) // and now again from the first
	for {
		people, err := s.ClaimCliq(t.Context(), now, 50, model.NewID(), now.Add(time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		for i := range people {
			if seen[people[i].UserID] {
				t.Errorf("%s was claimed twice", people[i].UserID)
			}
			seen[people[i].UserID] = true
		}
		if len(people) == 0 {
			break
		}
	}
	if want := int(n) + 29; len(seen) != want { // and those for whom something waited before
		t.Errorf("%d of %d people were claimed", len(seen), want)
	}
}
