package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testClient   = "1000.CLIENT"
	testSecret   = "secret-of-the-client"
	testCallback = "http://localhost:8080/oauth/cliq/callback"
)

// clock is a clock tests move by hand.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

type testBundle struct {
	*Sandbox

	clock  *clock
	base   string
	client *http.Client
}

// setup serves a sandbox; adjust may change its configuration first.
func setup(t *testing.T, adjust ...func(*Config)) *testBundle {
	t.Helper()
	b := &testBundle{clock: &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}}
	cfg := Config{
		Clients:      []Client{{ID: testClient, Secret: testSecret}},
		RedirectURIs: []string{testCallback},
		Now:          b.clock.Now,
	}
	for _, f := range adjust {
		f(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	b.Sandbox = s
	server := httptest.NewServer(s.Handler())
	t.Cleanup(server.Close)
	t.Cleanup(s.Close)
	b.base = server.URL + s.cfg.Prefix
	b.client = server.Client()
	b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return b
}

// answer is a response with its body read.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) json(t *testing.T) map[string]any {
	t.Helper()
	var decoded map[string]any
	if err := json.Unmarshal([]byte(a.body), &decoded); err != nil {
		t.Fatalf("answer %d is not JSON: %q", a.status, a.body)
	}
	return decoded
}

func (b *testBundle) do(t *testing.T, r *http.Request) answer {
	t.Helper()
	got, err := b.try(r)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func (b *testBundle) try(r *http.Request) (answer, error) {
	response, err := b.client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, string(body)}, err
}

func (b *testBundle) request(t *testing.T, method, path, contentType, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, b.base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return r
}

func (b *testBundle) get(t *testing.T, path string) answer {
	t.Helper()
	return b.do(t, b.request(t, http.MethodGet, path, "", ""))
}

func (b *testBundle) postForm(t *testing.T, path string, form url.Values) answer {
	t.Helper()
	return b.do(t, b.request(t, http.MethodPost, path, "application/x-www-form-urlencoded", form.Encode()))
}

func (b *testBundle) api(t *testing.T, method, path string, body any) answer {
	t.Helper()
	var encoded bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&encoded).Encode(body); err != nil {
			t.Fatal(err)
		}
	}
	return b.do(t, b.request(t, method, "/api"+path, "application/json", encoded.String()))
}

// fault switches a fault on.
func (b *testBundle) fault(t *testing.T, fault Fault, setting Setting) {
	t.Helper()
	if err := b.SetFault(fault, setting); err != nil {
		t.Fatal(err)
	}
}

// connect gives asha tokens in a region.
func (b *testBundle) connect(t *testing.T, region Region) Tokens {
	t.Helper()
	tokens, err := b.Connect(region, Identity{Name: "Asha", Email: "asha@heffl.example"}, testClient)
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

// send posts a bot message.
func (b *testBundle) send(t *testing.T, region Region, token, bot, body string) answer {
	t.Helper()
	return b.do(t, b.messageRequest(t, region, token, bot, body))
}

func (b *testBundle) messageRequest(t *testing.T, region Region, token, bot, body string) *http.Request {
	t.Helper()
	r := b.request(t, http.MethodPost, "/"+string(region)+"/cliq/api/v2/bots/"+bot+"/message", "application/json", body)
	if token != "" {
		r.Header.Set("Authorization", "Zoho-oauthtoken "+token)
	}
	return r
}

// authorizeQuery is a valid request for consent; pairs override it, an empty value leaves the name out.
func authorizeQuery(pairs ...string) url.Values {
	query := url.Values{
		"response_type": {"code"}, "client_id": {testClient}, "redirect_uri": {testCallback}, "state": {"st&ate 1"},
		"scope": {scopeMessage}, "access_type": {"offline"}, "prompt": {"consent"},
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		query.Set(pairs[i], pairs[i+1])
		if pairs[i+1] == "" {
			query.Del(pairs[i])
		}
	}
	return query
}

// code consents as somebody and returns the code.
func (b *testBundle) code(t *testing.T, asked, lives Region, pairs ...string) string {
	t.Helper()
	callback, err := b.Decide(t.Context(), b.base+"/"+string(asked)+"/accounts/oauth/v2/auth?"+authorizeQuery(pairs...).Encode(),
		Decision{Region: lives, Account: Identity{Email: "asha@heffl.example"}})
	if err != nil {
		t.Fatal(err)
	}
	return queryOf(t, callback).Get("code")
}

func queryOf(t *testing.T, address string) url.Values {
	t.Helper()
	parsed, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return parsed.Query()
}

// exchangeForm redeems a code; pairs override.
func exchangeForm(code string, pairs ...string) url.Values {
	form := url.Values{
		"grant_type": {"authorization_code"}, "client_id": {testClient}, "client_secret": {testSecret},
		"redirect_uri": {testCallback}, "code": {code},
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return form
}

func refreshForm(token string) url.Values {
	return url.Values{
		"grant_type": {"refresh_token"}, "client_id": {testClient}, "client_secret": {testSecret}, "refresh_token": {token},
	}
}

func tokenPath(region Region) string { return "/" + string(region) + "/accounts/oauth/v2/token" }

func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestNew(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]Config{
		"ErrNoClock":     {},
		"ErrPrefix":      {Now: time.Now, Prefix: "sandbox"},
		"ErrClient":      {Now: time.Now, Clients: []Client{{ID: "x"}}},
		"ErrRegion":      {Now: time.Now, Clients: []Client{{ID: "x", Secret: "y", Region: "xx"}}},
		"ErrRedirectURI": {Now: time.Now, RedirectURIs: []string{"/relative"}},
		"ErrIdentity":    {Now: time.Now, Identities: []Identity{{Name: "A", Email: "nowhere"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := New(cfg); err == nil {
				t.Error("got no error")
			}
		})
	}
}
