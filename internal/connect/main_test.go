package connect_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/heffl/bff/internal/cliq"
	"github.com/heffl/bff/internal/connect"
	"github.com/heffl/bff/internal/sandbox"
	"github.com/heffl/bff/internal/secret"
	"github.com/heffl/bff/internal/store"
	"github.com/heffl/bff/internal/store/storetest"
	"github.com/heffl/bff/internal/testkit"
	"github.com/heffl/bff/model"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	callbackURL = "http://localhost:8080/oauth/cliq/callback"
	appOrigin   = "https://app.heffl.example"
	returnTo    = appOrigin + "/settings?tab=integrations"
	clientID    = "1000.TEST"
)

// clock is the time of everybody in one test.
type clock struct {
	mu sync.Mutex
	at time.Time // guarded by mu
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// lines are what was logged.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer // guarded by mu
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) count(of string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.buf.String(), of)
}

// world is the flow with everything real around it: a database, Zoho's stand-in behind HTTP, and the client.
type world struct {
	*connect.Service
	config  connect.Config
	store   *store.Store
	zoho    *sandbox.Sandbox
	client  *cliq.Client
	box     *secret.Box
	keyset  secret.Text // of box
	tokens  *connect.Tokens
	revoker *connect.Revoker
	clock   *clock
	log     *lines
	base    string // of the stand-in
	url     string // of the database
	ann     model.Viewer
	bob     model.Viewer
}

type option func(*cliq.RegionsConfig, *connect.Config)

// eachDatabase runs a test on both.
func eachDatabase(t *testing.T, run func(t *testing.T, w *world)) {
	t.Helper()
	for name, open := range map[string]func(testing.TB) string{"SQLite": testkit.SQLite, "PostgreSQL": testkit.Postgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, newWorld(t, open(t)))
		})
	}
}

// setup is a world on SQLite.
func setup(t *testing.T, options ...option) *world {
	t.Helper()
	return newWorld(t, testkit.SQLite(t), options...)
}

func newWorld(t *testing.T, database string, options ...option) *world {
	t.Helper()
	w := &world{clock: &clock{at: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}, log: &lines{}}
	w.store, w.url = storetest.New(t, database), database
	logger := slog.New(slog.NewTextHandler(w.log, nil))
	var err error
	fail := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	w.zoho, err = sandbox.New(sandbox.Config{
		Clients: []sandbox.Client{{ID: clientID, Secret: "client-secret"}}, RedirectURIs: []string{callbackURL}, Now: w.clock.now,
	})
	fail(err)
	server := httptest.NewServer(w.zoho.Handler())
	w.base = server.URL + "/sandbox"
	regions := cliq.RegionsConfig{StandinURL: w.base, Default: cliq.Credentials{ID: clientID, Secret: cliq.NewSecret("client-secret")}}
	w.config = connect.Config{
		Store: w.store, CallbackURL: callbackURL, Origins: []string{"http://localhost:8080", appOrigin},
		DefaultReturn: &url.URL{Scheme: "http", Host: "localhost:8080", Path: "/"}, SecureCookie: true,
		Cookie: cookieOf, SetCookie: setCookie, Session: session, Viewer: w.store.ViewerByID,
		Changed: func(uuid.UUID) {}, Logger: logger, Now: w.clock.now,
	}
	for _, change := range options {
		change(&regions, &w.config)
	}
	w.config.Regions, err = cliq.NewRegions(regions)
	fail(err)
	w.client, err = cliq.New(cliq.Config{Regions: w.config.Regions, Now: w.clock.now, Timeout: 5 * time.Second})
	fail(err)
	keyset, err := secret.Generate()
	fail(err)
	w.keyset = keyset
	w.box, err = secret.New(secret.Config{Keyset: keyset})
	fail(err)
	w.config.Client, w.config.Box = w.client, w.box
	w.revoker, err = connect.NewRevoker(connect.RevokerConfig{Store: w.store, Client: w.client, Box: w.box, Logger: logger, Now: w.clock.now})
	fail(err)
	w.config.Revoke = w.revoker.Wake
	w.Service, err = connect.New(w.config)
	fail(err)
	w.tokens, err = connect.NewTokens(connect.TokensConfig{Store: w.store, Client: w.client, Box: w.box, Logger: logger, Now: w.clock.now})
	fail(err)
	w.ann, w.bob = w.admit(t, "ann"), w.admit(t, "bob")
	t.Cleanup(func() {
		w.revoker.Stop()
		w.client.Close()
		w.zoho.Close()
		server.Close()
		for _, violation := range w.zoho.Violations() {
			t.Errorf("the stand-in saw %+v", violation)
		}
	})
	return w
}

func (w *world) admit(t *testing.T, user string) model.Viewer {
	t.Helper()
	v, err := w.store.Admit(t.Context(), model.Claims{
		UserID: user, WorkspaceID: "acme", WorkspaceName: "Acme", Name: user, Email: user + "@acme.example",
	}, model.NewTime(w.clock.now()))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// browser keeps cookies; a nil one is a mutation that came by WebSocket.
type browser struct {
	mu      sync.Mutex
	cookies map[string]string // guarded by mu
}

func newBrowser() *browser { return &browser{cookies: map[string]string{}} }

// signIn gives the browser the session of a person.
func (b *browser) signIn(v model.Viewer) *browser {
	b.cookies["session"] = v.Workspace.ExternalID + "/" + v.User.ExternalID
	return b
}

type browserKey struct{}

func cookieOf(ctx context.Context, name string) string {
	b, ok := ctx.Value(browserKey{}).(*browser)
	if !ok {
		return ""
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.cookies[name]
}

func setCookie(ctx context.Context, c *http.Cookie) bool {
	b, ok := ctx.Value(browserKey{}).(*browser)
	if !ok {
		return false
	}
	if !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.MaxAge <= 0 || c.Valid() != nil {
		panic("a cookie that browsers refuse or that scripts can read: " + c.String())
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cookies[c.Name] = c.Value
	return true
}

func session(r *http.Request) (workspaceID, userID string, ok bool) {
	c, err := r.Cookie("session")
	if err != nil {
		return "", "", false
	}
	return strings.Cut(c.Value, "/")
}

// start begins an attempt in a browser (nil: by WebSocket) and answers Zoho's consent URL.
func (w *world) start(t *testing.T, b *browser, v model.Viewer, region model.CliqRegionCode) string {
	t.Helper()
	ctx := t.Context()
	if b != nil {
		ctx = context.WithValue(ctx, browserKey{}, b)
	}
	back := returnTo
	got, err := w.Start(ctx, v, model.ConnectCliqInput{Region: region, Bot: "heffl", ReturnTo: graphql.OmittableOf(&back)})
	if err != nil {
		t.Fatal(err)
	}
	return got.ConsentURL
}

// consent is what a person does on Zoho's page: the callback's URL comes back.
func (w *world) consent(t *testing.T, consentURL string, decision sandbox.Decision) string {
	t.Helper()
	callback, err := w.zoho.Decide(t.Context(), consentURL, decision)
	if err != nil {
		t.Fatal(err)
	}
	return callback
}

// attempt is start and consent of ann in India.
func (w *world) attempt(t *testing.T, b *browser) string {
	t.Helper()
	return w.consent(t, w.start(t, b, w.ann, model.CliqRegionCodeIn), sandbox.Decision{})
}

// landing is where the callback sends the browser.
type landing struct {
	page                 int // the status of our own page; 0: it was sent on
	status, code, ticket string
	to                   string
}

// open visits a callback's URL.
func (w *world) open(tb testing.TB, b *browser, callback string) landing {
	tb.Helper()
	return w.visit(tb, b, httptest.NewRequestWithContext(tb.Context(), http.MethodGet, callback, nil))
}

func (w *world) visit(tb testing.TB, b *browser, r *http.Request) landing {
	tb.Helper()
	if b != nil {
		b.mu.Lock()
		for name, value := range b.cookies {
			r.AddCookie(&http.Cookie{Name: name, Value: value})
		}
		b.mu.Unlock()
	}
	answer := httptest.NewRecorder()
	w.Callback().ServeHTTP(answer, r)
	if answer.Code != http.StatusSeeOther {
		return landing{page: answer.Code}
	}
	if answer.Header().Get("Cache-Control") != "no-store" || answer.Header().Get("Referrer-Policy") != "no-referrer" {
		tb.Errorf("headers %v", answer.Header())
	}
	to := answer.Header().Get("Location")
	u, err := url.Parse(to)
	if err != nil {
		tb.Fatal(err)
	}
	q := u.Query()
	if u.Scheme+"://"+u.Host != appOrigin || q.Get("integration") != "zoho_cliq" || q.Get("tab") != "integrations" {
		tb.Errorf("sent to %s", to)
	}
	return landing{status: q.Get("status"), code: q.Get("code"), ticket: q.Get("ticket"), to: to}
}

// connection is what is stored of a person.
func (w *world) connection(t *testing.T, v model.Viewer) model.Connection {
	t.Helper()
	c, err := w.Connection(t.Context(), v.User.UUID)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// untouched demands that nothing was connected for anybody and that Zoho was asked nothing.
func (w *world) untouched(t *testing.T) {
	t.Helper()
	for _, v := range []model.Viewer{w.ann, w.bob} {
		if c := w.connection(t, v); c.Status != model.IntegrationStatusNotConnected {
			t.Errorf("%s is %s", v.User.ExternalID, c.Status)
		}
		if _, found, err := w.store.Tokens(t.Context(), v.User.UUID); found || err != nil {
			t.Errorf("%s has tokens: %v, %v", v.User.ExternalID, found, err)
		}
	}
	for _, endpoint := range []sandbox.Endpoint{
		sandbox.EndpointExchange, sandbox.EndpointRefresh, sandbox.EndpointToken, sandbox.EndpointRevoke, sandbox.EndpointMessage,
		sandbox.EndpointOther, sandbox.EndpointTrap,
	} {
		if n := w.zoho.Count("", endpoint); n != 0 {
			t.Errorf("%d requests to %s", n, endpoint)
		}
	}
}

func (w *world) fault(t *testing.T, fault sandbox.Fault, value string) {
	t.Helper()
	if err := w.zoho.SetFault(fault, sandbox.Setting{Value: value}); err != nil {
		t.Fatal(err)
	}
}

// connected connects ann the usual way.
func (w *world) connected(t *testing.T) model.Connection {
	t.Helper()
	b := newBrowser()
	if got := w.open(t, b, w.attempt(t, b)); got.status != "connected" {
		t.Fatalf("landed %+v", got)
	}
	return w.connection(t, w.ann)
}

// refreshHash names the refresh token that is stored.
func (w *world) refreshHash(t *testing.T, v model.Viewer) string {
	t.Helper()
	sealed, found, err := w.store.Tokens(t.Context(), v.User.UUID)
	if err != nil || !found {
		t.Fatalf("tokens: %v, %v", found, err)
	}
	user := v.User.UUID.String()
	plain, err := w.box.Open(secret.Binding{Table: "integration_tokens", Column: "refresh", Row: user, User: user}, sealed.Refresh)
	if err != nil {
		t.Fatal(err)
	}
	return sandbox.TokenHash(string(plain))
}
