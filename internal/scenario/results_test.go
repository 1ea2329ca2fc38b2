package scenario

import (
	"encoding/json"
	"strconv"
	"testing"
)

// everyChange selects all that plain live results can have, in a different order than the schema's and with aliases.
const everyChange = `__typename
	... on NotificationReceived{n:notification{...all} unreadCount cursor}
	... on NotificationsUpdated{cursor notifications{...all archivedAt} unreadCount}
	... on AllNotificationsRead{readAt upTo unreadCount cursor __typename}
	... on InboxReset{reason cursor c:unreadCount}`

const all = ` fragment all on Notification{__typename id eventType category importance title body url path
	subject{type id __typename} actor{id n:name} createdAt at:createdAt readAt ...on Node{id}}`

// TestSameResults: a subscription that bypasses the executor is told what one is told that does not, byte for byte. A
// directive on the field is what sends a subscription to the executor.
func TestSameResults(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	ada, grace := s.bearer(t, "u_ada", "admin", "events:write"), s.bearer(t, "u_grace")
	subscribe := func(after any) (plain, executed, received *stream) {
		variables := map[string]any{"after": after}
		plain = grace.subscribe(t, `subscription($after:Cursor){inboxChanged(after:$after){`+everyChange+`}}`+all, variables)
		executed = grace.subscribe(t, `subscription($after:Cursor){inboxChanged(after:$after)@include(if:true){`+everyChange+`}}`+all, variables)
		received = grace.subscribe(t, `subscription($after:Cursor){notificationReceived(after:$after){cursor n:notification{...all}}}`+all, variables)
		return plain, executed, received
	}
	same := func(what string, streams ...*stream) {
		t.Helper()
		first, _ := next[json.RawMessage](t, streams[0])
		for _, other := range streams[1:] {
			if got, _ := next[json.RawMessage](t, other); string(got) != string(first) {
				t.Errorf("%s:\nplain    %s\nexecuted %s", what, first, got)
			}
		}
		if len(first) < 60 {
			t.Errorf("%s: %s", what, first)
		}
	}
	plain, executed, received := subscribe(nil)
	same("reset", plain, executed)
	start := grace.inbox(t).Cursor

	for i := range 3 {
		publish := wonDeal(map[string]any{"idempotencyKey": "same-" + strconv.Itoa(i), "recipientIds": []string{"u_grace"}})
		if got := ada.publish(t, publish); got.Notified != 1 {
			t.Fatalf("%+v", got)
		}
		same("received", plain, executed)
		next[json.RawMessage](t, received)
	}
	latest := grace.latest(t, "deal.won")
	for _, change := range []string{
		`mutation($ids:[ID!]!){markNotificationsRead(input:{ids:$ids}){userErrors{code}}}`,
		`mutation($ids:[ID!]!){archiveNotifications(input:{ids:$ids}){userErrors{code}}}`,
		`mutation($ids:[ID!]!){unarchiveNotifications(input:{ids:$ids}){userErrors{code}}}`,
	} {
		ask[any](t, grace, change, map[string]any{"ids": []string{latest.ID}})
		same(change, plain, executed)
	}
	ask[any](t, grace, `mutation($c:Cursor!){markAllNotificationsRead(input:{upTo:$c}){changedCount}}`, map[string]any{"c": grace.inbox(t).Cursor})
	same("all read", plain, executed)
	plain.close()
	executed.close()

	plain, executed, _ = subscribe(start)
	for i := range 4 {
		same("replay "+strconv.Itoa(i), plain, executed)
	}
	plain, executed, received = subscribe("no cursor")
	same("unknown cursor", plain, executed)
	if _, more := <-received.results; more || received.ended == nil {
		t.Errorf("a stream of new notifications went on from no cursor: %v", received.ended)
	}
	s.expectQuietLog(t)
}

// TestSharedResults sends events to several people who subscribe with one document: what the event says is rendered once
// for all of them, and yet each is told, byte for byte, what the executor tells them.
func TestSharedResults(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	ada := s.bearer(t, "u_ada", "admin", "events:write")
	names := []string{"u_one", "u_two", "u_three", "u_four"}
	plain, executed := make([]*stream, len(names)), make([]*stream, len(names))
	for i, name := range names {
		who := s.bearer(t, name)
		plain[i] = who.subscribe(t, `subscription{inboxChanged{`+everyChange+`}}`+all, nil)
		executed[i] = who.subscribe(t, `subscription{inboxChanged@include(if:true){`+everyChange+`}}`+all, nil)
		next[json.RawMessage](t, plain[i])
		next[json.RawMessage](t, executed[i])
	}
	told := map[string]bool{}
	const events = 5
	for e := range events {
		publish := wonDeal(map[string]any{"idempotencyKey": "shared-" + strconv.Itoa(e), "recipientIds": names})
		if got := ada.publish(t, publish); got.Notified != len(names) {
			t.Fatalf("%+v", got)
		}
		for i, name := range names {
			got, _ := next[json.RawMessage](t, plain[i])
			want, _ := next[json.RawMessage](t, executed[i])
			if string(got) != string(want) {
				t.Errorf("%s:\nplain    %s\nexecuted %s", name, got, want)
			}
			told[string(got)] = true
		}
	}
	if len(told) != events*len(names) {
		t.Errorf("%d results differ, of %d", len(told), events*len(names))
	}
	s.expectQuietLog(t)
}
