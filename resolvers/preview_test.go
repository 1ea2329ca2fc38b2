package resolvers_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/heffl/bff/internal/auth"
	"github.com/heffl/bff/internal/testkit"
)

// previewed is what a preview says, and what a real run came to: by recipient, what each channel does and why.
type previewed struct {
	Title      string
	Body       *string
	URL        string
	Recipients []struct {
		UserID   string
		Channels []struct {
			Channel, Status string
			Reason          *string
		}
	}
	UnknownRecipientIDs []string
	UserErrors          []struct{ Code string }
}

// TestPreviewIsTheRealRun changes settings and rules at random, previews an event and publishes it: the same people, the
// same text, the same decisions; the preview itself stores nothing and tells nobody. What is on reaches the channel's
// queue, what is off names the reason: the decisions are what was really done.
func TestPreviewIsTheRealRun(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]func(testing.TB) string{"SQLite": testkit.SQLite, "PostgreSQL": testkit.Postgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setup(t, url(t))
			ids := people(t, s, "acme", 3)
			tokens := map[string]string{}
			for _, id := range ids {
				tokens[id] = token(t, auth.Identity{UserExternalID: id, WorkspaceExternalID: "acme"})
			}
			boss := person(t, "acme", "boss", auth.ScopeAdmin)
			run := 0
			rapid.Check(t, func(r *rapid.T) {
				run++
				for range rapid.IntRange(0, 4).Draw(r, "changes") {
					changeAtRandom(t, r, s, boss, tokens[rapid.SampledFrom(ids).Draw(r, "who")])
				}
				event := wonDeal("acme", fmt.Sprint("run-", run), append(rapid.SliceOfNDistinct(rapid.SampledFrom(ids), 1, 3, rapid.ID).Draw(r, "to"), "unknown")...)
				if rapid.Bool().Draw(r, "by one of them") {
					event["actor"] = map[string]any{"id": ids[0], "name": "P"}
				}
				comparePreview(t, r, s, event, tokens)
			})
		})
	}
}

func changeAtRandom(t *testing.T, r *rapid.T, s *server, boss, who string) {
	t.Helper()
	channel := rapid.SampledFrom([]string{"IN_APP", "EMAIL", "CLIQ"}).Draw(r, "channel")
	on := rapid.Bool().Draw(r, "on")
	switch rapid.IntRange(0, 3).Draw(r, "what") {
	case 0:
		if channel != "IN_APP" {
			get[any](t, s, who, `mutation($c:Channel!,$on:Boolean!){setChannelEnabled(input:{channel:$c,enabled:$on}){userErrors{code}}}`, map[string]any{"c": channel, "on": on})
		}
	case 1:
		get[any](t, s, who, `mutation($c:Channel!,$on:Boolean!){updateNotificationPreferences(input:{changes:[{eventType:"deal.won",channel:$c,enabled:$on}]}){userErrors{code}}}`, map[string]any{"c": channel, "on": on})
	case 2:
		get[any](t, s, who, `mutation{resetNotificationPreferences(input:{}){userErrors{code}}}`, nil)
	case 3:
		mode := rapid.SampledFrom([]any{"DEFAULT_ON", "DEFAULT_OFF", "LOCKED_ON", "LOCKED_OFF", nil}).Draw(r, "mode")
		get[any](t, s, boss, `mutation($c:Channel!,$m:WorkspaceRuleMode){updateWorkspacePolicy(input:{rules:[{eventType:"deal.won",channel:$c,mode:$m}]}){userErrors{code}}}`, map[string]any{"c": channel, "m": mode})
	}
}

func comparePreview(t *testing.T, r *rapid.T, s *server, event map[string]any, tokens map[string]string) {
	t.Helper()
	s.outside.taken()
	var preview previewed
	for _, statement := range s.counted(func() {
		preview = get[previewed](t, s, publisher(t), `query($e:PublishEventInput!){previewEvent(input:$e){title body url recipients{userId channels{channel status reason}} unknownRecipientIds userErrors{code}}}`, map[string]any{"e": event})
	}) {
		if first, _, _ := strings.Cut(strings.TrimSpace(statement), " "); !slices.Contains([]string{"SELECT", "WITH"}, first) {
			r.Fatalf("the preview ran %s", statement)
		}
	}
	if steps := s.outside.taken(); len(steps) > 0 {
		r.Fatalf("the preview told of %q", steps)
	}
	got := s.publish(t, event)
	if len(got.UserErrors) != len(preview.UserErrors) || len(got.UserErrors) > 0 && got.UserErrors[0].Code != preview.UserErrors[0].Code {
		r.Fatalf("published %+v, previewed %+v", got, preview)
	}
	if len(got.UserErrors) > 0 {
		return // nobody was left
	}
	reached := 0
	for _, one := range preview.Recipients {
		for _, c := range one.Channels {
			if c.Status != "SKIPPED" {
				reached++
				break
			}
		}
	}
	if got.Notified != reached || !slices.Equal(got.UnknownRecipientIDs, preview.UnknownRecipientIDs) {
		r.Fatalf("%d notified, previewed %+v", got.Notified, preview)
	}
	for _, one := range preview.Recipients {
		foretold := map[string]string{}
		inApp := true
		for _, c := range one.Channels {
			foretold[c.Channel] = ""
			if c.Status == "SKIPPED" {
				foretold[c.Channel] = *c.Reason
				inApp = inApp && c.Channel != "IN_APP"
			}
		}
		list := get[struct {
			Inbox struct {
				Notifications struct {
					Nodes []struct {
						Title    string
						Body     *string
						URL      string
						Channels []struct {
							Channel, Status string
							Reason          *string
						}
					}
				}
			}
		}](t, s, tokens[one.UserID], `query($f:NotificationFilter){viewer{inbox{notifications(first:1,filter:$f){nodes{title body url channels{channel status reason}}}}}}`,
			map[string]any{"f": map[string]any{"inApp": inApp}})
		if len(list.Inbox.Notifications.Nodes) != 1 {
			r.Fatalf("%s has nothing", one.UserID)
		}
		n := list.Inbox.Notifications.Nodes[0]
		done := map[string]string{}
		for _, c := range n.Channels {
			done[c.Channel] = ""
			if c.Status == "SKIPPED" {
				done[c.Channel] = *c.Reason
			}
		}
		if !maps.Equal(done, foretold) || n.Title != preview.Title || n.Body != preview.Body && *n.Body != *preview.Body || n.URL != preview.URL {
			r.Fatalf("%s got %+v with %v, previewed %+v with %v", one.UserID, n, done, preview, foretold)
		}
	}
}
