package resolvers_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/heffl/bff/graph"
	"github.com/heffl/bff/internal/auth"
	"github.com/heffl/bff/model"
)

// rights says for every root field what its token must carry, and how it is asked. A field of the schema without a row
// fails the tests, so nobody can add one without saying who may use it.
var rights = map[string]struct{ scope, query string }{
	"Query.viewer":                   {"USER", `{viewer{userId email workspace{id} inbox{unreadCount notifications{nodes{id}}} notificationSettings{id revision} settingsHistory{nodes{id}} cliq{status} integrations{id}}}`},
	"Query.node":                     {"USER", `{node(id:"AQ"){id}}`},
	"Query.nodes":                    {"USER", `{nodes(ids:["AQ"]){id}}`},
	"Query.cliqRegions":              {"PUBLIC", `{cliqRegions{code}}`},
	"Query.workspacePolicy":          {"ADMIN", `{workspacePolicy{rules{mode}}}`},
	"Query.workspaceSettingsHistory": {"ADMIN", `{workspaceSettingsHistory{nodes{id}}}`},
	"Query.previewEvent":             {"EVENTS_WRITE", `query($e:PublishEventInput!){previewEvent(input:$e){userErrors{code}}}`},

	"Mutation.connectCliq":                   {"USER", `mutation{connectCliq(input:{region:IN,bot:"b"}){userErrors{code}}}`},
	"Mutation.completeCliqConnect":           {"USER", `mutation{completeCliqConnect(input:{ticket:"t"}){userErrors{code}}}`},
	"Mutation.updateCliqBot":                 {"USER", `mutation{updateCliqBot(input:{bot:"b"}){userErrors{code}}}`},
	"Mutation.sendCliqTestMessage":           {"USER", `mutation{sendCliqTestMessage{userErrors{code}}}`},
	"Mutation.disconnectCliq":                {"USER", `mutation{disconnectCliq{revocation}}`},
	"Mutation.setChannelEnabled":             {"USER", `mutation{setChannelEnabled(input:{channel:EMAIL,enabled:true}){userErrors{code}}}`},
	"Mutation.updateNotificationPreferences": {"USER", `mutation{updateNotificationPreferences(input:{changes:[]}){userErrors{code}}}`},
	"Mutation.setCategoryPreferences":        {"USER", `mutation{setCategoryPreferences(input:{channel:EMAIL,enabled:true}){userErrors{code}}}`},
	"Mutation.resetNotificationPreferences":  {"USER", `mutation{resetNotificationPreferences(input:{}){userErrors{code}}}`},
	"Mutation.updateWorkspacePolicy":         {"ADMIN", `mutation{updateWorkspacePolicy(input:{rules:[]}){userErrors{code}}}`},
	"Mutation.markNotificationsRead":         {"USER", `mutation{markNotificationsRead(input:{ids:[]}){userErrors{code}}}`},
	"Mutation.markNotificationsUnread":       {"USER", `mutation{markNotificationsUnread(input:{ids:[]}){userErrors{code}}}`},
	"Mutation.markAllNotificationsRead":      {"USER", `mutation{markAllNotificationsRead(input:{upTo:"x"}){userErrors{code}}}`},
	"Mutation.archiveNotifications":          {"USER", `mutation{archiveNotifications(input:{ids:[]}){userErrors{code}}}`},
	"Mutation.unarchiveNotifications":        {"USER", `mutation{unarchiveNotifications(input:{ids:[]}){userErrors{code}}}`},
	"Mutation.publishEvent":                  {"EVENTS_WRITE", `mutation($e:PublishEventInput!){publishEvent(input:$e){userErrors{code}}}`},
	"Mutation.publishEvents":                 {"EVENTS_WRITE", `mutation{publishEvents(input:{events:[]}){__typename}}`},
	"Mutation.syncUsers":                     {"USERS_WRITE", `mutation{syncUsers(input:{users:[]}){userErrors{code}}}`},

	"Subscription.inboxChanged":         {"USER", `subscription{inboxChanged{... on InboxReset{reason}}}`},
	"Subscription.notificationReceived": {"USER", `subscription{notificationReceived{cursor}}`},
	"Subscription.viewerChanged":        {"USER", `subscription{viewerChanged{userId}}`},
}

func rootFields() map[string]*ast.FieldDefinition {
	fields := map[string]*ast.FieldDefinition{}
	schema := graph.NewExecutableSchema(graph.Config{}).Schema()
	for _, root := range []*ast.Definition{schema.Query, schema.Mutation, schema.Subscription} {
		for _, f := range root.Fields {
			if !strings.HasPrefix(f.Name, "__") {
				fields[root.Name+"."+f.Name] = f
			}
		}
	}
	return fields
}

// TestEveryRootFieldHasAllow: no root field is open by oversight, and the schema says what the table says.
func TestEveryRootFieldHasAllow(t *testing.T) {
	t.Parallel()
	fields := rootFields()
	for name, f := range fields {
		allow := f.Directives.ForName("allow")
		if allow == nil {
			t.Errorf("%s has no @allow", name)
			continue
		}
		if got, want := allow.Arguments.ForName("scope").Value.Raw, rights[name].scope; got != want {
			t.Errorf("%s: @allow(scope: %s), want %q", name, got, want)
		}
	}
	for name := range rights {
		if fields[name] == nil {
			t.Errorf("%s is no field", name)
		}
	}
}

// caller is somebody who asks, with what they may use.
type caller struct {
	token  string
	may    []string
	broken bool // the token itself is refused, whatever is asked
}

func callers(t *testing.T, s *server) map[string]caller {
	t.Helper()
	user, admin := []string{"PUBLIC", "USER"}, []string{"PUBLIC", "USER", "ADMIN"}
	gone := person(t, "acme", "gone")
	get[any](t, s, gone, `{viewer{userId}}`, nil)
	service := token(t, auth.Identity{UserExternalID: "sync", AllWorkspaces: true, Scopes: []auth.Scope{auth.ScopeUsersWrite}})
	if got := get[struct{ Synced int }](t, s, service, `mutation{syncUsers(input:{users:[{id:"gone",name:"Gone",active:false,workspaceId:"acme"}]}){synced}}`, nil); got.Synced != 1 {
		t.Fatalf("synced %+v", got)
	}
	expired, err := auth.Mint(key, auth.Identity{UserExternalID: "ann", WorkspaceExternalID: "acme", ExpiresAt: time.Now().Add(-time.Minute)}, time.Now().Add(-time.Hour))
	must(t, err)
	foreignKey, err := auth.Mint(bytes.Repeat([]byte("z"), 32), auth.Identity{UserExternalID: "ann", WorkspaceExternalID: "acme", ExpiresAt: time.Now().Add(time.Hour)}, time.Now())
	must(t, err)
	return map[string]caller{
		"nobody":               {"", []string{"PUBLIC"}, false},
		"garbage":              {"x.y.z", nil, true},
		"expired":              {expired, nil, true},
		"wrong key":            {foreignKey, nil, true},
		"deactivated":          {gone, nil, true},
		"person":               {person(t, "acme", "ann"), user, false},
		"colleague":            {person(t, "acme", "ben"), user, false},
		"admin":                {person(t, "acme", "boss", auth.ScopeAdmin), admin, false},
		"foreigner":            {person(t, "evil", "eve"), user, false},
		"foreign admin":        {person(t, "evil", "root", auth.ScopeAdmin), admin, false},
		"person who publishes": {person(t, "acme", "pub", auth.ScopeEventsWrite), append(user, "EVENTS_WRITE"), false},
		"publishing service":   {token(t, auth.Identity{UserExternalID: "svc", WorkspaceIDs: []string{"acme"}, Scopes: []auth.Scope{auth.ScopeEventsWrite}}), []string{"PUBLIC", "EVENTS_WRITE"}, false},
		"directory service":    {service, []string{"PUBLIC", "USERS_WRITE"}, false},
		"service with nothing": {token(t, auth.Identity{UserExternalID: "svc", AllWorkspaces: true}), []string{"PUBLIC"}, false},
	}
}

// TestAuthorizationMatrix shows A1 for the root fields: everybody asks for everything.
func TestAuthorizationMatrix(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, s *server) {
		t.Helper()
		event := map[string]any{"e": map[string]any{"type": "deal.won", "idempotencyKey": "", "recipientIds": []string{}, "data": map[string]any{}}}
		cells := 0
		everybody := callers(t, s)
		for field := range rootFields() {
			row, ok := rights[field]
			if !ok {
				t.Errorf("%s has no row", field)
				continue
			}
			for name, c := range everybody {
				cells++
				var variables map[string]any
				if strings.Contains(row.query, "$e") {
					variables = event
				}
				got := s.ask(t, c.token, row.query, variables)
				want := ""
				switch {
				case c.broken, name == "nobody" && row.scope != "PUBLIC":
					want = "UNAUTHENTICATED"
				case !slices.Contains(c.may, row.scope):
					want = "FORBIDDEN"
				}
				refused := got.code() == "UNAUTHENTICATED" || got.code() == "FORBIDDEN"
				if want == "" && refused || want != "" && got.code() != want {
					t.Errorf("%s by %s: %q, want %q: %.200s", field, name, got.code(), want, got.text)
				}
				if want != "" && len(got.Data) > 0 && string(got.Data) != "null" && string(got.Data) != `{"node":null}` {
					t.Errorf("%s by %s answers %s", field, name, got.Data)
				}
			}
		}
		if cells < 28*14 {
			t.Errorf("only %d cells", cells)
		}
	})
}

// TestForeignObjects shows A1 and A2 for everything that takes an id: what belongs to a colleague or to another
// workspace is answered exactly as what does not exist, and stays as it is.
func TestForeignObjects(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, s *server) {
		t.Helper()
		owner, colleague, foreigner := person(t, "acme", "ann"), person(t, "acme", "ben", auth.ScopeAdmin), person(t, "evil", "eve", auth.ScopeAdmin)
		for _, p := range []string{owner, colleague, foreigner} {
			get[any](t, s, p, `{viewer{userId}}`, nil)
		}
		publish(t, s, "acme", "k1", "ann")
		own := get[struct {
			ID                   string
			NotificationSettings struct {
				ID         string
				Categories []struct{ Events []struct{ ID string } }
			}
			Cliq  struct{ ID string }
			Inbox struct {
				ID            string
				Cursor        string
				Notifications struct{ Nodes []struct{ ID string } }
			}
		}](t, s, owner, `{viewer{id notificationSettings{id categories{events{id}}} cliq{id} inbox{id cursor notifications{nodes{id}}}}}`, nil)
		notification := own.Inbox.Notifications.Nodes[0].ID
		missing := model.GlobalID(model.KindNotification, uuid.Must(uuid.NewV7()))
		mine := []string{own.ID, own.NotificationSettings.ID, own.Cliq.ID, own.Inbox.ID, notification}

		for _, id := range mine {
			if got := s.ask(t, owner, `query($i:ID!){node(id:$i){id}}`, map[string]any{"i": id}); !strings.Contains(got.text, id) {
				t.Errorf("the owner does not get %s: %s", id, got.text)
			}
		}
		queries := []string{
			`query($i:ID!){node(id:$i){id __typename}}`, `query($i:ID!){nodes(ids:[$i]){id __typename}}`,
			`mutation($i:ID!){markNotificationsRead(input:{ids:[$i]}){inbox{unreadCount} notifications{id} userErrors{code message field}}}`,
			`mutation($i:ID!){markNotificationsUnread(input:{ids:[$i]}){inbox{unreadCount} notifications{id} userErrors{code message field}}}`,
			`mutation($i:ID!){archiveNotifications(input:{ids:[$i]}){inbox{unreadCount} notifications{id} userErrors{code message field}}}`,
			`mutation($i:ID!){unarchiveNotifications(input:{ids:[$i]}){inbox{unreadCount} notifications{id} userErrors{code message field}}}`,
		}
		for name, who := range map[string]string{"a colleague": colleague, "a foreigner": foreigner} {
			for _, query := range queries {
				none := s.ask(t, who, query, map[string]any{"i": missing})
				for _, id := range append(slices.Clone(mine), "x", "", "AQ", strings.Repeat("A", 23), notification+" ", "1 OR 1=1", strings.Repeat("9", 10_000), "\u0000") {
					kind, _, ok := model.ParseGlobalID(id)
					if strings.Contains(query, "mutation") && (!ok || kind != model.KindNotification) {
						continue // said to be no notification's id; that is about its form
					}
					got := s.ask(t, who, query, map[string]any{"i": id})
					if strings.ReplaceAll(got.text, id, missing) != none.text && got.text != none.text {
						t.Errorf("%s asks %s for %.40q and reads %s, for nothing %s", name, query, id, got.text, none.text)
					}
				}
			}
		}
		// Nor does a cursor open anything.
		for name, who := range map[string]string{"a colleague": colleague, "a foreigner": foreigner} {
			got := s.ask(t, who, `mutation($c:Cursor!){markAllNotificationsRead(input:{upTo:$c}){changedCount userErrors{code}}}`, map[string]any{"c": own.Inbox.Cursor})
			if !strings.Contains(got.text, `"INVALID_CURSOR"`) || !strings.Contains(got.text, `"changedCount":0`) {
				t.Errorf("%s: %s", name, got.text)
			}
		}
		after := get[struct {
			Inbox struct {
				UnreadCount   int
				Notifications struct {
					Nodes []struct{ ReadAt, ArchivedAt *string }
				}
			}
		}](t, s, owner, `{viewer{inbox{unreadCount notifications{nodes{readAt archivedAt}}}}}`, nil)
		if after.Inbox.UnreadCount != 1 || len(after.Inbox.Notifications.Nodes) != 1 || after.Inbox.Notifications.Nodes[0].ReadAt != nil {
			t.Errorf("the owner's inbox is %+v", after)
		}
	})
}

// publish publishes a good event to people of a workspace.
func publish(t *testing.T, s *server, workspace, idempotencyKey string, recipients ...string) {
	t.Helper()
	service := token(t, auth.Identity{UserExternalID: "svc", AllWorkspaces: true, Scopes: []auth.Scope{auth.ScopeEventsWrite}})
	got := get[struct {
		Notified   int
		UserErrors []struct{ Code string }
	}](t, s, service, publishMutation, map[string]any{"e": wonDeal(workspace, idempotencyKey, recipients...)})
	if len(got.UserErrors) > 0 {
		t.Fatalf("publish: %+v", got)
	}
}

const publishMutation = `mutation($e:PublishEventInput!){publishEvent(input:$e){event{id} notified duplicate unknownRecipientIds userErrors{code field message}}}`

func wonDeal(workspace, idempotencyKey string, recipients ...string) map[string]any {
	return map[string]any{
		"type": "deal.won", "workspaceId": workspace, "idempotencyKey": idempotencyKey, "recipientIds": recipients,
		"actor": map[string]any{"id": "boss", "name": "The Boss"}, "data": map[string]any{"dealId": "d1", "dealTitle": fmt.Sprint("Fleet ", idempotencyKey)},
	}
}
