package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestMessageDelivered(t *testing.T) {
	t.Parallel()
	t.Run("NoContent", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		tokens := b.connect(t, RegionIN)
		body := `{"text":"Hello","buttons":[{"label":"View","type":"+","action":{"type":"open.url","data":{"web":"https://example.com/x"}}}]}`
		got := b.send(t, RegionIN, tokens.AccessToken, "heffl_notifications", body)
		if got.status != http.StatusNoContent || got.body != "" {
			t.Fatalf("got %d %q", got.status, got.body)
		}
		want := []Message{{
			ID: 1, At: b.clock.Now(), Account: tokens.Account, Organisation: "Heffl Sandbox", Bot: "heffl_notifications", Text: "Hello",
			Buttons: []Button{{Label: "View", Type: "+", URL: "https://example.com/x"}}, Recipients: []string{tokens.Account.ZUID},
			Body: json.RawMessage(body),
		}}
		messages, err := b.WaitMessages(soon(t), 1)
		if diff := cmp.Diff(want, messages); diff != "" || err != nil {
			t.Error(err, diff)
		}
	})
	t.Run("DetailsOnRequest", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		tokens := b.connect(t, RegionIN)
		got := b.send(t, RegionIN, tokens.AccessToken, "heffl", `{"text":"Hello","sync_message":true}`)
		zuid := tokens.Account.ZUID
		var decoded struct {
			UserIDs []string `json:"user_ids"`
			Details map[string]struct {
				ChatID    string `json:"chat_id"`
				MessageID string `json:"message_id"`
			} `json:"message_details"`
		}
		if err := json.Unmarshal([]byte(got.body), &decoded); err != nil || got.status != http.StatusOK {
			t.Fatalf("got %d %q, %v", got.status, got.body, err)
		}
		if diff := cmp.Diff([]string{zuid}, decoded.UserIDs); diff != "" {
			t.Error(diff)
		}
		if d := decoded.Details[zuid]; !strings.HasPrefix(d.ChatID, "CT_") || !strings.Contains(d.MessageID, "%20") {
			t.Errorf("got details %+v", decoded.Details)
		}
	})
	t.Run("BearerScheme", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		r := b.messageRequest(t, RegionIN, "", "heffl", `{"text":"x"}`)
		r.Header.Set("Authorization", "Bearer "+b.connect(t, RegionIN).AccessToken)
		if got := b.do(t, r); got.status != http.StatusNoContent {
			t.Errorf("got %d", got.status)
		}
	})
	for _, space := range []string{"company/60012345", "network/partners"} {
		t.Run(strings.ReplaceAll(space, "/", "_"), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			r := b.request(t, http.MethodPost, "/in/cliq/"+space+"/api/v2/bots/heffl/message", "application/json; charset=utf-8", `{"text":"x"}`)
			r.Header.Set("Authorization", "Zoho-oauthtoken "+b.connect(t, RegionIN).AccessToken)
			if got := b.do(t, r); got.status != http.StatusNoContent {
				t.Errorf("got %d", got.status)
			}
		})
	}
	t.Run("OnlyTheUsersNamed", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		tokens := b.connect(t, RegionIN)
		other, err := b.Connect(RegionIN, Identity{Email: "jonas@heffl.example"}, testClient)
		if err != nil {
			t.Fatal(err)
		}
		body := `{"text":"x","userids":"` + other.Account.ZUID + `,1"}`
		if got := b.send(t, RegionIN, tokens.AccessToken, "heffl", body); got.status != http.StatusNoContent {
			t.Fatalf("got %d", got.status)
		}
		if diff := cmp.Diff([]string{other.Account.ZUID}, b.Messages()[0].Recipients); diff != "" {
			t.Error(diff)
		}
		got := b.send(t, RegionIN, tokens.AccessToken, "heffl", `{"text":"x","userids":"1"}`)
		if got.status != http.StatusBadRequest || got.json(t)["code"] != "botmessage_no_valid_users" {
			t.Errorf("got %d %s", got.status, got.body)
		}
	})
	t.Run("BroadcastIsNoted", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.send(t, RegionIN, b.connect(t, RegionIN).AccessToken, "heffl", `{"text":"x","broadcast":true}`)
		if v := b.Violations(); len(v) != 1 || v[0].Kind != ViolationBroadcast || v[0].Account != "asha@heffl.example" {
			t.Errorf("got %+v", v)
		}
	})
}

func TestMessageRefused(t *testing.T) {
	t.Parallel()
	const okay = `{"text":"x"}`
	for name, tc := range map[string]struct {
		prepare func(t *testing.T, b *testBundle, tokens Tokens, r *http.Request)
		status  int
		code    string
	}{
		"ErrTokenUnknown": {func(_ *testing.T, _ *testBundle, _ Tokens, r *http.Request) {
			r.Header.Set("Authorization", "Zoho-oauthtoken 1000.x.y")
		}, 401, "oauthtoken_invalid"},
		"ErrTokenExpired": {func(_ *testing.T, b *testBundle, _ Tokens, _ *http.Request) { b.clock.advance(time.Hour) }, 401, "oauthtoken_invalid"},
		"ErrTokenOfOtherRegion": {func(t *testing.T, b *testBundle, _ Tokens, r *http.Request) {
			t.Helper()
			r.Header.Set("Authorization", "Zoho-oauthtoken "+b.connect(t, RegionEU).AccessToken)
		}, 401, "oauthtoken_invalid"},
		"ErrRefreshTokenUsed": {func(_ *testing.T, _ *testBundle, tokens Tokens, r *http.Request) {
			r.Header.Set("Authorization", "Zoho-oauthtoken "+tokens.RefreshToken)
		}, 401, "oauthtoken_invalid"},
		"ErrScope": {func(t *testing.T, b *testBundle, _ Tokens, r *http.Request) {
			t.Helper()
			weak, _ := b.Connect(RegionIN, Identity{Email: "x@y.example"}, testClient, "ZohoCliq.Bots.READ")
			r.Header.Set("Authorization", "Zoho-oauthtoken "+weak.AccessToken)
		}, 401, "oauthtoken_scope_invalid"},
		"ErrScope403": {func(t *testing.T, b *testBundle, _ Tokens, _ *http.Request) {
			t.Helper()
			b.fault(t, FaultScopeInvalid, Setting{Value: "403"})
		}, 403, "oauthtoken_scope_invalid"},
		"ErrBotUnknown": {func(_ *testing.T, _ *testBundle, _ Tokens, r *http.Request) {
			r.URL.Path = strings.Replace(r.URL.Path, "/heffl/", "/nobody/", 1)
		}, 404, "bot_not_available"},
		"ErrBotMalformed": {func(_ *testing.T, _ *testBundle, _ Tokens, r *http.Request) {
			r.URL.Path = strings.Replace(r.URL.Path, "/heffl/", "/he ffl/", 1)
		}, 404, "request_url_invalid"},
		"ErrBotMalformed400": {func(t *testing.T, b *testBundle, _ Tokens, r *http.Request) {
			t.Helper()
			b.fault(t, FaultBotNameStatus, Setting{})
			r.URL.Path = strings.Replace(r.URL.Path, "/heffl/", "/he!ffl/", 1)
		}, 400, "request_url_invalid"},
		"ErrPath": {func(_ *testing.T, _ *testBundle, _ Tokens, r *http.Request) {
			r.URL.Path = strings.Replace(r.URL.Path, "/v2/", "/v9/", 1)
		}, 404, "request_url_invalid"},
		"ErrMethod": {func(_ *testing.T, _ *testBundle, _ Tokens, r *http.Request) { r.Method = http.MethodPut }, 400, "request_method_invalid"},
		"ErrQuery":  {func(_ *testing.T, _ *testBundle, _ Tokens, r *http.Request) { r.URL.RawQuery = "appkey=1" }, 400, "extra_param_found"},
		"ErrContentType": {func(_ *testing.T, _ *testBundle, _ Tokens, r *http.Request) {
			r.Header.Set("Content-Type", "text/plain")
		}, 400, "param_missing"},
		"ErrNotSubscribed": {func(t *testing.T, b *testBundle, _ Tokens, _ *http.Request) {
			t.Helper()
			b.fault(t, FaultNotSubscribed, Setting{})
		}, 400, "botmessage_no_valid_users"},
		"ErrBotFault": {func(t *testing.T, b *testBundle, _ Tokens, _ *http.Request) {
			t.Helper()
			b.fault(t, FaultBotUnknown, Setting{Account: "asha@heffl.example"})
		}, 404, "bot_not_available"},
		"ErrRevokedFault": {func(t *testing.T, b *testBundle, _ Tokens, _ *http.Request) {
			t.Helper()
			b.fault(t, FaultTokenRevoked, Setting{Region: RegionIN})
		}, 401, "oauthtoken_invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			tokens := b.connect(t, RegionIN)
			r := b.messageRequest(t, RegionIN, tokens.AccessToken, "heffl", okay)
			tc.prepare(t, b, tokens, r)
			got := b.do(t, r)
			if got.status != tc.status || got.json(t)["code"] != tc.code || got.json(t)["message"] == "" {
				t.Errorf("got %d %s, want %d %s", got.status, got.body, tc.status, tc.code)
			}
			if len(b.Messages()) != 0 {
				t.Error("a message was delivered all the same")
			}
		})
	}
	t.Run("ErrNoAuthorization", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		got := b.send(t, RegionIN, "", "heffl", okay)
		if got.status != http.StatusUnauthorized || got.body != "\n\n" || !strings.HasPrefix(got.header.Get("Content-Type"), "text/html") {
			t.Errorf("got %d %q %s", got.status, got.body, got.header.Get("Content-Type"))
		}
	})
	t.Run("ErrBotOfOtherOrganisation", func(t *testing.T) {
		t.Parallel()
		b := setup(t, func(c *Config) {
			c.Organisations = []Organisation{{Name: "A", Domain: "heffl.example", Bots: []string{"alpha"}}, {Name: "B", Bots: []string{"beta"}}}
		})
		token := b.connect(t, RegionIN).AccessToken
		if got := b.send(t, RegionIN, token, "beta", okay); got.status != http.StatusNotFound {
			t.Errorf("got %d, want 404", got.status)
		}
		if got := b.send(t, RegionIN, token, "alpha", okay); got.status != http.StatusNoContent {
			t.Errorf("got %d, want 204", got.status)
		}
	})
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	// Two tokens of one person share the limit, whatever comes of the requests.
	one, two := b.connect(t, RegionIN), b.connect(t, RegionIN)
	for i := range 50 {
		bot := []string{"heffl", "nobody"}[i%2]
		if got := b.send(t, RegionIN, []Tokens{one, two}[i%2].AccessToken, bot, `{"text":"x"}`); got.status == http.StatusTooManyRequests {
			t.Fatalf("request %d is throttled", i+1)
		}
	}
	b.clock.advance(59 * time.Second)
	got := b.send(t, RegionIN, two.AccessToken, "heffl", `{"text":"x"}`)
	if got.status != http.StatusTooManyRequests || got.json(t)["code"] != nil || got.header.Get("Retry-After") != "" {
		t.Errorf("got %d %s", got.status, got.body)
	}
	if v := b.Violations(); len(v) != 1 || v[0].Kind != ViolationLockedOut {
		t.Errorf("got %+v", v)
	}
	if accounts := b.Accounts(); accounts[0].LockedUntil == nil {
		t.Error("the account is not shown as locked")
	}
	b.clock.advance(10*time.Minute - time.Second)
	b.fault(t, FaultRetryAfter, Setting{Value: "120"})
	if got := b.send(t, RegionIN, one.AccessToken, "heffl", `{"text":"x"}`); got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") != "120" {
		t.Errorf("a second before the end: %d, Retry-After %q", got.status, got.header.Get("Retry-After"))
	}
	b.clock.advance(time.Second)
	if got := b.send(t, RegionIN, one.AccessToken, "heffl", `{"text":"x"}`); got.status != http.StatusNoContent {
		t.Errorf("after the lock: %d", got.status)
	}
}

func TestRateLimitSlides(t *testing.T) {
	t.Parallel()
	c := &clock{now: time.Unix(0, 0)}
	chats := newChat(c.Now, 10, &signal{})
	for i := range 500 {
		if within, _ := chats.take("z"); !within {
			t.Fatalf("request %d at 40 a minute is throttled", i)
		}
		c.advance(1500 * time.Millisecond)
	}
}

func TestCliqFaults(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault  Fault
		value  string
		body   string
		status int
		want   string
	}{
		"Throttled429":      {FaultCliqThrottled, "429", `{"text":"x"}`, 429, `{"message":"Too many requests within a certain time frame."}`},
		"Throttled400":      {FaultCliqThrottled, "400", `{"text":"x"}`, 400, `{"code":"request_limit_exceeded","message":"You have exceeded the URL throttle limits."}`},
		"SuccessUserIDs":    {FaultSuccessShape, "user_ids", `{"text":"x"}`, 200, `{"user_ids":["%s"]}`},
		"SuccessEmpty":      {FaultSuccessShape, "empty", `{"text":"x"}`, 200, ``},
		"SuccessHTML":       {FaultSuccessShape, "html", `{"text":"x"}`, 200, `<!doctype html><html><body>OK</body></html>`},
		"OthersUnmentioned": {FaultDeliveredToOthers, "3", `{"text":"x"}`, 204, ``},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			tokens := b.connect(t, RegionIN)
			b.fault(t, tc.fault, Setting{Value: tc.value})
			got := b.send(t, RegionIN, tokens.AccessToken, "heffl", tc.body)
			if want := strings.ReplaceAll(tc.want, "%s", tokens.Account.ZUID); got.status != tc.status || strings.TrimSpace(got.body) != want {
				t.Errorf("got %d %s", got.status, got.body)
			}
		})
	}
	t.Run("OthersInDetails", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.fault(t, FaultDeliveredToOthers, Setting{Value: "4"})
		got := b.send(t, RegionIN, b.connect(t, RegionIN).AccessToken, "heffl", `{"text":"x","sync_message":true}`).json(t)
		ids, _ := got["user_ids"].([]any)
		details, _ := got["message_details"].(map[string]any)
		if len(ids) != 4 || len(details) != 4 || len(b.Messages()[0].Recipients) != 4 {
			t.Errorf("got %v", got)
		}
	})
}

func TestMessagesAreBounded(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *Config) { c.MaxMessages = 5 })
	for i := range 12 {
		who, err := b.Connect(RegionIN, Identity{Email: fmt.Sprintf("p%d@heffl.example", i)}, testClient)
		if err != nil {
			t.Fatal(err)
		}
		b.send(t, RegionIN, who.AccessToken, "heffl", `{"text":"x"}`)
	}
	messages := b.Messages()
	if len(messages) > 5 || messages[len(messages)-1].ID != 12 {
		t.Errorf("kept %d, the last is %d", len(messages), messages[len(messages)-1].ID)
	}
	if got := b.MessagesOf("P11@heffl.example"); len(got) != 1 {
		t.Errorf("got %d messages of one person", len(got))
	}
}
