package store

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

// notificationColumns are what notificationFields takes: n is the notification, e its event. What no reader of an
// inbox shows (the data, the idempotency key, the text for Cliq) stays in the database.
const notificationColumns = `n.id, n.user_id, n.event_id, n.seq, n.changed_seq, n.created_at, n.read_at, n.archived_at, n.decision,
	e.workspace_id, e.type, e.actor_id, e.actor_name, e.occurred_at, e.title, e.body, e.path, e.subject_type, e.subject_id`

func notificationFields(n *model.Notification) []any {
	n.Event = new(model.Event)
	return []any{
		&n.UUID, &n.UserID, &n.EventID, &n.Seq, &n.ChangedSeq, &n.CreatedAt, &n.ReadAt, &n.ArchivedAt, &n.Decision,
		&n.Event.WorkspaceID, &n.Event.Type, &n.Event.ActorID, &n.Event.ActorName, &n.Event.OccurredAt,
		&n.Event.Title, &n.Event.Body, &n.Event.Path, &n.Event.SubjectType, &n.Event.SubjectID,
	}
}

// notifications gathers rows of notificationColumns.
func notifications(c conn, statement string, args ...any) ([]model.Notification, error) {
	all, err := collect(c, notificationFields, statement, args...)
	for i := range all {
		all[i].Event.UUID = all[i].EventID
	}
	return all, err
}

// Inbox is one person's inbox as it is now; the zero inbox of that person when there is none.
func (s *Store) Inbox(ctx context.Context, userID uuid.UUID) (model.Inbox, error) {
	inbox, err := readInbox(s.reader(ctx), userID)
	return inbox, wrap("read inbox", err)
}

func readInbox(c conn, userID uuid.UUID) (model.Inbox, error) {
	inbox := model.Inbox{UserID: userID}
	_, err := c.one([]any{&inbox.LastSeq, &inbox.UnreadCount, &inbox.ReplayFrom},
		`SELECT last_seq, unread_count, replay_from FROM inboxes WHERE user_id = $1`, userID)
	return inbox, err
}

// InboxPage is one page of a person's notifications with their events, newest first.
func (s *Store) InboxPage(ctx context.Context, q model.InboxQuery) (model.InboxPage, error) {
	if q.EventTypes != nil && len(q.EventTypes) == 0 {
		return model.InboxPage{}, nil
	}
	statement, args := s.pageStatement(&q)
	all, err := notifications(s.reader(ctx), statement, args...)
	if err != nil {
		return model.InboxPage{}, wrap("read page of inbox", err)
	}
	page := model.InboxPage{Notifications: all, More: len(all) > q.Limit}
	if page.More {
		page.Notifications = all[:q.Limit]
	}
	if q.Backward {
		slices.Reverse(page.Notifications)
	}
	return page, nil
}

// pageStatement writes the text of one page. The inbox is read along (user_id, seq); what is kept out of it has the
// number 0 and goes by its id, whose order is that of creation.
func (s *Store) pageStatement(q *model.InboxQuery) (text string, args []any) {
	var b strings.Builder
	arg := func(v any) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args))
	}
	isNull := func(column string, wanted *bool) {
		switch {
		case wanted == nil:
		case *wanted:
			b.WriteString(" AND " + column + " IS NOT NULL")
		default:
			b.WriteString(" AND " + column + " IS NULL")
		}
	}
	b.WriteString("SELECT " + notificationColumns + " FROM notifications n JOIN events e ON e.id = n.event_id WHERE n.user_id = " + arg(q.UserID))
	order := "n.seq"
	place := func(p *model.PagePosition) any { return p.Seq }
	if q.OutOfInbox {
		order = "n.id"
		place = func(p *model.PagePosition) any { return p.ID }
		b.WriteString(" AND n.seq = 0")
	} else {
		b.WriteString(" AND n.seq > 0")
	}
	if q.After != nil {
		b.WriteString(" AND " + order + " < " + arg(place(q.After)))
	}
	if q.Before != nil {
		b.WriteString(" AND " + order + " > " + arg(place(q.Before)))
	}
	isNull("n.read_at", q.Read)
	isNull("n.archived_at", q.Archived)
	if q.EventTypes != nil {
		b.WriteString(" AND " + s.anyOf("e.type", arg(s.list(q.EventTypes))))
	}
	b.WriteString(" ORDER BY " + order)
	if !q.Backward {
		b.WriteString(" DESC")
	}
	b.WriteString(" LIMIT " + arg(q.Limit+1))
	return b.String(), args
}

// NotificationsByID are those of the given notifications that the person has, in the order asked.
func (s *Store) NotificationsByID(ctx context.Context, userID uuid.UUID, ids []uuid.UUID) ([]model.Notification, error) {
	all, err := s.notificationsByID(s.reader(ctx), userID, ids)
	return all, wrap("read notifications", err)
}

func (s *Store) notificationsByID(c conn, userID uuid.UUID, ids []uuid.UUID) ([]model.Notification, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	all, err := notifications(c, `SELECT `+notificationColumns+`
		FROM notifications n JOIN events e ON e.id = n.event_id
		WHERE n.user_id = $1 AND `+s.anyOf("n.id", "$2"), userID, s.uuids(ids))
	if err != nil {
		return nil, err
	}
	byID := make(map[uuid.UUID]*model.Notification, len(all))
	for i := range all {
		byID[all[i].UUID] = &all[i]
	}
	inOrder := make([]model.Notification, 0, len(all))
	for _, id := range ids {
		if n := byID[id]; n != nil {
			inOrder = append(inOrder, *n)
			delete(byID, id)
		}
	}
	return inOrder, nil
}

// anyOf is the condition that a column is among the values of a list parameter (see list and uuids).
func (s *Store) anyOf(column, param string) string {
	return s.pick(column+" = ANY("+param+")", column+" IN (SELECT value FROM json_each("+param+"))")
}
