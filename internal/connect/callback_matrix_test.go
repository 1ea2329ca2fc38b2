package connect_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/heffl/bff/internal/sandbox"
	"github.com/heffl/bff/model"
)

// mutation is a callback that Zoho did not send like this.
type mutation struct {
	// raw makes the query out of the true one's values; base is the stand-in's.
	raw func(q url.Values, base string) string
	// page is the status of our own page, code the outcome that the app is told; one of them.
	page int
	code string
	// spent: the attempt is over with it. Otherwise the true callback still works.
	spent bool
}

func set(name, value string) func(url.Values, string) string {
	return func(q url.Values, _ string) string {
		q.Set(name, value)
		return q.Encode()
	}
}

func without(name string) func(url.Values, string) string {
	return func(q url.Values, _ string) string {
		q.Del(name)
		return q.Encode()
	}
}

func twice(name, value string) func(url.Values, string) string {
	return func(q url.Values, _ string) string {
		q.Add(name, value)
		return q.Encode()
	}
}

func mapped(name string, change func(string) string) func(url.Values, string) string {
	return func(q url.Values, _ string) string {
		q.Set(name, change(q.Get(name)))
		return q.Encode()
	}
}

func appended(text string) func(url.Values, string) string {
	return func(q url.Values, _ string) string { return q.Encode() + text }
}

// malformed belongs to no attempt, foreign comes from no data centre.
func malformed(raw func(url.Values, string) string) mutation {
	return mutation{raw: raw, page: http.StatusBadRequest}
}

func foreign(server string) mutation {
	return mutation{raw: set("accounts-server", server), code: "UNKNOWN_REGION", spent: true}
}

// swapCase makes another state of the same letters.
func swapCase(s string) string {
	if up := strings.ToUpper(s); up != s {
		return up
	}
	return strings.ToLower(s)
}

var mutations = map[string]mutation{
	"no query":                   malformed(func(url.Values, string) string { return "" }),
	"no state":                   malformed(without("state")),
	"empty state":                malformed(set("state", "")),
	"another state":              malformed(set("state", strings.Repeat("A", 43))),
	"state with one letter else": malformed(mapped("state", func(s string) string { return s[:42] + map[bool]string{true: "B", false: "A"}[s[42] == 'A'] })),
	"state cut short":            malformed(mapped("state", func(s string) string { return s[:42] })),
	"state made longer":          malformed(mapped("state", func(s string) string { return s + "A" })),
	"state in the other case":    malformed(mapped("state", swapCase)),
	"state with a space behind":  malformed(mapped("state", func(s string) string { return s + " " })),
	"state with NUL":             malformed(mapped("state", func(s string) string { return s + "\x00" })),
	"state with a line break":    malformed(mapped("state", func(s string) string { return s + "\r\nSet-Cookie: a=b" })),
	"state of 1 MB":              malformed(set("state", strings.Repeat("A", 1<<20))),
	"state twice, the same": malformed(func(q url.Values, _ string) string {
		q.Add("state", q.Get("state"))
		return q.Encode()
	}),
	"state twice, another":        malformed(twice("state", "b")),
	"state called otherwise":      malformed(func(q url.Values, _ string) string { return strings.Replace(q.Encode(), "state=", "State=", 1) }),
	"state as a list":             malformed(func(q url.Values, _ string) string { return strings.Replace(q.Encode(), "state=", "state[]=", 1) }),
	"no code":                     malformed(without("code")),
	"empty code":                  malformed(set("code", "")),
	"code of 100 KB":              malformed(set("code", strings.Repeat("1", 100<<10))),
	"code of 3 KB":                malformed(set("code", strings.Repeat("1", 3<<10))),
	"code with a line break":      malformed(set("code", "1000.a\r\nHost: evil.test")),
	"code twice":                  malformed(twice("code", "1000.evil")),
	"code in another script":      malformed(set("code", "1000.ä")),
	"code with a space":           malformed(set("code", "1000.a b")),
	"broken percent sign":         malformed(appended("&x=%zz")),
	"semicolons":                  malformed(func(q url.Values, _ string) string { return strings.ReplaceAll(q.Encode(), "&", ";") }),
	"accounts-server twice":       malformed(twice("accounts-server", "https://accounts.zoho.com")),
	"accounts-server with NUL":    malformed(set("accounts-server", "https://accounts.zoho.com\x00.evil.test")),
	"location twice":              malformed(twice("location", "us")),
	"location with a line break":  malformed(set("location", "in\n")),
	"error without state":         malformed(func(url.Values, string) string { return "error=access_denied" }),
	"error twice":                 malformed(func(q url.Values, _ string) string { return q.Encode() + "&error=a&error=b" }),
	"foreign server":              foreign("https://evil.test"),
	"server behind a user name":   foreign("https://accounts.zoho.com@evil.test"),
	"server as a subdomain":       foreign("https://accounts.zoho.com.evil.test"),
	"cloud metadata":              foreign("http://169.254.169.254"),
	"loopback":                    foreign("http://[::1]:5432"),
	"file":                        foreign("file:///etc/passwd"),
	"gopher":                      foreign("gopher://127.0.0.1:25/_"),
	"script":                      foreign("javascript:alert(1)"),
	"real Zoho beside a stand-in": foreign("https://accounts.zoho.in"),
	"own server":                  foreign("http://localhost:8080"),
	"server without scheme":       foreign("//accounts.zoho.in"),
	"server with more path":       {raw: mapped("accounts-server", func(s string) string { return s + "/../../evil" }), code: "UNKNOWN_REGION", spent: true},
	"server with a query":         {raw: mapped("accounts-server", func(s string) string { return s + "?" }), code: "UNKNOWN_REGION", spent: true},
	"server in capitals":          {raw: mapped("accounts-server", strings.ToUpper), code: "UNKNOWN_REGION", spent: true},
	"server of another region than the location": {raw: func(q url.Values, base string) string {
		q.Set("accounts-server", base+"/us/accounts")
		return q.Encode()
	}, code: "UNKNOWN_REGION", spent: true},
	"location of another region than the server": {raw: set("location", "us"), code: "UNKNOWN_REGION", spent: true},
	"unknown location":                           {raw: set("location", "xx"), code: "UNKNOWN_REGION", spent: true},
	"location in capitals":                       {raw: set("location", "IN"), code: "UNKNOWN_REGION", spent: true},
	"denied":                                     {raw: func(q url.Values, _ string) string { return "state=" + q.Get("state") + "&error=access_denied" }, code: "ACCESS_DENIED", spent: true},
	"denied and yet a code":                      {raw: set("error", "access_denied"), code: "ACCESS_DENIED", spent: true},
	"an error nobody knows": {raw: func(q url.Values, _ string) string {
		q.Set("error", "<script>")
		q.Set("error_description", "<script>alert(1)</script>\r\n")
		return q.Encode()
	}, code: "ACCESS_DENIED", spent: true},
}

func TestOAuthCallbackMatrix(t *testing.T) {
	t.Parallel()
	if len(mutations) < 30 {
		t.Fatalf("only %d mutations", len(mutations))
	}
	for name, m := range mutations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			b := newBrowser().signIn(w.ann)
			callback := w.attempt(t, b)
			u, err := url.Parse(callback)
			if err != nil {
				t.Fatal(err)
			}
			u.RawQuery = m.raw(u.Query(), w.base)
			got := w.open(t, b, u.String())
			if got.page != m.page || got.code != m.code || (m.code != "") != (got.status == "error") || strings.Contains(got.to, "script") {
				t.Errorf("landed %+v", got)
			}
			w.untouched(t)
			want := landing{page: http.StatusBadRequest}
			if !m.spent {
				want = landing{status: "connected"}
			}
			if again := w.open(t, b, callback); again.page != want.page || again.status != want.status {
				t.Errorf("the true callback then lands %+v", again)
			}
		})
	}
}

func TestOAuthCallbackForms(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]func(url.Values, string) string{
		"as it comes":              appended(""),
		"a stray &":                appended("&"),
		"something unknown beside": appended("&utm_source=zoho&utm_source=again"),
		"in another order": func(q url.Values, _ string) string {
			return "accounts-server=" + url.QueryEscape(q.Get("accounts-server")) + "&code=" + q.Get("code") + "&location=" + q.Get("location") + "&state=" + q.Get("state")
		},
		"server only":           without("location"),
		"location only":         without("accounts-server"),
		"server with its slash": mapped("accounts-server", func(s string) string { return s + "/" }),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			b := newBrowser()
			u, err := url.Parse(w.attempt(t, b))
			if err != nil {
				t.Fatal(err)
			}
			u.RawQuery = raw(u.Query(), w.base)
			if got := w.open(t, b, u.String()); got.status != "connected" || got.code != "" || got.ticket != "" {
				t.Errorf("landed %+v", got)
			}
			if n := w.zoho.Count("", sandbox.EndpointExchange); n != 1 {
				t.Errorf("%d exchanges", n)
			}
			if c := w.connection(t, w.ann); c.Status != model.IntegrationStatusConnected || c.BotName != "heffl" || c.Scopes != "ZohoCliq.Webhooks.CREATE" {
				t.Errorf("connection %+v", c)
			}
		})
	}
	for _, method := range []string{http.MethodHead, http.MethodPost, http.MethodPut, http.MethodOptions} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			b := newBrowser()
			callback := w.attempt(t, b)
			if got := w.visit(t, b, httptest.NewRequestWithContext(t.Context(), method, callback, nil)); got.page != http.StatusMethodNotAllowed {
				t.Errorf("landed %+v", got)
			}
			w.untouched(t)
		})
	}
	t.Run("after ten minutes", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		b := newBrowser()
		consentURL := w.start(t, b, w.ann, model.CliqRegionCodeIn)
		w.clock.pass(10*time.Minute + time.Second)
		if got := w.open(t, b, w.consent(t, consentURL, sandbox.Decision{})); got.page != http.StatusBadRequest {
			t.Errorf("landed %+v", got)
		}
		w.untouched(t)
	})
	t.Run("just before", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		b := newBrowser()
		consentURL := w.start(t, b, w.ann, model.CliqRegionCodeIn)
		w.clock.pass(10*time.Minute - time.Second)
		if got := w.open(t, b, w.consent(t, consentURL, sandbox.Decision{})); got.status != "connected" {
			t.Errorf("landed %+v", got)
		}
	})
}
