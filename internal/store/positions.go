package store

import (
	"context"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

// Positions are the numbers by which a listener finds that it missed something, in one statement and in no order: of
// those people alone of whom the database knows something else than was seen, and of those who are not active. Nobody
// listens in vain for somebody unknown: their inbox counts as empty.
func (s *Store) Positions(ctx context.Context, seen []model.InboxSeen) ([]model.InboxPosition, error) {
	if len(seen) == 0 {
		return nil, nil
	}
	from := s.pick(`unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS seen (user_id, last_seq, viewer_revision)`,
		`(SELECT value ->> 0 AS user_id, value ->> 1 AS last_seq, value ->> 2 AS viewer_revision FROM json_each($1)) AS seen`)
	different, err := collect(s.reader(ctx), func(p *model.InboxPosition) []any {
		return []any{&p.UserID, &p.LastSeq, &p.UnreadCount, &p.ViewerRevision, &p.Active}
	}, `SELECT seen.user_id, COALESCE(i.last_seq, 0), COALESCE(i.unread_count, 0), COALESCE(u.viewer_revision, 0), COALESCE(u.active, true)
		FROM `+from+` LEFT JOIN users u ON u.id = seen.user_id LEFT JOIN inboxes i ON i.user_id = u.id
		WHERE COALESCE(i.last_seq, 0) <> seen.last_seq OR COALESCE(u.viewer_revision, 0) <> seen.viewer_revision
			OR NOT COALESCE(u.active, true)`, s.seen(seen)...)
	return different, wrap("read positions", err)
}

// seen are the parameters of Positions: three arrays on PostgreSQL, one of triples on SQLite.
func (s *Store) seen(all []model.InboxSeen) []any {
	if s.Dialect() != Postgres {
		rows := make([][3]any, len(all))
		for i, one := range all {
			rows[i] = [3]any{one.UserID, one.LastSeq, one.ViewerRevision}
		}
		return []any{jsonText{rows}}
	}
	users, seqs, revisions := make([]uuid.UUID, len(all)), make([]int64, len(all)), make([]int64, len(all))
	for i, one := range all {
		users[i], seqs[i], revisions[i] = one.UserID, one.LastSeq, one.ViewerRevision
	}
	return []any{s.uuids(users), seqs, revisions}
}
