package cliq

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// zoho is a server under a stand-in URL that notes every request and answers as told.
type zoho struct {
	*httptest.Server
	mu    sync.Mutex // guards calls
	calls []seen
}

type seen struct {
	Method, Path, Query, Body, Authorization, ContentType string
}

func newZoho(tb testing.TB, answer http.HandlerFunc) *zoho {
	tb.Helper()
	z := &zoho{}
	z.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		z.mu.Lock()
		z.calls = append(z.calls, seen{
			r.Method, r.URL.Path, r.URL.RawQuery, string(body), r.Header.Get("Authorization"), r.Header.Get("Content-Type"),
		})
		z.mu.Unlock()
		answer(w, r)
	}))
	tb.Cleanup(z.Close)
	return z
}

func (z *zoho) client(tb testing.TB) *Client {
	tb.Helper()
	return newTestClient(tb, newRegions(tb, RegionsConfig{StandinURL: z.URL}))
}

func (z *zoho) seen() []seen {
	z.mu.Lock()
	defer z.mu.Unlock()
	return append([]seen(nil), z.calls...)
}

func reply(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func form(tb testing.TB, body string) map[string]string {
	tb.Helper()
	values, err := url.ParseQuery(body)
	if err != nil {
		tb.Fatal(err)
	}
	flat := make(map[string]string)
	for name, list := range values {
		flat[name] = strings.Join(list, "|")
	}
	return flat
}

func TestConsentURL(t *testing.T) {
	t.Parallel()
	regions := newRegions(t, RegionsConfig{Clients: map[Code]Credentials{
		IN: {ID: "1000.IN", Secret: NewSecret("in-secret")}, EU: {ID: "1000.EU", Secret: NewSecret("eu-secret")},
	}})
	client := newTestClient(t, regions)
	consent := Consent{State: "s t&=", Verifier: NewSecret("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"), RedirectURI: "http://localhost:8080/cb?x=1"}
	address, err := client.ConsentURL(IN, consent)
	if err != nil {
		t.Fatal(err)
	}
	base, query, _ := strings.Cut(address, "?")
	if base != "https://accounts.zoho.in/oauth/v2/auth" {
		t.Errorf("address: got %s", base)
	}
	want := map[string]string{
		"response_type": "code", "client_id": "1000.IN", "redirect_uri": consent.RedirectURI, "scope": Scope, "state": "s t&=",
		"access_type": "offline", "prompt": "consent", "code_challenge_method": "S256",
		"code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", // from RFC 7636, appendix B
	}
	if diff := cmp.Diff(want, form(t, query)); diff != "" {
		t.Errorf("query (-want +got):\n%s", diff)
	}
	if strings.Contains(address, "secret") || strings.Contains(address, consent.Verifier.Reveal()) {
		t.Errorf("a secret is in %s", address)
	}

	t.Run("ErrRegionNotOffered", func(t *testing.T) {
		t.Parallel()
		for _, code := range []Code{US, "XX", ""} {
			if _, err := client.ConsentURL(code, consent); !errors.Is(err, ErrRegionNotOffered) {
				t.Errorf("%q: got %v", code, err)
			}
		}
	})
	t.Run("ErrIncomplete", func(t *testing.T) {
		t.Parallel()
		for _, part := range []Consent{{}, {State: "s", RedirectURI: "r"}, {State: "s", Verifier: NewSecret("v")}, {Verifier: NewSecret("v"), RedirectURI: "r"}} {
			if _, err := client.ConsentURL(IN, part); err == nil {
				t.Errorf("accepted %+v", part)
			}
		}
	})
}

func TestExchange(t *testing.T) {
	t.Parallel()
	t.Run("OK", func(t *testing.T) {
		t.Parallel()
		server := newZoho(t, reply(200, fullAnswer))
		token, err := server.client(t).Exchange(t.Context(), IN, NewSecret("1000.code"), NewSecret("verifier"), "http://localhost/cb")
		if err != nil || token.Access.Reveal() != "1000.a.b" || token.Refresh.Reveal() != "1000.c.d" {
			t.Fatalf("got %+v, %v", token, err)
		}
		calls := server.seen()
		if len(calls) != 1 {
			t.Fatalf("%d requests; a code is good for one", len(calls))
		}
		want := map[string]string{
			"grant_type": "authorization_code", "code": "1000.code", "code_verifier": "verifier",
			"redirect_uri": "http://localhost/cb", "client_id": "1000.CLIENT", "client_secret": "client-secret",
		}
		if diff := cmp.Diff(want, form(t, calls[0].Body)); diff != "" {
			t.Errorf("form (-want +got):\n%s", diff)
		}
		calls[0].Body = ""
		wantCall := seen{Method: "POST", Path: "/in/accounts/oauth/v2/token", ContentType: "application/x-www-form-urlencoded"}
		if diff := cmp.Diff(wantCall, calls[0]); diff != "" {
			t.Errorf("request (-want +got):\n%s", diff)
		}
	})
	for name, test := range map[string]struct {
		body, want string
		token      bool
	}{
		"ErrNoRefreshToken": {`{"access_token":"1000.a.b"}`, "no refresh token", true},
		"ErrScopeMissing":   {`{"access_token":"1000.a.b","refresh_token":"1000.c.d","scope":"A.b.READ"}`, "scope", true},
		"ErrInvalidGrant":   {`{"error":"invalid_code"}`, "reconnect", false},
		"ErrMisconfigured":  {`{"error":"invalid_client"}`, "misconfigured invalid_client", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newZoho(t, reply(200, test.body))
			token, err := server.client(t).Exchange(t.Context(), IN, NewSecret("1000.code"), NewSecret("v"), "http://localhost/cb")
			if outcome(err) != test.want || token.Access.IsEmpty() == test.token {
				t.Errorf("got %v, token %t; want %s, %t", err, !token.Access.IsEmpty(), test.want, test.token)
			}
		})
	}
	t.Run("ErrTooLong", func(t *testing.T) {
		t.Parallel()
		server := newZoho(t, reply(200, fullAnswer+strings.Repeat(" ", maxBody)))
		token, err := server.client(t).Exchange(t.Context(), IN, NewSecret("1000.code"), NewSecret("v"), "r")
		if outcome(err) != "unavailable, sent true" || !token.Access.IsEmpty() {
			t.Errorf("got %v", err)
		}
	})
	t.Run("ErrNoRequest", func(t *testing.T) {
		t.Parallel()
		server := newZoho(t, reply(200, fullAnswer))
		client := server.client(t)
		for _, code := range []string{"", "a b", "a\r\nb", strings.Repeat("a", 100_000)} {
			if _, err := client.Exchange(t.Context(), IN, NewSecret(code), NewSecret("v"), "r"); !errors.Is(err, ErrInvalidGrant) {
				t.Errorf("%.10q: got %v", code, err)
			}
		}
		if _, err := client.Exchange(t.Context(), "XX", NewSecret("a"), NewSecret("v"), "r"); !errors.Is(err, ErrRegionNotOffered) {
			t.Errorf("got %v", err)
		}
		if calls := server.seen(); len(calls) != 0 {
			t.Errorf("%d requests", len(calls))
		}
	})
}

func TestRefresh(t *testing.T) {
	t.Parallel()
	server := newZoho(t, reply(200, `{"access_token":"1000.new","scope":"ZohoCliq.Webhooks.CREATE","expires_in":3600}`))
	token, err := server.client(t).Refresh(t.Context(), EU, NewSecret("1000.c.d"))
	if err != nil || token.Access.Reveal() != "1000.new" || !token.Refresh.IsEmpty() {
		t.Fatalf("got %+v, %v", token, err)
	}
	want := map[string]string{
		"grant_type": "refresh_token", "refresh_token": "1000.c.d", "client_id": "1000.CLIENT", "client_secret": "client-secret",
	}
	calls := server.seen()
	if diff := cmp.Diff(want, form(t, calls[0].Body)); diff != "" || calls[0].Path != "/eu/accounts/oauth/v2/token" || calls[0].Query != "" {
		t.Errorf("%s?%s (-want +got):\n%s", calls[0].Path, calls[0].Query, diff)
	}
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	const basic, query = "/in/accounts/oauth/v2/revoke/token", "/in/accounts/oauth/v2/token/revoke"
	for name, test := range map[string]struct {
		basic, query http.HandlerFunc
		want         string
		paths        []string
	}{
		"OK":                   {basic: reply(200, ``), want: "ok", paths: []string{basic}},
		"OK with a body":       {basic: reply(200, `{"status":"success"}`), want: "ok", paths: []string{basic}},
		"OK with a page":       {basic: reply(200, `<html>`), want: "ok", paths: []string{basic}},
		"OK by the older form": {basic: reply(404, ``), query: reply(200, `{"status":"success"}`), want: "ok", paths: []string{basic, query}},
		"gone already":         {basic: reply(400, `{"error":"invalid_token"}`), want: "ok", paths: []string{basic}},
		"gone, with 200":       {basic: reply(200, `{"error":"invalid_code"}`), want: "ok", paths: []string{basic}},
		"gone, older form":     {basic: reply(404, ``), query: reply(400, `<html>`), want: "ok", paths: []string{basic, query}},
		"ErrNoForm":            {basic: reply(404, ``), query: reply(404, ``), want: "unavailable, sent true", paths: []string{basic, query}},
		"ErrThrottled":         {basic: reply(400, `{"error":"拒绝访问","status":"failure"}`), want: "throttled 10m0s false", paths: []string{basic}},
		"ErrClient":            {basic: reply(200, `{"error":"invalid_client"}`), want: "misconfigured invalid_client", paths: []string{basic}},
		"ErrServer":            {basic: reply(500, `<html>`), want: "unavailable, sent true", paths: []string{basic}},
		"ErrForbidden":         {basic: reply(403, `<html>`), want: "unavailable, sent true", paths: []string{basic}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newZoho(t, func(w http.ResponseWriter, r *http.Request) {
				map[string]http.HandlerFunc{basic: test.basic, query: test.query}[r.URL.Path](w, r)
			})
			err := server.client(t).Revoke(t.Context(), IN, NewSecret("1000.c.d"))
			if got := outcome(err); got != test.want {
				t.Errorf("got %s; want %s", got, test.want)
			}
			var paths []string
			for _, call := range server.seen() {
				paths = append(paths, call.Path)
				if call.Path == basic && (call.Query != "" || call.Authorization != "Basic MTAwMC5DTElFTlQ6Y2xpZW50LXNlY3JldA==") {
					t.Errorf("query %q, authorization %q", call.Query, call.Authorization)
				}
				if call.Path == query && (call.Query != "token=1000.c.d" || call.Authorization != "") {
					t.Errorf("query %q, authorization %q", call.Query, call.Authorization)
				}
			}
			if diff := cmp.Diff(test.paths, paths); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOAuthErrorsQuoteNothing(t *testing.T) {
	t.Parallel()
	const canary = "canary"
	server := newZoho(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/revoke/token") {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		// An answer that is no HTTP and holds what was asked.
		connection, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_, _ = io.WriteString(connection, canary+"\r\n\r\n")
			_ = connection.Close()
		}
	})
	client := server.client(t)
	_, exchange := client.Exchange(t.Context(), IN, NewSecret(canary), NewSecret(canary), "r")
	_, refresh := client.Refresh(t.Context(), IN, NewSecret(canary))
	for name, err := range map[string]error{
		"exchange": exchange, "refresh": refresh, "revoke": client.Revoke(t.Context(), IN, NewSecret(canary)),
	} {
		if outcome(err) != "unavailable, sent true" || strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), server.URL) {
			t.Errorf("%s: got %v", name, err)
		}
		if holder, ok := errors.AsType[*url.Error](err); ok {
			t.Errorf("%s: the cause holds %s", name, holder.URL)
		}
	}
	server.Close()
	if _, err := client.Refresh(t.Context(), IN, NewSecret(canary)); outcome(err) != "unavailable, sent false" {
		t.Errorf("nobody listens: got %v", err)
	}
}

// TestTokenEndpointBreaks lets the accounts server break off, fall silent, say too much or pack a bomb: there is an end to it,
// no token, and nothing that would end a connection.
func TestTokenEndpointBreaks(t *testing.T) {
	t.Parallel()
	pack := func(text string) string {
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return packed.String()
	}
	say := func(text string, hang bool) func(context.Context, net.Conn) {
		return func(ctx context.Context, connection net.Conn) {
			_, _ = connection.Read(make([]byte, 8192))
			_, _ = io.WriteString(connection, text)
			if hang {
				<-ctx.Done()
			}
		}
	}
	const head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	for name, serve := range map[string]func(context.Context, net.Conn){
		"closed at once":              func(context.Context, net.Conn) {},
		"never an answer":             say("", true),
		"half a status line":          say("HTTP/1.1 2", true),
		"no HTTP":                     say("220 mail.example ESMTP\r\n\r\n", false),
		"half an answer, then silent": say(head+"Content-Length: 500\r\n\r\n"+fullAnswer[:20], true),
		"all of it, but not the end":  say(head+"Content-Length: 500\r\n\r\n"+fullAnswer, false),
		"endless headers":             say(head+strings.Repeat("X-A: "+strings.Repeat("a", 1000)+"\r\n", 100), true),
		"endless spaces":              say(head+"\r\n"+fullAnswer+strings.Repeat(" ", 1<<20), false),
		"packed, unasked":             say(head+"Content-Encoding: gzip\r\n\r\n"+pack(fullAnswer), false),
		"a packed bomb":               say(head+"Content-Encoding: gzip\r\n\r\n"+pack(fullAnswer+strings.Repeat(" ", 16<<20)), false),
		"invalid_code, broken off":    say(head+"Content-Length: 500\r\n\r\n"+`{"error":"invalid_code"}`, false),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			regions := newRegions(t, RegionsConfig{StandinURL: rawServer(t, serve)})
			client, err := New(Config{Regions: regions, Now: now, Timeout: 300 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(client.Close)
			token, err := client.Exchange(t.Context(), IN, NewSecret("1000.code"), NewSecret("v"), "r")
			if outcome(err) != "unavailable, sent true" || !token.Access.IsEmpty() || !token.Refresh.IsEmpty() {
				t.Errorf("exchange: %v", err)
			}
			if token, err = client.Refresh(t.Context(), IN, NewSecret("1000.c.d")); outcome(err) != "unavailable, sent true" || !token.Access.IsEmpty() {
				t.Errorf("refresh: %v", err)
			}
		})
	}
}
