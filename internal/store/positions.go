package store

import (
	"context"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

// Positions are the numbers by which a listener of each of these people finds that it missed something, in one
// statement and in no order; unknown people have none.
func (s *Store) Positions(ctx context.Context, userIDs []uuid.UUID) ([]model.InboxPosition, error) {
	if len(userIDs) == 0 {
		return nil, nil
	}
	all, err := collect(s.reader(ctx), func(p *model.InboxPosition) []any {
		return []any{&p.UserID, &p.LastSeq, &p.UnreadCount, &p.ViewerRevision, &p.Active}
	}, `SELECT u.id, COALESCE(i.last_seq, 0), COALESCE(i.unread_count, 0), u.viewer_revision, u.active
		FROM users u LEFT JOIN inboxes i ON i.user_id = u.id
		WHERE `+s.anyOf("u.id", "$1"), s.uuids(userIDs))
	return all, wrap("read positions", err)
}
