package app_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strings"
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

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

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

// noZoho must not be asked: the tokens are good.
type noZoho struct{}

func (noZoho) Refresh(context.Context, cliq.Code, cliq.Secret) (cliq.Token, error) {
	return cliq.Token{}, errors.New("a good token was refreshed")
}

// TestKeyRotationOnline shows O9: while messages are sent, everything that is sealed is sealed anew. It is broken off
// again and again and goes on; not one sender notices, and nothing is left on the old key. A server that lacks a key in use
// does not start.
func TestKeyRotationOnline(t *testing.T) {
	t.Parallel()
	people := 400
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
			rotate := configured(t, append(environ, "HEFFL_SECRET_KEYSET="+promoted.Reveal()), "keys", "rotate")
			broken := 0
			for i := range 5 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i+1)*15*time.Millisecond)
				if app.Keys(ctx, rotate, quiet, io.Discard) != nil {
					broken++
				}
				cancel()
			}
			var said strings.Builder
			if err := app.Keys(t.Context(), rotate, quiet, &said); err != nil {
				t.Fatal(err)
			}
			if err := app.Keys(t.Context(), rotate, quiet, &said); err != nil || !strings.Contains(said.String(), "\n0 rows") {
				t.Errorf("again: %q, %v", &said, err)
			}
			stop()
			if sent.Load() == 0 || broken == 0 {
				t.Errorf("%d sends, broken off %d times", sent.Load(), broken)
			}
			t.Logf("%d rows, %d sends meanwhile, broken off %d times, at last %s", people, sent.Load(), broken, strings.TrimSpace(said.String()))
			if keys, err := db.SealKeys(t.Context()); err != nil || len(keys) != 1 || keys[0] != id {
				t.Errorf("keys in use: %v, %v; want %d", keys, err, id)
			}

			// The old key alone, and a strange one, open nothing: the server says so and does not start.
			strange, err := secret.Generate()
			if err != nil {
				t.Fatal(err)
			}
			for _, keyset := range []secret.Text{old, strange} {
				c := configured(t, append(environ, "HEFFL_SECRET_KEYSET="+keyset.Reveal()))
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
			sealed, err := box.Seal(secret.Binding{Table: "integration_tokens", Column: column, Row: user, User: user}, []byte(column+" of "+user))
			if err != nil {
				t.Fatal(err)
			}
			return sealed
		}
		connections[i], err = db.SaveConnected(t.Context(), model.NewConnection{
			UserID: v.User.UUID, WorkspaceID: v.Workspace.UUID, Region: model.CliqRegionCodeIn, RegionChosen: model.CliqRegionCodeIn,
			BotName: "heffl", Scopes: "ZohoCliq.Webhooks.CREATE", Access: seal("access"), Refresh: seal("refresh"),
			ExpiresAt: now.Add(time.Hour), KeyID: box.PrimaryKeyID(),
		}, now)
		if err != nil {
			t.Fatal(err)
		}
	}
	return connections
}

// senders open tokens all the time, as workers do, until they are stopped.
func senders(t *testing.T, db *store.Store, keyset secret.Text, connections []model.Connection) (stop func(), sent *atomic.Int64) {
	t.Helper()
	box, err := secret.New(secret.Config{Keyset: keyset})
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := connect.NewTokens(connect.TokensConfig{Store: db, Client: noZoho{}, Box: box, Logger: quiet, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	sent = new(atomic.Int64)
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		pace := time.NewTicker(5 * time.Millisecond) // 200 a second
		defer pace.Stop()
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			case <-pace.C:
			}
			c := &connections[i*7919%len(connections)]
			access, _, err := tokens.Access(t.Context(), c)
			if err != nil || access.Reveal() != "access of "+c.UserID.String() {
				t.Errorf("a sender failed: %v", err)
				return
			}
			sent.Add(1)
		}
	}()
	return func() { close(done); <-ended }, sent
}
