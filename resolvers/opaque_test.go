package resolvers_test

import (
	"context"
	"database/sql"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	_ "github.com/jackc/pgx/v5/stdlib"
	sqlitedriver "github.com/ncruces/go-sqlite3/driver"

	"github.com/heffl/bff/internal/auth"
	"github.com/heffl/bff/internal/store"
	"github.com/heffl/bff/internal/testkit"
	"github.com/heffl/bff/model"
	"github.com/heffl/bff/resolvers"
)

// public is everything that a caller may read of a fault of ours.
var public = []string{
	"Something went wrong on our side. It has been logged with the request id.",
	"The request took too long or was given up; try again.",
	"The server cannot look you up right now. Try again.",
	"The service is busy. Please try again.",
}

// inside is what only we may read: of databases, of Go, of the machine.
var inside = regexp.MustCompile(`(?i)pq:|pgx|sql|sqlstate|constraint|relation|no such|\b(select|insert|update|delete) |\.go\b|goroutine|panic|context|canceled|closed|127\.0\.0\.1|localhost|/tmp|/root|heffl\.db|secret_7431`)

// spoiled is a store whose every call goes wrong: spoil panics, or answers a context that is over.
type spoiled struct {
	*store.Store
	spoil func(context.Context) context.Context
}

func (s spoiled) Settings(ctx context.Context, user uuid.UUID) (model.SettingsSnapshot, error) {
	return s.Store.Settings(s.spoil(ctx), user)
}

func (s spoiled) ChangeSettings(ctx context.Context, c model.SettingsChange, now model.Time) (model.SettingsOutcome, error) {
	return s.Store.ChangeSettings(s.spoil(ctx), c, now)
}

func (s spoiled) Policy(ctx context.Context, workspace uuid.UUID) (model.WorkspacePolicy, error) {
	return s.Store.Policy(s.spoil(ctx), workspace)
}

func (s spoiled) Audit(ctx context.Context, q model.AuditQuery) (model.AuditPage, error) {
	return s.Store.Audit(s.spoil(ctx), q)
}

func (s spoiled) SyncUsers(ctx context.Context, w []model.SyncedWorkspace, u []model.SyncedUser, now model.Time) (int, []uuid.UUID, error) {
	return s.Store.SyncUsers(s.spoil(ctx), w, u, now)
}

func (s spoiled) SavePlan(ctx context.Context, p model.Plan) (model.SavedPlan, error) {
	return s.Store.SavePlan(s.spoil(ctx), p)
}

// spoiledInboxes is the same for the inboxes.
type spoiledInboxes struct {
	resolvers.Inboxes
	spoil func(context.Context) context.Context
}

func (s spoiledInboxes) Inbox(ctx context.Context, user uuid.UUID) (*model.Inbox, error) {
	return s.Inboxes.Inbox(s.spoil(ctx), user)
}

func (s spoiledInboxes) Page(ctx context.Context, user uuid.UUID, args model.PageArgs) (*model.NotificationConnection, error) {
	return s.Inboxes.Page(s.spoil(ctx), user, args)
}

func (s spoiledInboxes) Notifications(ctx context.Context, user uuid.UUID, ids []uuid.UUID) ([]model.Notification, error) {
	return s.Inboxes.Notifications(s.spoil(ctx), user, ids)
}

func (s spoiledInboxes) SetRead(ctx context.Context, user uuid.UUID, ids []string, read bool) (model.InboxResult, []model.UserError, error) {
	return s.Inboxes.SetRead(s.spoil(ctx), user, ids, read)
}

func (s *server) spoil(how func(context.Context) context.Context) {
	bad := spoiled{s.store, how}
	s.resolver.Users, s.resolver.Settings, s.resolver.Policies, s.resolver.History = bad, bad, bad, bad
	s.resolver.Dispatcher.Store = bad
	s.resolver.Inboxes = spoiledInboxes{s.resolver.Inboxes, how}
}

// fault is one way to go wrong, and the operations that must notice it.
type fault struct {
	inject func(t *testing.T, s *server, databaseURL string)
	hits   []string
}

func faults() map[string]fault {
	reads := []string{"settings", "inbox", "node", "history", "policy", "toggle", "read", "publish", "sync"}
	return map[string]fault{
		"database closed": {func(t *testing.T, s *server, _ string) { t.Helper(); must(t, s.store.Close()) }, reads},
		"tables gone": {func(t *testing.T, _ *server, url string) {
			t.Helper()
			for _, table := range []string{"deliveries", "notifications", "events", "preferences", "settings_audit", "workspace_rules", "users"} {
				run(t, url, "ALTER TABLE "+table+" RENAME TO gone_"+table)
			}
		}, reads},
		"unique violation": {func(t *testing.T, _ *server, url string) {
			t.Helper()
			run(t, url, "CREATE UNIQUE INDEX secret_7431_n ON notifications (user_id)")
			run(t, url, "CREATE UNIQUE INDEX secret_7431_p ON preferences (user_id)")
		}, []string{"publish", "toggle"}},
		"panic": {func(_ *testing.T, s *server, _ string) {
			s.spoil(func(context.Context) context.Context { panic("pq: secret_7431 at /tmp/x.go") })
		}, reads},
		"context cancelled": {func(_ *testing.T, s *server, _ string) {
			s.spoil(func(ctx context.Context) context.Context {
				over, cancel := context.WithCancel(ctx)
				cancel()
				return over
			})
		}, reads},
	}
}

// open is a way to the database past the store.
func open(t *testing.T, databaseURL string) *sql.DB {
	t.Helper()
	if strings.HasPrefix(databaseURL, "postgres") {
		db, err := sql.Open("pgx", databaseURL)
		must(t, err)
		return db
	}
	db, err := sqlitedriver.Open(databaseURL + "?_pragma=busy_timeout(10000)")
	must(t, err)
	return db
}

// run changes the database from outside.
func run(t *testing.T, databaseURL, statement string) {
	t.Helper()
	db := open(t, databaseURL)
	_, err := db.ExecContext(t.Context(), statement)
	must(t, err)
	must(t, db.Close())
}

// TestErrorsAreOpaque shows G12: whatever breaks below the resolvers, a caller reads one of a few sentences, and
// nobody is told of what was not stored.
func TestErrorsAreOpaque(t *testing.T) {
	t.Parallel()
	host, err := os.Hostname()
	must(t, err)
	for database, url := range map[string]func(testing.TB) string{"SQLite": testkit.SQLite, "PostgreSQL": testkit.Postgres} {
		for name, f := range faults() {
			t.Run(database+"/"+name, func(t *testing.T) {
				t.Parallel()
				databaseURL := url(t)
				s := setup(t, databaseURL)
				operations := everyday(t, s)
				f.inject(t, s, databaseURL)
				s.outside.taken()
				for what, o := range operations {
					got := s.ask(t, o.token, o.query, o.variables)
					if hit := slices.Contains(f.hits, what); hit != (len(got.Errors) > 0) {
						t.Errorf("%s: an error %t, want %t: %s", what, !hit, hit, got.text)
					}
					for _, e := range got.Errors {
						if !slices.Contains(public, e.Message) || e.Extensions.Code != "INTERNAL" && e.Extensions.Code != "UNAVAILABLE" {
							t.Errorf("%s: %s %q", what, e.Extensions.Code, e.Message)
						}
					}
					if found := inside.FindString(got.text); len(got.Errors) > 0 && (found != "" || strings.Contains(got.text, host)) {
						t.Errorf("%s tells of %q: %s", what, found, got.text)
					}
				}
				if steps := s.outside.taken(); len(f.hits) > 2 && len(steps) > 0 || slices.Contains(steps, "live") || slices.Contains(steps, "committed") {
					t.Errorf("told of nothing: %q", steps)
				}
			})
		}
	}
}

// operation is one request that works as long as nothing breaks.
type operation struct {
	token, query string
	variables    map[string]any
}

// everyday is what people and services ask all day, each tried once here.
func everyday(t *testing.T, s *server) map[string]operation {
	t.Helper()
	people(t, s, "acme", 2)
	s.publish(t, wonDeal("acme", "first", "p0000"))
	who, boss := person(t, "acme", "p0000"), person(t, "acme", "boss", auth.ScopeAdmin)
	setCells(t, s, who, nil, cell("deal.won", "EMAIL", false))
	own := get[struct {
		Inbox struct {
			Notifications struct{ Nodes []struct{ ID string } }
		}
	}](t, s, who, `{viewer{inbox{notifications{nodes{id}}}}}`, nil)
	id := map[string]any{"i": own.Inbox.Notifications.Nodes[0].ID}
	operations := map[string]operation{
		"settings": {who, `{viewer{notificationSettings{revision}}}`, nil},
		"inbox":    {who, `{viewer{inbox{unreadCount notifications{nodes{id}}}}}`, nil},
		"node":     {who, `query($i:ID!){node(id:$i){id}}`, id},
		"history":  {who, `{viewer{settingsHistory{nodes{id}}}}`, nil},
		"policy":   {boss, `{workspacePolicy{revision}}`, nil},
		"read":     {who, `mutation($i:ID!){markNotificationsRead(input:{ids:[$i]}){userErrors{code}}}`, id},
		"sync":     {publisher(t), `mutation{syncUsers(input:{users:[{id:"p0001",name:"New name",workspaceId:"acme"}]}){synced userErrors{code}}}`, nil},
	}
	for what, o := range operations {
		if got := s.ask(t, o.token, o.query, o.variables); len(got.Errors) > 0 {
			t.Fatalf("%s does not work: %s", what, got.text)
		}
	}
	operations["toggle"] = operation{who, `mutation{updateNotificationPreferences(input:{changes:[{eventType:"deal.lost",channel:EMAIL,enabled:false}]}){userErrors{code}}}`, nil}
	operations["publish"] = operation{publisher(t), publishMutation, map[string]any{"e": wonDeal("acme", "second", "p0000")}}
	return operations
}
