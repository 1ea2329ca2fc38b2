package scenario

import (
	"testing"
)

// TestMuted has two tabs open and turns in-app off for one event type in the first: the second is told of it. What comes
// of that type is then nowhere in the inbox, neither counted nor streamed, and yet it is found with what became of it.
func TestMuted(t *testing.T) {
	t.Parallel()
	for name, settings := range databases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, t.TempDir(), settings(t)...)
			service, grace := s.bearer(t, "u_ada", "events:write"), s.bearer(t, "u_grace")
			type seen struct{ NotificationSettings struct{ Revision int } }
			first := ask[seen](t, grace, `{viewer{notificationSettings{revision}}}`, nil).NotificationSettings.Revision

			tab := grace.subscribe(t, `subscription{viewerChanged{notificationSettings{revision}}}`, nil)
			if now, _ := next[seen](t, tab); now.NotificationSettings.Revision != first {
				t.Errorf("the other tab begins with %+v, want revision %d", now, first)
			}
			live := grace.subscribe(t, inboxSubscription, nil)
			if reset, _ := next[change](t, live); reset.Typename != "InboxReset" {
				t.Fatalf("a stream begins with %+v", reset)
			}
			wantNoErrors(t, "toggle", grace.toggle(t, map[string]any{"eventType": "deal.won", "channel": "IN_APP", "enabled": false}))
			until(t, tab, "the change in the other tab", func(v seen) bool { return v.NotificationSettings.Revision == first+1 })

			before := grace.inbox(t)
			for _, eventType := range []string{"deal.won", "deal.lost"} {
				service.publish(t, map[string]any{
					"type": eventType, "idempotencyKey": "muted-" + eventType, "recipientIds": []string{"u_grace"},
					"actor": map[string]string{"id": "u_ada", "name": "Ada Lovelace"}, "data": map[string]any{"dealId": "d-1", "dealTitle": "Muted"},
				})
			}
			got, _ := next[change](t, live)
			if got.Notification == nil || got.Notification.EventType != "deal.lost" || got.UnreadCount != before.UnreadCount+1 {
				t.Errorf("the stream goes on with %+v, want deal.lost alone counted", got)
			}
			after := grace.settledInbox(t)
			if n := after.Notifications.Nodes; after.UnreadCount != before.UnreadCount+1 || len(n) != len(before.Notifications.Nodes)+1 || n[0].EventType != "deal.lost" {
				t.Errorf("the inbox is %+v", after)
			}
			found := ask[struct{ Inbox inbox }](t, grace, `{viewer{inbox{notifications(filter:{inApp:false}){nodes{eventType channels{channel status reason}}}}}}`, nil)
			if n := found.Inbox.Notifications.Nodes; len(n) != 1 || n[0].EventType != "deal.won" {
				t.Fatalf("out of the inbox are %+v", n)
			}
			muted := &found.Inbox.Notifications.Nodes[0]
			for channel, want := range map[string]string{"IN_APP": "SKIPPED EVENT_OFF", "CLIQ": "SKIPPED NOT_CONNECTED"} {
				if says := muted.on(channel).says(); says != want {
					t.Errorf("%s: %s, want %s", channel, says, want)
				}
			}
			if muted.on("EMAIL").Status == "" {
				t.Error("nothing is said of the e-mail")
			}
			s.expectQuietLog(t)
		})
	}
}
