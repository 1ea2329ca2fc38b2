package resolvers_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/heffl/bff/graph"
	"github.com/heffl/bff/internal/auth"
)

// asking are the fields below the roots that take arguments, and one that stands for each: what of the owner's is put
// into it by somebody else must lead nowhere. A field of the schema without a row fails the test.
var asking = map[string]string{
	"Inbox.notifications":    `query($c:String){viewer{inbox{notifications(after:$c){nodes{id}}}}}`,
	"Viewer.settingsHistory": `query($c:String){viewer{settingsHistory(after:$c){nodes{id}}}}`,
}

// TestFieldsBelowTheRoots shows A1 for the fields of objects: only a few take arguments, and a cursor of somebody
// else's list never answers anything of that list.
func TestFieldsBelowTheRoots(t *testing.T) {
	t.Parallel()
	schema := graph.NewExecutableSchema(graph.Config{}).Schema()
	var found []string
	for name, definition := range schema.Types {
		if strings.HasPrefix(name, "__") || slices.Contains([]string{"Query", "Mutation", "Subscription"}, name) {
			continue
		}
		for _, f := range definition.Fields {
			if len(f.Arguments) == 0 {
				continue
			}
			found = append(found, name+"."+f.Name)
			if asking[name+"."+f.Name] == "" {
				t.Errorf("%s.%s takes arguments and has no row", name, f.Name)
			}
		}
	}
	if len(found) != len(asking) {
		t.Errorf("the schema has %q", found)
	}
	eachDatabase(t, func(t *testing.T, s *server) {
		t.Helper()
		owner := person(t, "acme", "ann")
		get[any](t, s, owner, `{viewer{id}}`, nil)
		for i := range 3 {
			publish(t, s, "acme", fmt.Sprint("k", i), "ann")
			setCells(t, s, owner, nil, cell("deal.won", "EMAIL", i%2 == 1))
		}
		own := get[struct {
			Inbox           struct{ Notifications list }
			SettingsHistory list
		}](t, s, owner, `{viewer{inbox{notifications{edges{cursor node{id}}}} settingsHistory{edges{cursor node{id}}}}}`, nil)
		for field, edges := range map[string][]edge{"Inbox.notifications": own.Inbox.Notifications.Edges, "Viewer.settingsHistory": own.SettingsHistory.Edges} {
			if len(edges) != 3 {
				t.Fatalf("%s has %d edges", field, len(edges))
			}
			if got := s.ask(t, owner, asking[field], map[string]any{"c": edges[0].Cursor}); !strings.Contains(got.text, edges[1].Node.ID) {
				t.Errorf("%s: the owner does not go on: %s", field, got.text)
			}
			for _, who := range []string{person(t, "acme", "ben"), person(t, "acme", "boss", auth.ScopeAdmin), person(t, "evil", "eve", auth.ScopeAdmin)} {
				for _, cursor := range []string{edges[0].Cursor, edges[1].Cursor, "", "x", strings.Repeat("A", 5000)} {
					got := s.ask(t, who, asking[field], map[string]any{"c": cursor})
					if code := got.code(); code != "" && code != "BAD_USER_INPUT" {
						t.Errorf("%s after %.40q: %s", field, cursor, got.text)
					}
					for _, e := range edges {
						if strings.Contains(got.text, e.Node.ID) {
							t.Errorf("%s answers what is somebody else's: %s", field, got.text)
						}
					}
				}
			}
		}
	})
}

type edge struct {
	Cursor string
	Node   struct{ ID string }
}

type list struct{ Edges []edge }
