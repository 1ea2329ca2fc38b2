package delivery

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/heffl/bff/internal/cliq"
	"github.com/heffl/bff/internal/sandbox"
	"github.com/heffl/bff/model"
)

// TestLostWorker shows what becomes of what a worker left behind that died while it was sending.
func TestLostWorker(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, w *world) {
		t.Helper()
		ann := w.person(t, "ann")
		ids := w.publish(t, ann, model.ChannelCliq, 2)
		mails := w.publish(t, ann, model.ChannelEmail, 1)
		now, lease := model.NewTime(w.clock.now()), uuid.New()
		if _, ok, err := w.store.ClaimCliqUser(t.Context(), ann.User.UUID, now, lease, now.Add(cliqLease)); !ok || err != nil {
			t.Fatal(ok, err)
		}
		if begun, err := w.store.BeginCliq(t.Context(), ann.User.UUID, lease, ids[:1], nil, now); len(begun) != 1 || err != nil {
			t.Fatal(begun, err)
		}
		if claimed, err := w.store.ClaimEmail(t.Context(), now, 8, lease, now.Add(emailLease)); len(claimed) != 1 || err != nil {
			t.Fatal(claimed, err)
		}
		w.work(t)
		if len(w.zoho.Messages()) != 0 || len(w.post.sent) != 0 {
			t.Error("somebody else sent under the lease")
		}
		w.clock.pass(emailLease)
		if email, chat, err := w.store.SweepLeases(t.Context(), model.NewTime(w.clock.now())); email != 1 || chat != 1 || err != nil {
			t.Errorf("swept %d, %d, %v", email, chat, err)
		}
		w.work(t)
		if got := w.numbers(t, ann); len(got) != 1 || got[0] != 2 {
			t.Errorf("told %v: what may have arrived is never told again", got)
		}
		d := w.deliveries(t, ann, ids...)
		if d[0].Status != model.DeliveryStatusOutcomeUnknown || d[1].Status != model.DeliveryStatusSent {
			t.Errorf("deliveries are %s and %s", d[0].Status, d[1].Status)
		}
		if d := w.deliveries(t, ann, mails...); d[0].Status != model.DeliveryStatusSent || len(w.post.sent) != 1 || w.post.sent[0].ID != mails[0].String() {
			t.Errorf("the e-mail is %s, %d sent", d[0].Status, len(w.post.sent))
		}
	})
}

// TestOutcomeUnknown shows that a message whose answer was lost is not sent again, ever, and that the next one waits.
func TestOutcomeUnknown(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, w *world) {
		t.Helper()
		ann := w.person(t, "ann")
		w.fault(t, sandbox.FaultDown, sandbox.Setting{Value: "reset", Service: "cliq", Times: 1})
		ids := w.publish(t, ann, model.ChannelCliq, 2)
		w.work(t)
		if n := w.zoho.Count("", sandbox.EndpointMessage); n != 1 {
			t.Errorf("%d requests before the pause", n)
		}
		for range 24 {
			w.clock.pass(5 * time.Minute)
			w.work(t)
		}
		if got := w.numbers(t, ann); len(got) != 1 || got[0] != 2 {
			t.Errorf("told %v", got)
		}
		d := w.deliveries(t, ann, ids...)
		if d[0].Status != model.DeliveryStatusOutcomeUnknown || d[0].Attempts != 1 || d[1].Status != model.DeliveryStatusSent {
			t.Errorf("deliveries are %s and %s", d[0].Status, d[1].Status)
		}
	})
}

// poisoned panics about the first event and sends everything else.
type poisoned struct{ Messenger }

func (p poisoned) Send(ctx context.Context, code cliq.Code, bot string, access cliq.Secret, m cliq.Message) (cliq.Receipt, error) {
	if strings.Contains(m.Text, "deal 1") {
		panic("poison")
	}
	return p.Messenger.Send(ctx, code, bot, access, m)
}

// TestPoison shows D14 for deliveries: neither an attempt that panics nor a row that nobody can read stops others.
func TestPoison(t *testing.T) {
	t.Parallel()
	t.Run("Panic", func(t *testing.T) {
		t.Parallel()
		eachDatabase(t, func(t *testing.T, w *world) {
			t.Helper()
			ann, bob := w.person(t, "ann"), w.person(t, "bob")
			w.config.Messenger = poisoned{w.config.Messenger}
			ids := w.publish(t, ann, model.ChannelCliq, 1)
			w.publish(t, bob, model.ChannelCliq, 1)
			w.work(t)
			if got := w.numbers(t, bob); len(got) != 1 {
				t.Errorf("bob was told %v", got)
			}
			w.clock.pass(cliqLease)
			if _, _, err := w.store.SweepLeases(t.Context(), model.NewTime(w.clock.now())); err != nil {
				t.Fatal(err)
			}
			ids = append(ids, w.publish(t, ann, model.ChannelCliq, 1)...)
			w.work(t)
			d := w.deliveries(t, ann, ids...)
			if d[0].Status != model.DeliveryStatusOutcomeUnknown || d[1].Status != model.DeliveryStatusSent {
				t.Errorf("deliveries are %s and %s", d[0].Status, d[1].Status)
			}
		})
	})
	t.Run("UnreadableRow", func(t *testing.T) {
		t.Parallel()
		eachDatabase(t, func(t *testing.T, w *world) {
			t.Helper()
			ann, bob := w.person(t, "ann"), w.person(t, "bob")
			w.publish(t, ann, model.ChannelCliq, 1)
			w.spoil(t)
			good := w.publish(t, bob, model.ChannelCliq, 1)
			w.workAnyway(t)
			if d := w.deliveries(t, bob, good...); d[0].Status != model.DeliveryStatusSent {
				t.Errorf("the message after an unreadable one is %s", d[0].Status)
			}
		})
	})
	t.Run("UnreadableEmail", func(t *testing.T) {
		t.Parallel()
		eachDatabase(t, func(t *testing.T, w *world) {
			t.Helper()
			ann, bob := w.person(t, "ann"), w.person(t, "bob")
			w.publish(t, ann, model.ChannelEmail, 1)
			w.spoil(t)
			good := w.publish(t, bob, model.ChannelEmail, 1)
			w.workAnyway(t)
			if d := w.deliveries(t, bob, good...); d[0].Status != model.DeliveryStatusSent {
				t.Errorf("the e-mail after an unreadable one is %s", d[0].Status)
			}
		})
	})
}

// spoil makes the data of every event so far something that no version of this server has written.
func (w *world) spoil(t *testing.T) {
	t.Helper()
	var err error
	if strings.HasPrefix(w.database, "postgres") {
		var db *pgx.Conn
		if db, err = pgx.Connect(t.Context(), w.database); err == nil {
			_, err = db.Exec(t.Context(), `UPDATE events SET data = '[1]'`)
			err = errors.Join(err, db.Close(t.Context()))
		}
	} else {
		var db *sql.DB
		if db, err = sql.Open("sqlite3", w.database); err == nil {
			_, err = db.ExecContext(t.Context(), `UPDATE events SET data = '[1]'`)
			err = errors.Join(err, db.Close())
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// workAnyway is a minute and a half of work in which claims may fail, with the sweeper.
func (w *world) workAnyway(t *testing.T) {
	t.Helper()
	for range 18 {
		for _, claim := range []func(context.Context, int) ([]job, error){w.claimCliq, w.claimEmail} {
			jobs, err := claim(t.Context(), 8)
			if err != nil {
				t.Logf("claim: %v", err)
			}
			for _, j := range jobs {
				w.cliq.protect(t.Context(), j)
			}
		}
		w.clock.pass(sweepInterval)
		if _, _, err := w.store.SweepLeases(t.Context(), model.NewTime(w.clock.now())); err != nil {
			t.Fatal(err)
		}
	}
}

// TestBreaker shows that a dead region is left alone, for itself, and is found alive again by one message.
func TestBreaker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBreakers()
		dead := errors.New("unreachable")
		tell := func(region model.CliqRegionCode, err error) {
			t.Helper()
			done, ok := b.allow(region)
			if !ok {
				t.Fatalf("%s is closed off", region)
			}
			done(err)
		}
		refused := func(region model.CliqRegionCode) {
			t.Helper()
			if _, ok := b.allow(region); ok {
				t.Errorf("a message went to %s", region)
			}
		}
		for range breakerFailures - 1 {
			tell(model.CliqRegionCodeIn, dead)
		}
		tell(model.CliqRegionCodeIn, context.Canceled) // says nothing
		tell(model.CliqRegionCodeIn, nil)              // begins anew
		for range breakerFailures {
			tell(model.CliqRegionCodeIn, dead)
		}
		refused(model.CliqRegionCodeIn)
		tell(model.CliqRegionCodeEu, nil)
		time.Sleep(breakerOpen - time.Millisecond)
		refused(model.CliqRegionCodeIn)
		time.Sleep(2 * time.Millisecond)
		done, ok := b.allow(model.CliqRegionCodeIn)
		if !ok {
			t.Fatal("nobody may try")
		}
		refused(model.CliqRegionCodeIn) // one at a time
		done(dead)
		refused(model.CliqRegionCodeIn)
		time.Sleep(breakerOpen + time.Millisecond)
		tell(model.CliqRegionCodeIn, nil)
		tell(model.CliqRegionCodeIn, nil)
	})
}

// TestBreakerSpares shows that messages that the breaker held back are neither lost nor counted as attempts.
func TestBreakerSpares(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.fault(t, sandbox.FaultRedirect, sandbox.Setting{Service: "cliq"})
	var people []model.Viewer
	var ids []uuid.UUID
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		v := w.person(t, name)
		people = append(people, v)
		ids = append(ids, w.publish(t, v, model.ChannelCliq, 1)...)
		w.work(t)
	}
	if n := w.zoho.Count("", sandbox.EndpointMessage); n != breakerFailures {
		t.Errorf("%d requests", n)
	}
	d := w.deliveries(t, people[5], ids[5])[0]
	if d.Status != model.DeliveryStatusRetrying || d.Attempts != 0 || d.NextAttemptAt.Sub(model.NewTime(w.clock.now())) < breakerOpen {
		t.Errorf("held back: %s after %d attempts, until %v", d.Status, d.Attempts, d.NextAttemptAt)
	}
	w.zoho.ResetFaults()
	w.breakers = newBreakers() // it lives in real time
	w.clock.pass(time.Minute)
	w.work(t)
	for i, v := range people {
		if d := w.deliveries(t, v, ids[i])[0]; d.Status != model.DeliveryStatusSent {
			t.Errorf("delivery %d is %s", i, d.Status)
		}
	}
}
