package live

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/heffl/bff/internal/catalog"
	"github.com/heffl/bff/internal/inbox"
	"github.com/heffl/bff/internal/store"
	"github.com/heffl/bff/internal/store/storetest"
	"github.com/heffl/bff/model"
)

var full = flag.Bool("full", false, "as long and as much as the goals name, instead of a little")

// knownEvents is the catalog as the inbox asks it.
type knownEvents struct{ *catalog.Catalog }

func (k knownEvents) EventMeta(eventType string) (category string, importance model.Importance, ok bool) {
	et, ok := k.Event(eventType)
	if !ok {
		return "", "", false
	}
	return et.Category, et.Importance, true
}

// cluster is a real database with replicas on one NATS server, each with a hub and an inbox service.
type cluster struct {
	store    *store.Store
	hubs     []*Hub
	services []*inbox.Service
}

func startCluster(t *testing.T, s *store.Store, url string, replicas int) *cluster {
	t.Helper()
	events, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{store: s}
	for range replicas {
		conf := config(s, url)
		conf.Epoch = s.Epoch()
		hub := startHub(t, conf)
		service, err := inbox.New(inbox.Config{
			Store: s, Publisher: hub, Catalog: knownEvents{events}, Epoch: s.Epoch(), AppURL: "https://app.test", Now: time.Now,
		})
		if err != nil {
			t.Fatal(err)
		}
		c.hubs, c.services = append(c.hubs, hub), append(c.services, service)
	}
	return c
}

// publish stores an event for some people through one replica.
func (c *cluster) publish(ctx context.Context, replica int, workspace uuid.UUID, title string, users ...uuid.UUID) (model.SavedPlan, error) {
	p := storetest.Plan(workspace, "deal.won", model.NewTime(time.Now()), 0, users...)
	p.Event.Title = title
	saved, err := c.store.SavePlan(ctx, p)
	if err == nil {
		c.hubs[replica].Arrived(ctx, &p.Event, saved.Entries)
	}
	return saved, err
}

func (c *cluster) inboxOf(t *rapid.T, user uuid.UUID) model.Inbox {
	t.Helper()
	box, err := c.store.Inbox(context.Background(), user)
	if err != nil {
		t.Fatal(err)
	}
	return box
}

func (c *cluster) rowsOf(t *rapid.T, user uuid.UUID) []model.Notification {
	t.Helper()
	page, err := c.store.InboxPage(context.Background(), model.InboxQuery{UserID: user, Limit: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	return page.Notifications
}

// family are five people who use two replicas, and what happens to them.
type family struct {
	*cluster
	workspace uuid.UUID
	clients   []*client
	titles    int
}

// TestPicturesEqualDatabase is the whole live inbox against a model: five people, two replicas, a real database. Whatever is
// done in whatever order, after every step the picture and the count of everybody who is connected are the database's, and
// so are those of who comes back.
func TestPicturesEqualDatabase(t *testing.T) {
	t.Parallel()
	most := 10
	if *full {
		most = 400
	}
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		c := startCluster(t, s, natsServer(t, -1).ClientURL(), 2)
		rapid.Check(t, func(rt *rapid.T) {
			f := &family{cluster: c}
			for range 5 {
				v := storetest.Person(t, s, "acme", uuid.NewString())
				f.workspace = v.Workspace.UUID
				f.clients = append(f.clients, newClient(v.User.UUID, s.Epoch()))
			}
			defer func() {
				for _, c := range f.clients {
					if c.changes != nil {
						c.disconnect()
					}
				}
			}()
			steps := rapid.SampledFrom([]func(*rapid.T){
				f.publish, f.publish, f.publish, f.read, f.read, f.archive, f.markAll, f.resume, f.resume, f.disconnect, f.startAnew,
			})
			for i, c := range f.clients {
				c.connect(rt, f.hubs[i%2], f.workspace)
			}
			for range rapid.IntRange(4, most).Draw(rt, "steps") {
				steps.Draw(rt, "step")(rt)
				for _, c := range f.clients {
					if c.changes != nil {
						c.catchUp(rt, f)
						c.compare(rt, f)
					}
				}
			}
			for _, c := range f.clients { // in the end all come back
				if c.changes == nil {
					c.connect(rt, f.hubs[0], f.workspace)
					c.catchUp(rt, f)
					c.compare(rt, f)
				}
			}
		})
	})
}

func (f *family) somebody(t *rapid.T) *client { return rapid.SampledFrom(f.clients).Draw(t, "who") }

func (f *family) replica(t *rapid.T) int { return rapid.IntRange(0, 1).Draw(t, "replica") }

// some are ids of this person's notifications, and sometimes of somebody else's.
func (f *family) some(t *rapid.T, c *client) []string {
	rows := f.rowsOf(t, c.user)
	if rapid.IntRange(0, 9).Draw(t, "also a stranger's") == 0 {
		rows = append(rows, f.rowsOf(t, f.somebody(t).user)...)
	}
	if len(rows) == 0 {
		return nil
	}
	slices.SortFunc(rows, func(a, b model.Notification) int { return int(a.Seq - b.Seq) })
	var ids []string
	for _, i := range rapid.SliceOfN(rapid.IntRange(0, len(rows)-1), 1, 5).Draw(t, "notifications") {
		ids = append(ids, rows[i].ID())
	}
	return ids
}

func (f *family) publish(t *rapid.T) {
	var users []uuid.UUID
	for _, c := range f.clients {
		if rapid.Bool().Draw(t, "told") {
			users = append(users, c.user)
		}
	}
	f.titles++
	if _, err := f.cluster.publish(context.Background(), f.replica(t), f.workspace, fmt.Sprint("n", f.titles), users...); err != nil {
		t.Fatal(err)
	}
}

func (f *family) read(t *rapid.T) {
	c := f.somebody(t)
	if _, _, err := f.services[f.replica(t)].SetRead(context.Background(), c.user, f.some(t, c), rapid.Bool().Draw(t, "read")); err != nil {
		t.Fatal(err)
	}
}

func (f *family) archive(t *rapid.T) {
	c := f.somebody(t)
	if _, _, err := f.services[f.replica(t)].SetArchived(context.Background(), c.user, f.some(t, c), rapid.Bool().Draw(t, "archived")); err != nil {
		t.Fatal(err)
	}
}

func (f *family) markAll(t *rapid.T) {
	c := f.somebody(t)
	upTo := f.inboxOf(t, c.user).LastSeq
	if rapid.Bool().Draw(t, "not to the end") {
		upTo = rapid.Int64Range(0, upTo).Draw(t, "up to")
	}
	_, problems, err := f.services[f.replica(t)].MarkAllRead(context.Background(), c.user, model.NewCursor(c.epoch, c.user, upTo))
	if err != nil || len(problems) > 0 {
		t.Fatal(problems, err)
	}
}

func (f *family) resume(t *rapid.T) {
	if c := f.somebody(t); c.changes == nil {
		c.connect(t, f.hubs[f.replica(t)], f.workspace)
	}
}

func (f *family) disconnect(t *rapid.T) {
	if c := f.somebody(t); c.changes != nil {
		c.disconnect()
	}
}

func (f *family) startAnew(t *rapid.T) {
	if c := f.somebody(t); c.changes == nil {
		c.cursor = nil
		c.connect(t, f.hubs[f.replica(t)], f.workspace)
	}
}

// TestResumeEdgeOnDatabases shows D10 where cursors really grow old: by the purge and by a restore. Whatever cannot be replayed
// begins with InboxReset at the end of the person's own inbox, and nothing of anybody else ever comes.
func TestResumeEdgeOnDatabases(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		c := startCluster(t, s, "", 1)
		ann, bob := storetest.Person(t, s, "acme", "ann"), storetest.Person(t, s, "acme", "bob")
		a, b := ann.User.UUID, bob.User.UUID
		lastYear := storetest.Plan(ann.Workspace.UUID, "deal.won", model.NewTime(time.Now().Add(-365*24*time.Hour)), 0, a)
		storetest.Save(t, s, lastYear)
		ids := []string{model.GlobalID(model.KindNotification, lastYear.Notifications[0].NotificationID)}
		if _, _, err := c.services[0].SetRead(t.Context(), a, ids, true); err != nil {
			t.Fatal(err)
		}
		for i := range 4 {
			if _, err := c.publish(t.Context(), 0, ann.Workspace.UUID, fmt.Sprint("ann ", i), a); err != nil {
				t.Fatal(err)
			}
			if _, err := c.publish(t.Context(), 0, ann.Workspace.UUID, fmt.Sprint("bob ", i), b); err != nil {
				t.Fatal(err)
			}
		}
		now := model.NewTime(time.Now())
		if n, err := s.Purge(t.Context(), now.Add(-90*24*time.Hour), now, 1000); n != 1 || err != nil {
			t.Fatalf("purged %d, %v", n, err)
		}
		before := s.Epoch()
		cursor := model.NewCursor
		check := func(c *cluster, name string, after model.Cursor, want model.InboxResetReason) {
			t.Helper()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			changes, err := c.hubs[0].InboxChanges(ctx, ann, &after)
			if err != nil {
				t.Fatal(err)
			}
			reset, ok := receive(t, changes).(*model.InboxReset)
			if !ok || reset.Reason != want || reset.UnreadCount != 4 || reset.Cursor != cursor(s.Epoch(), a, 6) {
				t.Errorf("%s: %+v, want %s", name, reset, want)
			}
			if _, err := c.hubs[0].NotificationsReceived(ctx, ann, &after); err == nil {
				t.Errorf("%s: new notifications are told with a gap", name)
			}
			select {
			case more := <-changes:
				t.Errorf("%s: then came %s", name, describe(more))
			default:
			}
		}
		for name, after := range map[string]model.Cursor{"OlderThanRetention": cursor(before, a, 1), "TheVeryBeginning": cursor(before, a, 0)} {
			check(c, name, after, model.InboxResetReasonTooFarBehind)
		}
		inside := string(cursor(before, a, 5))
		for name, after := range map[string]model.Cursor{
			"Future": cursor(before, a, 7), "FarFuture": cursor(before, a, 1<<62), "AnotherPerson": cursor(before, b, 5),
			"Cut": model.Cursor(inside[:20]), "Longer": model.Cursor(inside + "AA"), "Broken": model.Cursor(inside[:30] + "\n" + inside[30:]), "Empty": "",
		} {
			check(c, name, after, model.InboxResetReasonUnknownCursor)
		}
		fine := cursor(before, a, 5)
		changes, err := c.hubs[0].InboxChanges(t.Context(), ann, &fine)
		if err != nil {
			t.Fatal(err)
		}
		expect(t, changes, "received ann 3")

		// The same numbers in another life of the database are other changes.
		if err := s.MigrateAfterRestore(t.Context()); err != nil {
			t.Fatal(err)
		}
		if s.Epoch() == before {
			t.Fatal("the epoch stayed")
		}
		check(startCluster(t, s, "", 1), "AnotherEpoch", fine, model.InboxResetReasonUnknownCursor)
	})
}

// TestDevices shows that a change made on one device reaches the others, on whichever replica, once each and with the count that
// the database has after it.
func TestDevices(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		c := startCluster(t, s, natsServer(t, -1).ClientURL(), 2)
		ann := storetest.Person(t, s, "acme", "ann")
		user := ann.User.UUID
		var tabs []<-chan model.InboxChange
		for i := range 4 {
			tab, err := c.hubs[i%2].InboxChanges(t.Context(), ann, nil)
			if err != nil {
				t.Fatal(err)
			}
			expect(t, tab, "reset STARTED")
			tabs = append(tabs, tab)
		}
		var ids []string
		for i := range 3 {
			saved, err := c.publish(t.Context(), i%2, ann.Workspace.UUID, fmt.Sprint("n", i), user)
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, model.GlobalID(model.KindNotification, saved.Entries[0].NotificationID))
			for _, tab := range tabs {
				expect(t, tab, fmt.Sprint("received n", i))
			}
		}
		change := func(want string, count int32, do func(*inbox.Service) error) {
			t.Helper()
			for i, service := range c.services {
				if err := do(service); err != nil {
					t.Fatal(err)
				}
				if i > 0 {
					continue // the second time nothing changes, and nobody is told
				}
				box, err := s.Inbox(t.Context(), user)
				if err != nil {
					t.Fatal(err)
				}
				for _, tab := range tabs {
					var got int32
					var at model.Cursor
					switch told := expect(t, tab, want)[0].(type) {
					case *model.NotificationsUpdated:
						got, at = told.UnreadCount, told.Cursor
					case *model.AllNotificationsRead:
						got, at = told.UnreadCount, told.Cursor
					}
					if got != count || box.UnreadCount != count || at != model.NewCursor(s.Epoch(), user, box.LastSeq) {
						t.Errorf("%s: told %d at %s, the inbox has %d", want, got, at, box.UnreadCount)
					}
				}
			}
		}
		change("updated n0", 2, func(b *inbox.Service) error { _, _, err := b.SetRead(t.Context(), user, ids[:1], true); return err })
		change("updated n1", 1, func(b *inbox.Service) error {
			_, _, err := b.SetArchived(t.Context(), user, ids[1:2], true)
			return err
		})
		change("updated n0", 2, func(b *inbox.Service) error { _, _, err := b.SetRead(t.Context(), user, ids[:1], false); return err })
		change("read", 0, func(b *inbox.Service) error {
			_, _, err := b.MarkAllRead(t.Context(), user, model.NewCursor(s.Epoch(), user, 3))
			return err
		})
		for _, tab := range tabs {
			select {
			case more := <-tab:
				t.Errorf("then came %s", describe(more))
			default:
			}
		}
	})
}
