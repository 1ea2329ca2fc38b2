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
// deliveries, and tells how many. What nobody read by then is marked read first, which takes a number of the inbox and
// one mark as MarkAllRead does: whoever follows learns the new count. In the same transaction it raises replay_from, so
// that nobody who follows the inbox from before the last change of a deleted notification believes to know everything.
// Events go when their notifications are gone. Call it again while it deletes limit.
func (s *Store) Purge(ctx context.Context, olderThan, now model.Time, limit int) (deleted int, err error) {
	err = s.inTx(ctx, func(tx conn) error {
		deleted, err = s.purgeNotifications(tx, olderThan, now, limit)
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

func (s *Store) purgeNotifications(tx conn, olderThan, now model.Time, limit int) (int, error) {
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
	if err := s.readBeforePurge(tx, ids, users, now); err != nil {
		return 0, err
	}
	steps := []struct {
		statement string
		list      []uuid.UUID
	}{
		{`UPDATE inboxes SET replay_from = gone.top
			FROM (SELECT user_id AS person, MAX(changed_seq) AS top
				FROM notifications WHERE ` + s.anyOf("id", "$1") + ` GROUP BY user_id) AS gone
			WHERE user_id = gone.person AND replay_from < gone.top`, ids},
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

// readBeforePurge marks, in every inbox that is about to lose unread notifications, everything read up to the last of
// them. Nothing is left below it but what came within the same moments.
func (s *Store) readBeforePurge(tx conn, ids, users []uuid.UUID, now model.Time) error {
	marked, err := tx.exec(`INSERT INTO inbox_marks (user_id, seq, up_to, read_at)
		SELECT n.user_id, MAX(i.last_seq) + 1, MAX(n.seq), $1 FROM notifications n JOIN inboxes i ON i.user_id = n.user_id
		WHERE `+s.anyOf("n.id", "$2")+` AND n.seq > 0 AND n.read_at IS NULL AND n.archived_at IS NULL
		GROUP BY n.user_id`, now, s.uuids(ids))
	if err != nil || marked == 0 {
		return err
	}
	if _, err := tx.exec(`UPDATE inboxes SET last_seq = gone.number, unread_count = unread_count - gone.unread
		FROM (SELECT m.user_id AS person, m.seq AS number, COUNT(*) AS unread
			FROM inboxes i JOIN inbox_marks m ON m.user_id = i.user_id AND m.seq = i.last_seq + 1
				JOIN notifications n ON n.user_id = m.user_id AND n.seq BETWEEN 1 AND m.up_to
			WHERE `+s.anyOf("i.user_id", "$1")+` AND n.read_at IS NULL AND n.archived_at IS NULL
			GROUP BY m.user_id, m.seq) AS gone
		WHERE user_id = gone.person`, s.uuids(users)); err != nil {
		return err
	}
	_, err = tx.exec(`UPDATE notifications SET read_at = $1
		FROM (SELECT m.user_id AS person, m.up_to AS top
			FROM inboxes i JOIN inbox_marks m ON m.user_id = i.user_id AND m.seq = i.last_seq
			WHERE `+s.anyOf("i.user_id", "$2")+`) AS gone
		WHERE user_id = gone.person AND seq BETWEEN 1 AND gone.top AND read_at IS NULL`, now, s.uuids(users))
	return err
}

// firstID is the least UUIDv7 of a time.
func firstID(t model.Time) uuid.UUID {
	var id uuid.UUID
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(max(t.UnixMilli(), 0)))
	copy(id[:6], ms[2:])
	return id
}
