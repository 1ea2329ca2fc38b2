package resolvers_test

import (
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/heffl/bff/internal/auth"
	"github.com/heffl/bff/internal/testkit"
)

// rows counts every table.
func rows(t *testing.T, databaseURL string) map[string]int {
	t.Helper()
	db := open(t, databaseURL)
	defer func() { must(t, db.Close()) }()
	counts := map[string]int{}
	for _, table := range []string{"workspaces", "users", "preferences", "workspace_rules", "settings_audit", "events", "inboxes", "inbox_marks", "notifications", "deliveries"} {
		counts[table] = count(t, db, table)
	}
	return counts
}

func count(t *testing.T, db *sql.DB, table string) (n int) {
	t.Helper()
	must(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM "+table).Scan(&n))
	return n
}

// TestRefusedIsNotStored asks for what is refused in every way and then counts all rows: there is none more.
func TestRefusedIsNotStored(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]func(testing.TB) string{"SQLite": testkit.SQLite, "PostgreSQL": testkit.Postgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			databaseURL := url(t)
			s := setup(t, databaseURL)
			people(t, s, "acme", 2)
			who, boss := person(t, "acme", "p0000"), person(t, "acme", "boss", auth.ScopeAdmin)
			get[any](t, s, boss, `{viewer{id}}`, nil)
			setCells(t, s, who, nil, cell("deal.won", "EMAIL", false))
			before := rows(t, databaseURL)
			for _, c := range refused(t, who, boss) {
				if got := s.ask(t, c.token, c.query, c.variables); !strings.Contains(got.text, `"`+c.code+`"`) {
					t.Errorf("%.120s %.200v: %.300s, want %s", c.query, c.variables, got.text, c.code)
				}
			}
			if after := rows(t, databaseURL); !maps.Equal(before, after) {
				t.Errorf("rows before %v, after %v", before, after)
			}
		})
	}
}

// refusal is an operation with the code that it is refused with.
type refusal struct {
	operation
	code string
}

func refused(t *testing.T, who, boss string) []refusal {
	t.Helper()
	const (
		update = `mutation($i:UpdateNotificationPreferencesInput!){updateNotificationPreferences(input:$i){userErrors{code}}}`
		policy = `mutation($i:UpdateWorkspacePolicyInput!){updateWorkspacePolicy(input:$i){userErrors{code}}}`
		users  = `mutation($i:SyncUsersInput!){syncUsers(input:$i){userErrors{code}}}`
		batch  = `mutation($i:PublishEventsInput!){publishEvents(input:$i){results{userErrors{code}}}}`
		read   = `mutation($i:[ID!]!){markNotificationsRead(input:{ids:$i}){userErrors{code}}}`
		nodes  = `query($i:[ID!]!){nodes(ids:$i){id}}`
	)
	with := func(name string, value any) map[string]any { return map[string]any{"i": map[string]any{name: value}} }
	user := func(field string, value any) map[string]any {
		u := map[string]any{"id": "new", "name": "New", "workspaceId": "acme"}
		u[field] = value
		return with("users", []any{map[string]any{"id": "good", "name": "Good", "workspaceId": "acme"}, u})
	}
	good := cell("deal.lost", "EMAIL", false)
	rule := func(eventType, channel string, mode any) map[string]any {
		return map[string]any{"eventType": eventType, "channel": channel, "mode": mode}
	}
	service := publisher(t)
	list := []refusal{
		{operation{who, update, with("changes", slices.Repeat([]any{good}, 1001))}, "TOO_MANY"},
		{operation{who, update, with("changes", []any{good, cell("deal.lost", "EMAIL", true)})}, "CONTRADICTORY_CHANGES"},
		{operation{who, update, with("changes", []any{good, cell("deal.lots", "EMAIL", true)})}, "UNKNOWN_EVENT_TYPE"},
		{operation{who, update, with("changes", []any{good, cell("deal.won", "PIGEON", true)})}, "BAD_USER_INPUT"},
		{operation{who, update, map[string]any{"i": map[string]any{"changes": []any{good}, "expectedRevision": 7}}}, "REVISION_CONFLICT"},
		{operation{who, `mutation{setChannelEnabled(input:{channel:IN_APP,enabled:false}){userErrors{code}}}`, nil}, "CHANNEL_NOT_EDITABLE"},
		{operation{who, `mutation{setCategoryPreferences(input:{category:"X",channel:EMAIL,enabled:false}){userErrors{code}}}`, nil}, "UNKNOWN_CATEGORY"},
		{operation{who, `mutation{resetNotificationPreferences(input:{category:"X"}){userErrors{code}}}`, nil}, "UNKNOWN_CATEGORY"},
		{operation{boss, policy, with("rules", slices.Repeat([]any{rule("deal.won", "EMAIL", "LOCKED_ON")}, 1001))}, "TOO_MANY"},
		{operation{boss, policy, with("rules", []any{rule("deal.won", "EMAIL", "LOCKED_ON"), rule("deal.won", "EMAIL", "LOCKED_OFF")})}, "CONTRADICTORY_CHANGES"},
		{operation{boss, policy, with("rules", []any{rule("deal.won", "EMAIL", "LOCKED_ON"), rule("deal.wonn", "EMAIL", nil)})}, "UNKNOWN_EVENT_TYPE"},
		{operation{service, users, user("name", " ")}, "INVALID_FIELD"},
		{operation{service, users, user("email", "a@b\r\nBcc: x@y.test")}, "INVALID_FIELD"},
		{operation{service, users, user("timeZone", "Mars/Olympus")}, "INVALID_FIELD"},
		{operation{service, users, user("id", strings.Repeat("x", 129))}, "INVALID_FIELD"},
		{operation{service, users, user("id", "good")}, "CONTRADICTORY_CHANGES"},
		{operation{service, users, with("users", slices.Repeat([]any{map[string]any{"id": "a", "name": "A", "workspaceId": "acme"}}, 1001))}, "TOO_MANY"},
		{operation{service, batch, with("events", slices.Repeat([]any{wonDeal("acme", "b", "p0000")}, 101))}, "BAD_USER_INPUT"},
		{operation{who, read, map[string]any{"i": slices.Repeat([]string{"AQ"}, 1001)}}, "TOO_MANY"},
		{operation{who, read, map[string]any{"i": []string{"x"}}}, "NOT_FOUND"},
		{operation{who, nodes, map[string]any{"i": slices.Repeat([]string{"AQ"}, 101)}}, "BAD_USER_INPUT"},
		{operation{who, `mutation{markAllNotificationsRead(input:{upTo:"x"}){userErrors{code}}}`, nil}, "INVALID_CURSOR"},
	}
	for field, c := range map[string]struct {
		value any
		code  string
	}{
		"type": {"deal.wonn", "UNKNOWN_EVENT_TYPE"}, "data": {map[string]any{"dealId": "d"}, "MISSING_FIELD"}, "idempotencyKey": {"", "INVALID_IDEMPOTENCY_KEY"},
		"recipientIds": {[]string{"q"}, "UNKNOWN_RECIPIENT"}, "workspaceId": {"nowhere", "UNKNOWN_WORKSPACE"}, "occurredAt": {"1999-12-31T00:00:00Z", "INVALID_FIELD"},
	} {
		event := wonDeal("acme", fmt.Sprint("bad-", field), "p0000")
		event[field] = c.value
		list = append(list, refusal{operation{service, publishMutation, map[string]any{"e": event}}, c.code})
	}
	return list
}
