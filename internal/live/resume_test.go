package live

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

func at(user uuid.UUID, seq int64) *model.Cursor {
	c := model.NewCursor(testEpoch, user, seq)
	return &c
}

// ids are the person's notifications in the order in which they came.
func (b *bundle) ids() []uuid.UUID {
	var rows []*model.Notification
	b.store.with(b.user, func(p *person) {
		for _, row := range p.rows {
			rows = append(rows, row)
		}
	})
	slices.SortFunc(rows, func(a, b *model.Notification) int { return int(a.Seq - b.Seq) })
	found := make([]uuid.UUID, len(rows))
	for i, row := range rows {
		found[i] = row.UUID
	}
	return found
}

func read(n *model.Notification) { n.ReadAt = testStart.Ptr() }

// TestResumeEdge shows D10 with the hub alone: TestResumeEdgeOnDatabases has the databases.
func TestResumeEdge(t *testing.T) {
	t.Parallel()
	other := uuid.New()
	rubbish := model.Cursor("bm90LWEtY3Vyc29y")
	old := model.NewCursor(model.Epoch{9}, uuid.Nil, 2)
	cases := map[string]struct {
		after func(user uuid.UUID) *model.Cursor
		want  model.InboxResetReason
	}{
		"OlderThanRetention": {func(u uuid.UUID) *model.Cursor { return at(u, 1) }, model.InboxResetReasonTooFarBehind},
		"TooManyChanges":     {func(u uuid.UUID) *model.Cursor { return at(u, 5) }, model.InboxResetReasonTooFarBehind},
		"Future":             {func(u uuid.UUID) *model.Cursor { return at(u, 2000) }, model.InboxResetReasonUnknownCursor},
		"AnotherPerson":      {func(uuid.UUID) *model.Cursor { return at(other, 1000) }, model.InboxResetReasonUnknownCursor},
		"AnotherEpoch":       {func(uuid.UUID) *model.Cursor { return &old }, model.InboxResetReasonUnknownCursor},
		"Rubbish":            {func(uuid.UUID) *model.Cursor { return &rubbish }, model.InboxResetReasonUnknownCursor},
		"Empty":              {func(uuid.UUID) *model.Cursor { return new(model.Cursor) }, model.InboxResetReasonUnknownCursor},
	}
	b := setup(t, 1)
	for range 1006 {
		b.store.arrive(testEvent(b.workspace, "old"), b.user)
	}
	b.store.with(b.user, func(p *person) { p.from = 4 })
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			changes := b.follow(t, 0, c.after(b.user))
			reset := expect(t, changes, "reset "+string(c.want))[0].(*model.InboxReset)
			if seq, ok := reset.Cursor.Position(testEpoch, b.user); !ok || seq != 1006 || reset.UnreadCount != 1006 {
				t.Errorf("goes on at %d (%v) with %d unread", seq, ok, reset.UnreadCount)
			}
			_, err := b.hubs[0].NotificationsReceived(t.Context(), b.viewer(), c.after(b.user))
			var known *model.Error
			if !errors.As(err, &known) || known.Code != model.CodeCursorUnusable {
				t.Fatalf("got %v, want CURSOR_UNUSABLE", err)
			}
			if diff := cmp.Diff(map[string]any{"cursor": reset.Cursor, "reason": c.want}, known.Extensions); diff != "" {
				t.Errorf("extensions differ (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("JustInReach", func(t *testing.T) {
		t.Parallel()
		changes := b.follow(t, 0, at(b.user, 6))
		for seq := int64(7); seq <= 1006; seq++ {
			change := receive(t, changes).(*model.NotificationReceived)
			if change.Notification.Seq != seq || change.Cursor != *at(b.user, seq) {
				t.Fatalf("got %d, want %d", change.Notification.Seq, seq)
			}
		}
	})
}

func TestReplay(t *testing.T) {
	t.Parallel()
	t.Run("EverythingOnceInOrderOfItsLastChange", func(t *testing.T) {
		t.Parallel()
		b := setup(t, 1)
		b.publish(0, "a", "b", "c", "d")
		ids := b.ids()
		b.store.change(b.user, ids[:1], read)
		b.store.markAll(b.user, 3)
		b.store.change(b.user, ids[2:3], func(n *model.Notification) { n.ReadAt = nil })
		changes := b.follow(t, 0, at(b.user, 2))
		expect(t, changes, "received d", "updated a", "read", "received c")
	})
	t.Run("OneChangeInPartsWithCursorsOfTheirOwn", func(t *testing.T) {
		t.Parallel()
		b := setup(t, 1)
		b.publish(0, "a", "b", "c", "d")
		b.store.change(b.user, b.ids(), read)
		changes := expect(t, b.follow(t, 0, at(b.user, 2)), "updated a b", "received c", "received d")
		places := []model.Place{
			place(t, b.user, changes[0].(*model.NotificationsUpdated).Cursor),
			place(t, b.user, changes[1].(*model.NotificationReceived).Cursor),
			place(t, b.user, changes[2].(*model.NotificationReceived).Cursor),
		}
		want := []model.Place{{Seq: 4, Within: 2}, {Seq: 4, Within: 3}, {Seq: 5}}
		if diff := cmp.Diff(want, places); diff != "" {
			t.Fatalf("places differ (-want +got):\n%s", diff)
		}
		second := changes[1].(*model.NotificationReceived).Cursor
		rest := b.follow(t, 0, &second)
		expect(t, rest, "received d")
		b.publish(0, "e")
		expect(t, rest, "received e")
	})
	t.Run("NewOnesInTheOrderOfTheirComing", func(t *testing.T) {
		t.Parallel()
		b := setup(t, 1)
		b.publish(0, "a", "b", "c")
		ids := b.ids()
		b.store.change(b.user, ids[1:2], read)
		b.store.change(b.user, ids[:1], read)
		received, err := b.hubs[0].NotificationsReceived(t.Context(), b.viewer(), at(b.user, 1))
		if err != nil {
			t.Fatal(err)
		}
		for i, title := range []string{"b", "c"} {
			if got := receive(t, received); got.Notification.Title() != title || got.Cursor != *at(b.user, int64(i+2)) {
				t.Errorf("got %q at %v", got.Notification.Title(), got.Cursor)
			}
		}
		b.publish(0, "d")
		if got := receive(t, received); got.Notification.Title() != "d" {
			t.Errorf("got %q", got.Notification.Title())
		}
	})
	t.Run("WhatComesWhileItRuns", func(t *testing.T) {
		t.Parallel()
		b := setup(t, 2)
		b.publish(0, "a")
		during := make(chan struct{}, 1)
		during <- struct{}{}
		b.store.onChanges = func(uuid.UUID) {
			select {
			case <-during:
				b.publish(1, "b", "c")
			default:
			}
		}
		changes := b.follow(t, 0, at(b.user, 0))
		expect(t, changes, "received a", "received b", "received c")
		b.publish(1, "d")
		expect(t, changes, "received d")
	})
	t.Run("WhatComesWhenItHasJustBeenRead", func(t *testing.T) {
		t.Parallel()
		b := setup(t, 0)
		b.hubs = append(b.hubs, startHub(t, config(b.store, ""), seldom))
		b.publish(0, "a")
		s := b.hubs[0].shardOf(b.user)
		b.store.afterChanges = func(uuid.UUID) {
			b.store.afterChanges = nil
			b.publish(0, "b")
			eventually(t, "heard", func() bool {
				s.mu.Lock()
				defer s.mu.Unlock()
				return s.entries[b.user].heard == 2
			})
		}
		expect(t, b.follow(t, 0, at(b.user, 0)), "received a", "received b")
	})
	t.Run("AMessageThatOvertakesAnother", func(t *testing.T) {
		t.Parallel()
		b := setup(t, 2)
		changes := b.follow(t, 0, nil)
		expect(t, changes, "reset STARTED")
		first, second := testEvent(b.workspace, "first"), testEvent(b.workspace, "second")
		early, late := b.store.arrive(first, b.user), b.store.arrive(second, b.user)
		b.hubs[1].Arrived(t.Context(), second, late)
		expect(t, changes, "received first", "received second")
		b.hubs[1].Arrived(t.Context(), first, early)
		b.publish(1, "third")
		expect(t, changes, "received third")
	})
	t.Run("DatabaseDownAtTheStart", func(t *testing.T) {
		t.Parallel()
		b := setup(t, 1)
		b.publish(0, "a")
		b.setDown(true)
		changes := b.follow(t, 0, at(b.user, 0))
		eventually(t, "degraded", func() bool { return b.hubs[0].State() == StateDegraded })
		b.setDown(false)
		expect(t, changes, "received a")
		if s := b.hubs[0].State(); s != StateOK {
			t.Errorf("state is %s", s)
		}
	})
}

func place(t *testing.T, user uuid.UUID, c model.Cursor) model.Place {
	t.Helper()
	p, ok := c.Place(testEpoch, user)
	if !ok {
		t.Fatalf("%s is no cursor", c)
	}
	return p
}

func (b *bundle) setDown(down bool) {
	b.store.mu.Lock()
	defer b.store.mu.Unlock()
	b.store.down = down
}
