package delivery

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/heffl/bff/internal/cliq"
	"github.com/heffl/bff/internal/connect"
	"github.com/heffl/bff/internal/mail"
	"github.com/heffl/bff/internal/sandbox"
	"github.com/heffl/bff/internal/secret"
	"github.com/heffl/bff/internal/store"
	"github.com/heffl/bff/internal/store/storetest"
	"github.com/heffl/bff/internal/testkit"
	"github.com/heffl/bff/model"
)

// full runs the tests at the size that is promised, where a smaller one is the default.
var full = flag.Bool("full", false, "tests at full size")

func TestMain(m *testing.M) {
	if order := os.Getenv(workerEnv); order != "" {
		os.Exit(workFor(order))
	}
	// A life takes some tenths of a second: fewer of them than rapid would try, unless it is told how many.
	if checks := flag.Lookup("rapid.checks"); checks != nil {
		_ = checks.Value.Set("30")
	}
	goleak.VerifyTestMain(m)
}

// clock is the time of everybody in one test but for the timeouts of requests.
type clock struct {
	mu sync.Mutex
	at time.Time // guarded by mu; zero: the machine's
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at.IsZero() {
		return time.Now()
	}
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.at.IsZero() {
		c.at = c.at.Add(d)
	}
}

// post is an SMTP server that says whatever a test wants.
type post struct {
	mu   sync.Mutex
	sent []mail.Message // guarded by mu
	err  error          // guarded by mu
}

func (p *post) Send(_ context.Context, m mail.Message) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent = append(p.sent, m)
	return p.err
}

// world is the workers with a real database and Zoho's stand-in behind HTTP. No loop runs: a test says when they work.
type world struct {
	*Workers
	store   *store.Store
	zoho    *sandbox.Sandbox
	server  *httptest.Server
	client  *cliq.Client
	regions *cliq.Regions
	post    *post
	clock   *clock
	box     *secret.Box
	keyset  secret.Text // of box
	// answer, when set, answers messages in place of the stand-in.
	answer atomic.Pointer[http.HandlerFunc]
	// database is where the store is.
	database string
	kind     string // of events; empty: deal.won
	count    int    // of events

	mu           sync.Mutex
	changed      []uuid.UUID         // guarded by mu
	disconnected []model.ProblemCode // guarded by mu
}

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
func setup(t *testing.T) *world {
	t.Helper()
	return newWorld(t, testkit.SQLite(t))
}

func newWorld(t *testing.T, database string) *world {
	t.Helper()
	return newWorldAt(t, database, &clock{at: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)})
}

func newWorldAt(t *testing.T, database string, clock *clock) *world {
	t.Helper()
	w := &world{clock: clock, post: &post{}, store: storetest.New(t, database), database: database}
	fail := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	w.zoho, err = sandbox.New(sandbox.Config{Clients: []sandbox.Client{{ID: "1000.TEST", Secret: "client-secret"}}, Now: w.clock.now})
	fail(err)
	handler := w.zoho.Handler()
	w.server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if answer := w.answer.Load(); answer != nil {
			(*answer)(rw, r)
			return
		}
		handler.ServeHTTP(rw, r)
	}))
	w.regions, err = cliq.NewRegions(cliq.RegionsConfig{
		StandinURL: w.server.URL + "/sandbox", Default: cliq.Credentials{ID: "1000.TEST", Secret: cliq.NewSecret("client-secret")},
	})
	fail(err)
	w.client, err = cliq.New(cliq.Config{Regions: w.regions, Now: w.clock.now, Timeout: time.Second})
	fail(err)
	keyset, err := secret.Generate()
	fail(err)
	w.keyset = keyset
	w.box, err = secret.New(secret.Config{Keyset: keyset})
	fail(err)
	tokens, err := connect.NewTokens(connect.TokensConfig{
		Store: w.store, Client: w.client, Box: w.box, Logger: slog.New(slog.DiscardHandler), Now: w.clock.now,
	})
	fail(err)
	w.Workers = w.replica(t, func(c *Config) { c.Messenger, c.Tokens = w.client, tokens })
	t.Cleanup(func() {
		w.client.Close()
		w.zoho.Close()
		w.server.Close()
		for _, violation := range w.zoho.Violations() {
			t.Errorf("the stand-in saw %+v", violation)
		}
	})
	return w
}

// replica is another process on the same database; with is what differs from the first one.
func (w *world) replica(t *testing.T, with func(*Config)) *Workers {
	t.Helper()
	config := Config{
		Store: w.store, Mailer: w.post, AppURL: &url.URL{Scheme: "https", Host: "app.heffl.example"},
		SettingsPath: "/settings", InboxPath: "/inbox", Subject: func(e *model.Event) string { return e.Title },
		Changed: func(user uuid.UUID) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.changed = append(w.changed, user)
		},
		Disconnected: func(_ context.Context, c model.Connection) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.disconnected = append(w.disconnected, c.Problem)
			return nil
		},
		Random: func() float64 { return 0.5 }, Logger: slog.New(slog.DiscardHandler), Now: w.clock.now,
	}
	if w.Workers != nil {
		config.Messenger, config.Tokens = w.config.Messenger, w.config.Tokens
	}
	with(&config)
	workers, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	return workers
}

// person is somebody who is connected to Cliq in India.
func (w *world) person(t *testing.T, name string) model.Viewer {
	t.Helper()
	now := model.NewTime(w.clock.now())
	v, err := w.store.Admit(t.Context(), model.Claims{
		UserID: name, WorkspaceID: "acme", WorkspaceName: "Acme", Name: name, Email: name + "@acme.example",
	}, now)
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := w.zoho.Connect(sandbox.RegionIN, sandbox.Identity{Name: name, Email: name + "@acme.example"}, "1000.TEST")
	if err != nil {
		t.Fatal(err)
	}
	user := v.User.UUID.String()
	seal := func(column, plain string) []byte {
		sealed, err := w.box.Seal(secret.Binding{Table: "integration_tokens", Column: column, Row: user, User: user}, []byte(plain))
		if err != nil {
			t.Fatal(err)
		}
		return sealed
	}
	if _, err := w.store.SaveConnected(t.Context(), model.NewConnection{
		UserID: v.User.UUID, WorkspaceID: v.Workspace.UUID, Region: model.CliqRegionCodeIn, RegionChosen: model.CliqRegionCodeIn,
		BotName: "heffl", Scopes: "ZohoCliq.Webhooks.CREATE", Access: seal("access", tokens.AccessToken),
		Refresh: seal("refresh", tokens.RefreshToken), ExpiresAt: model.NewTime(tokens.ExpiresAt), KeyID: 1,
	}, now); err != nil {
		t.Fatal(err)
	}
	return v
}

// publish queues n notifications for a person, a millisecond apart, titled "deal 1" and so on through the test.
func (w *world) publish(t *testing.T, v model.Viewer, channel model.Channel, n int) []uuid.UUID {
	t.Helper()
	ids := make([]uuid.UUID, n)
	for i := range ids {
		w.clock.pass(time.Millisecond)
		now := model.NewTime(w.clock.now())
		var decision model.Decision
		for _, other := range model.Channels {
			if other != channel {
				decision = decision.Skip(other, model.SkipReasonEventOff)
			}
		}
		ids[i] = model.NewID()
		w.count++
		if _, err := w.store.SavePlan(t.Context(), model.Plan{
			Event: model.Event{
				UUID: model.NewID(), WorkspaceID: v.Workspace.UUID, Type: cmp.Or(w.kind, "deal.won"), Data: model.JSONObject{}, IdempotencyKey: uuid.NewString(),
				ContentHash: []byte("hash"), OccurredAt: now, CreatedAt: now, Title: fmt.Sprintf("deal %d", w.count), Path: "/deals/1", Notified: 1,
			},
			Notifications: []model.PlannedNotification{{NotificationID: ids[i], UserID: v.User.UUID, Decision: decision}},
		}); err != nil {
			t.Fatal(err)
		}
	}
	return ids
}

// work does everything that is due now.
func (w *world) work(t *testing.T, workers ...*Workers) {
	t.Helper()
	if len(workers) == 0 {
		workers = []*Workers{w.Workers}
	}
	for {
		var running sync.WaitGroup
		claimed := 0
		for _, worker := range workers {
			for _, claim := range []func(context.Context, int) ([]job, error){worker.claimCliq, worker.claimEmail} {
				jobs, err := claim(t.Context(), 8)
				if err != nil {
					t.Fatal(err)
				}
				claimed += len(jobs)
				for _, j := range jobs {
					running.Go(func() { worker.cliq.protect(t.Context(), j) })
				}
			}
		}
		running.Wait()
		if claimed == 0 {
			return
		}
	}
}

// deliveries are the deliveries of the notifications, in that order.
func (w *world) deliveries(t *testing.T, v model.Viewer, ids ...uuid.UUID) []model.Delivery {
	t.Helper()
	found, err := w.store.Deliveries(t.Context(), v.User.UUID, ids)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != len(ids) {
		t.Fatalf("%d deliveries of %d", len(found), len(ids))
	}
	slices.SortFunc(found, func(a, b model.Delivery) int {
		return slices.Index(ids, a.NotificationID) - slices.Index(ids, b.NotificationID)
	})
	return found
}

func (w *world) connection(t *testing.T, v model.Viewer) model.Connection {
	t.Helper()
	c, err := w.store.Connection(t.Context(), v.User.UUID)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (w *world) fault(t *testing.T, fault sandbox.Fault, setting sandbox.Setting) {
	t.Helper()
	if err := w.zoho.SetFault(fault, setting); err != nil {
		t.Fatal(err)
	}
}
