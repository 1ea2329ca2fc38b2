package storetest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/heffl/bff/internal/store"
	"github.com/heffl/bff/model"
)

// modelBox is an inbox as it should be, small enough to be believed.
type modelBox struct {
	s    *store.Store
	v    model.Viewer
	rows map[uuid.UUID]*modelRow
	// order are all notifications that ever came, by position.
	order      []uuid.UUID
	last       int64
	replayFrom int64
	clock      model.Time
	// pictures are what a client that followed knew after each number.
	pictures []picture
}

type modelRow struct {
	pictured
	changed int64
	created model.Time
}

// runInboxModel does anything in any order to an inbox and to the model of one. After every step the count is the
// model's; from whatever number a client comes back, it learns what is there, or that it cannot.
func runInboxModel(t *testing.T, open Open) {
	t.Helper()
	t.Run("anything in any order", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		rapid.Check(t, func(rt *rapid.T) {
			m := &modelBox{
				s: s, v: admit(t, s, "acme", uuid.NewString()), rows: make(map[uuid.UUID]*modelRow),
				clock: noon, pictures: []picture{newPicture()},
			}
			actions := map[string]func(*testing.T, *rapid.T){
				"publish": m.publish, "hidden": m.hidden, "read": m.read, "archive": m.archive, "mark": m.mark, "purge": m.purge,
			}
			names := rapid.SampledFrom([]string{"publish", "publish", "publish", "hidden", "read", "read", "archive", "mark", "purge"})
			for range rapid.IntRange(5, 25).Draw(rt, "steps") {
				m.clock = m.clock.Add(time.Minute)
				actions[names.Draw(rt, "action")](t, rt)
				m.check(t, rt)
			}
			if diff := cmp.Diff(databasePicture(t, s, m.v.User.UUID), m.picture()); diff != "" {
				rt.Fatalf("the inbox (-database +model):\n%s", diff)
			}
		})
	})
}

func (m *modelBox) picture() picture {
	p := newPicture()
	for id, row := range m.rows {
		p[id] = row.pictured
	}
	return p
}

// take counts one change; the client that follows sees what is there now, and keeps what was purged.
func (m *modelBox) take() {
	m.last++
	next := m.pictures[len(m.pictures)-1].clone()
	for id, row := range m.rows {
		next[id] = row.pictured
	}
	m.pictures = append(m.pictures, next)
}

func (m *modelBox) some(rt *rapid.T) []uuid.UUID {
	if len(m.order) == 0 {
		return nil
	}
	return rapid.SliceOfN(rapid.SampledFrom(m.order), 1, 4).Draw(rt, "ids")
}

func (m *modelBox) publish(t *testing.T, _ *rapid.T) {
	t.Helper()
	id := deliver(t, m.s, m.v, "deal.won", 0, m.clock)
	m.rows[id] = &modelRow{pictured: pictured{Seq: m.last + 1}, changed: m.last + 1, created: m.clock}
	m.order = append(m.order, id)
	m.take()
}

func (m *modelBox) hidden(t *testing.T, _ *rapid.T) {
	t.Helper()
	deliver(t, m.s, m.v, "deal.won", inAppOff, m.clock)
}

// change does to the model what an update of some notifications does, and compares what the store said.
func (m *modelBox) change(rt *rapid.T, ids []uuid.UUID, got model.InboxUpdate, err error, apply func(*modelRow) bool) {
	changed := false
	for _, id := range ids {
		if row := m.rows[id]; row != nil && apply(row) {
			row.changed, changed = m.last+1, true
		}
	}
	want := int64(0)
	if changed {
		m.take()
		want = m.last
	}
	if err != nil || got.Seq != want {
		rt.Fatalf("number %d, want %d, %v", got.Seq, want, err)
	}
}

func (m *modelBox) read(t *testing.T, rt *rapid.T) {
	t.Helper()
	ids, read := m.some(rt), rapid.Bool().Draw(rt, "read")
	got, err := m.s.SetRead(t.Context(), m.v.User.UUID, ids, read, m.clock)
	m.change(rt, ids, got, err, func(row *modelRow) bool { return toggle(&row.ReadAt, read, m.clock) })
}

func (m *modelBox) archive(t *testing.T, rt *rapid.T) {
	t.Helper()
	ids, archived := m.some(rt), rapid.Bool().Draw(rt, "archived")
	got, err := m.s.SetArchived(t.Context(), m.v.User.UUID, ids, archived, m.clock)
	m.change(rt, ids, got, err, func(row *modelRow) bool { return toggle(&row.Archived, archived, m.clock) })
}

func toggle(at *model.Time, on bool, now model.Time) bool {
	if on != at.IsZero() {
		return false
	}
	*at = model.Time{}
	if on {
		*at = now
	}
	return true
}

func (m *modelBox) mark(t *testing.T, rt *rapid.T) {
	t.Helper()
	upTo := rapid.Int64Range(0, m.last).Draw(rt, "up to")
	got, err := m.s.MarkAllRead(t.Context(), m.v.User.UUID, upTo, m.clock)
	changed := int32(0)
	for _, row := range m.rows {
		if row.Seq <= upTo && toggle(&row.ReadAt, true, m.clock) {
			changed++
		}
	}
	if changed > 0 {
		m.take()
	}
	if err != nil || got.Changed != changed {
		rt.Fatalf("%d marked, want %d, %v", got.Changed, changed, err)
	}
}

// purge takes away what is older than some time, as if the person had read what is unread of it. It deletes in the
// whole database, so other people's go as well.
func (m *modelBox) purge(t *testing.T, rt *rapid.T) {
	t.Helper()
	limit := noon.Add(time.Duration(rapid.IntRange(0, 12).Draw(rt, "minutes")) * time.Minute)
	if _, err := m.s.Purge(t.Context(), limit, m.clock, 1000); err != nil {
		rt.Fatalf("purge: %v", err)
	}
	upTo := int64(0)
	for _, row := range m.rows {
		if row.created.Before(limit) && row.ReadAt.IsZero() && row.Archived.IsZero() {
			upTo = max(upTo, row.Seq)
		}
	}
	if upTo > 0 {
		for _, row := range m.rows {
			if row.Seq <= upTo {
				toggle(&row.ReadAt, true, m.clock)
			}
		}
		m.take()
	}
	for id, row := range m.rows {
		if row.created.Before(limit) {
			m.replayFrom = max(m.replayFrom, row.changed)
			delete(m.rows, id)
		}
	}
}

func (m *modelBox) check(t *testing.T, rt *rapid.T) {
	t.Helper()
	want := model.Inbox{UserID: m.v.User.UUID, LastSeq: m.last, UnreadCount: m.picture().unread(), ReplayFrom: m.replayFrom}
	if diff := cmp.Diff(want, inbox(t, m.s, m.v)); diff != "" {
		rt.Fatalf("inbox (-model +store):\n%s", diff)
	}
	after := rapid.Int64Range(0, m.last).Draw(rt, "after")
	limit := rapid.SampledFrom([]int{1000, 1000, 3}).Draw(rt, "limit")
	got, err := m.s.Changes(t.Context(), m.v.User.UUID, after, limit)
	if err != nil || got.Inbox != want {
		rt.Fatalf("changes after %d: %+v, %v", after, got.Inbox, err)
	}
	if tooFar := after < m.replayFrom || m.last-after > int64(limit); got.TooFarBehind != tooFar {
		rt.Fatalf("too far behind = %v at %d of %d, replay from %d, limit %d", got.TooFarBehind, after, m.last, m.replayFrom, limit)
	} else if tooFar {
		return
	}
	client := m.pictures[after].clone()
	client.apply(t, &got, after)
	for id := range client {
		if m.rows[id] == nil {
			delete(client, id) // what was purged grows old in a client
		}
	}
	if diff := cmp.Diff(m.picture(), client); diff != "" {
		rt.Fatalf("a client that comes back from %d (-model +client):\n%s", after, diff)
	}
}
