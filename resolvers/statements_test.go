package resolvers_test

import (
	"strings"
	"testing"

	"github.com/heffl/bff/internal/auth"
)

// TestStatementsPerChange: what a change of settings asks of the database is bounded, however many cells it concerns.
func TestStatementsPerChange(t *testing.T) {
	t.Parallel()
	const answered = `{settings{revision categories{events{cells{enabled}}}} userErrors{code}}`
	eachDatabase(t, func(t *testing.T, s *server) {
		t.Helper()
		ann, boss := person(t, "acme", "ann"), person(t, "acme", "boss", auth.ScopeAdmin)
		for _, who := range []string{ann, boss} {
			get[any](t, s, who, `{viewer{id}}`, nil)
		}
		most := map[string]int{"postgres": 3, "sqlite": 8}[s.store.Dialect()]
		const ofRules = 10 // rare, and each raises the viewer revision of a whole workspace
		for _, c := range []struct {
			name, who, mutation string
			most                int
		}{
			{"one cell", ann, `mutation{updateNotificationPreferences(input:{changes:[{eventType:"deal.won",channel:EMAIL,enabled:false}]})` + answered + `}`, most},
			{"three cells", ann, `mutation{updateNotificationPreferences(input:{changes:[{eventType:"deal.won",channel:EMAIL,enabled:true},{eventType:"deal.lost",channel:EMAIL,enabled:false},{eventType:"deal.lost",channel:CLIQ,enabled:true}]})` + answered + `}`, most},
			{"a category", ann, `mutation{setCategoryPreferences(input:{category:"DEALS",channel:CLIQ,enabled:false})` + answered + `}`, most},
			{"a master switch", ann, `mutation{setChannelEnabled(input:{channel:EMAIL,enabled:false})` + answered + `}`, most},
			{"a reset of everything", ann, `mutation{resetNotificationPreferences(input:{})` + answered + `}`, most},
			{"a rule", boss, `mutation{updateWorkspacePolicy(input:{rules:[{eventType:"deal.won",channel:EMAIL,mode:LOCKED_ON,reason:"All"}]}){userErrors{code}}}`, ofRules},
		} {
			var got changed
			statements := s.counted(func() { got = get[changed](t, s, c.who, c.mutation, nil) })
			if got.code() != "" {
				t.Errorf("%s: %+v", c.name, got)
			}
			t.Logf("%s takes %d statements", c.name, len(statements))
			if len(statements) > c.most {
				t.Errorf("%s takes %d statements, at most %d are due:\n%s", c.name, len(statements), c.most, strings.Join(statements, "\n"))
			}
		}
	})
}

// TestHistoryOfOthers shows A1 for the record of settings: the administrator of the workspace reads somebody's, the
// administrator of another one reads nothing of it, by whatever id and cursor.
func TestHistoryOfOthers(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, s *server) {
		t.Helper()
		ann, boss, eve := person(t, "acme", "ann"), person(t, "acme", "boss", auth.ScopeAdmin), person(t, "evil", "eve", auth.ScopeAdmin)
		for i, on := range []bool{true, false, true} {
			if got := setCells(t, s, ann, i, cell("deal.won", "EMAIL", on)); got.code() != "" {
				t.Fatalf("change %d: %+v", i, got)
			}
		}
		read := func(who, arguments string) list {
			t.Helper()
			return get[list](t, s, who, `{workspaceSettingsHistory`+arguments+`{edges{cursor node{id}}}}`, nil)
		}
		edges := read(boss, `(userId:"ann")`).Edges
		if len(edges) != 3 {
			t.Fatalf("the administrator reads %+v", edges)
		}
		for _, arguments := range []string{``, `(userId:"ann")`, `(after:"` + edges[0].Cursor + `")`, `(userId:"ann",after:"` + edges[0].Cursor + `")`} {
			if got := read(eve, arguments).Edges; len(got) != 0 {
				t.Errorf("a foreign administrator reads %+v%s", got, arguments)
			}
		}
		if got := s.ask(t, ann, `{workspaceSettingsHistory(userId:"ann"){nodes{id}}}`, nil); got.code() != "FORBIDDEN" {
			t.Errorf("without the scope: %s", got.text)
		}
	})
}
