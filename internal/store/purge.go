package store

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

// eventsLater is how much longer an event is kept than its notifications: they are made right after it, so that
// none is left by then.
const eventsLater = 24 * time.Hour

// Purge deletes notifications that were made before a time, oldest first and at most limit of them, with their
// deliveries, and tells how many. In the same transaction it raises replay_from, so that nobody who follows the inbox
// from before the last change of a deleted notification believes to know everything, and takes the unread ones out of
// the count. Events go when their notifications are gone. Call it again while it deletes limit.
func (s *Store) Purge(ctx context.Context, olderThan model.Time, limit int) (deleted int, err error) {
	err = s.inTx(ctx, func(tx conn) error {
		deleted, err = s.purgeNotifications(tx, olderThan, limit)
		return err
	})
	if err != nil {
		return 0, wrap("purge notifications", err)
	}
	if deleted == limit {
		return deleted, nil
	}
	older := olderThan.Add(-eventsLater)
	_, err = s.writer(ctx).exec(`DELETE FROM events WHERE id IN (
			SELECT id FROM events WHERE id < $1 AND created_at < $2 ORDER BY id LIMIT $3`+s.skipLocked()+`)`,
		firstID(older), older, limit)
	return deleted, wrap("purge events", err)
}

func (s *Store) purgeNotifications(tx conn, olderThan model.Time, limit int) (int, error) {
	type row struct{ id, user uuid.UUID }
	rows, err := collect(tx, func(r *row) []any { return []any{&r.id, &r.user} },
		// Ids begin with their time, so that the primary key finds the oldest.
		`SELECT id, user_id FROM notifications WHERE id < $1 AND created_at < $2 ORDER BY id LIMIT $3`,
		firstID(olderThan), olderThan, limit)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	ids, users := make([]uuid.UUID, len(rows)), make([]uuid.UUID, len(rows))
	for i, r := range rows {
		ids[i], users[i] = r.id, r.user
	}
	if s.dialect.name() == Postgres {
		if _, err := tx.exec(`SELECT 1 FROM inboxes WHERE user_id = ANY($1) ORDER BY user_id FOR UPDATE`, s.uuids(users)); err != nil {
			return 0, err
		}
	}
	steps := []struct {
		statement string
		list      []uuid.UUID
	}{
		{`UPDATE inboxes SET replay_from = CASE WHEN gone.top > replay_from THEN gone.top ELSE replay_from END,
				unread_count = unread_count - gone.unread
			FROM (SELECT user_id AS person, MAX(changed_seq) AS top,
					SUM(CASE WHEN seq > 0 AND read_at IS NULL AND archived_at IS NULL THEN 1 ELSE 0 END) AS unread
				FROM notifications WHERE ` + s.anyOf("id", "$1") + ` GROUP BY user_id) AS gone
			WHERE user_id = gone.person`, ids},
		// Who could still ask for these marks is sent away by replay_from.
		{`DELETE FROM inbox_marks WHERE ` + s.anyOf("user_id", "$1") + `
			AND seq <= (SELECT replay_from FROM inboxes WHERE inboxes.user_id = inbox_marks.user_id)`, users},
	}
	for _, step := range steps {
		if _, err := tx.exec(step.statement, s.uuids(step.list)); err != nil {
			return 0, err
		}
	}
	deleted, err := tx.exec(`DELETE FROM notifications WHERE `+s.anyOf("id", "$1"), s.uuids(ids))
	if err != nil {
		return 0, err
	}
	_, err = tx.exec(`DELETE FROM deliveries WHERE `+s.anyOf("notification_id", "$1"), s.uuids(ids))
	return int(deleted), err
}

// firstID is the least UUIDv7 of a time.
func firstID(t model.Time) uuid.UUID {
	var id uuid.UUID
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(max(t.UnixMilli(), 0)))
	copy(id[:6], ms[2:])
	return id
}
