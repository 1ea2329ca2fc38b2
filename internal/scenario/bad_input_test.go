package scenario

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// TestBadInput asks wrongly in every way that people and programs do: each time the answer has a code, says what to
// do, and afterwards nothing is stored and nothing was sent.
func TestBadInput(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	ada, grace := s.bearer(t, "u_ada", "events:write", "users:write"), s.bearer(t, "u_grace")
	refuseEvents(t, ada)
	refuseBots(t, grace)
	refuseStates(t, s, ada, grace)
	refuseTokens(t, s)
	for _, p := range []*person{ada, grace} {
		if got := p.inbox(t); got.UnreadCount != 0 || len(got.Notifications.Nodes) != 0 {
			t.Errorf("%s has %d notifications after nothing but mistakes", p.id, len(got.Notifications.Nodes))
		}
		if got := p.viewer(t); got.Cliq.Status != "NOT_CONNECTED" {
			t.Errorf("%s is %s", p.id, got.Cliq.Status)
		}
	}
	if mails, chats := s.mails(t, "grace@acme.test"), s.chats(t, "grace@acme.test"); len(mails)+len(chats) != 0 {
		t.Errorf("%d mails and %d chats were sent", len(mails), len(chats))
	}
	s.expectNoViolations(t)
}

// wonDeal is a right event; change makes it wrong.
func wonDeal(change map[string]any) map[string]any {
	event := map[string]any{
		"type": "deal.won", "idempotencyKey": "bad-" + rest(change), "actor": map[string]any{"id": "u_ada", "name": "Ada"},
		"recipientIds": []string{"u_grace"}, "data": map[string]any{"dealId": "d1", "dealTitle": "Fleet"},
	}
	maps.Copy(event, change)
	return event
}

// rest names a change, so that every event has a key of its own.
func rest(change map[string]any) string { return strings.Join(slices.Sorted(maps.Keys(change)), "-") }

func refuseEvents(t *testing.T, ada *person) {
	t.Helper()
	many := make([]string, 1001)
	for i := range many {
		many[i] = "u_" + strings.Repeat("x", i%100) + string(rune('a'+i%26)) + time.Duration(i).String()
	}
	tests := map[string]struct {
		change map[string]any
		code   string
		field  string
	}{
		"UnknownType":       {map[string]any{"type": "deal.wonn"}, "UNKNOWN_EVENT_TYPE", "input.type"},
		"MissingField":      {map[string]any{"data": map[string]any{"dealId": "d1"}}, "MISSING_FIELD", "input.data.dealTitle"},
		"WrongKind":         {map[string]any{"data": map[string]any{"dealId": "d1", "dealTitle": "x", "amount": "much"}}, "INVALID_FIELD", "input.data.amount"},
		"UnknownRecipients": {map[string]any{"recipientIds": []string{"u_nobody"}}, "UNKNOWN_RECIPIENT", "input.recipientIds"},
		"NoRecipients":      {map[string]any{"recipientIds": []string{}}, "NO_RECIPIENTS", "input.recipientIds"},
		"TooMany":           {map[string]any{"recipientIds": many}, "TOO_MANY", "input.recipientIds"},
		"EmptyKey":          {map[string]any{"idempotencyKey": ""}, "INVALID_IDEMPOTENCY_KEY", "input.idempotencyKey"},
		"LongKey":           {map[string]any{"idempotencyKey": strings.Repeat("k", 256)}, "INVALID_IDEMPOTENCY_KEY", "input.idempotencyKey"},
		"Tomorrow":          {map[string]any{"occurredAt": time.Now().Add(24 * time.Hour).Format(time.RFC3339)}, "INVALID_FIELD", "input.occurredAt"},
		"NoActor":           {map[string]any{"actor": nil}, "MISSING_FIELD", "input.actor"},
	}
	for name, test := range tests {
		got := ask[published](t, ada, publishMutation, input(wonDeal(test.change)))
		if len(got.UserErrors) != 1 || got.UserErrors[0].Code != test.code || strings.Join(got.UserErrors[0].Field, ".") != test.field ||
			got.UserErrors[0].Message == "" || got.Event != nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
	foreign := ada.graphql(t, publishMutation, input(wonDeal(map[string]any{"workspaceId": "globex"})))
	if len(foreign.Errors) != 1 || foreign.Errors[0].Extensions.Code != "FORBIDDEN" {
		t.Errorf("workspace of somebody else: %+v", foreign)
	}
	// Nobody but the actor: that is no mistake, and the key is used from now on.
	alone := wonDeal(map[string]any{"idempotencyKey": "alone", "recipientIds": []string{"u_ada"}})
	if got := ada.publish(t, alone); got.Notified != 0 || got.Event == nil {
		t.Errorf("the actor as the only recipient: %+v", got)
	}
	if got := ada.publish(t, alone); !got.Duplicate {
		t.Errorf("the same again: %+v", got)
	}
	alone["data"] = map[string]any{"dealId": "d2", "dealTitle": "Other"}
	if got := ask[published](t, ada, publishMutation, input(alone)); len(got.UserErrors) != 1 || got.UserErrors[0].Code != "IDEMPOTENCY_CONFLICT" {
		t.Errorf("the same key with other content: %+v", got)
	}
}

func refuseBots(t *testing.T, grace *person) {
	t.Helper()
	connect := func(bot, region, returnTo string) begun {
		fields := map[string]any{"region": region, "bot": bot}
		if returnTo != "" {
			fields["returnTo"] = returnTo
		}
		return ask[begun](t, grace, connectMutation, input(fields))
	}
	base := strings.TrimSuffix(grace.url, "/") + "/sandbox/in/cliq"
	for _, good := range []string{
		"heffl", "  heffl  ", "Heffl-Bot_2", base + "/api/v2/bots/heffl/message", base + "/api/v2/bots/heffl/message?x=1", base + "/api/v3/bots/heffl/messages/",
		base + "/company/64396901/api/v2/bots/heffl/message", base + "/network/acme/api/v2/bots/heffl/message", base + "/api/v2/bots/heffl",
	} {
		if got := connect(good, "IN", ""); len(got.UserErrors) != 0 || got.ConsentURL == nil {
			t.Errorf("%q was refused: %+v", good, got.UserErrors)
		}
	}
	for _, bad := range []string{
		"", " ", "a b", "a/b", "a?x=", "a#b", "../../channels/x/message", "%2e%2e", "🤖", strings.Repeat("b", 101), "javascript:alert(1)", "ftp://cliq.zoho.in/api/v2/bots/x/message",
		"https://evil.test/api/v2/bots/x/message", "https://cliq.zoho.in.evil.test/api/v2/bots/x/message", "https://cliq.zoho.in@evil.test/api/v2/bots/x/message",
		base + "/api/v2/bots/../channels/x/message", base + "/api/v2/bots//message", base + "/api/v2/channels/x/message", base + "/api/v2/bots/a%2Fb/message", "b\nx", "bot;drop",
		"//evil.test/api/v2/bots/x/message",
	} {
		if got := connect(bad, "IN", ""); len(got.UserErrors) != 1 || got.UserErrors[0].Code != "INVALID_BOT" || got.ConsentURL != nil {
			t.Errorf("%q: %+v", bad, got)
		}
	}
	got := connect(base+"/api/v2/bots/heffl/message", "EU", "")
	if len(got.UserErrors) != 1 || got.UserErrors[0].Code != "REGION_MISMATCH" || !strings.Contains(got.UserErrors[0].Message, "India (.in)") || !strings.Contains(got.UserErrors[0].Message, "Europe (.eu)") {
		t.Errorf("region of another URL: %+v", got)
	}
	for _, target := range []string{"https://evil.test/", "//evil.test", "/\\evil.test", "javascript:alert(1)", grace.url + ".evil.test/", "http://user@localhost/", "/settings"} {
		if got := connect("heffl", "IN", target); len(got.UserErrors) != 1 || got.UserErrors[0].Code != "INVALID_RETURN_TO" {
			t.Errorf("return to %q: %+v", target, got)
		}
	}
}

// refuseStates brings callbacks that belong to no open attempt, or to somebody else's.
func refuseStates(t *testing.T, s *server, ada, grace *person) {
	t.Helper()
	callback := s.url + "/oauth/cliq/callback"
	for name, query := range map[string]string{
		"NoState": "code=x", "UnknownState": "state=" + strings.Repeat("a", 43) + "&code=x", "TwoStates": "state=a&state=b&code=x", "NoCode": "state=a", "NUL": "state=%00&code=x",
	} {
		if _, status := grace.visit(t, callback+"?"+query); status != http.StatusBadRequest {
			t.Errorf("%s: %d", name, status)
		}
	}
	// A state of Ada's, opened by a browser that has a cookie of its own: refused, and used up by that.
	stranger := s.signedIn(t, "u_grace")
	stranger.beginConnect(t, "IN", "heffl", s.url+"/")
	owner := s.signedIn(t, "u_ada")
	link := s.consent(t, owner.beginConnect(t, "IN", "heffl", s.url+"/"), "in", "Ada Lovelace", "ada@acme.test")
	landed, _ := stranger.visit(t, link)
	if got := landed.Query(); got.Get("status") != "error" || got.Get("code") != "OTHER_BROWSER" {
		t.Errorf("foreign state: %s", landed)
	}
	if _, status := owner.visit(t, link); status != http.StatusBadRequest {
		t.Errorf("reused state: %d", status)
	}
	if got := ada.viewer(t); got.Cliq.Status != "NOT_CONNECTED" {
		t.Errorf("after that Ada is %s", got.Cliq.Status)
	}
}

func refuseTokens(t *testing.T, s *server) {
	t.Helper()
	signed := func(method jwt.SigningMethod, key any, expires time.Time) string {
		token, err := jwt.NewWithClaims(method, jwt.MapClaims{"sub": "u_ada", "wid": "acme", "exp": expires.Unix()}).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	hour := time.Now().Add(time.Hour)
	tokens := map[string]string{
		"None": "", "Garbage": "garbage", "WrongKey": signed(jwt.SigningMethodHS256, []byte(strings.Repeat("k", 32)), hour),
		"Unsigned": signed(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, hour),
		"Expired":  succeed(t, environment("HEFFL_DATA_DIR="+s.data), "token", "--ttl", "1ms"),
	}
	time.Sleep(31 * time.Second) // clocks may differ by 30 s: only then is the short token expired
	for name, token := range tokens {
		p := &person{server: s, id: name, browser: s.http, token: token}
		request := p.request(t, http.MethodPost, s.url+"/graphql", []byte(`{"query":"{viewer{id}}"}`))
		request.Header.Set("Content-Type", "application/json")
		if token == "" {
			request.Header.Del("Authorization")
		}
		if _, body := p.do(t, request); !strings.Contains(string(body), `"UNAUTHENTICATED"`) || strings.Contains(string(body), `"data":{`) {
			t.Errorf("%s: %s", name, body)
		}
	}
}

// TestCommands calls the program rightly and wrongly.
func TestCommands(t *testing.T) {
	t.Parallel()
	env := environment("HEFFL_DATA_DIR=" + t.TempDir())

	t.Run("AllProblemsAtOnce", func(t *testing.T) {
		t.Parallel()
		got := run(t, append(slices.Clone(env), "HEFFL_LOG_LEVEL=loud", "HEFFL_NONSENSE=1"), "--addr=0.0.0.0:1", "--nope")
		for _, want := range []string{"HEFFL_LOG_LEVEL", "HEFFL_NONSENSE", "--addr", "--nope"} {
			if !strings.Contains(got.stderr, want) {
				t.Errorf("%s is not told in %q", want, got.stderr)
			}
		}
		if got.code != 2 || strings.Contains(got.stderr, "goroutine") {
			t.Errorf("exit code %d, %s", got.code, got.stderr)
		}
	})
	t.Run("Production", func(t *testing.T) {
		t.Parallel()
		got := run(t, append(slices.Clone(env), "HEFFL_ENV=production"))
		if got.code != 2 || strings.Count(got.stderr, "\n") < 10 {
			t.Errorf("exit code %d, %s", got.code, got.stderr)
		}
	})
	t.Run("HelpAndVersion", func(t *testing.T) {
		t.Parallel()
		if got := succeed(t, env, "--help"); !strings.Contains(got, "HEFFL_DATABASE_URL") || !strings.Contains(got, "migrate") {
			t.Errorf("help: %s", got)
		}
		if got := succeed(t, env, "version"); got == "" {
			t.Error("no version")
		}
	})
	t.Run("KeysAndMigrate", func(t *testing.T) {
		t.Parallel()
		own := environment("HEFFL_DATA_DIR=" + t.TempDir())
		keyset := succeed(t, own, "keys", "new")
		added := succeed(t, append(slices.Clone(own), "HEFFL_SECRET_KEYSET="+keyset), "keys", "add")
		promoted := succeed(t, append(slices.Clone(own), "HEFFL_SECRET_KEYSET="+added), "keys", "promote")
		if keyset == added || added == promoted || !strings.Contains(promoted, "primaryKeyId") {
			t.Error("the keyset did not change")
		}
		succeed(t, own, "migrate")
		succeed(t, own, "migrate", "--after-restore")
		if got := succeed(t, append(slices.Clone(own), "HEFFL_SECRET_KEYSET="+promoted), "keys", "rotate"); !strings.Contains(got, "0 rows") {
			t.Errorf("rotate: %s", got)
		}
	})
	t.Run("PortInUse", func(t *testing.T) {
		t.Parallel()
		first := start(t, t.TempDir())
		at, err := url.Parse(first.url)
		if err != nil {
			t.Fatal(err)
		}
		got := run(t, environment("HEFFL_DATA_DIR="+t.TempDir(), "HEFFL_ADDR="+at.Host))
		if got.code != 1 || !strings.Contains(got.stderr, "is another server running there?") {
			t.Errorf("exit code %d: %s", got.code, got.stderr)
		}
		if code, took := first.stop(t); code != 0 || took > 10*time.Second {
			t.Errorf("SIGTERM: exit code %d after %s", code, took)
		}
	})
}
