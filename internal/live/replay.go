package live

import (
	"cmp"
	"slices"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

// step is one change of a replay and the place that a subscriber has reached with it.
type step struct {
	change model.InboxChange
	next   model.Place
}

// replay turns what the database says about one inbox into changes for a subscriber.
type replay struct {
	hub     *Hub
	user    uuid.UUID
	changes *model.InboxChanges
	steps   []step
}

// inboxSteps are the changes behind a place, in the order of their numbers. What came behind the place is told as
// received, anything else as updated. One change of several notifications then needs several parts; all but the last
// carry a cursor that points inside the change.
func (r *replay) inboxSteps(from model.Place) []step {
	marks := r.changes.Marks
	rows := r.changes.Notifications
	for len(rows) > 0 || len(marks) > 0 {
		if len(rows) == 0 || len(marks) > 0 && marks[0].Seq < rows[0].ChangedSeq {
			r.mark(&marks[0])
			marks = marks[1:]
			continue
		}
		n := 1
		for n < len(rows) && rows[n].ChangedSeq == rows[0].ChangedSeq {
			n++
		}
		r.group(rows[:n], from)
		rows = rows[n:]
	}
	return r.steps
}

func (r *replay) mark(m *model.InboxMark) {
	at := model.Place{Seq: m.Seq}
	r.steps = append(r.steps, step{next: at, change: &model.AllNotificationsRead{
		Cursor: r.cursor(at), UnreadCount: r.changes.Inbox.UnreadCount, UpTo: r.cursor(model.Place{Seq: m.UpTo}), ReadAt: m.ReadAt,
	}})
}

// group tells what one change did to several notifications: first what the subscriber has already, then one by one
// what is new to them. rows are in the order in which they came.
func (r *replay) group(rows []model.Notification, from model.Place) {
	number := rows[0].ChangedSeq
	within := int64(0)
	if number == from.Seq+1 {
		within = from.Within
	}
	rest := slices.IndexFunc(rows, func(n model.Notification) bool { return n.Seq > within })
	if rest < 0 {
		return
	}
	rows = rows[rest:]
	// Inside a change, everything that was already there has been told.
	fresh := len(rows)
	if within > 0 {
		fresh = 0
	} else if i := slices.IndexFunc(rows, func(n model.Notification) bool { return n.Seq > from.Seq }); i >= 0 {
		fresh = i
	}
	place := func(last int) model.Place {
		if last == len(rows)-1 {
			return model.Place{Seq: number}
		}
		return model.Place{Seq: number - 1, Within: rows[last].Seq}
	}
	if fresh > 0 {
		at := place(fresh - 1)
		r.steps = append(r.steps, step{next: at, change: &model.NotificationsUpdated{
			Cursor: r.cursor(at), UnreadCount: r.changes.Inbox.UnreadCount, Notifications: r.decorated(rows[:fresh]),
		}})
	}
	for i := fresh; i < len(rows); i++ {
		r.received(rows[i], place(i))
	}
}

// receivedSteps are the notifications that came behind a place, in the order in which they came.
func (r *replay) receivedSteps(from model.Place) []step {
	rows := slices.Clone(r.changes.Notifications)
	slices.SortFunc(rows, func(a, b model.Notification) int { return cmp.Compare(a.Seq, b.Seq) })
	for _, n := range rows {
		if n.Seq > from.Seq {
			r.received(n, model.Place{Seq: n.Seq})
		}
	}
	return r.steps
}

func (r *replay) received(n model.Notification, at model.Place) {
	r.hub.config.Decorate(&n)
	r.steps = append(r.steps, step{next: at, change: &model.NotificationReceived{
		Cursor: r.cursor(at), UnreadCount: r.changes.Inbox.UnreadCount, Notification: n,
	}})
}

func (r *replay) decorated(rows []model.Notification) []model.Notification {
	rows = slices.Clone(rows)
	for i := range rows {
		r.hub.config.Decorate(&rows[i])
	}
	return rows
}

func (r *replay) cursor(at model.Place) model.Cursor {
	return model.NewCursorAt(r.hub.config.Epoch, r.user, at)
}
