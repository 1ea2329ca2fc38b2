package live

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

var (
	testEpoch = model.Epoch{1, 2, 3, 4, 5, 6, 7, 8}
	testStart = model.UnixMilli(1_790_000_000_000)
)

// memory is the database in memory: every change of an inbox takes one number.
type memory struct {
	mu      sync.Mutex
	people  map[uuid.UUID]*person
	down    bool
	queries int
	reads   int
	// onChanges is called before an inbox is read, afterChanges when it was; nil: nothing is.
	onChanges, afterChanges func(user uuid.UUID)
}

type person struct {
	position model.InboxPosition
	from     int64
	rows     map[uuid.UUID]*model.Notification
	marks    []model.InboxMark
}

func newMemory(users ...uuid.UUID) *memory {
	m := &memory{people: make(map[uuid.UUID]*person)}
	for _, u := range users {
		m.people[u] = &person{
			position: model.InboxPosition{UserID: u, Active: true, ViewerRevision: 7}, rows: make(map[uuid.UUID]*model.Notification),
		}
	}
	return m
}

func (m *memory) with(user uuid.UUID, f func(*person)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f(m.people[user])
}

// leave is what the store does with somebody who is no longer active.
func (m *memory) leave(user uuid.UUID) {
	m.with(user, func(p *person) {
		p.position.Active = false
		p.position.LastSeq++
		p.position.ViewerRevision++
	})
}

func (p *person) count() {
	n := int32(0)
	for _, row := range p.rows {
		if row.ReadAt == nil && row.ArchivedAt == nil {
			n++
		}
	}
	p.position.UnreadCount = n
}

func (p *person) inbox() model.Inbox {
	return model.Inbox{UserID: p.position.UserID, LastSeq: p.position.LastSeq, UnreadCount: p.position.UnreadCount, ReplayFrom: p.from}
}

// arrive stores one event for the people given.
func (m *memory) arrive(event *model.Event, users ...uuid.UUID) []model.InboxEntry {
	m.mu.Lock()
	defer m.mu.Unlock()
	var entries []model.InboxEntry
	for _, u := range users {
		p := m.people[u]
		p.position.LastSeq++
		seq := p.position.LastSeq
		row := &model.Notification{
			UUID: model.NewID(), UserID: u, EventID: event.UUID, Event: event, Seq: seq, ChangedSeq: seq, CreatedAt: event.CreatedAt,
		}
		p.rows[row.UUID] = row
		p.count()
		entries = append(entries, model.InboxEntry{UserID: u, NotificationID: row.UUID, Seq: seq, UnreadCount: p.position.UnreadCount})
	}
	return entries
}

// change alters notifications in one change and answers its number.
func (m *memory) change(user uuid.UUID, ids []uuid.UUID, alter func(*model.Notification)) (model.Inbox, int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.people[user]
	p.position.LastSeq++
	for _, id := range ids {
		row := *p.rows[id]
		alter(&row)
		row.ChangedSeq = p.position.LastSeq
		p.rows[id] = &row
	}
	p.count()
	return p.inbox(), p.position.LastSeq
}

func (m *memory) markAll(user uuid.UUID, upTo int64) (model.Inbox, model.InboxMark) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.people[user]
	p.position.LastSeq++
	mark := model.InboxMark{UserID: user, Seq: p.position.LastSeq, UpTo: upTo, ReadAt: testStart.Add(time.Duration(p.position.LastSeq) * time.Second)}
	p.marks = append(p.marks, mark)
	for id, row := range p.rows {
		if row.Seq <= upTo && row.ReadAt == nil {
			read := *row
			read.ReadAt = mark.ReadAt.Ptr()
			p.rows[id] = &read
		}
	}
	p.count()
	return p.inbox(), mark
}

func (m *memory) Positions(_ context.Context, seen []model.InboxSeen) ([]model.InboxPosition, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.queries++
	if m.down {
		return nil, errors.New("the database is down")
	}
	var found []model.InboxPosition
	same := true
	for _, s := range seen {
		position := model.InboxPosition{UserID: s.UserID, Active: true}
		if p := m.people[s.UserID]; p != nil {
			position = p.position
		}
		revised := position.ViewerRevision != s.ViewerRevision && (s.FollowsViewer || s.ViewerRevision < 0)
		if position.LastSeq != s.LastSeq || revised || !position.Active {
			found = append(found, position)
		}
		same = same && position.LastSeq == s.LastSeq && !revised && (position.Active || !s.FollowsViewer)
	}
	if same {
		return nil, nil
	}
	return found, nil
}

func (m *memory) Changes(_ context.Context, user uuid.UUID, after int64, limit int) (model.InboxChanges, error) {
	if m.onChanges != nil {
		m.onChanges(user)
	}
	if m.afterChanges != nil {
		defer m.afterChanges(user)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.queries++
	m.reads++
	p := m.people[user]
	if m.down || p == nil {
		return model.InboxChanges{}, errors.New("the database is down")
	}
	changes := model.InboxChanges{Inbox: p.inbox(), Left: !p.position.Active}
	if after < p.from || p.position.LastSeq-after > int64(limit) {
		changes.TooFarBehind = true
		return changes, nil
	}
	for row := range maps.Values(p.rows) {
		if row.ChangedSeq > after {
			changes.Notifications = append(changes.Notifications, *row)
		}
	}
	slices.SortFunc(changes.Notifications, func(a, b model.Notification) int {
		return cmp.Or(cmp.Compare(a.ChangedSeq, b.ChangedSeq), cmp.Compare(a.Seq, b.Seq))
	})
	for _, mark := range p.marks {
		if mark.Seq > after {
			changes.Marks = append(changes.Marks, mark)
		}
	}
	return changes, nil
}

func testEvent(workspace uuid.UUID, title string) *model.Event {
	return &model.Event{
		UUID: model.NewID(), WorkspaceID: workspace, Type: "deal.won", ActorID: "u-9", ActorName: "Ada", Title: title, Body: "Body of " + title,
		Path: "/deals/1", SubjectType: "deal", SubjectID: "1", OccurredAt: testStart, CreatedAt: testStart,
	}
}

func decorate(n *model.Notification) {
	n.Category, n.Importance, n.URL = "DEALS", model.ImportanceImportant, "https://app.test"+n.Event.Path
}

func testViewer(workspace, user uuid.UUID) model.Viewer {
	return model.Viewer{
		User:      model.User{UUID: user, WorkspaceID: workspace, ExternalID: user.String(), Active: true},
		Workspace: model.Workspace{UUID: workspace, ExternalID: workspace.String()},
	}
}

// describe is a change in one line, for comparing.
func describe(change model.InboxChange) string {
	switch c := change.(type) {
	case *model.NotificationReceived:
		return "received " + c.Notification.Title()
	case *model.NotificationsUpdated:
		titles := make([]string, len(c.Notifications))
		for i := range c.Notifications {
			titles[i] = c.Notifications[i].Title()
		}
		return "updated " + strings.Join(titles, " ")
	case *model.AllNotificationsRead:
		return "read"
	case *model.InboxReset:
		return "reset " + string(c.Reason)
	}
	return fmt.Sprintf("%T", change)
}
