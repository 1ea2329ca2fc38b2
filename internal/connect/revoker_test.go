package connect_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/heffl/bff/internal/cliq"
	"github.com/heffl/bff/internal/connect"
	"github.com/heffl/bff/internal/sandbox"
	"github.com/heffl/bff/internal/secret"
	"github.com/heffl/bff/model"
)

// TestDisconnectCutsOff: nothing is left that could send, at once and even when Zoho is down; Zoho is told when it
// listens again, at the data centre of the account. (Package delivery shows that a session that runs ends with it.)
func TestDisconnectCutsOff(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, w *world) {
		t.Helper()
		b := newBrowser()
		callback := w.consent(t, w.start(t, b, w.ann, model.CliqRegionCodeUs), sandbox.Decision{Region: sandbox.RegionEU})
		if got := w.open(t, b, callback); got.status != "connected" {
			t.Fatalf("landed %+v", got)
		}
		c := w.connection(t, w.ann)
		hash := w.refreshHash(t, w.ann)
		w.fault(t, sandbox.FaultDown, "503")

		revocation, err := w.Disconnect(t.Context(), w.ann)
		if err != nil || revocation != model.RevocationQueued {
			t.Fatalf("disconnect: %v, %v", revocation, err)
		}
		if after := w.connection(t, w.ann); after.Status != model.IntegrationStatusNotConnected {
			t.Errorf("connection %+v", after)
		}
		if _, _, err := w.tokens.Access(t.Context(), &c); !errors.Is(err, connect.ErrNoTokens) {
			t.Errorf("access: %v", err)
		}
		if again, err := w.Disconnect(t.Context(), w.ann); err != nil || again != model.RevocationNotNeeded {
			t.Errorf("again: %v, %v", again, err)
		}

		w.revoker.Start(t.Context())
		if err := w.zoho.WaitCount(t.Context(), "", sandbox.EndpointRevoke, 1); err != nil {
			t.Fatal(err)
		}
		// The first attempt may still be writing when the next one is due: let time pass until that comes. Zoho is down for
		// an hour and is asked at intervals.
		ctx, done := context.WithCancel(t.Context())
		defer done()
		hour := make(chan struct{})
		go func() {
			for minute := 0; ctx.Err() == nil; minute++ {
				if minute == 60 {
					close(hour)
				}
				w.clock.pass(time.Minute)
				w.revoker.Wake()
				select {
				case <-ctx.Done():
				case <-time.After(10 * time.Millisecond):
				}
			}
		}()
		<-hour
		if tried := w.zoho.Count("", sandbox.EndpointRevoke); tried < 2 || tried > 5 || len(w.zoho.Revocations()) != 0 {
			t.Errorf("asked %d times in the hour, revoked %+v", tried, w.zoho.Revocations())
		}
		w.zoho.ResetFaults()
		revoked, err := w.zoho.WaitRevocations(t.Context(), 1)
		if err != nil || len(revoked) != 1 || !revoked[0].OK || revoked[0].Region != sandbox.RegionEU || revoked[0].TokenHash != hash {
			t.Errorf("revoked %+v, %v", revoked, err)
		}
		done()
		// Zoho knows; that the revoker knows it too comes a moment later.
		soon := time.NewTicker(5 * time.Millisecond)
		defer soon.Stop()
		for left := 1; left > 0; <-soon.C {
			due, err := w.store.DueRevocations(t.Context(), model.NewTime(w.clock.now().Add(24*time.Hour)), 10, 0)
			if err != nil {
				t.Fatal(err)
			}
			left = len(due)
		}
		w.revoker.Stop()
	})
	t.Run("at the data centre of each account", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		w.revoker.Start(t.Context())
		hashes := map[string]sandbox.Region{}
		for i, region := range sandbox.Regions() {
			b := newBrowser()
			callback := w.consent(t, w.start(t, b, w.ann, model.CliqRegionCodeUs), sandbox.Decision{Region: region})
			if got := w.open(t, b, callback); got.status != "connected" {
				t.Fatalf("%s: landed %+v", region, got)
			}
			hashes[w.refreshHash(t, w.ann)] = region
			w.clock.pass(time.Minute) // Zoho gives ten codes in ten minutes
			// Every other one is replaced by the next, as when somebody connects again.
			if i%2 == 0 {
				continue
			}
			if _, err := w.Disconnect(t.Context(), w.ann); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := w.Disconnect(t.Context(), w.ann); err != nil {
			t.Fatal(err)
		}
		w.revoker.Wake()
		revoked, err := w.zoho.WaitRevocations(t.Context(), len(hashes))
		if err != nil || len(revoked) != len(hashes) || len(hashes) != 9 {
			t.Fatalf("revoked %d of %d, %v", len(revoked), len(hashes), err)
		}
		for _, r := range revoked {
			if !r.OK || hashes[r.TokenHash] != r.Region {
				t.Errorf("revoked %+v, the account lives in %s", r, hashes[r.TokenHash])
			}
		}
	})
	t.Run("by the older form where the newer is missing", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		w.connected(t)
		w.fault(t, sandbox.FaultRevokeFormMissing, "basic")
		if _, err := w.Disconnect(t.Context(), w.ann); err != nil {
			t.Fatal(err)
		}
		w.revoker.Start(t.Context())
		if revoked, err := w.zoho.WaitRevocations(t.Context(), 1); err != nil || revoked[0].Form != "query" || !revoked[0].OK {
			t.Errorf("revoked %+v, %v", revoked, err)
		}
	})
}

// queue is a queue of one revocation.
type queue struct {
	pending  *model.PendingRevocation
	finished int
}

func (q *queue) DueRevocations(_ context.Context, now model.Time, _ int, lease time.Duration) ([]model.PendingRevocation, error) {
	if q.pending == nil || q.pending.NextAttemptAt.After(now) {
		return nil, nil
	}
	due := *q.pending
	q.pending.NextAttemptAt = now.Add(lease)
	return []model.PendingRevocation{due}, nil
}

func (q *queue) FinishRevocation(context.Context, uuid.UUID) error {
	q.pending, q.finished = nil, q.finished+1
	return nil
}

func (q *queue) RetryRevocation(_ context.Context, _ uuid.UUID, attempts int32, next model.Time) error {
	q.pending.Attempts, q.pending.NextAttemptAt = attempts, next
	return nil
}

// zoho answers revocations as it is told.
type zoho struct {
	at  []time.Time
	say func(attempt int) error
}

func (z *zoho) Revoke(ctx context.Context, _ cliq.Code, _ cliq.Secret) error {
	z.at = append(z.at, time.Now())
	if err := ctx.Err(); err != nil {
		return err
	}
	return z.say(len(z.at))
}

func TestRevokerSchedule(t *testing.T) {
	t.Parallel()
	keyset, err := secret.Generate()
	if err != nil {
		t.Fatal(err)
	}
	box, err := secret.New(secret.Config{Keyset: keyset})
	if err != nil {
		t.Fatal(err)
	}
	user := uuid.New()
	sealed, err := box.Seal(secret.Binding{Table: "integration_tokens", Column: "refresh", Row: user.String(), User: user.String()}, []byte("1000.r"))
	if err != nil {
		t.Fatal(err)
	}
	run := func(t *testing.T, refresh []byte, say func(int) error, for_ time.Duration) (*queue, *zoho) {
		t.Helper()
		q := &queue{pending: &model.PendingRevocation{ID: uuid.New(), UserID: user, Region: "IN", Refresh: refresh, NextAttemptAt: model.NewTime(time.Now())}}
		z := &zoho{say: say}
		r, err := connect.NewRevoker(connect.RevokerConfig{Store: q, Client: z, Box: box, Logger: slog.New(slog.DiscardHandler), Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		r.Stop() // before Start is nothing
		r, err = connect.NewRevoker(r.RevokerConfig)
		if err != nil {
			t.Fatal(err)
		}
		r.Start(t.Context())
		time.Sleep(for_)
		synctest.Wait()
		r.Stop()
		r.Stop()
		return q, z
	}
	down := &cliq.UnavailableError{Reason: "server error"}
	t.Run("until Zoho listens", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			q, z := run(t, sealed, func(attempt int) error {
				if attempt < 6 {
					return down
				}
				return nil
			}, 24*time.Hour)
			if q.finished != 1 || len(z.at) != 6 {
				t.Fatalf("finished %d after %d attempts", q.finished, len(z.at))
			}
			// Each wait is met by the next look, at most half a minute later.
			for i, wait := range []time.Duration{0, 10 * time.Second, time.Minute, 5 * time.Minute, 30 * time.Minute, 6 * time.Hour} {
				began = began.Add(wait)
				if late := z.at[i].Sub(began); late < 0 || late > 30*time.Second {
					t.Errorf("attempt %d is %s late", i+1, late)
				}
				began = z.at[i]
			}
		})
	})
	t.Run("a fortnight at most", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			q, z := run(t, sealed, func(int) error { return down }, 30*24*time.Hour)
			if q.finished != 1 || len(z.at) != 60 {
				t.Errorf("finished %d after %d attempts", q.finished, len(z.at))
			}
		})
	})
	t.Run("what cannot be opened is given up", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			q, z := run(t, []byte("rubbish"), func(int) error { return nil }, time.Hour)
			if q.finished != 1 || len(z.at) != 0 {
				t.Errorf("finished %d after %d attempts", q.finished, len(z.at))
			}
		})
	})
}
