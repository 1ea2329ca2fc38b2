package delivery

import (
	"context"
	"testing"
	"time"

	"github.com/heffl/bff/internal/sandbox"
	"github.com/heffl/bff/internal/testkit"
	"github.com/heffl/bff/model"
)

// TestDisconnectCutsOff shows the half of O11 that is about workers: two replicas are in the middle of sending, or of a
// refresh that takes long, when a person disconnects. Nothing is asked of Zoho for that person later than a second after.
func TestDisconnectCutsOff(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(testing.TB) string{"SQLite": testkit.SQLite, "PostgreSQL": testkit.Postgres} {
		for what, slow := range map[string]sandbox.Setting{
			"Sending":    {Service: sandbox.ServiceCliq, Value: "150", Account: "ann@acme.example"},
			"Refreshing": {Service: sandbox.ServiceAccounts, Value: "700", Account: "ann@acme.example"},
		} {
			t.Run(name+what, func(t *testing.T) {
				t.Parallel()
				cutOff(t, newWorldAt(t, open(t), &clock{}), slow)
			})
		}
	}
}

func cutOff(t *testing.T, w *world, slow sandbox.Setting) {
	t.Helper()
	ann, bob := w.person(t, "ann"), w.person(t, "bob")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	w.fault(t, sandbox.FaultSlow, slow)
	begun := sandbox.EndpointMessage
	if slow.Service == sandbox.ServiceAccounts {
		begun = sandbox.EndpointRefresh
		w.expire(t, ann)
	}
	ids := w.publish(t, ann, model.ChannelCliq, 8)
	both := []*Workers{w.Workers, w.replica(t, func(*Config) {})}
	for _, workers := range both {
		workers.Start(ctx)
		defer workers.Stop(ctx)
	}
	if err := w.zoho.WaitCount(ctx, "", begun, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := w.store.Disconnect(ctx, ann.User.UUID, model.NewTime(w.clock.now())); err != nil {
		t.Fatal(err)
	}
	at := time.Now()
	// Bob's messages tell how time goes by, and that the workers do anything at all.
	for sent := 1; time.Since(at) < 1500*time.Millisecond; sent++ {
		w.publish(t, bob, model.ChannelCliq, 1)
		w.publish(t, ann, model.ChannelCliq, 1)
		for _, workers := range both {
			workers.Wake(model.ChannelCliq)
		}
		for before := time.Now(); len(w.zoho.MessagesOf(bob.User.Email)) < sent && time.Since(before) < 200*time.Millisecond; {
			<-time.After(5 * time.Millisecond)
		}
	}
	if len(w.zoho.MessagesOf(bob.User.Email)) == 0 {
		t.Error("nothing is sent at all")
	}
	calls := 0
	for _, r := range w.zoho.Requests() {
		if r.Account != ann.User.Email {
			continue
		}
		if calls++; r.At.Sub(at) > time.Second {
			t.Errorf("%s was asked %v after the disconnect", r.Endpoint, r.At.Sub(at))
		}
	}
	if calls == 0 || calls > 2 { // what was under way, and at most one that had been begun
		t.Errorf("%d requests in all", calls)
	}
	// Nothing of what waited is left: it ended, with the reason.
	for {
		waiting, skipped := 0, 0
		for _, d := range w.deliveries(t, ann, ids...) {
			switch {
			case d.Status == model.DeliveryStatusSkipped && d.Reason == model.SkipReasonNotConnected:
				skipped++
			case d.FinishedAt.IsZero():
				waiting++
			}
		}
		if waiting == 0 && skipped >= len(ids)-1 {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%d wait, %d were skipped", waiting, skipped)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
