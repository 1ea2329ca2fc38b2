package sandbox

import (
	"net/http"
	"strings"
	"testing"
)

func TestAPI(t *testing.T) {
	t.Parallel()
	list := func(t *testing.T, got answer, name string) []any {
		t.Helper()
		items, ok := got.json(t)[name].([]any)
		if got.status != http.StatusOK || !ok {
			t.Fatalf("got %d %s, want a list of %s", got.status, got.body, name)
		}
		return items
	}

	t.Run("Faults", func(t *testing.T) {
		t.Parallel()
		b := setup(t, func(c *Config) { c.Mail = setupMail(t) })
		if got := list(t, b.get(t, "/api/faults"), "table"); len(got) != len(Faults()) {
			t.Errorf("the table has %d rows", len(got))
		}
		for _, body := range []map[string]any{
			{"fault": "down", "region": "in", "value": "500", "times": 2}, {"fault": "down"}, {"fault": "mail_hang", "account": "a@b.example"},
		} {
			if got := b.api(t, http.MethodPost, "/faults", body); got.status != http.StatusOK {
				t.Fatalf("%v: %d %s", body, got.status, got.body)
			}
		}
		if got := list(t, b.api(t, http.MethodDelete, "/faults?fault=down&region=in", nil), "active"); len(got) != 2 {
			t.Errorf("one setting cleared: %v", got)
		}
		if got := list(t, b.api(t, http.MethodDelete, "/faults?fault=down", nil), "active"); len(got) != 1 {
			t.Errorf("one fault cleared: %v", got)
		}
		if got := list(t, b.api(t, http.MethodDelete, "/faults", nil), "active"); len(got) != 0 {
			t.Errorf("all cleared: %v", got)
		}
		for _, body := range []any{map[string]any{"fault": "x"}, map[string]any{"fault": "down", "unknown": 1}, "x"} {
			if got := b.api(t, http.MethodPost, "/faults", body); got.status != http.StatusBadRequest || got.json(t)["error"] == "" {
				t.Errorf("%v: got %d", body, got.status)
			}
		}
	})
	t.Run("ConnectSendList", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		got := b.api(t, http.MethodPost, "/accounts/connect", map[string]any{"region": "eu", "account": map[string]string{"email": "x@y.example"}})
		token, _ := got.json(t)["accessToken"].(string)
		if sent := b.send(t, RegionEU, token, "heffl", `{"text":"one"}`); sent.status != http.StatusNoContent {
			t.Fatalf("got %d", sent.status)
		}
		b.send(t, RegionEU, token, "heffl", `{"text":"two"}`)
		for path, want := range map[string]int{
			"/api/messages": 2, "/api/messages?after=1": 1, "/api/messages?region=in": 0, "/api/messages?account=X@y.example": 2,
		} {
			if got := list(t, b.get(t, path), "messages"); len(got) != want {
				t.Errorf("%s: got %d, want %d", path, len(got), want)
			}
		}
		if got := list(t, b.get(t, "/api/requests"), "requests"); len(got) != 2 {
			t.Errorf("got %d requests", len(got))
		}
		if got := list(t, b.get(t, "/api/accounts"), "accounts"); len(got) != 1 {
			t.Errorf("got %d accounts", len(got))
		}
		if got := b.api(t, http.MethodPost, "/accounts/expire", map[string]string{"region": "eu"}); got.json(t)["changed"] != 1.0 {
			t.Errorf("expire: %s", got.body)
		}
		if got := b.api(t, http.MethodPost, "/accounts/revoke", nil); got.json(t)["changed"] != 1.0 {
			t.Errorf("revoke: %s", got.body)
		}
		if got := b.api(t, http.MethodDelete, "/messages", nil); got.status != http.StatusNoContent || len(b.Messages()) != 0 {
			t.Errorf("clear: %d", got.status)
		}
		if got := b.api(t, http.MethodPost, "/accounts/connect", map[string]any{"region": "eu"}); got.status != http.StatusBadRequest {
			t.Errorf("without address: %d", got.status)
		}
	})
	t.Run("Consent", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		consent := b.base + "/us/accounts/oauth/v2/auth?" + authorizeQuery().Encode()
		got := b.api(t, http.MethodPost, "/consent", map[string]any{"url": consent, "region": "in", "account": map[string]string{"email": "x@y.example"}})
		if location, _ := got.json(t)["location"].(string); !strings.Contains(location, "location=in") {
			t.Errorf("got %s", got.body)
		}
		if got := b.api(t, http.MethodPost, "/consent", map[string]any{"url": "https://elsewhere.example"}); got.status != http.StatusBadRequest {
			t.Errorf("got %d", got.status)
		}
	})
	t.Run("RedirectURI", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		const uri = "http://localhost:9999/oauth/cliq/callback"
		if got := b.api(t, http.MethodPost, "/redirect-uris", map[string]string{"uri": uri}); got.status != http.StatusNoContent {
			t.Fatalf("got %d", got.status)
		}
		if got := b.get(t, "/us/accounts/oauth/v2/auth?"+authorizeQuery("redirect_uri", uri).Encode()); got.status != http.StatusOK {
			t.Errorf("got %d", got.status)
		}
		if got := b.api(t, http.MethodPost, "/redirect-uris", map[string]string{"uri": "javascript:x"}); got.status != http.StatusBadRequest {
			t.Errorf("got %d", got.status)
		}
	})
	t.Run("Mail", func(t *testing.T) {
		t.Parallel()
		m := setupMail(t)
		b := setup(t, func(c *Config) { c.Mail = m })
		if err := sendMail(t, m, "asha@heffl.example"); err != nil {
			t.Fatal(err)
		}
		if got := list(t, b.get(t, "/api/mail?to=asha@heffl.example"), "messages"); len(got) != 1 {
			t.Errorf("got %d mails", len(got))
		}
		if got := b.get(t, "/api/mail/1").json(t); got["subject"] != "Deal “Acme” won" {
			t.Errorf("got %v", got)
		}
		if got := b.api(t, http.MethodDelete, "/mail", nil); got.status != http.StatusNoContent || len(m.Messages()) != 0 {
			t.Errorf("got %d", got.status)
		}
	})
	t.Run("Fire", func(t *testing.T) {
		t.Parallel()
		var fired []FireRequest
		b := setup(t, withDemo(&fired))
		if got := b.get(t, "/api/catalog"); len(list(t, got, "events")) != 2 || len(list(t, got, "users")) != 2 {
			t.Errorf("got %s", got.body)
		}
		got := b.api(t, http.MethodPost, "/fire", FireRequest{Type: "task.due", WorkspaceID: "w1", Recipients: []string{"u1"}})
		if got.json(t)["eventId"] != "ev_1" || len(fired) != 1 {
			t.Errorf("got %s", got.body)
		}
		if got := setup(t).api(t, http.MethodPost, "/fire", FireRequest{}); got.status != http.StatusBadRequest {
			t.Errorf("without a hook: %d", got.status)
		}
	})
	t.Run("StateVersionReset", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		before := b.get(t, "/api/version").json(t)["version"]
		if again := b.get(t, "/api/version").json(t)["version"]; again != before {
			t.Error("looking changes the version")
		}
		b.connect(t, RegionIN)
		if after := b.get(t, "/api/version").json(t)["version"]; after == before {
			t.Error("the version did not change")
		}
		if got := b.get(t, "/api/state").json(t); got["baseUrl"] != b.base {
			t.Errorf("got %v", got)
		}
		for _, path := range []string{"/api/violations", "/api/revocations"} {
			if got := b.get(t, path); got.status != http.StatusOK || strings.Contains(got.body, "null") {
				t.Errorf("%s: %d %s", path, got.status, got.body)
			}
		}
		if got := b.api(t, http.MethodPost, "/reset", nil); got.status != http.StatusNoContent || len(b.Accounts()) != 1 {
			t.Errorf("got %d", got.status)
		}
		if got := b.api(t, http.MethodPost, "/reset", map[string]bool{"accounts": true}); got.status != http.StatusNoContent || len(b.Accounts()) != 0 {
			t.Errorf("got %d", got.status)
		}
		if got := b.get(t, "/api/nothing"); got.status != http.StatusNotFound || got.json(t)["error"] == "" {
			t.Errorf("got %d", got.status)
		}
	})
}

func TestBaseURLIsConfigurable(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *Config) {
		c.Prefix = "/zoho/"
		c.BaseURL = func() string { return "https://dev.example/zoho" }
	})
	if !strings.HasSuffix(b.base, "/zoho") {
		t.Fatalf("got base %s", b.base)
	}
	b.fault(t, FaultAutoApprove, Setting{})
	got := b.get(t, "/jp/accounts/oauth/v2/auth?"+authorizeQuery().Encode())
	if server := queryOf(t, got.header.Get("Location")).Get("accounts-server"); server != "https://dev.example/zoho/jp/accounts" {
		t.Errorf("got %q", server)
	}
}
