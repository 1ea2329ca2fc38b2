package sandbox

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// withDemo hands over a catalog, people and a hook that records what is fired.
func withDemo(fired *[]FireRequest) func(*Config) {
	return func(c *Config) {
		c.Catalog = []EventForm{
			{Type: "deal.won", Label: "Deal won", Category: "Deals", Fields: []FormField{{Name: "dealTitle", Kind: "text", Required: true, Example: "<Acme> & co"}}},
			{Type: "task.due", Label: "Task due", Category: "Tasks", Fields: []FormField{{Name: "dueOn", Kind: "date", Example: "2026-03-01"}}},
		}
		c.Users = func(context.Context) []DemoUser {
			return []DemoUser{
				{ID: "u1", Name: "Asha", Email: "asha@heffl.example", WorkspaceID: "w1", WorkspaceName: "Acme"},
				{ID: "u2", Name: "Jonas", Email: "jonas@heffl.example", WorkspaceID: "w1", WorkspaceName: "Acme"},
			}
		}
		c.Fire = func(_ context.Context, request FireRequest) (FireResult, error) {
			if request.Fields["dealTitle"] == "boom" {
				return FireResult{}, errors.New("password=hunter2")
			}
			*fired = append(*fired, request)
			return FireResult{EventID: "ev_1", Outcomes: []FireOutcome{{"Asha", "Cliq", "delivers"}}}, nil
		}
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	m := setupMail(t)
	if err := sendMail(t, m, "asha@heffl.example"); err != nil {
		t.Fatal(err)
	}
	var fired []FireRequest
	b := setup(t, withDemo(&fired), func(c *Config) { c.Mail = m })
	token := b.connect(t, RegionIN).AccessToken
	b.send(t, RegionIN, token, "heffl", `{"text":"<script>alert(1)</script> *won* https://heffl.example/d","buttons":[`+oneButton+`]}`)
	b.fault(t, FaultCliqThrottled, Setting{Region: RegionIN, Times: 3})
	b.fault(t, FaultMailHang, Setting{})

	for path, want := range map[string]string{
		"/":                   "Cliq throttled",
		"/?event=task.due":    `type="date" name="field.dueOn"`,
		"/cliq":               `<b>won</b> <a href="https://heffl.example/d"`,
		"/cliq?account=other": "&lt;script&gt;alert(1)&lt;/script&gt;",
		"/mail":               "Deal “Acme” won",
		"/mail/1":             "https://heffl.example/unsubscribe/abc",
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			got := b.get(t, path)
			if got.status != http.StatusOK || !strings.Contains(got.body, want) {
				t.Errorf("got %d, page lacks %q: %s", got.status, want, got.body)
			}
			policy := got.header.Get("Content-Security-Policy")
			if !strings.HasPrefix(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
				t.Errorf("got policy %q", policy)
			}
			if strings.Contains(got.body, "<script>") || strings.Contains(got.body, "style=") || strings.Contains(got.body, "ZgotmplZ") {
				t.Error("the page has inline script or style")
			}
		})
	}
	t.Run("ScriptKnowsTheVersion", func(t *testing.T) {
		t.Parallel()
		got := b.get(t, "/cliq")
		if want := `data-endpoint="/sandbox/api/version" data-version="` + strconv.FormatUint(b.version(), 10) + `"`; !strings.Contains(got.body, want) {
			t.Errorf("page lacks %s", want)
		}
	})
	t.Run("MailHTMLIsCaged", func(t *testing.T) {
		t.Parallel()
		got := b.get(t, "/mail/1/html")
		if policy := got.header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "sandbox ") || strings.Contains(policy, "allow-scripts") ||
			strings.Contains(policy, "allow-same-origin") || !strings.Contains(got.body, "<p><a") {
			t.Errorf("got policy %q, body %s", policy, got.body)
		}
		if got := b.get(t, "/mail/1/raw"); got.header.Get("Content-Type") != "text/plain; charset=utf-8" || got.body != testMail {
			t.Errorf("raw: %s %q", got.header.Get("Content-Type"), got.body)
		}
	})
	t.Run("Assets", func(t *testing.T) {
		t.Parallel()
		for name, kind := range map[string]string{"sandbox.css": "text/css; charset=utf-8", "live.js": "text/javascript; charset=utf-8"} {
			if got := b.get(t, "/assets/"+name); got.status != http.StatusOK || got.header.Get("Content-Type") != kind {
				t.Errorf("%s: %d %s", name, got.status, got.header.Get("Content-Type"))
			}
		}
		for _, path := range []string{"/assets/layout.html", "/assets/..%2Fdoc.go", "/nothing", "/mail/99", "/mail/x"} {
			if got := b.get(t, path); got.status != http.StatusNotFound {
				t.Errorf("%s: got %d, want 404", path, got.status)
			}
		}
	})
}

func TestPageForms(t *testing.T) {
	t.Parallel()
	t.Run("FaultOnAndOff", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		form := url.Values{"fault": {"slow"}, "value": {"20"}, "region": {"in"}, "service": {"cliq"}, "times": {"2"}, "action": {"on"}}
		if got := b.postForm(t, "/faults", form); got.status != http.StatusSeeOther {
			t.Fatalf("got %d", got.status)
		}
		want := []ActiveFault{{FaultSlow, Setting{Region: RegionIN, Service: ServiceCliq, Value: "20", Times: 2}}}
		if diff := cmp.Diff(want, b.ActiveFaults()); diff != "" {
			t.Error(diff)
		}
		form.Set("action", "off")
		b.postForm(t, "/faults", form)
		if len(b.ActiveFaults()) != 0 {
			t.Errorf("got %+v", b.ActiveFaults())
		}
	})
	t.Run("ErrFaultValue", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		for _, form := range []url.Values{{"fault": {"slow"}, "value": {"x"}}, {"fault": {"slow"}, "times": {"x"}}} {
			if got := b.postForm(t, "/faults", form); got.status != http.StatusBadRequest || !strings.Contains(got.body, "did not work") {
				t.Errorf("got %d", got.status)
			}
		}
	})
	t.Run("ErrForeignPage", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		r := b.request(t, http.MethodPost, "/faults", "application/x-www-form-urlencoded", "fault=down&action=on")
		r.Header.Set("Origin", "https://evil.example")
		if got := b.do(t, r); got.status != http.StatusForbidden || len(b.ActiveFaults()) != 0 {
			t.Errorf("got %d, %+v", got.status, b.ActiveFaults())
		}
	})
	t.Run("AccountsAndResets", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		tokens := b.connect(t, RegionIN)
		b.send(t, RegionIN, tokens.AccessToken, "heffl", `{"text":"x"}`)
		b.postForm(t, "/accounts", url.Values{"action": {"expire"}, "account": {tokens.Account.Email}})
		if got := b.Accounts()[0]; got.AccessTokens != 0 || got.RefreshTokens != 1 {
			t.Errorf("after expire: %+v", got)
		}
		b.postForm(t, "/accounts", url.Values{"action": {"revoke"}, "region": {"in"}})
		if got := b.Accounts()[0]; got.RefreshTokens != 0 {
			t.Errorf("after revoke: %+v", got)
		}
		b.postForm(t, "/reset", url.Values{"what": {"messages"}})
		if len(b.Messages()) != 0 || b.Count("", EndpointMessage) != 1 {
			t.Error("messages: cleared too little or too much")
		}
		b.postForm(t, "/reset", url.Values{"what": {"traffic"}})
		if b.Count("", EndpointMessage) != 0 || len(b.Accounts()) != 1 {
			t.Error("traffic: cleared too little or too much")
		}
		b.postForm(t, "/reset", url.Values{"what": {"all"}})
		if len(b.Accounts()) != 0 {
			t.Error("all: accounts are left")
		}
		for _, path := range []string{"/reset", "/accounts"} {
			if got := b.postForm(t, path, url.Values{}); got.status != http.StatusBadRequest {
				t.Errorf("%s without action: %d", path, got.status)
			}
		}
	})
}

func TestFire(t *testing.T) {
	t.Parallel()
	t.Run("Form", func(t *testing.T) {
		t.Parallel()
		var fired []FireRequest
		b := setup(t, withDemo(&fired))
		got := b.postForm(t, "/fire", url.Values{
			"event": {"deal.won"}, "recipient": {"u1"}, "actor": {"u2"}, "field.dealTitle": {"Acme"}, "field.clientName": {""},
		})
		if got.status != http.StatusSeeOther {
			t.Fatalf("got %d %s", got.status, got.body)
		}
		want := []FireRequest{{Type: "deal.won", WorkspaceID: "w1", ActorID: "u2", Recipients: []string{"u1"}, Fields: map[string]string{"dealTitle": "Acme"}}}
		if diff := cmp.Diff(want, fired); diff != "" {
			t.Error(diff)
		}
		if page := b.get(t, "/?event=deal.won"); !strings.Contains(page.body, "ev_1") || !strings.Contains(page.body, "delivers") ||
			!strings.Contains(page.body, "&lt;Acme&gt; &amp; co") {
			t.Error("the page does not tell what came of it")
		}
	})
	t.Run("ErrHook", func(t *testing.T) {
		t.Parallel()
		var fired []FireRequest
		b := setup(t, withDemo(&fired))
		got := b.postForm(t, "/fire", url.Values{"event": {"deal.won"}, "recipient": {"u1"}, "field.dealTitle": {"boom"}})
		if got.status != http.StatusBadRequest || strings.Contains(got.body, "hunter2") {
			t.Errorf("got %d %s", got.status, got.body)
		}
	})
	t.Run("ErrNobody", func(t *testing.T) {
		t.Parallel()
		var fired []FireRequest
		b := setup(t, withDemo(&fired))
		if got := b.postForm(t, "/fire", url.Values{"event": {"deal.won"}}); got.status != http.StatusBadRequest || len(fired) != 0 {
			t.Errorf("got %d", got.status)
		}
	})
	t.Run("ErrUnknownEvent", func(t *testing.T) {
		t.Parallel()
		var fired []FireRequest
		b := setup(t, withDemo(&fired))
		if got := b.postForm(t, "/fire", url.Values{"event": {"x"}, "recipient": {"u1"}}); got.status != http.StatusBadRequest || len(fired) != 0 {
			t.Errorf("got %d", got.status)
		}
	})
	t.Run("HiddenWithoutHook", func(t *testing.T) {
		t.Parallel()
		if page := setup(t).get(t, "/"); strings.Contains(page.body, "Fire an event") {
			t.Error("the form is shown")
		}
	})
}

func TestRichText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]span{
		"plain":                       {{Text: "plain"}},
		"":                            nil,
		"*b* _i_ ~s~ __u__ `c`":       {{Text: "b", Mark: "b"}, {Text: " "}, {Text: "i", Mark: "i"}, {Text: " "}, {Text: "s", Mark: "s"}, {Text: " "}, {Text: "u", Mark: "u"}, {Text: " "}, {Text: "c", Mark: "code"}},
		"[Open](https://x.example/a)": {{Text: "Open", URL: "https://x.example/a"}},
		"at https://x.example/a.":     {{Text: "at "}, {Text: "https://x.example/a", URL: "https://x.example/a"}, {Text: "."}},
		"[x](javascript:alert(1))":    {{Text: "[x](javascript:alert(1))"}},
		"a\u200b*b":                   {{Text: "a\u200b*b"}},
	} {
		if diff := cmp.Diff(want, richText(text), cmp.AllowUnexported(span{})); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}
