package delivery

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/heffl/bff/internal/mail"
	"github.com/heffl/bff/internal/sandbox"
	"github.com/heffl/bff/model"
)

// punctual takes e-mails as the SMTP client does: not when the time of the attempt is over.
type punctual struct{ Mailer }

func (p punctual) Send(ctx context.Context, m mail.Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return p.Mailer.Send(ctx, m)
}

// TestFrozenWorker shows D12 for what leaves the house: a process that was frozen, with claimed e-mails and the lease of a
// person, sends nothing of it when it goes on after the lease, whether somebody else has taken over meanwhile or not.
func TestFrozenWorker(t *testing.T) {
	t.Parallel()
	for name, others := range map[string]bool{"OthersGoOn": true, "NobodyElse": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachDatabase(t, func(t *testing.T, w *world) {
				t.Helper()
				w.config.Mailer = punctual{w.post}
				ann := w.person(t, "ann")
				chats := w.publish(t, ann, model.ChannelCliq, 2)
				mails := w.publish(t, ann, model.ChannelEmail, 2)
				// It has claimed, and is frozen before the first request leaves.
				sessions, err := w.claimCliq(t.Context(), 1)
				if err != nil || len(sessions) != 1 {
					t.Fatal(len(sessions), err)
				}
				letters, err := w.claimEmail(t.Context(), 8)
				if err != nil || len(letters) != 2 {
					t.Fatal(len(letters), err)
				}
				w.clock.pass(cliqLease - cliqLease/marginPart)
				other := w.replica(t, func(*Config) {})
				if others {
					w.clock.pass(cliqLease / marginPart)
					if _, _, err := w.store.SweepLeases(t.Context(), model.NewTime(w.clock.now())); err != nil {
						t.Fatal(err)
					}
					w.work(t, other)
				}
				told, sent, asked := len(w.zoho.Messages()), len(w.post.sent), w.zoho.Count("", sandbox.EndpointMessage)
				if want := map[bool]int{true: 2, false: 0}[others]; told != want || sent != want {
					t.Fatalf("%d messages and %d e-mails before it goes on", told, sent)
				}
				for _, late := range append(letters, sessions...) {
					late(t.Context())
				}
				if n := len(w.post.sent); n != sent {
					t.Errorf("%d e-mails were sent late", n-sent)
				}
				// A lease that nobody has taken is renewed before a message is marked: then it may go.
				if n := w.zoho.Count("", sandbox.EndpointMessage) - asked; others && n != 0 {
					t.Errorf("%d requests to Cliq left late", n)
				}
				w.clock.pass(time.Minute) // what was given back waits for its turn
				w.work(t)
				w.expectOnce(t, ann, chats, mails)
			})
		})
	}
}

// TestFrozenBetweenMarkAndRequest shows the narrowest place: frozen right after a message was marked SENDING. It does not
// leave. Whoever swept it meanwhile has told it as unknown; if nobody did, it goes as if it had never been tried.
func TestFrozenBetweenMarkAndRequest(t *testing.T) {
	t.Parallel()
	for name, swept := range map[string]bool{"OthersGoOn": true, "NobodyElse": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachDatabase(t, func(t *testing.T, w *world) {
				t.Helper()
				ann := w.person(t, "ann")
				ids := w.publish(t, ann, model.ChannelCliq, 2)
				w.config.Store = struct {
					QueueStore
					EmailStore
					CliqStore
				}{w.store, w.store, &freezing{CliqStore: w.store, freeze: func() {
					w.clock.pass(cliqLease)
					if !swept {
						return
					}
					if _, chat, err := w.store.SweepLeases(t.Context(), model.NewTime(w.clock.now())); chat != 1 || err != nil {
						t.Errorf("swept %d, %v", chat, err)
					}
				}}}
				sessions, err := w.claimCliq(t.Context(), 1)
				if err != nil || len(sessions) != 1 {
					t.Fatal(len(sessions), err)
				}
				sessions[0](t.Context())
				if n := w.zoho.Count("", sandbox.EndpointMessage); n != 0 {
					t.Errorf("%d requests left late", n)
				}
				if c := w.connection(t, ann); c.Problem != "" {
					t.Errorf("the person is told of %s", c.Problem)
				}
				w.work(t)
				first := model.DeliveryStatusSent
				if swept {
					first = model.DeliveryStatusOutcomeUnknown
				}
				d := w.deliveries(t, ann, ids...)
				if d[0].Status != first || d[0].Attempts != 1 || d[1].Status != model.DeliveryStatusSent {
					t.Errorf("deliveries are %s after %d attempts and %s", d[0].Status, d[0].Attempts, d[1].Status)
				}
			})
		})
	}
}

// freezing stops the process once, right after a message was marked.
type freezing struct {
	CliqStore
	freeze func()
}

func (f *freezing) BeginCliq(
	ctx context.Context, userID, leaseID uuid.UUID, ids []uuid.UUID, carrier *uuid.UUID, now model.Time,
) ([]uuid.UUID, error) {
	begun, err := f.CliqStore.BeginCliq(ctx, userID, leaseID, ids, carrier, now)
	if f.freeze != nil {
		f.freeze()
		f.freeze = nil
	}
	return begun, err
}

// expectOnce fails unless everything arrived once.
func (w *world) expectOnce(t *testing.T, v model.Viewer, chats, mails []uuid.UUID) {
	t.Helper()
	if got := w.numbers(t, v); len(got) != len(chats) {
		t.Errorf("told %v of %d", got, len(chats))
	}
	if len(w.post.sent) != len(mails) {
		t.Errorf("%d e-mails of %d", len(w.post.sent), len(mails))
	}
	for _, d := range w.deliveries(t, v, append(chats, mails...)...) {
		if d.Status != model.DeliveryStatusSent {
			t.Errorf("%v is %s", d.Channel, d.Status)
		}
	}
}
