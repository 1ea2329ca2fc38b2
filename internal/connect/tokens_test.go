package connect_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heffl/bff/internal/cliq"
	"github.com/heffl/bff/internal/connect"
	"github.com/heffl/bff/internal/sandbox"
	"github.com/heffl/bff/internal/secret"
	"github.com/heffl/bff/model"
)

// replica is the tokens of another process on the same database.
func (w *world) replica(t *testing.T, client connect.Refresher) *connect.Tokens {
	t.Helper()
	tokens, err := connect.NewTokens(connect.TokensConfig{
		Store: w.store, Client: client, Box: w.box, Logger: slog.New(slog.DiscardHandler), Now: w.clock.now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

// refresher makes tokens without Zoho.
type refresher func() (cliq.Token, error)

func (r refresher) Refresh(context.Context, cliq.Code, cliq.Secret) (cliq.Token, error) { return r() }

// TestRefreshRace takes the lease away: two refresh at once all the same, and both go on with the same token.
func TestRefreshRace(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, w *world) {
		t.Helper()
		c := w.connected(t)
		before := versionOf(t, w)
		w.clock.pass(2 * time.Hour)
		var both sync.WaitGroup
		both.Add(2)
		var made atomic.Int32
		slow := refresher(func() (cliq.Token, error) {
			both.Done()
			both.Wait()
			name := map[int32]string{1: "one", 2: "two"}[made.Add(1)]
			return cliq.Token{Access: cliq.NewSecret(name), ExpiresAt: w.clock.now().Add(time.Hour)}, nil
		})
		var got [2]string
		var versions [2]int64
		var wg sync.WaitGroup
		for i := range got {
			wg.Go(func() {
				token, version, err := w.replica(t, slow).Access(t.Context(), &c)
				if err != nil {
					t.Error(err)
				}
				got[i], versions[i] = token.Reveal(), version
			})
		}
		wg.Wait()
		if got[0] != got[1] || got[0] == "" || versions[0] != before+1 || versions[1] != before+1 {
			t.Errorf("tokens %q, versions %v after %d", got, versions, before)
		}
	})
}

func TestTokens(t *testing.T) {
	t.Parallel()
	t.Run("renewed a minute before it runs out", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		c := w.connected(t)
		for _, step := range []struct {
			pass      time.Duration
			refreshes int
		}{{0, 0}, {58 * time.Minute, 0}, {time.Minute, 1}, {0, 1}, {30 * time.Minute, 1}} {
			w.clock.pass(step.pass)
			if _, _, err := w.tokens.Access(t.Context(), &c); err != nil {
				t.Fatal(err)
			}
			if n := w.zoho.Count("", sandbox.EndpointRefresh); n != step.refreshes {
				t.Errorf("%d refreshes, want %d", n, step.refreshes)
			}
		}
	})
	t.Run("what somebody else renewed is not renewed again", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		c := w.connected(t)
		stale, version, err := w.tokens.Access(t.Context(), &c)
		if err != nil {
			t.Fatal(err)
		}
		fresh, newer, err := w.tokens.Renew(t.Context(), &c, version)
		if err != nil || fresh.Equal(stale) || newer != version+1 {
			t.Fatalf("version %d after %d, %v", newer, version, err)
		}
		again, same, err := w.tokens.Renew(t.Context(), &c, version)
		if err != nil || !again.Equal(fresh) || same != newer || w.zoho.Count("", sandbox.EndpointRefresh) != 1 {
			t.Errorf("version %d, %d refreshes, %v", same, w.zoho.Count("", sandbox.EndpointRefresh), err)
		}
	})
	t.Run("nobody's", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		c := w.connection(t, w.ann)
		if _, _, err := w.tokens.Access(t.Context(), &c); !errors.Is(err, connect.ErrNoTokens) {
			t.Errorf("access: %v", err)
		}
		if _, _, err := w.tokens.Renew(t.Context(), &c, 1); !errors.Is(err, connect.ErrNoTokens) {
			t.Errorf("renew: %v", err)
		}
	})
	t.Run("disconnected while Zoho refreshes", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		c := w.connected(t)
		w.clock.pass(2 * time.Hour)
		slow := refresher(func() (cliq.Token, error) {
			if _, err := w.Disconnect(t.Context(), w.ann); err != nil {
				t.Error(err)
			}
			return cliq.Token{Access: cliq.NewSecret("late"), ExpiresAt: w.clock.now().Add(time.Hour)}, nil
		})
		if _, _, err := w.replica(t, slow).Access(t.Context(), &c); !errors.Is(err, connect.ErrNoTokens) {
			t.Errorf("access: %v", err)
		}
		if _, found, err := w.store.Tokens(t.Context(), c.UserID); found || err != nil {
			t.Errorf("tokens came back: %v", err)
		}
	})
	t.Run("the caller's time runs out while Zoho refreshes", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		c := w.connected(t)
		w.clock.pass(2 * time.Hour)
		ctx, cancel := context.WithCancel(t.Context())
		slow := refresher(func() (cliq.Token, error) {
			cancel()
			return cliq.Token{Access: cliq.NewSecret("kept"), ExpiresAt: w.clock.now().Add(time.Hour)}, nil
		})
		if _, _, err := w.replica(t, slow).Access(ctx, &c); err != nil {
			t.Errorf("access: %v", err)
		}
		if token, _, err := w.tokens.Access(t.Context(), &c); err != nil || token.Reveal() != "kept" {
			t.Errorf("what Zoho gave is lost: %v", err)
		}
	})
	t.Run("moved to another person it cannot be opened", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		c := w.connected(t)
		sealed, _, err := w.store.Tokens(t.Context(), c.UserID)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.store.SaveConnected(t.Context(), model.NewConnection{
			UserID: w.bob.User.UUID, WorkspaceID: w.bob.Workspace.UUID, Region: c.Region, RegionChosen: c.Region, BotName: "heffl",
			Access: sealed.Access, Refresh: sealed.Refresh, ExpiresAt: sealed.ExpiresAt, KeyID: sealed.KeyID,
		}, model.NewTime(w.clock.now())); err != nil {
			t.Fatal(err)
		}
		bobs := w.connection(t, w.bob)
		if token, _, err := w.tokens.Access(t.Context(), &bobs); err == nil || !token.IsEmpty() {
			t.Errorf("bob has ann's token: %v", err)
		}
	})
	t.Run("changed where it is stored it cannot be opened", func(t *testing.T) {
		t.Parallel()
		eachDatabase(t, func(t *testing.T, w *world) {
			t.Helper()
			c := w.connected(t)
			whole, _, err := w.store.Tokens(t.Context(), c.UserID)
			if err != nil {
				t.Fatal(err)
			}
			cut := whole.Access[:len(whole.Access)-1]
			flipped := append(bytes.Clone(cut), whole.Access[len(cut)]^1)
			version := whole.Version
			for name, stored := range map[string][2][]byte{
				"in the other column": {whole.Refresh, whole.Access}, "cut": {cut, whole.Refresh}, "with a bit flipped": {flipped, whole.Refresh},
				"empty": {{}, whole.Refresh}, "with a refresh token that is another's": {whole.Access, whole.Access},
			} {
				ok, err := w.store.SaveRefreshed(t.Context(), c.UserID, version, stored[0], stored[1], whole.ExpiresAt, whole.KeyID)
				if version++; !ok || err != nil {
					t.Fatal(ok, err)
				}
				open := w.tokens.Access
				if bytes.Equal(stored[0], whole.Access) {
					open = func(ctx context.Context, c *model.Connection) (cliq.Secret, int64, error) {
						return w.tokens.Renew(ctx, c, version)
					}
				}
				if token, _, err := open(t.Context(), &c); !errors.Is(err, secret.ErrUnreadable) || !token.IsEmpty() {
					t.Errorf("%s: %v", name, err)
				}
			}
			if n := w.zoho.Count("", sandbox.EndpointRefresh); n != 0 {
				t.Errorf("Zoho was asked %d times", n)
			}
		})
	})
}
