package scenario

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/heffl/bff/internal/testkit"
)

// bot is a bot that exists in the stand-in's organisation.
const bot = "heffl"

// cast are the people of the sample events, with where their Zoho account lives.
var cast = []struct{ id, name, region, lives string }{
	{"u-maya", "Maya Haddad", "IN", "in"},
	{"u-omar", "Omar Farouk", "US", "in"}, // picks the wrong one
	{"u-liam", "Liam O’Connor", "EU", "eu"},
	{"u-noura", "Noura Al Suwaidi", "AU", "au"},
	{"u-priya", "Priya Nair", "CA", "ca"},
}

// story is one run through the product; its methods are its chapters, in order.
type story struct {
	*server
	services *person            // publishes and synchronises
	people   map[string]*person // the cast
	live     map[string]*stream // everybody's inbox
	heard    map[string][]change
	samples  []sample
	sequence int
}

// databases are the settings by which a server uses each of them.
var databases = map[string]func(testing.TB) []string{
	"SQLite": func(testing.TB) []string { return nil },
	"PostgreSQL": func(tb testing.TB) []string {
		tb.Helper()
		return []string{"HEFFL_DATABASE_URL=" + testkit.Postgres(tb)}
	},
}

func TestStory(t *testing.T) {
	t.Parallel()
	for name, settings := range databases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data, settings := t.TempDir(), settings(t)
			s := &story{
				server: start(t, data, settings...), people: map[string]*person{}, live: map[string]*stream{},
				heard: map[string][]change{}, samples: loadSamples(t),
			}
			s.signIn(t)
			s.connectEverybody(t)
			s.publishSamples(t)
			s.changeSettings(t)
			s.breakAndHealBot(t)
			s.loseAndRenewPermission(t)
			s.readOnTwoScreens(t)
			s.disconnectAndReturn(t)
			s.repeat(t)
			s.expectNoViolations(t)
			s.restart(t, data, settings)
		})
	}
}

// signIn lets the directory make everybody known; then each signs in with a browser and opens a live stream.
func (s *story) signIn(t *testing.T) {
	t.Helper()
	s.services = s.bearer(t, "u_ada", "admin", "events:write", "users:write")
	users := make([]map[string]any, 0, len(cast))
	for _, c := range cast {
		users = append(users, map[string]any{"id": c.id, "name": c.name, "email": c.id + "@falcon.test", "timeZone": "Asia/Dubai"})
	}
	synced := ask[struct {
		Synced     int
		UserErrors []userError
	}](t, s.services, syncMutation, input(map[string]any{"users": users, "workspaces": []map[string]any{{"id": "acme", "name": "Falcon Interiors"}}}))
	wantNoErrors(t, "syncUsers", synced.UserErrors)
	for _, c := range cast {
		p := s.signedIn(t, c.id)
		p.email = c.id + "@falcon.test"
		s.people[c.id] = p
		s.live[c.id] = p.subscribe(t, inboxSubscription, nil)
		if first, _ := next[change](t, s.live[c.id]); first.Typename != "InboxReset" || first.Reason != "STARTED" {
			t.Fatalf("a stream begins with %+v", first)
		}
	}
	if status := s.people["u-maya"].viewer(t).Cliq.Status; status != "NOT_CONNECTED" {
		t.Fatalf("status at first = %s", status)
	}
}

// connectEverybody connects each account, by each way there is.
func (s *story) connectEverybody(t *testing.T) {
	t.Helper()
	maya := s.people["u-maya"]
	regions := ask[[]struct{ Code, Label, CliqURL string }](t, maya, `{ cliqRegions { code label cliqUrl } }`, nil)
	labels := map[string]string{}
	for _, region := range regions {
		labels[region.Code] = region.Label
	}
	if len(regions) != 9 || labels["IN"] != "India (.in)" {
		t.Fatalf("cliqRegions = %v", regions)
	}
	for _, c := range cast {
		p := s.people[c.id]
		returnTo := s.url + "/?tab=integrations&who=" + c.id
		consentURL := p.beginConnect(t, c.region, bot, returnTo)
		switch c.id {
		case "u-maya": // as people do it: the page, its form, the redirects
			landed := p.consentByForm(t, consentURL, c.lives, p.email)
			wantLanding(t, landed.String(), returnTo, "connected")
		case "u-liam": // a browser without our cookie hands a ticket over
			stranger := &person{server: s.server, id: c.id, browser: newClient(t)}
			landed, _ := stranger.visit(t, s.consent(t, consentURL, c.lives, c.name, p.email))
			wantLanding(t, landed.String(), returnTo, "confirm")
			if status := p.viewer(t).Cliq.Status; status != "NOT_CONNECTED" {
				t.Errorf("before the ticket was redeemed the status was %s", status)
			}
			completed := ask[struct{ UserErrors []userError }](t, p, completeMutation, input(map[string]any{"ticket": landed.Query().Get("ticket")}))
			wantNoErrors(t, "completeCliqConnect", completed.UserErrors)
		default:
			landed, _ := p.visit(t, s.consent(t, consentURL, c.lives, c.name, p.email))
			wantLanding(t, landed.String(), returnTo, "connected")
		}
		got := p.viewer(t)
		corrected := strings.ToLower(c.region) != c.lives
		if got.Cliq.Status != "CONNECTED" || got.Cliq.Region.Code != strings.ToUpper(c.lives) || got.Cliq.RegionCorrected != corrected || text(got.Cliq.BotUniqueName) != bot || got.problem() != "" {
			t.Errorf("%s is connected as %+v", c.id, got.Cliq)
		}
	}
}

func wantLanding(t *testing.T, landed, returnTo, status string) {
	t.Helper()
	page, query, _ := strings.Cut(landed, "?")
	wantPage, wantQuery, _ := strings.Cut(returnTo, "?")
	if page != wantPage || !strings.Contains(query, "status="+status) || !strings.Contains(query, "integration=zoho_cliq") {
		t.Fatalf("the browser came back to %s, want %s with status=%s", landed, returnTo, status)
	}
	for part := range strings.SplitSeq(wantQuery, "&") {
		if !strings.Contains(query, part) {
			t.Errorf("the browser came back to %s, without %s", landed, part)
		}
	}
}

// event is a fresh event about a deal for one person.
func (s *story) event(eventType, recipient string) map[string]any {
	s.sequence++
	data := map[string]any{"dealId": fmt.Sprintf("deal-%d", s.sequence), "dealTitle": fmt.Sprintf("Story %d", s.sequence)}
	if eventType == "deal.created" {
		data["pipelineName"] = "Sales"
	}
	return map[string]any{
		"type": eventType, "idempotencyKey": fmt.Sprintf("story-%d", s.sequence), "recipientIds": []string{recipient},
		"actor": map[string]string{"id": "u_ada", "name": "Ada Lovelace"}, "data": data,
	}
}

// tell publishes a fresh event to one person and answers what became of it.
func (s *story) tell(t *testing.T, eventType, recipient string) notification {
	t.Helper()
	event := s.event(eventType, recipient)
	s.services.publish(t, event)
	got := s.people[recipient].latest(t, eventType)
	if want := event["data"].(map[string]any)["dealTitle"].(string); !strings.Contains(got.Title, want) {
		t.Fatalf("the newest notification is %q, want one about %s", got.Title, want)
	}
	return got
}

func (s *story) wantOn(t *testing.T, n notification, channel, want string) {
	t.Helper()
	if got := n.on(channel).says(); got != want {
		t.Errorf("%s of “%s” = %s, want %s", channel, n.Title, got, want)
	}
}

// repeat publishes what was published before: the same answer, and nothing twice; other content is a conflict.
func (s *story) repeat(t *testing.T) {
	t.Helper()
	noura := s.people["u-noura"]
	event := s.event("deal.won", "u-noura")
	first := s.services.publish(t, event)
	before := noura.settledInbox(t)
	mails, chats := len(s.mails(t, noura.email)), len(s.chats(t, noura.email))
	again := s.services.publish(t, event)
	if !again.Duplicate || again.Event.ID != first.Event.ID || again.Notified != first.Notified || first.Duplicate {
		t.Errorf("the first answer was %+v, the second %+v", first, again)
	}
	event["data"].(map[string]any)["dealTitle"] = "Something else"
	refused := ask[published](t, s.services, publishMutation, input(event))
	if len(refused.UserErrors) != 1 || refused.UserErrors[0].Code != "IDEMPOTENCY_CONFLICT" || refused.Event != nil {
		t.Errorf("other content under the same key = %+v", refused)
	}
	after := noura.settledInbox(t)
	if after.UnreadCount != before.UnreadCount || after.Cursor != before.Cursor {
		t.Errorf("a repetition changed the inbox: %d unread, then %d", before.UnreadCount, after.UnreadCount)
	}
	if m, c := len(s.mails(t, noura.email)), len(s.chats(t, noura.email)); m != mails || c != chats {
		t.Errorf("a repetition was sent: %d e-mails and %d chats more", m-mails, c-chats)
	}
}

// restart ends the server as an orchestrator does and goes on with the next one.
func (s *story) restart(t *testing.T, data string, settings []string) {
	t.Helper()
	before := s.people["u-noura"].settledInbox(t)
	code, took := s.stop(t)
	if code != 0 || took > 10*time.Second {
		t.Errorf("SIGTERM ended the server with %d after %s", code, took)
	}
	t.Logf("SIGTERM: %s", took.Round(time.Millisecond))
	s.expectQuietLog(t)

	reborn := start(t, data, settings...)
	noura := reborn.signedIn(t, "u-noura")
	after := noura.settledInbox(t)
	if after.UnreadCount != before.UnreadCount || after.Cursor != before.Cursor || len(after.Notifications.Nodes) != len(before.Notifications.Nodes) {
		t.Errorf("the inbox was %d unread at %s, after a restart %d at %s", before.UnreadCount, before.Cursor, after.UnreadCount, after.Cursor)
	}
	if status := noura.viewer(t).Cliq.Status; status != "CONNECTED" {
		t.Errorf("after a restart the connection is %s", status)
	}
	response, _ := noura.do(t, noura.request(t, http.MethodDelete, reborn.url+"/session", nil))
	if answer := noura.graphql(t, viewerQuery, nil); response.StatusCode != http.StatusNoContent || len(answer.Errors) != 1 || answer.Errors[0].Extensions.Code != "UNAUTHENTICATED" {
		t.Errorf("DELETE /session = %d, then a query = %+v", response.StatusCode, answer)
	}
}
