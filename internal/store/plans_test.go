package store

import (
	"context"
	"fmt"
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

// TestPlansUseIndexes runs what is run all the time on PostgreSQL, and demands of every statement that it finds its rows in the
// tables that grow by an index. The plans are the generic ones, which hold for any values.
func TestPlansUseIndexes(t *testing.T) {
	t.Parallel()
	url := testkit.Postgres(t)
	var statements []string
	s, err := Open(t.Context(), Config{
		URL: url, MaxConns: 2, Logger: slog.New(slog.DiscardHandler), Now: time.Now,
		Observe: func(_ context.Context, statement string, _ time.Duration, _ error) {
			statements = append(statements, statement)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	user := fillInboxes(t, s, 300, 60)

	statements = nil
	callEverything(t, s, user)
	if len(statements) < 25 {
		t.Fatalf("only %d statements were seen", len(statements))
	}
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	// The tables are small here, so reading them whole would be right: what is left when that is forbidden is what
	// large ones get.
	for _, setting := range []string{`plan_cache_mode = force_generic_plan`, `enable_seqscan = off`} {
		if _, err := c.Exec(t.Context(), `SET `+setting); err != nil {
			t.Fatal(err)
		}
	}
	// A table, or its primary key, read from end to end. The indexes of what is due are small and may be.
	scan := regexp.MustCompile(`Seq Scan on (notifications|deliveries|events|inboxes|inbox_marks|integrations|users)` +
		`|Scan (using|on) (\w+_pkey|notifications_\w+).*\n(?: *(?:Recheck Cond|Filter):.*\n)* *(?:->|$|[^ IR])` +
		`|_pkey.*\n *Index Cond: \(channel = \d\)\n`)
	for i, statement := range statements {
		if plan := genericPlan(t, c, "p"+strconv.Itoa(i), statement); scan.MatchString(plan) {
			t.Errorf("%s\nis planned as\n%s", statement, plan)
		}
	}
}

// callEverything calls what workers, pages and the live hub call all the time.
func callEverything(t *testing.T, s *Store, user uuid.UUID) {
	t.Helper()
	ctx, now, lease := t.Context(), model.UnixMilli(1_800_000_000_000), model.NewID()
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	page, err := s.InboxPage(ctx, model.InboxQuery{UserID: user, Limit: 20, After: &model.PagePosition{Seq: 50}})
	if err != nil || len(page.Notifications) != 20 {
		t.Fatalf("%d notifications, %v", len(page.Notifications), err)
	}
	ids := make([]uuid.UUID, 20)
	for i := range ids {
		ids[i] = page.Notifications[i].UUID
	}
	no := false
	must(s.Inbox(ctx, user))
	must(s.InboxPage(ctx, model.InboxQuery{UserID: user, Limit: 20, Read: &no, EventTypes: []string{"a", "b"}}))
	must(s.InboxPage(ctx, model.InboxQuery{UserID: user, Limit: 20, Backward: true}))
	must(s.InboxPage(ctx, model.InboxQuery{UserID: user, Limit: 20, OutOfInbox: true}))
	must(s.NotificationsByID(ctx, user, ids))
	must(s.Deliveries(ctx, user, ids))
	must(s.SetRead(ctx, user, ids, true, now))
	must(s.SetArchived(ctx, user, ids[:3], true, now))
	must(s.MarkAllRead(ctx, user, 30, now))
	must(s.Changes(ctx, user, 40, 1000))
	must(s.Positions(ctx, []model.InboxSeen{{UserID: user}}))
	must(s.ClaimEmail(ctx, now, 5, lease, now.Add(time.Minute)))
	must(s.ClaimCliq(ctx, now, 5, lease, now.Add(time.Minute)))
	must(s.Untold(ctx, now, 100))
	must(s.DueCliq(ctx, user, now, 10))
	for _, channel := range []model.Channel{model.ChannelEmail, model.ChannelCliq} {
		_, _, err := s.NextDue(ctx, channel)
		must(channel, err)
	}
	w := model.NewID()
	_, ok, err := s.ClaimCliqUser(ctx, user, now.Add(time.Hour), w, now.Add(2*time.Hour))
	must(ok, err)
	must(s.BeginCliq(ctx, user, w, ids, nil, now))
	must(s.FinishDelivery(ctx, model.DeliveryOutcome{
		NotificationIDs: ids, Channel: model.ChannelCliq, LeaseID: w, Status: model.DeliveryStatusSent, FinishedAt: now,
	}))
	must(s.FailCliq(ctx, user, w, model.ProblemCodeBotNotFound, now))
	_, _, err = s.SweepLeases(ctx, now)
	must(w, err)
	must(s.Purge(ctx, model.UnixMilli(1_700_000_000_000+400_000), model.UnixMilli(1_800_000_000_000), 5))
}

// fillInboxes makes people with notifications each, most of them delivered, and answers one of the people.
func fillInboxes(tb testing.TB, s *Store, people, each int) uuid.UUID {
	tb.Helper()
	w := s.writer(tb.Context())
	for _, statement := range []string{
		`INSERT INTO workspaces (id, external_id) VALUES ('00000000-0000-7000-8000-000000000000', 'acme')`,
		fmt.Sprintf(`INSERT INTO users (id, workspace_id, external_id, email)
			SELECT gen_random_uuid(), '00000000-0000-7000-8000-000000000000', 'user-' || n, 'u@example.com' FROM generate_series(1, %d) n`, people),
		fmt.Sprintf(`INSERT INTO inboxes (user_id, last_seq, unread_count) SELECT id, %d, %d FROM users`, each, each),
		`INSERT INTO integrations (user_id, provider, workspace_id, status) SELECT id, 'ZOHO_CLIQ', workspace_id, 1 FROM users`,
		fmt.Sprintf(`INSERT INTO events (id, workspace_id, type, data, idempotency_key, content_hash, occurred_at, created_at, title, path,
				notified, unknown_recipients)
			SELECT (lpad(to_hex(1700000000000 + n * 1000), 12, '0') || '7000800000000000000f')::uuid,
				'00000000-0000-7000-8000-000000000000', 'a', '{}', n, '', to_timestamp(1700000000 + n), to_timestamp(1700000000 + n),
				'title of ' || n, '/', 1, '[]' FROM generate_series(1, %d) n`, each*150), // most are of other people
		`INSERT INTO notifications (id, user_id, event_id, seq, changed_seq, created_at, decision)
			SELECT (left(e.id::text, 19) || substr(u.id::text, 20))::uuid, u.id, e.id, e.n / 150, e.n / 150, e.created_at, 0
			FROM (SELECT *, idempotency_key::integer AS n FROM events) e CROSS JOIN users u WHERE e.n % 150 = 0`,
		`INSERT INTO deliveries (notification_id, user_id, channel, status, next_attempt_at)
			SELECT n.id, n.user_id, c, CASE WHEN n.seq % 30 = 0 THEN 0 ELSE 3 END, n.created_at
			FROM notifications n CROSS JOIN generate_series(1, 2) c`,
		`VACUUM ANALYZE`,
	} {
		if _, err := w.exec(statement); err != nil {
			tb.Fatalf("%s: %v", statement, err)
		}
	}
	var user uuid.UUID
	if found, err := w.one([]any{&user}, `SELECT id FROM users LIMIT 1`); !found || err != nil {
		tb.Fatal(found, err)
	}
	return user
}

// genericPlan is how PostgreSQL runs a statement whatever its parameters are.
func genericPlan(tb testing.TB, c *pgx.Conn, name, statement string) string {
	tb.Helper()
	nulls := make([]string, 0, 8)
	for n := 1; strings.Contains(statement, "$"+strconv.Itoa(n)); n++ {
		nulls = append(nulls, "NULL")
	}
	if _, err := c.Exec(tb.Context(), "PREPARE "+name+" AS "+statement, pgx.QueryExecModeSimpleProtocol); err != nil {
		tb.Fatalf("prepare %s: %v", statement, err)
	}
	execute := "EXPLAIN EXECUTE " + name
	if len(nulls) > 0 {
		execute += "(" + strings.Join(nulls, ", ") + ")"
	}
	rows, err := c.Query(tb.Context(), execute, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		tb.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		tb.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

// BenchmarkInboxPage measures 20 notifications after a cursor with the unread count, of a thousand people with a
// hundred notifications each.
func BenchmarkInboxPage(b *testing.B) {
	s := openForTest(b, testkit.DurablePostgres(b))
	fillInboxes(b, s, 1000, 100)
	users, err := collect(s.reader(b.Context()), func(id *uuid.UUID) []any { return []any{id} }, `SELECT id FROM users ORDER BY md5(external_id)`)
	if err != nil {
		b.Fatal(err)
	}
	b.SetParallelism(4)
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			user := users[i*31%len(users)]
			if _, err := s.Inbox(b.Context(), user); err != nil {
				b.Error(err)
			}
			page, err := s.InboxPage(b.Context(), model.InboxQuery{UserID: user, Limit: 20, After: &model.PagePosition{Seq: int64(30 + i%60)}})
			if err != nil || len(page.Notifications) != 20 {
				b.Error(len(page.Notifications), err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "pages/s")
}
