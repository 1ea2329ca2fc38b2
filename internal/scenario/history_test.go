package scenario

import (
	"fmt"
	"slices"
	"testing"
)

// history is a page of changed settings.
type history struct {
	Edges []struct {
		Cursor string
		Node   historyEntry
	}
	PageInfo struct {
		HasNextPage, HasPreviousPage bool
		EndCursor                    *string
	}
}

type historyEntry struct {
	ID, Channel, Before, After, Through string
	UserID, ActorID, EventType          *string
}

// line is an entry in short: who changed what of whom.
func (e *historyEntry) line() string {
	return fmt.Sprintf("%s of %s: %s/%s %s>%s %s", text(e.ActorID), text(e.UserID), text(e.EventType), e.Channel, e.Before, e.After, e.Through)
}

func (h *history) lines() []string {
	lines := make([]string, len(h.Edges))
	for i := range h.Edges {
		lines[i] = h.Edges[i].Node.line()
	}
	return lines
}

const historyFields = `{edges{cursor node{id channel before after through userId actorId eventType changedAt}} nodes{id} pageInfo{hasNextPage hasPreviousPage endCursor}}`

// TestSettingsHistory changes settings in every way and reads the record as their owner, as an administrator and as
// somebody whom it does not concern.
func TestSettingsHistory(t *testing.T) {
	t.Parallel()
	for name, settings := range databases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, t.TempDir(), settings(t)...)
			ada, grace := s.bearer(t, "u_ada", "admin"), s.bearer(t, "u_grace")
			own := func(p *person, arguments string) history {
				t.Helper()
				return ask[struct{ SettingsHistory history }](t, p, `{viewer{settingsHistory`+arguments+historyFields+`}}`, nil).SettingsHistory
			}
			all := func(arguments string) history {
				t.Helper()
				return ask[history](t, ada, `{workspaceSettingsHistory`+arguments+historyFields+`}`, nil)
			}
			wantNoErrors(t, "toggle", grace.toggle(t, map[string]any{"eventType": "deal.won", "channel": "EMAIL", "enabled": false}))
			grace.turn(t, "CLIQ", false)
			ask[any](t, grace, `mutation{setCategoryPreferences(input:{category:"DEALS",channel:EMAIL,enabled:true}){userErrors{code}}}`, nil)
			ask[any](t, grace, `mutation{resetNotificationPreferences(input:{}){userErrors{code}}}`, nil)
			wantNoErrors(t, "toggle", ada.toggle(t, map[string]any{"eventType": "deal.lost", "channel": "EMAIL", "enabled": false}))
			ask[any](t, ada, `mutation{updateWorkspacePolicy(input:{rules:[{eventType:"deal.won",channel:CLIQ,mode:LOCKED_OFF,reason:"Quiet"}]}){userErrors{code}}}`, nil)

			mine := own(grace, "(first:100)")
			for _, want := range []string{
				"u_grace of u_grace: deal.won/EMAIL DEFAULT>OFF PAGE", "u_grace of u_grace: /CLIQ ON>OFF PAGE",
				"u_grace of u_grace: deal.won/EMAIL OFF>ON BULK", "u_grace of u_grace: deal.won/EMAIL ON>DEFAULT RESET",
			} {
				if !slices.Contains(mine.lines(), want) {
					t.Errorf("%q is not in\n%q", want, mine.lines())
				}
			}
			if n := len(mine.Edges); mine.Edges[n-1].Node.line() != "u_grace of u_grace: deal.won/EMAIL DEFAULT>OFF PAGE" {
				t.Errorf("the oldest is %s", mine.Edges[n-1].Node.line())
			}
			if got := own(ada, ""); !slices.Equal(got.lines(), []string{"u_ada of u_ada: deal.lost/EMAIL DEFAULT>OFF PAGE"}) {
				t.Errorf("Ada's own: %q", got.lines())
			}

			everything := all("(first:100)")
			if n := len(everything.Edges); n != len(mine.Edges)+2 || everything.Edges[0].Node.line() != "u_ada of : deal.won/CLIQ DEFAULT>LOCKED_OFF ADMIN" {
				t.Errorf("the workspace's: %q", everything.lines())
			}
			if got := all(`(first:100,userId:"u_grace")`); !slices.Equal(got.lines(), mine.lines()) {
				t.Errorf("Grace's, by Ada: %q", got.lines())
			}
			if got := all(`(userId:"nobody")`); len(got.Edges) != 0 || got.PageInfo.HasNextPage {
				t.Errorf("nobody's: %+v", got)
			}

			var paged []string
			for after := ""; ; {
				page := all("(first:2" + after + ")")
				paged = append(paged, page.lines()...)
				if page.PageInfo.HasPreviousPage != (after != "") {
					t.Errorf("previous: %t after %q", page.PageInfo.HasPreviousPage, after)
				}
				if !page.PageInfo.HasNextPage {
					break
				}
				after = `,after:"` + *page.PageInfo.EndCursor + `"`
			}
			if !slices.Equal(paged, everything.lines()) {
				t.Errorf("in pages: %q", paged)
			}

			for query, code := range map[string]string{
				`{workspaceSettingsHistory{nodes{id}}}`:           "FORBIDDEN",
				`{viewer{settingsHistory(first:101){nodes{id}}}}`: "BAD_USER_INPUT",
				`{viewer{settingsHistory(after:"x"){nodes{id}}}}`: "BAD_USER_INPUT",
			} {
				if got := grace.graphql(t, query, nil); len(got.Errors) != 1 || got.Errors[0].Extensions.Code != code {
					t.Errorf("%s: %+v, want %s", query, got.Errors, code)
				}
			}
			s.expectQuietLog(t)
		})
	}
}
