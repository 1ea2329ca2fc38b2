package live

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/heffl/bff/model"
)

// source is the database as a client refetches it and as it is compared in the end.
type source interface {
	inboxOf(t *rapid.T, user uuid.UUID) model.Inbox
	rowsOf(t *rapid.T, user uuid.UUID) []model.Notification
}

func (m *memory) inboxOf(_ *rapid.T, user uuid.UUID) (inbox model.Inbox) {
	m.with(user, func(p *person) { inbox = p.inbox() })
	return inbox
}

func (m *memory) rowsOf(_ *rapid.T, user uuid.UUID) (rows []model.Notification) {
	m.with(user, func(p *person) {
		for _, row := range p.rows {
			rows = append(rows, *row)
		}
	})
	return rows
}

// client is a well-behaved reader: it keeps a picture of the inbox from what it is told, and its last cursor.
type client struct {
	user     uuid.UUID
	epoch    model.Epoch
	cursor   *model.Cursor
	picture  map[uuid.UUID]string
	arrivals map[uuid.UUID]int64
	told     map[uuid.UUID]bool // by NotificationReceived, since the last reset
	count    int32
	seen     map[model.Cursor]bool // of this connection
	changes  <-chan model.InboxChange
	cancel   context.CancelFunc
}

func newClient(user uuid.UUID, epoch model.Epoch) *client {
	return &client{
		user: user, epoch: epoch, picture: make(map[uuid.UUID]string), arrivals: make(map[uuid.UUID]int64), told: make(map[uuid.UUID]bool),
	}
}

func state(n *model.Notification) string {
	return fmt.Sprint(n.Title(), " read=", n.ReadAt != nil, " archived=", n.ArchivedAt != nil)
}

func (c *client) learn(n *model.Notification) {
	c.arrivals[n.UUID] = n.Seq
	c.picture[n.UUID] = state(n)
}

// apply takes one change into the picture.
func (c *client) apply(t *rapid.T, db source, change model.InboxChange) {
	var cursor model.Cursor
	switch v := change.(type) {
	case *model.NotificationReceived:
		cursor, c.count = v.Cursor, v.UnreadCount
		if c.told[v.Notification.UUID] {
			t.Fatalf("%s was received twice", v.Notification.Title())
		}
		c.told[v.Notification.UUID] = true
		c.learn(&v.Notification)
	case *model.NotificationsUpdated:
		cursor, c.count = v.Cursor, v.UnreadCount
		for i := range v.Notifications {
			c.learn(&v.Notifications[i])
		}
	case *model.AllNotificationsRead:
		cursor, c.count = v.Cursor, v.UnreadCount
		upTo, _ := v.UpTo.Position(c.epoch, c.user)
		for id, arrival := range c.arrivals {
			if arrival <= upTo {
				c.markRead(id)
			}
		}
	case *model.InboxReset:
		cursor, c.count = v.Cursor, v.UnreadCount
		clear(c.picture)
		clear(c.told)
		rows := db.rowsOf(t, c.user)
		for i := range rows {
			c.learn(&rows[i])
		}
	}
	if c.seen[cursor] {
		t.Fatalf("cursor %s came twice", cursor)
	}
	c.seen[cursor] = true
	c.cursor = &cursor
}

func (c *client) markRead(id uuid.UUID) {
	var title, read, archived string
	if _, err := fmt.Sscanf(c.picture[id], "%s read=%s archived=%s", &title, &read, &archived); err == nil {
		c.picture[id] = title + " read=true archived=" + archived
	}
}

func (c *client) connect(t *rapid.T, h *Hub, workspace uuid.UUID) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	changes, err := h.InboxChanges(ctx, testViewer(workspace, c.user), c.cursor)
	if err != nil {
		t.Fatal(err)
	}
	c.changes, c.cancel, c.seen = changes, cancel, make(map[model.Cursor]bool)
}

func (c *client) disconnect() {
	c.cancel()
	c.changes = nil
}

// catchUp reads until the client is where the inbox is.
func (c *client) catchUp(t *rapid.T, db source) {
	t.Helper()
	last := db.inboxOf(t, c.user).LastSeq
	for {
		if c.cursor != nil {
			if at, ok := c.cursor.Place(c.epoch, c.user); ok && at.Seq >= last {
				return
			}
		}
		c.next(t, db, patience)
	}
}

func (c *client) next(t *rapid.T, db source, wait time.Duration) {
	t.Helper()
	select {
	case change := <-c.changes:
		c.apply(t, db, change)
	case <-time.After(wait):
		if wait == patience {
			t.Fatal("nothing comes, and the client is behind")
		}
	}
}

// compare demands that the picture and the count are the database's.
func (c *client) compare(t *rapid.T, db source) {
	t.Helper()
	want, unread := make(map[uuid.UUID]string), int32(0)
	rows := db.rowsOf(t, c.user)
	for i := range rows {
		want[rows[i].UUID] = state(&rows[i])
		if rows[i].ReadAt == nil && rows[i].ArchivedAt == nil {
			unread++
		}
	}
	if diff := cmp.Diff(want, c.picture); diff != "" {
		t.Fatalf("the picture differs (-inbox +client):\n%s", diff)
	}
	if count := db.inboxOf(t, c.user).UnreadCount; c.count != count || count != unread {
		t.Fatalf("the client counts %d unread, the inbox %d, the rows %d", c.count, count, unread)
	}
}

// TestPictureEqualsInbox lets a person's inbox change in every way, loses messages, cuts connections in the middle of
// replays and moves the client between replicas. Whenever the client has caught up, its picture is the database's.
func TestPictureEqualsInbox(t *testing.T) {
	t.Parallel()
	url := natsServer(t, -1).ClientURL()
	store := newMemory()
	hubs := []*Hub{startHub(t, config(store, url), seldom), startHub(t, config(store, url), seldom)}
	rapid.Check(t, func(t *rapid.T) {
		workspace, user := uuid.New(), uuid.New()
		store.mu.Lock()
		store.people[user] = newMemory(user).people[user]
		store.mu.Unlock()
		c := newClient(user, testEpoch)
		hub := func() *Hub { return hubs[rapid.IntRange(0, 1).Draw(t, "hub")] }
		titles := 0
		var ids []uuid.UUID
		some := func() []uuid.UUID {
			return rapid.SliceOfNDistinct(rapid.SampledFrom(ids), 1, min(len(ids), 6), rapid.ID[uuid.UUID]).Draw(t, "ids")
		}
		lost := func() bool { return rapid.IntRange(0, 4).Draw(t, "lost") == 0 }
		arrive := func(lost bool) {
			titles++
			event := testEvent(workspace, fmt.Sprint("n", titles))
			entries := store.arrive(event, user)
			ids = append(ids, entries[0].NotificationID)
			if !lost {
				hub().Arrived(context.Background(), event, entries)
			}
		}
		change := func(alter func(*model.Notification)) {
			inbox, seq := store.change(user, some(), alter)
			if !lost() {
				hub().Changed(context.Background(), inbox, seq)
			}
		}
		needIDs := func() {
			if len(ids) == 0 {
				t.Skip("nothing there yet")
			}
		}
		defer func() {
			if c.changes != nil {
				c.disconnect()
			}
		}()
		t.Repeat(map[string]func(*rapid.T){
			"arrive": func(*rapid.T) { arrive(lost()) },
			"read": func(*rapid.T) {
				needIDs()
				change(func(n *model.Notification) { n.ReadAt = testStart.Ptr() })
			},
			"unread": func(*rapid.T) {
				needIDs()
				change(func(n *model.Notification) { n.ReadAt = nil })
			},
			"archive": func(*rapid.T) {
				needIDs()
				change(func(n *model.Notification) { n.ArchivedAt = testStart.Ptr() })
			},
			"markAll": func(*rapid.T) {
				var last int64
				store.with(user, func(p *person) { last = p.position.LastSeq })
				inbox, mark := store.markAll(user, rapid.Int64Range(0, last).Draw(t, "upTo"))
				if !lost() {
					hub().Marked(context.Background(), inbox, mark)
				}
			},
			"connect": func(*rapid.T) {
				if c.changes == nil {
					c.connect(t, hub(), workspace)
				}
			},
			"disconnect": func(*rapid.T) {
				if c.changes != nil {
					c.disconnect()
				}
			},
			"consume": func(*rapid.T) {
				if c.changes != nil {
					c.next(t, store, time.Millisecond)
				}
			},
			"forgetOld": func(*rapid.T) {
				store.with(user, func(p *person) { p.from = max(p.from, p.position.LastSeq-12) })
			},
		})
		if c.changes == nil {
			c.connect(t, hub(), workspace)
		}
		arrive(false) // what comes last is heard, and shows every gap before it
		c.catchUp(t, store)
		c.compare(t, store)
	})
}
