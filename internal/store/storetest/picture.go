package storetest

import (
	"maps"
	"testing"

	"github.com/google/uuid"

	"github.com/heffl/bff/internal/store"
	"github.com/heffl/bff/model"
)

// picture is what a client that follows an inbox believes to be in it.
type picture map[uuid.UUID]pictured

// pictured is one notification in a picture.
type pictured struct {
	Seq              int64
	ReadAt, Archived model.Time
}

func newPicture() picture { return make(picture) }

func (p picture) clone() picture { return maps.Clone(p) }

func (p picture) unread() (n int32) {
	for _, one := range p {
		if one.ReadAt.IsZero() && one.Archived.IsZero() {
			n++
		}
	}
	return n
}

// apply follows changes as a client does: number by number, notifications as they are now, marks on everything that
// came up to their position. It demands that the order is one and that nothing is told twice.
func (p picture) apply(tb testing.TB, changes *model.InboxChanges, after int64) {
	tb.Helper()
	marks := changes.Marks
	last := after
	mark := func(before int64) {
		for len(marks) > 0 && marks[0].Seq < before {
			if marks[0].Seq <= last {
				tb.Fatalf("mark %d after number %d", marks[0].Seq, last)
			}
			last = marks[0].Seq
			for id, one := range p {
				if one.Seq <= marks[0].UpTo && one.ReadAt.IsZero() {
					one.ReadAt = marks[0].ReadAt
					p[id] = one
				}
			}
			marks = marks[1:]
		}
	}
	told := make(map[uuid.UUID]bool)
	for i := range changes.Notifications {
		n := &changes.Notifications[i]
		mark(n.ChangedSeq)
		if n.ChangedSeq < last || n.ChangedSeq <= after || told[n.UUID] || n.Event == nil {
			tb.Fatalf("number %d after %d, told before: %v", n.ChangedSeq, last, told[n.UUID])
		}
		last, told[n.UUID] = n.ChangedSeq, true
		p[n.UUID] = pictureOf(n)
	}
	mark(1 << 62)
}

func pictureOf(n *model.Notification) pictured {
	one := pictured{Seq: n.Seq}
	if n.ReadAt != nil {
		one.ReadAt = *n.ReadAt
	}
	if n.ArchivedAt != nil {
		one.Archived = *n.ArchivedAt
	}
	return one
}

// databasePicture is what really is in an inbox.
func databasePicture(tb testing.TB, s *store.Store, user uuid.UUID) picture {
	tb.Helper()
	all, err := s.InboxPage(tb.Context(), model.InboxQuery{UserID: user, Limit: 10_000})
	if err != nil {
		tb.Fatalf("page: %v", err)
	}
	p := newPicture()
	for i := range all.Notifications {
		p[all.Notifications[i].UUID] = pictureOf(&all.Notifications[i])
	}
	return p
}
