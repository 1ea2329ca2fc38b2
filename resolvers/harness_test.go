package resolvers_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/heffl/bff/graph"
	"github.com/heffl/bff/internal/auth"
	"github.com/heffl/bff/internal/catalog"
	"github.com/heffl/bff/internal/httpd"
	"github.com/heffl/bff/internal/inbox"
	"github.com/heffl/bff/internal/store"
	"github.com/heffl/bff/internal/testkit"
	"github.com/heffl/bff/model"
	"github.com/heffl/bff/resolvers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 30 * time.Second}

var key = bytes.Repeat([]byte("k"), 32)

// server is the API on a real database, with everything outside of it replaced by a recorder.
type server struct {
	*httpd.Server
	store    *store.Store
	resolver *resolvers.Resolver
	outside  *outside
	url      string

	mu         sync.Mutex // guards statements
	statements []string
}

// outside records what was told to the world, and when the database was written.
type outside struct {
	resolvers.Connect
	resolvers.Live

	mu    sync.Mutex // guards steps
	steps []string
}

func (o *outside) note(step string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.steps = append(o.steps, step)
}

func (o *outside) taken() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	steps := o.steps
	o.steps = nil
	return steps
}

func (o *outside) Arrived(context.Context, *model.Event, []model.InboxEntry) { o.note("live") }
func (o *outside) Wake(c model.Channel)                                      { o.note("wake " + string(c)) }

func (o *outside) ViewerChanged(uuid.UUID) { o.note("viewer changed") }

func (o *outside) PolicyChanged(uuid.UUID) { o.note("policy changed") }

func (o *outside) Deactivated([]uuid.UUID) { o.note("deactivated") }

func (o *outside) Changed(context.Context, model.Inbox, int64) { o.note("inbox changed") }

func (o *outside) Marked(context.Context, model.Inbox, model.InboxMark) { o.note("inbox marked") }

func (o *outside) SendTest(context.Context, model.Viewer) (out model.TestOutcome, err error) {
	return out, model.UserErrorf(model.UserErrorCodeNotConnected, nil, "Connect first.")
}

func (o *outside) Start(context.Context, model.Viewer, model.ConnectCliqInput) (model.ConnectStart, error) {
	return model.ConnectStart{}, model.UserErrorf(model.UserErrorCodeNotConnected, nil, "No.")
}

func (o *outside) Complete(context.Context, model.Viewer, string) (model.Connection, error) {
	return model.Connection{}, model.UserErrorf(model.UserErrorCodeNotConnected, nil, "No.")
}

func (o *outside) SetBot(context.Context, model.Viewer, string) (model.Connection, error) {
	return model.Connection{}, model.UserErrorf(model.UserErrorCodeNotConnected, nil, "No.")
}

func (o *outside) Disconnect(context.Context, model.Viewer) (model.Revocation, error) {
	return model.RevocationNotNeeded, nil
}

func (o *outside) Connection(_ context.Context, user uuid.UUID) (model.Connection, error) {
	return model.Connection{UserID: user, Provider: model.IntegrationProviderZohoCliq, Status: model.IntegrationStatusNotConnected}, nil
}

func (o *outside) InboxChanges(context.Context, model.Viewer, *model.Cursor) (<-chan model.InboxChange, error) {
	return one[model.InboxChange](&model.InboxReset{Reason: model.InboxResetReasonStarted}), nil
}

func (o *outside) NotificationsReceived(context.Context, model.Viewer, *model.Cursor) (<-chan *model.NotificationReceived, error) {
	return one[*model.NotificationReceived](), nil
}

func (o *outside) ViewerChanges(context.Context, model.Viewer) (<-chan struct{}, error) {
	return one[struct{}](), nil
}

// one is a stream of the given items that then is over.
func one[T any](items ...T) <-chan T {
	c := make(chan T, len(items))
	for _, item := range items {
		c <- item
	}
	close(c)
	return c
}

type meta struct{ *catalog.Catalog }

func (m meta) EventMeta(eventType string) (category string, importance model.Importance, ok bool) {
	et, ok := m.Event(eventType)
	if !ok {
		return "", "", false
	}
	return et.Category, et.Importance, true
}

// eachDatabase runs a test on both.
func eachDatabase(t *testing.T, test func(t *testing.T, s *server)) {
	t.Helper()
	for name, url := range map[string]func(testing.TB) string{"SQLite": testkit.SQLite, "PostgreSQL": testkit.Postgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, setup(t, url(t)))
		})
	}
}

func setup(t *testing.T, databaseURL string) *server {
	t.Helper()
	s := &server{outside: &outside{}}
	var err error
	logger := slog.New(slog.DiscardHandler)
	s.store, err = store.Open(t.Context(), store.Config{URL: databaseURL, Logger: logger, Now: time.Now, Observe: s.observe})
	must(t, err)
	t.Cleanup(func() { _ = s.store.Close() })
	must(t, s.store.Migrate(t.Context()))
	c, err := catalog.Load()
	must(t, err)
	app := &url.URL{Scheme: "https", Host: "app.heffl.test"}
	in, err := inbox.New(inbox.Config{Store: s.store, Publisher: s.outside, Catalog: meta{c}, Epoch: s.store.Epoch(), AppURL: app.String(), Now: time.Now})
	must(t, err)
	d, err := resolvers.NewDispatcher(resolvers.DispatcherConfig{
		Catalog: c, Store: recorded{s.store, s.outside}, Live: s.outside, AppURL: app.String(), Logger: logger, Now: time.Now,
	})
	must(t, err)
	s.resolver, err = resolvers.New(resolvers.Config{
		Catalog: c, Users: s.store, Settings: s.store, Policies: s.store, History: s.store, Inboxes: in, Connect: s.outside, Tester: s.outside,
		BotAPIURL: func(model.CliqRegionCode, string) string { return "" }, Live: s.outside, Dispatcher: d, AppURL: app,
		RequestID: httpd.RequestID, Logger: logger, Now: time.Now,
	})
	must(t, err)
	verifier, err := auth.New(t.Context(), auth.Config{Key: key, Logger: logger, Now: time.Now})
	must(t, err)
	s.Server, err = httpd.New(httpd.Config{
		Schema:   graph.NewExecutableSchema(graph.Config{Resolvers: s.resolver, Directives: graph.DirectiveRoot{Allow: s.resolver.Allow}}),
		Verifier: verifier, Viewers: s.resolver, ErrorPresenter: s.resolver.Present, RecoverFunc: s.resolver.Recover, Logger: logger, Now: time.Now,
		Limits: httpd.Limits{UserRate: httpd.Rate{PerSecond: -1}, AnonymousRate: httpd.Rate{PerSecond: -1}},
	})
	must(t, err)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	s.url = "http://" + listener.Addr().String() + "/graphql"
	served := make(chan error, 1)
	go func() { served <- s.Serve(listener) }()
	t.Cleanup(func() {
		must(t, s.Shutdown(context.WithoutCancel(t.Context())))
		must(t, <-served)
	})
	return s
}

// recorded notes when an event is stored.
type recorded struct {
	*store.Store
	outside *outside
}

func (r recorded) SavePlan(ctx context.Context, plan model.Plan) (model.SavedPlan, error) {
	saved, err := r.Store.SavePlan(ctx, plan)
	if err == nil {
		r.outside.note("committed")
	}
	return saved, err
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (s *server) observe(_ context.Context, statement string, _ time.Duration, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.statements = append(s.statements, statement)
}

// counted is what the database was asked while do ran.
func (s *server) counted(do func()) []string {
	s.mu.Lock()
	s.statements = nil
	s.mu.Unlock()
	do()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.statements
}

// token speaks for somebody for an hour.
func token(t *testing.T, id auth.Identity) string {
	t.Helper()
	id.ExpiresAt = time.Now().Add(time.Hour)
	text, err := auth.Mint(key, id, time.Now())
	must(t, err)
	return text
}

// person is somebody of a workspace.
func person(t *testing.T, workspace, id string, scopes ...auth.Scope) string {
	t.Helper()
	return token(t, auth.Identity{UserExternalID: id, WorkspaceExternalID: workspace, Name: id, Email: id + "@" + workspace + ".test", Scopes: scopes})
}

// answer is what the API answered.
type answer struct {
	Data   json.RawMessage
	Errors []struct {
		Message    string
		Extensions struct{ Code string }
	}
	status int
	text   string
}

// code is the first error's; empty when there is none.
func (a *answer) code() string {
	if len(a.Errors) == 0 {
		return ""
	}
	return a.Errors[0].Extensions.Code
}

// ask sends one operation over HTTP; a subscription is answered by the events of its stream.
func (s *server) ask(t *testing.T, token, query string, variables map[string]any) answer {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	must(t, err)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url, bytes.NewReader(body))
	must(t, err)
	r.Header.Set("Content-Type", "application/json")
	if strings.HasPrefix(strings.TrimSpace(query), "subscription") {
		r.Header.Set("Accept", "text/event-stream")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := client.Do(r)
	must(t, err)
	defer func() { _ = response.Body.Close() }()
	all, err := io.ReadAll(response.Body)
	must(t, err)
	a := answer{status: response.StatusCode, text: string(all)}
	text := a.text
	if strings.Contains(response.Header.Get("Content-Type"), "event-stream") {
		_, event, _ := strings.Cut(text, "data:")
		text, _, _ = strings.Cut(event, "\n")
		if strings.TrimSpace(text) == "" { // it ended without a result
			return a
		}
	}
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		t.Fatalf("%s answered %d %s", query, a.status, a.text)
	}
	return a
}

// get asks what must be answered without errors and decodes the only root field.
func get[T any](t *testing.T, s *server, token, query string, variables map[string]any) T {
	t.Helper()
	a := s.ask(t, token, query, variables)
	if len(a.Errors) > 0 {
		t.Fatalf("%s\n%s", query, a.text)
	}
	var root map[string]json.RawMessage
	must(t, json.Unmarshal(a.Data, &root))
	var value T
	for _, field := range root {
		must(t, json.Unmarshal(field, &value))
	}
	return value
}
