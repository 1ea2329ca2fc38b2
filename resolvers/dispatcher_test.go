package resolvers_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/heffl/bff/internal/auth"
)

func publisher(t *testing.T) string {
	t.Helper()
	return token(t, auth.Identity{UserExternalID: "svc", AllWorkspaces: true, Scopes: []auth.Scope{auth.ScopeEventsWrite, auth.ScopeUsersWrite}})
}

// people makes so many people of a workspace.
func people(t *testing.T, s *server, workspace string, n int) []string {
	t.Helper()
	ids := make([]string, n)
	var users []map[string]any
	for i := range ids {
		ids[i] = fmt.Sprintf("p%04d", i)
		users = append(users, map[string]any{"id": ids[i], "name": ids[i], "email": ids[i] + "@acme.test", "workspaceId": workspace})
	}
	got := get[struct {
		Synced     int
		UserErrors []any
	}](t, s, publisher(t), `mutation($i:SyncUsersInput!){syncUsers(input:$i){synced userErrors{code field message}}}`,
		map[string]any{"i": map[string]any{"users": users, "workspaces": []any{map[string]any{"id": workspace, "name": workspace}}}})
	if got.Synced != n {
		t.Fatalf("synced %+v", got)
	}
	return ids
}

type published struct {
	Event               *struct{ ID string }
	Notified            int
	Duplicate           bool
	UnknownRecipientIDs []string
	UserErrors          []struct {
		Code, Message string
		Field         []string
	}
}

func (s *server) publish(t *testing.T, event map[string]any) published {
	t.Helper()
	return get[published](t, s, publisher(t), publishMutation, map[string]any{"e": event})
}

// TestDispatchOrder: nobody is told of an event before it is stored, and nobody at all when it is not.
func TestDispatchOrder(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, s *server) {
		t.Helper()
		ids := people(t, s, "acme", 3)
		s.outside.taken()
		if got := s.publish(t, wonDeal("acme", "k", ids...)); got.Notified != 3 || got.Duplicate {
			t.Fatalf("published %+v", got)
		}
		steps := s.outside.taken()
		if len(steps) < 2 || steps[0] != "committed" || !slices.Contains(steps, "live") || !slices.Contains(steps, "wake EMAIL") {
			t.Errorf("steps %q", steps)
		}
		if got := s.publish(t, wonDeal("acme", "k", ids...)); !got.Duplicate || got.Notified != 3 {
			t.Errorf("again: %+v", got)
		}
		if steps := s.outside.taken(); slices.Contains(steps, "live") || slices.Contains(steps, "wake EMAIL") {
			t.Errorf("a repetition was told: %q", steps)
		}
		// A database that is gone: an error, and silence outside.
		must(t, s.store.Close())
		got := s.ask(t, publisher(t), publishMutation, map[string]any{"e": wonDeal("acme", "k2", ids...)})
		if got.code() != "INTERNAL" && got.code() != "UNAVAILABLE" {
			t.Errorf("without a database: %s", got.text)
		}
		for _, inside := range []string{"sql", "closed", "pg", "database", "SELECT", "store", ".go"} {
			if strings.Contains(got.text, inside) {
				t.Errorf("the answer tells of the inside: %s", got.text)
			}
		}
		if steps := s.outside.taken(); len(steps) != 0 {
			t.Errorf("told of nothing: %q", steps)
		}
	})
}

// TestStatementsPerEvent: what an event asks of the database does not grow with its recipients.
func TestStatementsPerEvent(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, s *server) {
		t.Helper()
		ids := people(t, s, "acme", 1000)
		s.publish(t, wonDeal("acme", "warm", ids[0]))
		var first []string
		for _, n := range []int{1, 10, 1000} {
			statements := s.counted(func() {
				if got := s.publish(t, wonDeal("acme", fmt.Sprint("k", n), ids[:n]...)); got.Notified != n {
					t.Fatalf("%d were notified: %+v", got.Notified, got.UserErrors)
				}
			})
			if first == nil {
				first = statements
			}
			if len(statements) != len(first) {
				t.Errorf("%d recipients take %d statements, one takes %d:\n%s", n, len(statements), len(first), strings.Join(statements, "\n"))
			}
		}
		t.Logf("%d statements for an event", len(first))
	})
}

// TestStatementsPerPage: the settings page and the inbox take two statements each: who asks, with the counts of their
// inbox, and what is asked for.
func TestStatementsPerPage(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, s *server) {
		t.Helper()
		ann := person(t, "acme", "ann")
		get[any](t, s, ann, `{viewer{id}}`, nil)
		publish(t, s, "acme", "k", "ann")
		for query, most := range map[string]int{
			`{viewer{id name cliq{status region{code} botUniqueName connectedAt} notificationSettings{revision channels{enabled blockedBy} categories{key label events{eventType label description importance cells{channel enabled default source locked lockedReason delivers blockedBy}}}}}}`: 2,
			`{viewer{inbox{unreadCount cursor}}}`: 1,
			`{viewer{inbox{unreadCount cursor notifications(first:20){edges{cursor node{id title}} pageInfo{hasNextPage endCursor}}}}}`: 2,
			`{viewer{inbox{unreadCount notifications(first:20){nodes{id channels{channel status reason}} pageInfo{hasNextPage}}}}}`:     3,
			`{viewer{settingsHistory{nodes{id changedAt}}}}`: 2,
		} {
			statements := s.counted(func() { get[any](t, s, ann, query, nil) })
			if len(statements) > most {
				t.Errorf("%s takes %d statements:\n%s", query, len(statements), strings.Join(statements, "\n"))
			}
		}
		toggle := `mutation($on:Boolean!){updateNotificationPreferences(input:{changes:[{eventType:"deal.won",channel:EMAIL,enabled:$on}]}){changed{eventType} settings{revision categories{key}} viewer{id} userErrors{code}}}`
		for i, on := range []bool{false, true} {
			statements := s.counted(func() { get[any](t, s, ann, toggle, map[string]any{"on": on}) })
			t.Logf("turn %d takes %d statements", i, len(statements))
			if most := map[bool]int{true: 3, false: 9}[s.store.Dialect() == "postgres"]; len(statements) > most {
				t.Errorf("a toggle takes %d statements:\n%s", len(statements), strings.Join(statements, "\n"))
			}
		}
	})
}

// TestEventInput: what is asked wrongly is said with its code and where it stands, and nothing is stored of it.
func TestEventInput(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, s *server) {
		t.Helper()
		people(t, s, "acme", 3)
		people(t, s, "evil", 1)
		change := func(name string, value any) map[string]any {
			event := wonDeal("acme", "bad", "p0000")
			event[name] = value
			return event
		}
		many := make([]string, 1001)
		for i := range many {
			many[i] = fmt.Sprint("x", i)
		}
		for name, c := range map[string]struct {
			event map[string]any
			code  string
			says  string
		}{
			"unknown type":           {change("type", "deal.wonn"), "UNKNOWN_EVENT_TYPE", "deal.won"},
			"missing field":          {change("data", map[string]any{"dealId": "d"}), "MISSING_FIELD", "dealTitle"},
			"wrong kind":             {change("data", map[string]any{"dealId": "d", "dealTitle": map[string]any{"a": 1}}), "INVALID_FIELD", ""},
			"no recipients":          {change("recipientIds", []string{}), "NO_RECIPIENTS", ""},
			"all unknown":            {change("recipientIds", []string{"q", "r"}), "UNKNOWN_RECIPIENT", ""},
			"too many":               {change("recipientIds", many), "TOO_MANY", "1000"},
			"foreign recipient":      {change("recipientIds", []string{"p0001x"}), "UNKNOWN_RECIPIENT", ""},
			"unknown workspace":      {change("workspaceId", "nowhere"), "UNKNOWN_WORKSPACE", ""},
			"no idempotency key":     {change("idempotencyKey", ""), "INVALID_IDEMPOTENCY_KEY", "255"},
			"idempotency key of 256": {change("idempotencyKey", strings.Repeat("k", 256)), "INVALID_IDEMPOTENCY_KEY", "255"},
			"no actor":               {change("actor", nil), "MISSING_FIELD", "actor"},
		} {
			got := s.publish(t, c.event)
			if len(got.UserErrors) == 0 || got.UserErrors[0].Code != c.code || got.Event != nil || got.Notified != 0 {
				t.Errorf("%s: %+v, want %s", name, got, c.code)
				continue
			}
			if !strings.Contains(got.UserErrors[0].Message, c.says) {
				t.Errorf("%s says %q", name, got.UserErrors[0].Message)
			}
		}
		// An actor who is the only recipient is no mistake.
		event := change("actor", map[string]any{"id": "p0000", "name": "P"})
		if got := s.publish(t, event); len(got.UserErrors) != 0 || got.Notified != 0 {
			t.Errorf("actor only: %+v", got)
		}
		for _, id := range []string{"p0000", "p0001"} {
			in := get[struct {
				Inbox struct {
					Notifications struct{ Nodes []any }
				}
			}](t, s, person(t, "acme", id), `{viewer{inbox{notifications{nodes{id}}}}}`, nil)
			if len(in.Inbox.Notifications.Nodes) != 0 {
				t.Errorf("%s has %v", id, in.Inbox.Notifications.Nodes)
			}
		}
	})
}
