package bench

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/heffl/bff/internal/auth"
	"github.com/heffl/bff/internal/catalog"
	"github.com/heffl/bff/internal/store"
	"github.com/heffl/bff/internal/testkit"
	"github.com/heffl/bff/model"
)

// The size of the world that everything is measured in.
const (
	people            = 10_000
	notificationsEach = 100
	eventsRecipients  = 1_000
	overridesEach     = 5
	readUpTo          = 40 // of the notifications of everybody
	publishers        = 16 // connections that publish; sixty-four events to a thousand people each are a queue of seconds
	connections       = 64
	seedEvents        = people * notificationsEach / eventsRecipients
	connectedFrom     = "2026-01-05T08:30:00Z"
	nobodyIsSentTo    = "2100-01-01T00:00:00Z" // the sending of chat messages is no part of any workload
)

// world is a database with people in it, and a token for each of them.
type world struct {
	url     string
	dataDir string
	tokens  []string
	service string // may publish
	epoch   model.Epoch
	db      *pgx.Conn
}

// newWorld makes a database on a server that syncs to its disk as PostgreSQL does out of the box.
func newWorld(b *testing.B) *world {
	b.Helper()
	w := &world{url: testkit.DurablePostgres(b), dataDir: b.TempDir()}
	s := w.open(b)
	w.epoch = s.Epoch()
	w.mint(b)
	var err error
	if w.db, err = pgx.Connect(b.Context(), w.url); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = w.db.Close(context.Background()) })
	w.fill(b)
	return w
}

// open gives the store of another replica.
func (w *world) open(b *testing.B) *store.Store {
	b.Helper()
	s, err := store.Open(b.Context(), store.Config{URL: w.url, Logger: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	if err := s.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	return s
}

func (w *world) mint(b *testing.B) {
	b.Helper()
	w.tokens = make([]string, people)
	for i := range w.tokens {
		w.tokens[i] = mint(b, w.dataDir, auth.Identity{UserExternalID: User(i), WorkspaceExternalID: Workspace})
	}
	w.service = mint(b, w.dataDir, auth.Identity{
		UserExternalID: User(0), WorkspaceExternalID: Workspace, Scopes: []auth.Scope{auth.ScopeEventsWrite},
	})
}

func mint(b *testing.B, dataDir string, id auth.Identity) string {
	b.Helper()
	key, err := auth.LoadOrCreateKey(dataDir)
	if err != nil {
		b.Fatal(err)
	}
	now := time.Now()
	id.ExpiresAt = now.Add(12 * time.Hour)
	token, err := auth.Mint(key, id, now)
	if err != nil {
		b.Fatal(err)
	}
	return token
}

func (w *world) exec(b *testing.B, statement string, args ...any) {
	b.Helper()
	if _, err := w.db.Exec(b.Context(), statement, args...); err != nil {
		b.Fatalf("%.60s: %v", statement, err)
	}
}

// fill makes the people, what they changed, and what reached them.
func (w *world) fill(b *testing.B) {
	b.Helper()
	workspace := model.NewID()
	w.exec(b, `INSERT INTO workspaces (id, external_id, name) VALUES ($1, $2, $2)`, workspace, Workspace)
	_, err := w.db.CopyFrom(b.Context(), pgx.Identifier{"users"}, []string{"id", "workspace_id", "external_id", "name", "email"},
		pgx.CopyFromSlice(people, func(i int) ([]any, error) {
			return []any{UserID(i), workspace, User(i), fmt.Sprintf("Person %05d", i), User(i) + "@bench.test"}, nil
		}))
	if err != nil {
		b.Fatal(err)
	}
	w.exec(b, `INSERT INTO integrations (user_id, provider, workspace_id, status, region, region_chosen, bot_name, scopes, connected_at, paused_until)
		SELECT id, 'ZOHO_CLIQ', workspace_id, $1, 'IN', 'IN', 'heffl', 'ZohoCliq.Webhooks.CREATE', $2, $3 FROM users`,
		model.IntegrationStatusConnected.Number(), connectedFrom, nobodyIsSentTo)
	w.exec(b, `INSERT INTO inboxes (user_id, last_seq, unread_count) SELECT id, $1::bigint + 1, $1::int - $2::int FROM users`, notificationsEach, readUpTo)
	// Recent enough that nothing of it is purged meanwhile.
	from := time.Now().UTC().Truncate(time.Hour).AddDate(0, 0, -7)
	w.exec(b, `INSERT INTO inbox_marks (user_id, seq, up_to, read_at) SELECT id, $1::bigint + 1, $2, $3 FROM users`, notificationsEach, readUpTo, from)
	w.override(b)
	w.events(b, workspace, from)
	w.exec(b, `INSERT INTO notifications (id, user_id, event_id, seq, changed_seq, created_at, decision, read_at)
		SELECT gen_random_uuid(), u.id, e.id, e.n / $1::int + 1, e.n / $1::int + 1, e.created_at, 0, CASE WHEN e.n / $1::int < $2::int THEN $3::timestamptz END
		FROM (SELECT *, row_number() OVER (ORDER BY created_at)::int - 1 AS n FROM events) e
		JOIN users u ON right(u.external_id, 5)::int % $1::int = e.n % $1::int ORDER BY e.n`, people/eventsRecipients, readUpTo, from)
	w.exec(b, `VACUUM ANALYZE`)
	w.exec(b, `CHECKPOINT`)
}

// override changes cells of everybody, each to what it is not by default, none of the event type that is published.
func (w *world) override(b *testing.B) {
	b.Helper()
	var types []string
	var channels []int16
	var enabled []bool
	for _, et := range loadCatalog(b).Types() {
		if et.Type == EventType || len(et.Locked) > 0 || len(types) == overridesEach {
			continue
		}
		channel := len(types) % len(model.Channels)
		types, channels, enabled = append(types, et.Type), append(channels, int16(channel)), append(enabled, !et.Defaults[channel])
	}
	w.exec(b, `INSERT INTO preferences SELECT u.id, t.* FROM users u, unnest($1::text[], $2::smallint[], $3::boolean[]) AS t`, types, channels, enabled)
	w.exec(b, `UPDATE users SET settings_revision = $1`, overridesEach)
}

// events are what the notifications tell of, one a minute.
func (w *world) events(b *testing.B, workspace uuid.UUID, from time.Time) {
	b.Helper()
	types := loadCatalog(b).Types()
	columns := []string{
		"id", "workspace_id", "type", "actor_id", "actor_name", "data", "idempotency_key", "content_hash", "occurred_at", "created_at",
		"title", "body", "cliq_text", "path", "subject_type", "subject_id", "notified", "unknown_recipients",
	}
	_, err := w.db.CopyFrom(b.Context(), pgx.Identifier{"events"}, columns, pgx.CopyFromSlice(seedEvents, func(i int) ([]any, error) {
		when := from.Add(time.Duration(i) * time.Minute)
		title := fmt.Sprintf("Deal %d was won by the Northwind team", i)
		return []any{
			model.NewID(), workspace, types[i%len(types)].Type, "u_boss", "The \"Boss\"", `{"dealName":"Office fit-out"}`, fmt.Sprintf("seed-%d", i),
			[]byte(strings.Repeat("h", 32)), when, when, title, "Worth 12,400.00 EUR. Closed after three meetings and one long lunch.",
			"*" + title + "*", fmt.Sprintf("/deals/%d", i), "deal", strconv.Itoa(i), eventsRecipients, `[]`,
		}, nil
	}))
	if err != nil {
		b.Fatal(err)
	}
}

func loadCatalog(b *testing.B) *catalog.Catalog {
	b.Helper()
	c, err := catalog.Load()
	if err != nil {
		b.Fatal(err)
	}
	return c
}
