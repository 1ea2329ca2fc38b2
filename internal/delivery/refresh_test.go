package delivery

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/heffl/bff/internal/sandbox"
	"github.com/heffl/bff/internal/testkit"
	"github.com/heffl/bff/model"
)

// expire lets the access token of a person have run out a while ago, there and here.
func (w *world) expire(t *testing.T, v model.Viewer) {
	t.Helper()
	w.zoho.ExpireTokens("", v.User.Email)
	sealed, found, err := w.store.Tokens(t.Context(), v.User.UUID)
	if err != nil || !found {
		t.Fatal(found, err)
	}
	past := model.NewTime(w.clock.now().Add(-time.Hour))
	if ok, err := w.store.SaveRefreshed(t.Context(), v.User.UUID, sealed.Version, sealed.Access, sealed.Refresh, past, sealed.KeyID); !ok || err != nil {
		t.Fatal(ok, err)
	}
}

// refreshes are the refreshes that Zoho was asked for, by the address of the account.
func (w *world) refreshes() map[string][]time.Time {
	by := map[string][]time.Time{}
	for _, r := range w.zoho.Requests() {
		if r.Endpoint == sandbox.EndpointRefresh {
			by[r.Account] = append(by[r.Account], r.At)
		}
	}
	return by
}

// TestRefreshSingleFlight shows O6 with processes of their own on one database.
func TestRefreshSingleFlight(t *testing.T) {
	t.Parallel()
	t.Run("senders in each of 4 processes", func(t *testing.T) {
		t.Parallel()
		t.Run("PostgreSQL", func(t *testing.T) {
			t.Parallel()
			sendersShare(t, newWorldAt(t, testkit.Postgres(t), &clock{}), 64)
		})
		t.Run("SQLite", func(t *testing.T) { // where one process is the rule, fewer show as much
			t.Parallel()
			sendersShare(t, newWorldAt(t, testkit.SQLite(t), &clock{}), 8)
		})
	})
	t.Run("20 holders of a lease are killed", func(t *testing.T) {
		t.Parallel()
		holdersDie(t, newWorldAt(t, testkit.Postgres(t), &clock{}))
	})
}

// sendersShare lets all senders find the token of one person expired at once.
func sendersShare(t *testing.T, w *world, senders int) {
	t.Helper()
	const processes = 4
	ann := w.person(t, "ann")
	w.expire(t, ann)
	workers := w.processes(t, processes, workerOrder{Lease: cliqLease, Senders: senders, User: ann.User.UUID})
	from := time.Now()
	for _, p := range workers {
		p.begin(t)
	}
	var got []string
	for _, p := range workers {
		said, err := io.ReadAll(p.output)
		if exit := p.cmd.Wait(); err != nil || exit != nil {
			t.Fatalf("%v, %v: %s", err, exit, &p.errors)
		}
		got = append(got, strings.Fields(string(said))...)
	}
	took := time.Since(from)
	slices.Sort(got)
	if tokens := slices.Compact(slices.Clone(got)); len(got) != processes*senders || len(tokens) != 1 {
		t.Errorf("%d senders got %d tokens: %v", len(got), len(tokens), tokens)
	}
	if n := w.zoho.Count("", sandbox.EndpointRefresh); n != 1 {
		t.Errorf("%d refreshes", n)
	}
	if c := w.connection(t, ann); c.Status != model.IntegrationStatusConnected || c.Problem != "" || c.LeaseID != nil {
		t.Errorf("the connection is %s with %q, lease %v", c.Status, c.Problem, c.LeaseID)
	}
	t.Logf("%d senders in %d processes: 1 refresh, in %v", len(got), processes, took.Round(time.Millisecond))
}

// holdersDie kills twenty processes with SIGKILL while Zoho leaves each of them waiting for a refresh. The others may not
// refresh before the lease has run out, and do right after that; every message arrives and no connection is thought broken.
func holdersDie(t *testing.T, w *world) {
	t.Helper()
	const kills = 20
	lease, late := 4*time.Second, 20*time.Second // how late is the machine's business, unless it is to be measured
	if *full {
		lease, late = cliqLease, time.Second
	}
	var people []model.Viewer
	var ids []uuid.UUID
	for i := range kills {
		v := w.person(t, fmt.Sprint("person-", i))
		w.expire(t, v)
		w.fault(t, sandbox.FaultBlackHole, sandbox.Setting{Service: sandbox.ServiceAccounts, Account: v.User.Email, Times: 1})
		people, ids = append(people, v), append(ids, w.publish(t, v, model.ChannelCliq, 1)...)
	}
	doomed := w.processes(t, kills, workerOrder{Lease: lease, Workers: 1})
	others := w.processes(t, 2, workerOrder{Lease: lease})
	for _, p := range doomed {
		p.begin(t)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*lease)
	defer cancel()
	if err := w.zoho.WaitCount(ctx, "", sandbox.EndpointRefresh, kills); err != nil {
		t.Fatalf("%d of %d wait for a refresh: %v", w.zoho.Count("", sandbox.EndpointRefresh), kills, err)
	}
	for _, p := range others {
		p.begin(t)
	}
	for _, p := range doomed {
		if err := p.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	until := make([]time.Time, kills)
	for i, v := range people {
		c := w.connection(t, v)
		if c.LeaseID == nil || len(w.refreshes()[v.User.Email]) != 1 {
			t.Fatalf("person %d: lease %v, asked %v", i, c.LeaseID, w.refreshes()[v.User.Email])
		}
		until[i] = c.LeaseUntil.Std()
	}
	ctx, cancel = context.WithTimeout(t.Context(), lease+time.Minute)
	defer cancel()
	if _, err := w.zoho.WaitMessages(ctx, kills); err != nil {
		t.Fatalf("%d messages of %d: %v", len(w.zoho.Messages()), kills, err)
	}
	for _, p := range others { // that the message got through is written before they stop
		_ = p.input.Close()
		if err := p.cmd.Wait(); err != nil {
			t.Errorf("%v: %s", err, &p.errors)
		}
	}
	var after []time.Duration
	for i, v := range people {
		asked := w.refreshes()[v.User.Email]
		if len(asked) != 2 {
			t.Fatalf("person %d: %d refreshes", i, len(asked))
		}
		wait := asked[1].Sub(until[i])
		if after = append(after, wait); wait < 0 || wait > late {
			t.Errorf("person %d: refreshed %v after the end of the lease", i, wait)
		}
		c, d := w.connection(t, v), w.deliveries(t, v, ids[i])[0]
		if c.Status != model.IntegrationStatusConnected || c.Problem != "" || d.Status != model.DeliveryStatusSent || d.Attempts != 1 {
			t.Errorf("person %d: %s with %q, delivery %s after %d attempts", i, c.Status, c.Problem, d.Status, d.Attempts)
		}
	}
	slices.Sort(after)
	t.Logf("%d killed, lease %v: next refresh %v to %v after its end", kills, lease, after[0].Round(time.Millisecond), after[kills-1].Round(time.Millisecond))
}

// TestLostProcess kills three processes with SIGKILL while Cliq leaves each of them waiting for an answer: the message may
// have arrived, so it is never sent again, and the person's next one follows when the lease has run out.
func TestLostProcess(t *testing.T) {
	t.Parallel()
	w := newWorldAt(t, testkit.Postgres(t), &clock{})
	const kills, lease = 3, 4 * time.Second
	var people []model.Viewer
	var ids []uuid.UUID
	for i := range kills {
		v := w.person(t, fmt.Sprint("person-", i))
		w.fault(t, sandbox.FaultBlackHole, sandbox.Setting{Service: sandbox.ServiceCliq, Account: v.User.Email, Times: 1})
		people, ids = append(people, v), append(ids, w.publish(t, v, model.ChannelCliq, 2)...)
	}
	doomed, others := w.processes(t, kills, workerOrder{Lease: lease, Workers: 1}), w.processes(t, 2, workerOrder{Lease: lease})
	for _, p := range doomed {
		p.begin(t)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*lease)
	defer cancel()
	if err := w.zoho.WaitCount(ctx, "", sandbox.EndpointMessage, kills); err != nil {
		t.Fatalf("%d of %d wait: %v", w.zoho.Count("", sandbox.EndpointMessage), kills, err)
	}
	for _, p := range others {
		p.begin(t)
	}
	for _, p := range doomed {
		if err := p.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel = context.WithTimeout(t.Context(), lease+time.Minute)
	defer cancel()
	for i, v := range people {
		for {
			d := w.deliveries(t, v, ids[2*i:2*i+2]...)
			if d[0].Status == model.DeliveryStatusOutcomeUnknown && d[1].Status == model.DeliveryStatusSent {
				break
			}
			select {
			case <-ctx.Done():
				t.Fatalf("person %d: %s and %s", i, d[0].Status, d[1].Status)
			case <-time.After(20 * time.Millisecond):
			}
		}
		if got := w.numbers(t, v); len(got) != 1 || got[0] != 2*i+2 {
			t.Errorf("person %d was told %v", i, got)
		}
	}
	if n := w.zoho.Count("", sandbox.EndpointMessage); n != 2*kills {
		t.Errorf("%d requests for %d messages", n, 2*kills)
	}
}
