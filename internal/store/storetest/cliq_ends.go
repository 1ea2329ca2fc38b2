package storetest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/heffl/bff/internal/store"
	"github.com/heffl/bff/model"
)

func testFold(t *testing.T, s *store.Store) {
	t.Helper()
	v, w := connected(t, s, "ann")
	var ids []uuid.UUID
	for i := range 5 {
		ids = append(ids, deliver(t, s, v, []string{"deal.won", "deal.lost"}[i/4], onlyCliq, noon))
	}
	carriers := func(want *uuid.UUID, ids ...uuid.UUID) {
		t.Helper()
		for _, id := range ids {
			d := delivery(t, s, v, model.ChannelCliq, id)
			if (d.Carrier == nil) != (want == nil || *want == id) || d.Carrier != nil && *d.Carrier != *want {
				t.Errorf("%v is carried by %v, want %v", id, d.Carrier, want)
			}
		}
	}
	w.begin(t, noon, &ids[1], ids[:3]...)
	carriers(&ids[1], ids[:3]...)
	if done, err := s.FinishDelivery(t.Context(), model.DeliveryOutcome{
		NotificationIDs: ids[:3], Channel: model.ChannelCliq, LeaseID: w.lease, Status: model.DeliveryStatusRetrying, NextAttemptAt: noon,
	}); !done || err != nil {
		t.Fatal(done, err)
	}
	w.begin(t, noon, nil, ids[0]) // the next time it goes alone
	carriers(nil, ids[0])
	carriers(&ids[1], ids[1:3]...)

	change(t, s, set(v.User.UUID, false, "deal.lost/CLIQ"))
	if send := w.begin(t, noon, &ids[4], ids[2], ids[4], ids[3]); !slices.Equal(send, []uuid.UUID{ids[2], ids[3]}) {
		t.Errorf("begun: %v", send)
	}
	carriers(&ids[2], ids[2], ids[3]) // the carrier was skipped: the first one carries
	if d := delivery(t, s, v, model.ChannelCliq, ids[4]); d.Status != model.DeliveryStatusSkipped || d.Carrier != nil {
		t.Errorf("skipped: %+v", d)
	}
	last, off := deliver(t, s, v, "deal.won", onlyCliq, noon), deliver(t, s, v, "deal.lost", onlyCliq, noon)
	w.begin(t, noon, &off, last, off)
	carriers(nil, last) // it was left alone
}

func testCliqLease(t *testing.T, s *store.Store) {
	t.Helper()
	v, w := connected(t, s, "ann")
	id, waiting := deliver(t, s, v, "deal.won", onlyCliq, noon), deliver(t, s, v, "deal.won", onlyCliq, noon)
	w.begin(t, noon, nil, id)
	if email, cliq, err := s.SweepLeases(t.Context(), noon.Add(29*time.Second)); err != nil || email != 0 || cliq != 0 {
		t.Errorf("swept %d, %d too early, %v", email, cliq, err)
	}
	end := noon.Add(30 * time.Second)
	if email, cliq, err := s.SweepLeases(t.Context(), end); err != nil || email != 0 || cliq != 1 {
		t.Errorf("swept %d, %d, %v", email, cliq, err)
	}
	d := delivery(t, s, v, model.ChannelCliq, id)
	if d.Status != model.DeliveryStatusOutcomeUnknown || !d.FinishedAt.Equal(end) || d.LeaseID != nil || d.Attempts != 1 {
		t.Errorf("delivery = %+v", d)
	}
	if d := delivery(t, s, v, model.ChannelCliq, waiting); d.Status != model.DeliveryStatusQueued {
		t.Errorf("what waits = %+v", d)
	}
	if w.finish(t, model.DeliveryStatusSent, id) {
		t.Error("the lost worker still counts")
	}
}

func testEndCliq(t *testing.T, s *store.Store) {
	t.Helper()
	v, w := connected(t, s, "ann")
	bob, _ := connected(t, s, "bob")
	old, sending := deliver(t, s, v, "deal.won", onlyCliq, noon.Add(-time.Hour)), deliver(t, s, v, "deal.won", onlyCliq, noon)
	waiting, mail := deliver(t, s, v, "deal.won", onlyCliq, noon.Add(time.Hour)), deliver(t, s, v, "deal.won", onlyEmail, noon)
	bobs := deliver(t, s, bob, "deal.won", onlyCliq, noon)
	w.begin(t, noon, nil, sending)
	stranger := model.NewID()
	if n, err := s.FailCliq(t.Context(), v.User.UUID, stranger, model.ProblemCodeBotNotFound, noon); n != 0 || !errors.Is(err, model.ErrLeaseLost) {
		t.Errorf("without the lease: %d, %v", n, err)
	}
	if n, err := s.ExpireCliq(t.Context(), v.User.UUID, w.lease, noon.Add(-time.Hour).Add(time.Millisecond), noon); n != 1 || err != nil {
		t.Errorf("expired %d, %v", n, err)
	}
	if n, err := s.FailCliq(t.Context(), v.User.UUID, w.lease, model.ProblemCodeBotNotFound, noon); n != 1 || err != nil {
		t.Errorf("failed %d, %v", n, err)
	}
	for id, want := range map[uuid.UUID]model.Delivery{
		old:     {Status: model.DeliveryStatusFailed, Problem: model.ProblemCodeExpired, FinishedAt: noon},
		waiting: {Status: model.DeliveryStatusFailed, Problem: model.ProblemCodeBotNotFound, FinishedAt: noon},
		sending: {Status: model.DeliveryStatusSending},
	} {
		if d := delivery(t, s, v, model.ChannelCliq, id); d.Status != want.Status || d.Problem != want.Problem || !d.FinishedAt.Equal(want.FinishedAt) {
			t.Errorf("delivery = %+v, want %+v", d, want)
		}
	}
	if d := delivery(t, s, v, model.ChannelEmail, mail); d.Status != model.DeliveryStatusQueued {
		t.Errorf("e-mail = %+v", d)
	}
	if d := delivery(t, s, bob, model.ChannelCliq, bobs); d.Status != model.DeliveryStatusQueued {
		t.Errorf("somebody else's = %+v", d)
	}
}

// testPace sends as fast as it may at any moments: no minute, wherever it begins, sees more than 40.
func testPace(t *testing.T, s *store.Store) {
	t.Helper()
	const perMinute = 40
	v, ahead := connected(t, s, "ann")
	if _, _, err := s.TakePace(t.Context(), v.User.UUID, model.NewID(), perMinute, noon); !errors.Is(err, model.ErrLeaseLost) {
		t.Errorf("without the lease: %v", err)
	}
	// Somebody whose clock is ten minutes ahead counted twenty: for this clock they went just now, not in ten minutes.
	if ok, err := s.RenewLease(t.Context(), v.User.UUID, ahead.lease, noon.Add(time.Hour), noon); !ok || err != nil {
		t.Fatal(ok, err)
	}
	for range perMinute / 2 {
		if ok, _, err := s.TakePace(t.Context(), v.User.UUID, ahead.lease, perMinute, noon.Add(10*time.Minute)); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	if ok, retryAt, err := s.TakePace(t.Context(), v.User.UUID, ahead.lease, perMinute, noon); ok || err != nil || retryAt.Sub(noon) != 3*time.Second {
		t.Errorf("%v, come again at %v, %v", ok, retryAt, err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		v := admit(t, s, "acme", uuid.NewString())
		connect(t, s, v, "r")
		w := worker{s, v.User.UUID, model.NewID()}
		if _, ok, err := s.ClaimCliqUser(t.Context(), w.user, noon, w.lease, noon.Add(24*time.Hour)); !ok || err != nil {
			rt.Fatal(ok, err)
		}
		now, base := noon, noon
		var sent []model.Time
		for range rapid.IntRange(1, 8).Draw(rt, "bursts") {
			base = base.Add(time.Duration(rapid.IntRange(0, 70_000).Draw(rt, "pause")) * time.Millisecond)
			if base.After(now) {
				now = base
			}
			for range rapid.IntRange(1, 25).Draw(rt, "messages") {
				ok, retryAt, err := s.TakePace(t.Context(), w.user, w.lease, perMinute, now)
				if err == nil && !ok {
					if !retryAt.After(now) || retryAt.Sub(now) > time.Minute || !connection(t, s, v).PausedUntil.Equal(retryAt) {
						rt.Fatalf("at %v told to come again at %v", now, retryAt)
					}
					now = retryAt
					ok, _, err = s.TakePace(t.Context(), w.user, w.lease, perMinute, now)
				}
				if err != nil || !ok {
					rt.Fatalf("refused at %v, when it was told to come: %v", now, err)
				}
				sent = append(sent, now)
			}
		}
		for i := perMinute; i < len(sent); i++ {
			if sent[i].Sub(sent[i-perMinute]) < time.Minute {
				rt.Fatalf("message %d went %v after the %dth before it", i, sent[i].Sub(sent[i-perMinute]), perMinute)
			}
		}
		if len(sent) >= perMinute/2 && sent[perMinute/2-1].Sub(sent[0]) > base.Sub(noon) {
			rt.Fatal("half of what a minute allows did not go at once")
		}
	})
}
