package delivery

import (
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/heffl/bff/internal/cliq"
	"github.com/heffl/bff/internal/connect"
	"github.com/heffl/bff/internal/sandbox"
	"github.com/heffl/bff/internal/testkit"
	"github.com/heffl/bff/model"
)

// skewed is a replica whose clock is wrong by d.
func (w *world) skewed(t *testing.T, d time.Duration) *Workers {
	t.Helper()
	now := func() time.Time { return w.clock.now().Add(d) }
	client, err := cliq.New(cliq.Config{Regions: w.regions, Now: now, Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	tokens, err := connect.NewTokens(connect.TokensConfig{Store: w.store, Client: client, Box: w.box, Logger: slog.New(slog.DiscardHandler), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return w.replica(t, func(c *Config) { c.Messenger, c.Tokens, c.Now = client, tokens, now })
}

// TestRefreshWithSkewedClocks shows O10: three replicas send what comes for twelve hours, and the clock of one is ten
// minutes fast or slow. Every message arrives once and at the first attempt, a token that ran out all the same costs one
// request more, and no hour sees more than two refreshes.
func TestRefreshWithSkewedClocks(t *testing.T) {
	t.Parallel()
	for name, skew := range map[string]time.Duration{"Fast": 10 * time.Minute, "Slow": -10 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, testkit.Postgres(t))
			ann := w.person(t, "ann")
			replicas := []*Workers{w.Workers, w.replica(t, func(*Config) {}), w.skewed(t, skew)}
			// For twelve minutes at a time one of them is alone: who refreshed need not be there when the token ends.
			random := rand.New(rand.NewPCG(1, 10))
			var alone *Workers
			var ids []uuid.UUID
			for i := range 120 {
				if i%2 == 0 {
					alone = replicas[random.IntN(len(replicas))]
				}
				w.clock.pass(6 * time.Minute)
				ids = append(ids, w.publish(t, ann, model.ChannelCliq, 1)...)
				w.work(t, alone)
			}
			w.clock.pass(15 * time.Minute) // what a slow clock holds to be in the future
			w.work(t, replicas...)

			refused := 0
			var refreshed []time.Time
			for _, r := range w.zoho.Requests() {
				switch {
				case r.Endpoint == sandbox.EndpointRefresh:
					refreshed = append(refreshed, r.At)
				case r.Status == 401:
					refused++
				}
			}
			for i, first := range refreshed {
				n := 0
				for _, at := range refreshed[i:] {
					if at.Sub(first) < time.Hour {
						n++
					}
				}
				if n > 2 {
					t.Errorf("%d refreshes in an hour", n)
				}
			}
			if refused == 0 || refused > len(refreshed) {
				t.Errorf("%d messages were refused for a token that ran out, %d tokens refreshed", refused, len(refreshed))
			}
			for i, d := range w.deliveries(t, ann, ids...) {
				if d.Status != model.DeliveryStatusSent || d.Attempts != 1 {
					t.Errorf("delivery %d is %s after %d attempts", i, d.Status, d.Attempts)
				}
			}
			last := 0
			for _, n := range w.numbers(t, ann) {
				if n <= last {
					t.Errorf("event %d came after event %d", n, last)
				}
				last = n
			}
			if c := w.connection(t, ann); c.Status != model.IntegrationStatusConnected || c.Problem != "" {
				t.Errorf("the connection is %s with %q", c.Status, c.Problem)
			}
			t.Logf("%d messages, %d refreshes, %d refused for their token", len(ids), len(refreshed), refused)
		})
	}
}
