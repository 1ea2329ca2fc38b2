package store

import (
	"context"
	"database/sql"
	"slices"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

// stateChange is one way to change the state of a notification.
type stateChange struct {
	// column gets the time, or NULL when clear; other is the column that also decides whether it counts as unread.
	column, other string
	clear         bool
}

// SetRead marks notifications read or unread. All of them share one number; those that are so already, and those
// kept out of the inbox, stay as they are.
func (s *Store) SetRead(ctx context.Context, userID uuid.UUID, ids []uuid.UUID, read bool, now model.Time) (model.InboxUpdate, error) {
	update, err := s.changeState(ctx, userID, ids, stateChange{column: "read_at", other: "archived_at", clear: !read}, now)
	return update, wrap("mark notifications read", err)
}

// SetArchived archives notifications or takes them back. The rest is as with SetRead.
func (s *Store) SetArchived(ctx context.Context, userID uuid.UUID, ids []uuid.UUID, archived bool, now model.Time) (model.InboxUpdate, error) {
	update, err := s.changeState(ctx, userID, ids, stateChange{column: "archived_at", other: "read_at", clear: !archived}, now)
	return update, wrap("archive notifications", err)
}

func (s *Store) changeState(ctx context.Context, userID uuid.UUID, ids []uuid.UUID, change stateChange, now model.Time) (model.InboxUpdate, error) {
	var update model.InboxUpdate
	err := s.inTx(ctx, func(tx conn) error {
		update = model.InboxUpdate{}
		inbox, err := s.lockInbox(tx, userID)
		if err != nil {
			return err
		}
		changed, unread, err := s.applyState(tx, &inbox, ids, change, now)
		if err != nil {
			return err
		}
		if len(changed) > 0 {
			update.Seq = inbox.LastSeq + 1
			if err := bumpInbox(tx, &inbox, unread); err != nil {
				return err
			}
		}
		update.Inbox = inbox
		update.Notifications, err = s.notificationsByID(tx, userID, ids)
		update.Changed = changed
		return err
	})
	if err != nil {
		return model.InboxUpdate{}, err
	}
	update.Missing = missing(ids, update.Notifications)
	return update, nil
}

// applyState changes what is not so already and tells by how much the unread count moves.
func (s *Store) applyState(tx conn, inbox *model.Inbox, ids []uuid.UUID, change stateChange, now model.Time) (changed []uuid.UUID, unread int32, err error) {
	var at model.Time
	direction, condition := int32(1), "IS NOT NULL"
	if !change.clear {
		at, direction, condition = now, -1, "IS NULL"
	}
	type row struct {
		id     uuid.UUID
		counts bool
	}
	rows, err := collect(tx, func(r *row) []any { return []any{&r.id, &r.counts} },
		`UPDATE notifications SET `+change.column+` = $1, changed_seq = $2
		WHERE user_id = $3 AND `+s.anyOf("id", "$4")+` AND seq > 0 AND `+change.column+` `+condition+`
		RETURNING id, `+change.other+` IS NULL`,
		at, inbox.LastSeq+1, inbox.UserID, s.uuids(ids))
	if err != nil {
		return nil, 0, err
	}
	altered := make(map[uuid.UUID]bool, len(rows))
	for _, r := range rows {
		altered[r.id] = true
		if r.counts {
			unread += direction
		}
	}
	for _, id := range ids {
		if altered[id] {
			changed = append(changed, id)
			delete(altered, id)
		}
	}
	return changed, unread, nil
}

// MarkAllRead marks everything read that came up to a position, archived or not, with one statement and one mark:
// no notification is stamped with the number, so that its cost does not come back with every replay. Nothing that
// came later is touched.
func (s *Store) MarkAllRead(ctx context.Context, userID uuid.UUID, upTo int64, now model.Time) (model.InboxMarkResult, error) {
	var result model.InboxMarkResult
	err := s.inTx(ctx, func(tx conn) error {
		inbox, err := s.lockInbox(tx, userID)
		if err != nil {
			return err
		}
		result = model.InboxMarkResult{Inbox: inbox, UpTo: min(upTo, inbox.LastSeq)}
		var archived int32
		err = tx.rows(func(rows *sql.Rows) error {
			var isArchived bool
			if err := rows.Scan(&isArchived); err != nil {
				return err
			}
			result.Changed++
			if isArchived {
				archived++
			}
			return nil
		}, `UPDATE notifications SET read_at = $1 WHERE user_id = $2 AND seq BETWEEN 1 AND $3 AND read_at IS NULL
			RETURNING archived_at IS NOT NULL`, now, userID, result.UpTo)
		if err != nil || result.Changed == 0 {
			return err
		}
		if err := bumpInbox(tx, &result.Inbox, archived-result.Changed); err != nil {
			return err
		}
		result.Seq, result.ReadAt = result.Inbox.LastSeq, now
		_, err = tx.exec(`INSERT INTO inbox_marks (user_id, seq, up_to, read_at) VALUES ($1, $2, $3, $4)`,
			userID, result.Seq, result.UpTo, now)
		return err
	})
	if err != nil {
		return model.InboxMarkResult{}, wrap("mark all read", err)
	}
	return result, nil
}

// lockInbox makes this transaction the only one that changes the inbox. It is a statement of its own: what is changed
// afterwards is then seen as the last holder of the lock left it, and not as it was before the wait.
func (s *Store) lockInbox(tx conn, userID uuid.UUID) (model.Inbox, error) {
	inbox := model.Inbox{UserID: userID}
	_, err := tx.one([]any{&inbox.LastSeq, &inbox.UnreadCount, &inbox.ReplayFrom},
		`SELECT last_seq, unread_count, replay_from FROM inboxes WHERE user_id = $1`+s.pick(` FOR UPDATE`, ``), userID)
	return inbox, err
}

// bumpInbox takes the next number of a locked inbox and moves its unread count.
func bumpInbox(tx conn, inbox *model.Inbox, unread int32) error {
	inbox.LastSeq++
	inbox.UnreadCount += unread
	_, err := tx.exec(`UPDATE inboxes SET last_seq = $1, unread_count = $2 WHERE user_id = $3`,
		inbox.LastSeq, inbox.UnreadCount, inbox.UserID)
	return err
}

// missing are the asked-for ids, once each and in their order, that are not among the notifications.
func missing(ids []uuid.UUID, there []model.Notification) []uuid.UUID {
	known := make(map[uuid.UUID]bool, len(ids))
	for i := range there {
		known[there[i].UUID] = true
	}
	var none []uuid.UUID
	for _, id := range ids {
		if !known[id] && !slices.Contains(none, id) {
			none = append(none, id)
		}
	}
	return none
}
