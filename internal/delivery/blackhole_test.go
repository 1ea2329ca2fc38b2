package delivery

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/heffl/bff/internal/sandbox"
	"github.com/heffl/bff/internal/testkit"
	"github.com/heffl/bff/model"
)

// TestBlackHoleDrains shows what D7 says of afterwards: Cliq accepts and never answers for ten minutes; within five minutes
// after them everything has been told that waited, while more comes, at no more than the pace, so that Zoho locks nobody out.
func TestBlackHoleDrains(t *testing.T) {
	t.Parallel()
	const every = 6 * time.Second
	// After the hole more comes for each person than the pace lets through, so that what waited is on top of it.
	during, after, people := 4, 12, 2
	if *full {
		during, after, people = 100, 100, 10
	}
	w := newWorld(t, testkit.Postgres(t)) // on SQLite it would wait for the disk
	viewers := make([]model.Viewer, people)
	ids := make([][]uuid.UUID, people)
	for i := range viewers {
		viewers[i] = w.person(t, fmt.Sprint("person-", i))
	}
	pass := func(long time.Duration, events int) {
		for range long / every {
			next := w.clock.now().Add(every)
			for i := range events {
				ids[i%people] = append(ids[i%people], w.publish(t, viewers[i%people], model.ChannelCliq, 1)...)
			}
			w.work(t)
			w.clock.pass(next.Sub(w.clock.now()))
		}
	}
	w.fault(t, sandbox.FaultBlackHole, sandbox.Setting{Value: "silent", Service: sandbox.ServiceCliq})
	pass(10*time.Minute, during)
	if n := len(w.zoho.Messages()); n != 0 {
		t.Fatalf("%d messages came through the hole", n)
	}
	w.zoho.ResetFaults()
	w.breakers = newBreakers() // it lives in real time
	before := make([]int, people)
	for i := range ids {
		before[i] = len(ids[i])
	}
	pass(5*time.Minute, after)
	for i, v := range viewers {
		w.drained(t, v, ids[i][:before[i]])
	}
}

// drained demands that everything given was told, but for what may have been lost in the hole, and at no more than the pace.
func (w *world) drained(t *testing.T, v model.Viewer, ids []uuid.UUID) {
	t.Helper()
	unknown, sent := 0, 0
	for _, d := range w.deliveries(t, v, ids...) {
		switch d.Status {
		case model.DeliveryStatusSent:
			sent++
		case model.DeliveryStatusOutcomeUnknown:
			unknown++
		default:
			t.Errorf("five minutes later a message is %s %s", d.Status, d.Problem)
		}
	}
	if sent == 0 || unknown > len(ids)/5 {
		t.Errorf("of %d messages %d were told and %d may have been lost", len(ids), sent, unknown)
	}
	if c := w.connection(t, v); c.Problem != "" || c.Status != model.IntegrationStatusConnected {
		t.Errorf("five minutes later the person reads %q", c.Problem)
	}
	last := 0
	for _, n := range w.numbers(t, v) {
		if n <= last {
			t.Errorf("event %d was told after event %d", n, last)
		}
		last = n
	}
	messages := w.zoho.MessagesOf(v.User.Email)
	for i := range messages {
		within := 0
		for _, m := range messages[i:] {
			if m.At.Sub(messages[i].At) < time.Minute {
				within++
			}
		}
		if within > perMinute {
			t.Fatalf("%d messages within a minute", within)
		}
	}
}
