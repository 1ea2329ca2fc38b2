package store

import (
	"context"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

// rowsPerNumber bounds what one replay holds in memory: one number can stand for many notifications.
const rowsPerNumber = 10

// changedSince finds what changed after a number along two indexes: what is as it came by (user_id, seq), what
// changed since by (user_id, changed_seq), which holds nothing else.
const changedSince = `SELECT ` + notificationColumns + ` FROM (
		SELECT * FROM notifications WHERE user_id = $1 AND seq > $2 AND changed_seq = seq
		UNION ALL
		SELECT * FROM notifications WHERE user_id = $1 AND changed_seq > $2 AND changed_seq <> seq
	) n JOIN events e ON e.id = n.event_id
	ORDER BY n.changed_seq, n.seq LIMIT $3`

// inboxOfOwner is an inbox, and whether its owner has left.
const inboxOfOwner = `SELECT COALESCE(i.last_seq, 0), COALESCE(i.unread_count, 0), COALESCE(i.replay_from, 0), NOT u.active
	FROM users u LEFT JOIN inboxes i ON i.user_id = u.id WHERE u.id = $1`

// Changes is everything that changed in an inbox after a number, in order, with the inbox itself, all of one moment.
// Who is more than limit numbers behind, or behind what was purged, gets TooFarBehind instead: it is all or nothing.
// A position in the future is not told apart here; compare it with Inbox.LastSeq.
func (s *Store) Changes(ctx context.Context, userID uuid.UUID, after int64, limit int) (model.InboxChanges, error) {
	var changes model.InboxChanges
	err := s.inSnapshot(ctx, func(tx conn) error {
		inbox := model.Inbox{UserID: userID}
		var left bool
		if _, err := tx.one([]any{&inbox.LastSeq, &inbox.UnreadCount, &inbox.ReplayFrom, &left}, inboxOfOwner, userID); err != nil {
			return err
		}
		changes = model.InboxChanges{Inbox: inbox, Left: left}
		if after < inbox.ReplayFrom || inbox.LastSeq-after > int64(limit) {
			changes.TooFarBehind = true
			return nil
		}
		if after >= inbox.LastSeq {
			return nil
		}
		most := limit * rowsPerNumber
		rows, err := notifications(tx, changedSince, userID, after, most+1)
		if err != nil {
			return err
		}
		if len(rows) > most {
			changes.TooFarBehind = true
			return nil
		}
		changes.Notifications = rows
		changes.Marks, err = collect(tx, func(m *model.InboxMark) []any {
			return []any{&m.UserID, &m.Seq, &m.UpTo, &m.ReadAt}
		}, `SELECT user_id, seq, up_to, read_at FROM inbox_marks WHERE user_id = $1 AND seq > $2 ORDER BY seq`, userID, after)
		return err
	})
	if err != nil {
		return model.InboxChanges{}, wrap("read changes of inbox", err)
	}
	return changes, nil
}
