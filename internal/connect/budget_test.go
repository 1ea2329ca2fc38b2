package connect_test

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/heffl/bff/internal/cliq"
	"github.com/heffl/bff/internal/connect"
	"github.com/heffl/bff/internal/sandbox"
	"github.com/heffl/bff/internal/secret"
)

// TestRefreshBudget shows that Zoho's limit is never met: ten refreshes in ten minutes, whoever asks and however often.
func TestRefreshBudget(t *testing.T) {
	t.Parallel()
	t.Run("of tokens that are refused again and again", func(t *testing.T) {
		t.Parallel()
		eachDatabase(t, func(t *testing.T, w *world) {
			t.Helper()
			c := w.connected(t)
			replicas := []*connect.Tokens{w.tokens, w.replica(t, w.client)}
			_, version, err := w.tokens.Access(t.Context(), &c)
			if err != nil {
				t.Fatal(err)
			}
			refused := 0
			for i := range 360 { // every five seconds for half an hour
				w.clock.pass(5 * time.Second)
				var throttled *cliq.ThrottledError
				_, newer, err := replicas[i%2].Renew(t.Context(), &c, version)
				switch {
				case errors.As(err, &throttled):
					if refused++; throttled.RetryAfter <= 0 || throttled.RetryAfter > 2*time.Minute {
						t.Errorf("to be left alone for %v", throttled.RetryAfter)
					}
				case err != nil:
					t.Fatal(err)
				default:
					version = newer
				}
			}
			requests := w.zoho.Requests()
			made := 0
			for i, first := range requests {
				within := 0
				for _, r := range requests[i:] {
					if r.Endpoint == sandbox.EndpointRefresh && r.At.Sub(first.At) < 10*time.Minute {
						within++
					}
				}
				if within > 10 {
					t.Fatalf("%d refreshes in ten minutes", within)
				}
				if first.Endpoint == sandbox.EndpointRefresh {
					if made++; first.Note != "" {
						t.Errorf("Zoho said %q", first.Note)
					}
				}
			}
			if made < 15 || refused < 300 {
				t.Errorf("%d refreshes, %d refused", made, refused)
			}
		})
	})
	t.Run("of tokens that last no time", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		c := w.connected(t)
		w.clock.pass(2 * time.Hour)
		asked := 0
		brief := w.replica(t, refresher(func() (cliq.Token, error) {
			asked++
			return cliq.Token{Access: cliq.NewSecret("brief"), ExpiresAt: w.clock.now().Add(40 * time.Second)}, nil
		}))
		for range 30 {
			if token, _, err := brief.Access(t.Context(), &c); err != nil || token.Reveal() != "brief" {
				t.Fatalf("after %d refreshes: %v", asked, err)
			}
			w.clock.pass(time.Second)
		}
		if asked > 5 {
			t.Errorf("%d refreshes in half a minute", asked)
		}
	})
}

// TestAccessBeforeTheEnd shows that a token in its last minute is used when Zoho makes no new one, and not after that.
func TestAccessBeforeTheEnd(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.connected(t)
	before, _, err := w.tokens.Access(t.Context(), &c)
	if err != nil {
		t.Fatal(err)
	}
	w.clock.pass(59*time.Minute + 30*time.Second)
	for _, fault := range []sandbox.Fault{sandbox.FaultDown, sandbox.FaultAccountsThrottled} {
		w.fault(t, fault, "")
		if token, _, err := w.tokens.Access(t.Context(), &c); err != nil || !token.Equal(before) {
			t.Errorf("%s: %v", fault, err)
		}
		w.zoho.ResetFaults()
	}
	if n := w.zoho.Count("", sandbox.EndpointRefresh); n != 2 {
		t.Errorf("%d refreshes were tried", n)
	}
	w.fault(t, sandbox.FaultTokenRevoked, "")
	if _, _, err := w.tokens.Access(t.Context(), &c); !errors.Is(err, cliq.ErrInvalidGrant) {
		t.Errorf("revoked: %v", err)
	}
	w.zoho.ResetFaults()
	w.fault(t, sandbox.FaultDown, "")
	w.clock.pass(time.Minute)
	var unavailable *cliq.UnavailableError
	if _, _, err := w.tokens.Access(t.Context(), &c); !errors.As(err, &unavailable) {
		t.Errorf("after its end: %v", err)
	}
}

// TestRefreshSealsTheWholeRow shows that no key stays in use unseen: a refresh seals both tokens with the key of its
// process, and the key that is no longer needed is not named.
func TestRefreshSealsTheWholeRow(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, w *world) {
		t.Helper()
		c := w.connected(t)
		promoted, id, err := secret.Add(w.keyset)
		if err == nil {
			promoted, err = secret.Promote(promoted, id)
		}
		if err != nil {
			t.Fatal(err)
		}
		box, err := secret.New(secret.Config{Keyset: promoted})
		if err != nil {
			t.Fatal(err)
		}
		later, err := connect.NewTokens(connect.TokensConfig{
			Store: w.store, Client: w.client, Box: box, Logger: slog.New(slog.DiscardHandler), Now: w.clock.now,
		})
		if err != nil {
			t.Fatal(err)
		}
		w.clock.pass(2 * time.Hour)
		if _, _, err := later.Access(t.Context(), &c); err != nil {
			t.Fatal(err)
		}
		sealed, _, err := w.store.Tokens(t.Context(), c.UserID)
		if err != nil {
			t.Fatal(err)
		}
		access, _ := secret.KeyID(sealed.Access)
		refresh, _ := secret.KeyID(sealed.Refresh)
		if access != id || refresh != id || sealed.KeyID != id {
			t.Errorf("sealed with %d and %d, named %d; want %d", access, refresh, sealed.KeyID, id)
		}
		if keys, err := w.store.SealKeys(t.Context()); err != nil || len(keys) != 1 || keys[0] != id {
			t.Errorf("keys in use: %v, %v", keys, err)
		}
		w.clock.pass(2 * time.Hour)
		if _, _, err := later.Access(t.Context(), &c); err != nil {
			t.Errorf("the refresh token cannot be opened any more: %v", err)
		}
	})
}
