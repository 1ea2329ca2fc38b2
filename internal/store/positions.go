package store

import (
	"context"
	"strconv"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

// Positions are the numbers by which a listener finds that it missed something, in no order: of those people alone of
// whom the database knows something else than was seen. Nobody listens in vain for somebody unknown: their inbox counts as
// empty. That all is as it was seen, which it nearly always is, is found by one statement; where it is not, a second one
// tells who differs, and who of them all is not active.
func (s *Store) Positions(ctx context.Context, seen []model.InboxSeen) ([]model.InboxPosition, error) {
	if len(seen) == 0 {
		return nil, nil
	}
	if same, err := s.asSeen(ctx, seen); err != nil || same {
		return nil, wrap("compare positions", err)
	}
	from := s.pick(`unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS seen (user_id, last_seq, viewer_revision)`,
		`(SELECT value ->> 0 AS user_id, value ->> 1 AS last_seq, value ->> 2 AS viewer_revision FROM json_each($1)) AS seen`)
	different, err := collect(s.reader(ctx), func(p *model.InboxPosition) []any {
		return []any{&p.UserID, &p.LastSeq, &p.UnreadCount, &p.ViewerRevision, &p.Active}
	}, `SELECT seen.user_id, COALESCE(i.last_seq, 0), COALESCE(i.unread_count, 0), COALESCE(u.viewer_revision, 0), COALESCE(u.active, true)
		FROM `+from+` LEFT JOIN users u ON u.id = seen.user_id LEFT JOIN inboxes i ON i.user_id = u.id
		WHERE COALESCE(i.last_seq, 0) <> seen.last_seq OR NOT COALESCE(u.active, true)
			OR COALESCE(u.viewer_revision, 0) <> seen.viewer_revision AND seen.viewer_revision <> `+strconv.Itoa(anyRevision), s.seen(seen)...)
	return different, wrap("read positions", err)
}

// asSeen compares the sums of what was seen with those in the database, at half of what it costs to compare person by
// person. The numbers of a person only grow, and what was seen was in the database, so that a sum is the same only while all
// of it is. It takes a database that lost something, or a message that lied, and the very same number gained by others at the
// same time for a difference to stay unseen, until the next change. Users are asked only where somebody follows
// them: who leaves takes a number in the inbox, too.
func (s *Store) asSeen(ctx context.Context, seen []model.InboxSeen) (bool, error) {
	var followed []uuid.UUID
	var lastSeq, revision int64
	for _, one := range seen {
		if one.LastSeq < 0 || one.ViewerRevision < 0 {
			return false, nil
		}
		lastSeq += one.LastSeq
		if one.FollowsViewer {
			if followed == nil {
				followed = make([]uuid.UUID, 0, len(seen))
			}
			followed = append(followed, one.UserID)
			revision += one.ViewerRevision
		}
	}
	var same bool
	if len(followed) == 0 {
		_, err := s.reader(ctx).one([]any{&same}, `SELECT CAST(COALESCE(SUM(last_seq), 0) AS bigint) = $1
			FROM inboxes WHERE `+s.anyOf("user_id", "$2"), lastSeq, s.seenUsers(seen))
		return same, err
	}
	_, err := s.reader(ctx).one([]any{&same}, `SELECT CAST(COALESCE(SUM(last_seq), 0) AS bigint) = $1
		AND (SELECT CAST(COALESCE(SUM(viewer_revision), 0) AS bigint) = $2 AND COUNT(*) FILTER (WHERE NOT active) = 0
			FROM users WHERE `+s.anyOf("id", "$3")+`)
		FROM inboxes WHERE `+s.anyOf("user_id", "$4"), lastSeq, revision, s.uuids(followed), s.seenUsers(seen))
	return same, err
}

// seenUsers are the ids of those of whom something was seen, for anyOf.
func (s *Store) seenUsers(seen []model.InboxSeen) any {
	if s.Dialect() == Postgres {
		return seenUsers(seen)
	}
	users := make([]uuid.UUID, len(seen))
	for i, one := range seen {
		users[i] = one.UserID
	}
	return jsonText{users}
}

// anyRevision stands for the revision of somebody whom nobody follows.
const anyRevision = -2

// seen are the parameters of Positions: three arrays on PostgreSQL, one of triples on SQLite.
func (s *Store) seen(all []model.InboxSeen) []any {
	seqs, revisions := make([]int64, len(all)), make([]int64, len(all))
	for i, one := range all {
		seqs[i], revisions[i] = one.LastSeq, one.ViewerRevision
		if !one.FollowsViewer && one.ViewerRevision >= 0 {
			revisions[i] = anyRevision
		}
	}
	if s.Dialect() == Postgres {
		return []any{s.seenUsers(all), seqs, revisions}
	}
	rows := make([][3]any, len(all))
	for i, one := range all {
		rows[i] = [3]any{one.UserID, seqs[i], revisions[i]}
	}
	return []any{jsonText{rows}}
}
