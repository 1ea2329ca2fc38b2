package app_test

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/heffl/bff/internal/app"
	"github.com/heffl/bff/internal/cliq"
	"github.com/heffl/bff/internal/config"
	"github.com/heffl/bff/internal/connect"
	"github.com/heffl/bff/internal/secret"
	"github.com/heffl/bff/internal/store"
	"github.com/heffl/bff/internal/testkit"
	"github.com/heffl/bff/model"
)

// full runs the tests at the size that is promised, where a smaller one is the default.
var full = flag.Bool("full", false, "tests at full size")

// rotateEnv makes this test program `keys rotate` itself: a process that a test may kill.
const rotateEnv = "APP_TEST_ROTATE"

func TestMain(m *testing.M) {
	if os.Getenv(rotateEnv) != "" {
		c, err := config.Load([]string{"keys", "rotate"}, os.Environ(), os.Stderr)
		if err == nil {
			err = app.Keys(context.Background(), c, quiet, os.Stdout)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

var quiet = slog.New(slog.DiscardHandler)

// configured is what a command line and an environment come to.
func configured(t *testing.T, environ []string, args ...string) *config.Config {
	t.Helper()
	c, err := config.Load(args, environ, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestKeyRotationOnline shows O9: while messages are sent and tokens refreshed, everything that is sealed is sealed anew, by
// a process that is killed five times. The next one goes on; not one sender notices, and nothing is left on the old key. A
// server that lacks a key in use does not start.
func TestKeyRotationOnline(t *testing.T) {
	t.Parallel()
	people := 560
	if *full {
		people = 10_000
	}
	for name, url := range map[string]func(testing.TB) string{"SQLite": testkit.SQLite, "PostgreSQL": testkit.Postgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			database := url(t)
			environ := []string{"HEFFL_DATA_DIR=" + t.TempDir(), "HEFFL_ADDR=localhost:0"}
			if path, ok := strings.CutPrefix(database, "file:"); ok {
				environ[0] = "HEFFL_DATA_DIR=" + strings.TrimSuffix(path, "/heffl.db")
			} else {
				environ = append(environ, "HEFFL_DATABASE_URL="+database)
			}
			db, err := store.Open(t.Context(), store.Config{URL: database, Logger: quiet, Now: time.Now})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			if err := db.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			old, err := secret.Generate()
			if err != nil {
				t.Fatal(err)
			}
			connections := connected(t, db, old, people)
			added, id, err := secret.Add(old)
			if err != nil {
				t.Fatal(err)
			}
			promoted, err := secret.Promote(added, id)
			if err != nil {
				t.Fatal(err)
			}

			stop, sent := senders(t, db, promoted, connections)
			began := time.Now()
			environ = append(environ, "HEFFL_SECRET_KEYSET="+promoted.Reveal())
			const kills = 5
			var at []int
			for i := range kills {
				if rows, ok := killed(t, database, environ, id, (i+1)*people/(kills+2)); ok && rows < people {
					at = append(at, rows)
				}
			}
			if len(at) == 0 || *full && len(at) < kills { // of few rows, one may be done with all of them before it is seen
				t.Errorf("killed %d times", len(at))
			}
			var said strings.Builder
			rotate := configured(t, environ, "keys", "rotate")
			if err := app.Keys(t.Context(), rotate, quiet, &said); err != nil {
				t.Fatal(err)
			}
			took := time.Since(began)
			if err := app.Keys(t.Context(), rotate, quiet, &said); err != nil || !strings.Contains(said.String(), "\n0 rows") {
				t.Errorf("again: %q, %v", &said, err)
			}
			messages, renewed := stop()
			if messages == 0 || renewed == 0 || sent.Load() != messages {
				t.Errorf("%d messages arrived of %d, %d tokens were refreshed", messages, sent.Load(), renewed)
			}
			t.Logf("%d rows, killed at %v; %d messages and %d refreshes meanwhile, %.0f/s; at last %s", people, at, messages, renewed,
				float64(messages)/took.Seconds(), strings.ReplaceAll(strings.TrimSpace(said.String()), "\n", ", then "))
			if keys, err := db.SealKeys(t.Context()); err != nil || len(keys) != 1 || keys[0] != id {
				t.Errorf("keys in use: %v, %v; want %d", keys, err, id)
			}

			// The old key alone, and a strange one, open nothing: the server says so and does not start.
			strange, err := secret.Generate()
			if err != nil {
				t.Fatal(err)
			}
			for _, keyset := range []secret.Text{old, strange} {
				c := configured(t, append(environ[:len(environ)-1:len(environ)-1], "HEFFL_SECRET_KEYSET="+keyset.Reveal()))
				a, err := app.New(t.Context(), c, quiet)
				if err == nil {
					a.Close()
				}
				if err == nil || !strings.Contains(err.Error(), "keyset lacks key") {
					t.Errorf("it starts without a key in use: %v", err)
				}
			}
		})
	}
}

// connected makes people with tokens that are sealed with a keyset.
func connected(t *testing.T, db *store.Store, keyset secret.Text, people int) []model.Connection {
	t.Helper()
	box, err := secret.New(secret.Config{Keyset: keyset})
	if err != nil {
		t.Fatal(err)
	}
	now := model.NewTime(time.Now())
	connections := make([]model.Connection, people)
	for i := range connections {
		v, err := db.Admit(t.Context(), model.Claims{UserID: fmt.Sprint("u", i), WorkspaceID: "acme", Name: "U"}, now)
		if err != nil {
			t.Fatal(err)
		}
		user := v.User.UUID.String()
		seal := func(column string) []byte {
			sealed, err := box.Seal(secret.Binding{Table: "integration_tokens", Column: column, Row: user, User: user}, []byte(column+"-of-"+user))
			if err != nil {
				t.Fatal(err)
			}
			return sealed
		}
		connections[i], err = db.SaveConnected(t.Context(), model.NewConnection{
			UserID: v.User.UUID, WorkspaceID: v.Workspace.UUID, Region: model.CliqRegionCodeIn, RegionChosen: model.CliqRegionCodeIn,
			BotName: user, Scopes: "ZohoCliq.Webhooks.CREATE", Access: seal("access"), Refresh: seal("refresh"),
			ExpiresAt: now.Add(time.Duration(i%4) * time.Hour), KeyID: box.PrimaryKeyID(), // every fourth has run out
		}, now)
		if err != nil {
			t.Fatal(err)
		}
	}
	return connections
}

// killed starts `keys rotate` in a process of its own, kills it with SIGKILL when so many rows are on the new key, and
// tells how many were when it died; false: it had finished by then.
func killed(t *testing.T, database string, environ []string, key uint32, rows int) (at int, ok bool) {
	t.Helper()
	driver := "sqlite3"
	if strings.HasPrefix(database, "postgres") {
		driver = "pgx"
	}
	db, err := sql.Open(driver, database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	count := func() (n int) {
		t.Helper()
		if err := db.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM integration_tokens WHERE key_id = $1`, int64(key)).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(append(os.Environ(), environ...), rotateEnv+"=1")
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for count() < rows {
		select {
		case err := <-ended:
			if err != nil {
				t.Fatalf("it failed with %d of %d rows: %v: %s", count(), rows, err, &said)
			}
			return 0, false
		case <-look.C:
		}
	}
	_ = cmd.Process.Kill()
	if <-ended == nil {
		return 0, false
	}
	return count(), true
}

// zoho takes a message only with a token of the person whose bot is called, and refreshes only with that person's token.
type zoho struct{ messages, renewed atomic.Int64 }

func (z *zoho) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/oauth/v2/token") {
		user, ok := strings.CutPrefix(r.FormValue("refresh_token"), "refresh-of-")
		if !ok || len(user) != 36 {
			http.Error(w, "not a refresh token", http.StatusTeapot)
			return
		}
		_, _ = fmt.Fprintf(w, `{"access_token":"%d-of-%s","expires_in":3600}`, z.renewed.Add(1), user)
		return
	}
	user := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/in/cliq/api/v2/bots/"), "/message")
	if !strings.HasSuffix(r.Header.Get("Authorization"), "-of-"+user) {
		http.Error(w, "not a token of this person", http.StatusTeapot)
		return
	}
	z.messages.Add(1)
	w.WriteHeader(http.StatusNoContent)
}

// senders send fifty messages a second until they are stopped; that tells how many arrived and how many tokens were
// refreshed on the way.
func senders(t *testing.T, db *store.Store, keyset secret.Text, connections []model.Connection) (stop func() (messages, renewed int64), sent *atomic.Int64) {
	t.Helper()
	fail := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	z := &zoho{}
	server := httptest.NewServer(z)
	regions, err := cliq.NewRegions(cliq.RegionsConfig{StandinURL: server.URL, Default: cliq.Credentials{ID: "id", Secret: cliq.NewSecret("s")}})
	fail(err)
	client, err := cliq.New(cliq.Config{Regions: regions, Now: time.Now})
	fail(err)
	box, err := secret.New(secret.Config{Keyset: keyset})
	fail(err)
	tokens, err := connect.NewTokens(connect.TokensConfig{Store: db, Client: client, Box: box, Logger: quiet, Now: time.Now})
	fail(err)
	sent = new(atomic.Int64)
	done := make(chan struct{})
	pace := time.NewTicker(time.Second / 50)
	var running sync.WaitGroup
	for first := range 4 {
		running.Go(func() {
			for i := first; ; i += 4 {
				select {
				case <-done:
					return
				case <-pace.C:
				}
				c := &connections[i*7919%len(connections)]
				access, _, err := tokens.Access(t.Context(), c)
				if err == nil {
					_, err = client.Send(t.Context(), cliq.Code(c.Region), c.BotName, access, cliq.Message{Text: "hello"})
				}
				if err != nil {
					t.Errorf("a sender failed: %v", err)
					return
				}
				sent.Add(1)
			}
		})
	}
	stop = sync.OnceValues(func() (messages, renewed int64) {
		close(done)
		running.Wait()
		pace.Stop()
		client.Close()
		server.Close()
		return z.messages.Load(), z.renewed.Load()
	})
	t.Cleanup(func() { stop() })
	return stop, sent
}
