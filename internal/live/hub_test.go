package live

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/goleak"

	"github.com/heffl/bff/model"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// bundle is one database with some replicas on one NATS server.
type bundle struct {
	store     *memory
	workspace uuid.UUID
	user      uuid.UUID
	hubs      []*Hub
}

func config(store Store, url string) Config {
	return Config{
		URL: url, Epoch: testEpoch, Store: store, Decorate: decorate, Logger: slog.New(slog.DiscardHandler), Now: time.Now,
	}
}

func startHub(t *testing.T, c Config, adjust ...func(*Hub)) *Hub {
	t.Helper()
	h, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range adjust {
		a(h)
	}
	if err := h.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		h.Stop(ctx)
	})
	return h
}

// seldom leaves the reconciler out, so that messages alone must bring everything.
func seldom(h *Hub) { h.round = time.Hour }

// natsServer starts a NATS server on a port of its own, or on the one given.
func natsServer(t *testing.T, port int) *server.Server {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: port, NoSigs: true, NoLog: true, MaxPayload: 8 << 20})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(patience) {
		t.Fatal("nats server does not start")
	}
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	return s
}

// setup makes one person and so many replicas: one with an embedded server, several with one of their own.
func setup(t *testing.T, replicas int, adjust ...func(*Hub)) *bundle {
	t.Helper()
	b := &bundle{workspace: uuid.New(), user: uuid.New()}
	b.store = newMemory(b.user)
	url := ""
	if replicas > 1 {
		url = natsServer(t, -1).ClientURL()
	}
	for range replicas {
		b.hubs = append(b.hubs, startHub(t, config(b.store, url), adjust...))
	}
	return b
}

func (b *bundle) viewer() model.Viewer { return testViewer(b.workspace, b.user) }

// publish stores an event for the person and tells one replica.
func (b *bundle) publish(hub int, titles ...string) {
	for _, title := range titles {
		event := testEvent(b.workspace, title)
		b.hubs[hub].Arrived(context.Background(), event, b.store.arrive(event, b.user))
	}
}

// cursor is the position of the person's inbox.
func (b *bundle) cursor() *model.Cursor {
	var c model.Cursor
	b.store.with(b.user, func(p *person) { c = model.NewCursor(testEpoch, b.user, p.position.LastSeq) })
	return &c
}

func (b *bundle) follow(t *testing.T, hub int, after *model.Cursor) <-chan model.InboxChange {
	t.Helper()
	changes, err := b.hubs[hub].InboxChanges(t.Context(), b.viewer(), after)
	if err != nil {
		t.Fatal(err)
	}
	return changes
}

func receive[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case item, ok := <-from:
		if !ok {
			t.Fatal("the stream ended")
		}
		return item
	case <-time.After(patience):
		t.Fatal("nothing came")
	}
	panic("unreachable")
}

// expect reads as many changes as described and compares them.
func expect(t *testing.T, from <-chan model.InboxChange, want ...string) (all []model.InboxChange) {
	t.Helper()
	var got []string
	for range want {
		change := receive(t, from)
		all = append(all, change)
		got = append(got, describe(change))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("changes differ (-want +got):\n%s", diff)
	}
	return all
}

// ended waits for the end of a stream and fails if anything else comes.
func ended[T any](t *testing.T, from <-chan T) {
	t.Helper()
	select {
	case item, ok := <-from:
		if ok {
			t.Fatalf("got %v, want the end", item)
		}
	case <-time.After(patience):
		t.Fatal("the stream goes on")
	}
}

func TestHubDelivers(t *testing.T) {
	t.Parallel()
	t.Run("WhatArrivesOnTheSameReplica", func(t *testing.T) {
		t.Parallel()
		b := setup(t, 1)
		changes := b.follow(t, 0, nil)
		expect(t, changes, "reset STARTED")
		b.publish(0, "a", "b", "c")
		all := expect(t, changes, "received a", "received b", "received c")
		first := all[0].(*model.NotificationReceived)
		if first.Cursor != model.NewCursor(testEpoch, b.user, 1) || first.UnreadCount < 1 {
			t.Errorf("first has cursor %v and count %d", first.Cursor, first.UnreadCount)
		}
		if first.Notification.URL != "https://app.test/deals/1" || first.Notification.Category != "DEALS" {
			t.Errorf("not decorated: %+v", first.Notification)
		}
	})
	t.Run("WhatArrivesOnAnotherReplica", func(t *testing.T) {
		t.Parallel()
		b := setup(t, 2)
		changes := b.follow(t, 0, nil)
		expect(t, changes, "reset STARTED")
		b.publish(1, "a", "b")
		all := expect(t, changes, "received a", "received b")
		want := b.store.people[b.user].rows[all[1].(*model.NotificationReceived).Notification.UUID]
		decorated := *want
		decorate(&decorated)
		if diff := cmp.Diff(decorated, all[1].(*model.NotificationReceived).Notification, cmp.AllowUnexported(model.Time{}), cmp.Comparer(func(a, b model.Time) bool { return a.Equal(b) })); diff != "" {
			t.Errorf("notification differs (-stored +told):\n%s", diff)
		}
	})
	t.Run("ChangesAndMarksToEveryTab", func(t *testing.T) {
		t.Parallel()
		b := setup(t, 2)
		b.publish(0, "a", "b")
		tabs := []<-chan model.InboxChange{b.follow(t, 0, b.cursor()), b.follow(t, 0, b.cursor()), b.follow(t, 1, b.cursor())}
		var ids []uuid.UUID
		b.store.with(b.user, func(p *person) {
			for id := range p.rows {
				ids = append(ids, id)
			}
		})
		inbox, seq := b.store.change(b.user, ids[:1], func(n *model.Notification) { n.ReadAt = testStart.Ptr() })
		b.hubs[1].Changed(t.Context(), inbox, seq)
		inbox, mark := b.store.markAll(b.user, 2)
		b.hubs[1].Marked(t.Context(), inbox, mark)
		var seen [][]model.Cursor
		for _, tab := range tabs {
			update := receive(t, tab).(*model.NotificationsUpdated)
			read := receive(t, tab).(*model.AllNotificationsRead)
			if update.Notifications[0].UUID != ids[0] || update.Notifications[0].ReadAt == nil || read.UnreadCount != 0 {
				t.Errorf("tab got %+v, %+v", update, read)
			}
			seen = append(seen, []model.Cursor{update.Cursor, read.Cursor, read.UpTo})
		}
		if !cmp.Equal(seen[0], seen[1]) || !cmp.Equal(seen[0], seen[2]) {
			t.Errorf("tabs have different cursors: %v", seen)
		}
	})
	t.Run("NewOnesOnly", func(t *testing.T) {
		t.Parallel()
		b := setup(t, 2)
		received, err := b.hubs[0].NotificationsReceived(t.Context(), b.viewer(), b.cursor())
		if err != nil {
			t.Fatal(err)
		}
		b.publish(1, "a")
		first := receive(t, received)
		inbox, seq := b.store.change(b.user, []uuid.UUID{first.Notification.UUID}, func(n *model.Notification) { n.ReadAt = testStart.Ptr() })
		b.hubs[1].Changed(t.Context(), inbox, seq)
		b.publish(1, "b")
		if second := receive(t, received); second.Notification.Title() != "b" || second.Cursor != model.NewCursor(testEpoch, b.user, 3) {
			t.Errorf("second is %q at %v", second.Notification.Title(), second.Cursor)
		}
	})
	t.Run("ContentTooBigForAMessage", func(t *testing.T) {
		t.Parallel()
		b := setup(t, 2)
		changes := b.follow(t, 0, b.cursor())
		event := testEvent(b.workspace, "big")
		event.Body = string(make([]byte, maxContent))
		b.hubs[1].Arrived(t.Context(), event, b.store.arrive(event, b.user))
		b.publish(1, "after")
		expect(t, changes, "received big", "received after")
	})
}

func TestHubLifecycle(t *testing.T) {
	t.Parallel()
	t.Run("StopBeforeStart", func(t *testing.T) {
		t.Parallel()
		h, err := New(config(newMemory(), ""))
		if err != nil {
			t.Fatal(err)
		}
		h.Stop(t.Context())
		h.Stop(t.Context())
		if err := h.Start(t.Context()); err == nil {
			t.Error("a stopped hub starts")
		}
	})
	t.Run("StopEndsStreamsAndSendsWhatWasPublished", func(t *testing.T) {
		t.Parallel()
		b := setup(t, 2)
		there, here := b.follow(t, 0, b.cursor()), b.follow(t, 1, nil)
		expect(t, here, "reset STARTED")
		b.publish(1, "last")
		b.hubs[1].Stop(t.Context())
		for range here { // until it ends
			continue
		}
		expect(t, there, "received last")
		if _, err := b.hubs[1].InboxChanges(t.Context(), b.viewer(), nil); err == nil {
			t.Error("a stopped hub takes subscribers")
		}
	})
	t.Run("ContextEndsAStream", func(t *testing.T) {
		t.Parallel()
		ns := natsServer(t, -1)
		b := setup(t, 0)
		b.hubs = append(b.hubs, startHub(t, config(b.store, ns.ClientURL())))
		b.hubs[0].bus.settle()
		before := ns.NumSubscriptions()
		ctx, cancel := context.WithCancel(t.Context())
		changes, err := b.hubs[0].InboxChanges(ctx, b.viewer(), nil)
		if err != nil {
			t.Fatal(err)
		}
		expect(t, changes, "reset STARTED")
		cancel()
		ended(t, changes)
		if st := b.hubs[0].Stats(); st.Users != 0 || st.Subscriptions != 0 {
			t.Errorf("left behind: %+v", st)
		}
		eventually(t, "the subject is left", func() bool { return ns.NumSubscriptions() == before })
	})
	t.Run("MissingDependency", func(t *testing.T) {
		t.Parallel()
		if _, err := New(Config{}); err == nil {
			t.Error("no error")
		}
	})
}
