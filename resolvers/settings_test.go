package resolvers_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/heffl/bff/internal/auth"
)

// changed is what a settings mutation answers.
type changed struct {
	Changed []struct {
		EventType string
		Cells     []struct {
			Channel  string
			Enabled  bool
			Delivers bool
		}
	}
	Settings struct {
		Revision int
		Channels []struct {
			Channel           string
			Enabled, Editable bool
		}
	}
	Skipped    []struct{ EventType, Channel string }
	UserErrors []struct {
		Code  string
		Field []string
	}
}

// code is the first user error's; empty when there is none.
func (c *changed) code() string {
	if len(c.UserErrors) == 0 {
		return ""
	}
	return c.UserErrors[0].Code
}

const changedFields = `{changed{eventType cells{channel enabled delivers}} settings{revision channels{channel enabled editable}} userErrors{code field}}`

func setCells(t *testing.T, s *server, token string, revision any, changes ...map[string]any) changed {
	t.Helper()
	return get[changed](t, s, token, `mutation($r:Int,$c:[PreferenceChange!]!){updateNotificationPreferences(input:{expectedRevision:$r,changes:$c})`+changedFields+`}`,
		map[string]any{"r": revision, "c": append([]map[string]any{}, changes...)})
}

func cell(eventType, channel string, enabled bool) map[string]any {
	return map[string]any{"eventType": eventType, "channel": channel, "enabled": enabled}
}

// overview is every cell of a page as "event/CHANNEL=value source".
func overview(t *testing.T, s *server, token string) map[string]string {
	t.Helper()
	page := get[struct {
		NotificationSettings struct {
			Categories []struct {
				Events []struct {
					EventType string
					Cells     []struct {
						Channel, Source string
						Enabled         bool
					}
				}
			}
		}
	}](t, s, token, `{viewer{notificationSettings{categories{events{eventType cells{channel enabled source}}}}}}`, nil)
	cells := map[string]string{}
	for _, category := range page.NotificationSettings.Categories {
		for _, event := range category.Events {
			for _, c := range event.Cells {
				cells[event.EventType+"/"+c.Channel] = fmt.Sprintf("%t %s", c.Enabled, c.Source)
			}
		}
	}
	return cells
}

// TestTwoTabs changes the same person's settings from two tabs at once: different cells both survive, whoever says
// which revision they saw is told when it is gone, and every change is told to the other tab.
func TestTwoTabs(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, s *server) {
		t.Helper()
		ann := person(t, "acme", "ann")
		get[any](t, s, ann, `{viewer{id}}`, nil)
		s.outside.taken()
		events := []string{"deal.won", "deal.lost", "deal.stage_changed", "task.assigned", "task.overdue"}
		known := overview(t, s, ann)
		var tabs sync.WaitGroup
		for _, channel := range []string{"EMAIL", "CLIQ"} {
			tabs.Go(func() {
				for _, event := range events {
					if _, ok := known[event+"/"+channel]; !ok {
						continue
					}
					if got := setCells(t, s, ann, nil, cell(event, channel, channel == "CLIQ")); got.code() != "" {
						t.Errorf("%s/%s: %+v", event, channel, got)
					}
				}
			})
		}
		tabs.Wait()
		now, changes := overview(t, s, ann), 0
		for _, event := range events {
			for _, channel := range []string{"EMAIL", "CLIQ"} {
				if _, ok := known[event+"/"+channel]; !ok {
					continue
				}
				changes++
				if want := fmt.Sprintf("%t USER", channel == "CLIQ"); now[event+"/"+channel] != want {
					t.Errorf("%s/%s is %s", event, channel, now[event+"/"+channel])
				}
			}
		}
		if told := len(s.outside.taken()); told != changes || changes < 4 {
			t.Errorf("%d changes were told %d times", changes, told)
		}
		current := setCells(t, s, ann, nil).Settings.Revision
		if current != changes {
			t.Errorf("revision %d after %d changes", current, changes)
		}
		if got := setCells(t, s, ann, current, cell("deal.won", "EMAIL", true)); got.code() != "" || got.Settings.Revision != current+1 {
			t.Errorf("with the right revision: %+v", got)
		}
		got := setCells(t, s, ann, current, cell("deal.won", "EMAIL", false), cell("deal.lost", "EMAIL", true))
		if got.code() != "REVISION_CONFLICT" || got.Settings.Revision != current+1 || len(got.Changed) != 0 {
			t.Errorf("with the old revision: %+v", got)
		}
		if now := overview(t, s, ann); now["deal.won/EMAIL"] != "true USER" || now["deal.lost/EMAIL"] != "false USER" {
			t.Errorf("a conflict changed %s, %s", now["deal.won/EMAIL"], now["deal.lost/EMAIL"])
		}
	})
}

// TestSettingsMutations: all or nothing; what is locked is left and said; a master switch leaves every cell; a reset
// takes away what was chosen and nothing else.
func TestSettingsMutations(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, s *server) {
		t.Helper()
		ann, boss := person(t, "acme", "ann"), person(t, "acme", "boss", auth.ScopeAdmin)
		fresh := overview(t, s, ann)
		for name, c := range map[string]struct {
			changes []map[string]any
			code    string
		}{
			"unknown event":  {[]map[string]any{cell("deal.won", "EMAIL", false), cell("deal.wonn", "EMAIL", false)}, "UNKNOWN_EVENT_TYPE"},
			"contradiction":  {[]map[string]any{cell("deal.won", "EMAIL", false), cell("deal.won", "EMAIL", true)}, "CONTRADICTORY_CHANGES"},
			"catalog's lock": {[]map[string]any{cell("deal.won", "EMAIL", false), cell("security.new_login", "EMAIL", false)}, "CELL_LOCKED"},
			"too many":       {slices.Repeat([]map[string]any{cell("deal.won", "EMAIL", false)}, 1001), "TOO_MANY"},
		} {
			if got := setCells(t, s, ann, nil, c.changes...); got.code() != c.code || got.Settings.Revision != 0 || len(got.Changed) != 0 {
				t.Errorf("%s: %+v", name, got)
			}
		}
		if now := overview(t, s, ann); now["deal.won/EMAIL"] != fresh["deal.won/EMAIL"] {
			t.Error("half of a refused change was done")
		}

		if got := get[changed](t, s, ann, `mutation{setChannelEnabled(input:{channel:IN_APP,enabled:false})`+changedFields+`}`, nil); got.code() != "CHANNEL_NOT_EDITABLE" {
			t.Errorf("in-app off: %+v", got)
		}
		setCells(t, s, ann, nil, cell("deal.lost", "EMAIL", false), cell("deal.won", "CLIQ", true))
		before := overview(t, s, ann)
		for _, on := range []bool{false, true} {
			got := get[changed](t, s, ann, `mutation($on:Boolean!){setChannelEnabled(input:{channel:EMAIL,enabled:$on})`+changedFields+`}`, map[string]any{"on": on})
			if got.code() != "" || got.Settings.Channels[1].Enabled != on {
				t.Errorf("e-mail %t: %+v", on, got)
			}
			if now := overview(t, s, ann); fmt.Sprint(now) != fmt.Sprint(before) {
				t.Errorf("the master switch at %t touched cells", on)
			}
		}

		get[any](t, s, boss, `mutation{updateWorkspacePolicy(input:{rules:[{eventType:"deal.won",channel:EMAIL,mode:LOCKED_ON,reason:"Everyone"}]}){userErrors{code}}}`, nil)
		bulk := get[changed](t, s, ann, `mutation{setCategoryPreferences(input:{category:"DEALS",channel:EMAIL,enabled:false}){changed{eventType cells{channel enabled delivers}} skipped{eventType channel} settings{revision} userErrors{code field}}}`, nil)
		if bulk.code() != "" || len(bulk.Skipped) != 1 || bulk.Skipped[0].EventType != "deal.won" {
			t.Errorf("bulk: %+v", bulk)
		}
		if now := overview(t, s, ann); now["deal.won/EMAIL"] != "true LOCKED" || now["deal.lost/EMAIL"] != "false USER" {
			t.Errorf("after the bulk: %s, %s", now["deal.won/EMAIL"], now["deal.lost/EMAIL"])
		}
		if got := setCells(t, s, ann, nil, cell("deal.won", "EMAIL", false)); got.code() != "CELL_LOCKED" {
			t.Errorf("against the workspace's lock: %+v", got)
		}
		locked := get[changed](t, s, boss, `mutation{updateWorkspacePolicy(input:{rules:[{eventType:"security.new_login",channel:EMAIL,mode:LOCKED_OFF}]}){userErrors{code field}}}`, nil)
		if locked.code() != "CELL_LOCKED" {
			t.Errorf("a rule against the catalog's lock: %+v", locked)
		}

		get[any](t, s, boss, `mutation{updateWorkspacePolicy(input:{rules:[{eventType:"deal.won",channel:EMAIL}]}){userErrors{code}}}`, nil)
		if got := get[changed](t, s, ann, `mutation{resetNotificationPreferences(input:{})`+changedFields+`}`, nil); got.code() != "" {
			t.Errorf("reset: %+v", got)
		}
		if now := overview(t, s, ann); fmt.Sprint(now) != fmt.Sprint(fresh) {
			t.Error("after the reset something is not as in the beginning")
		}
	})
}
