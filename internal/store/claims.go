package store

import (
	"cmp"
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

// ClaimEmail takes up to limit due e-mails, oldest due time first, and marks them SENDING under a lease. The same
// statement reads again whether each may still go; what may not ends SKIPPED and makes room for another. No two
// callers get the same e-mail.
func (s *Store) ClaimEmail(ctx context.Context, now model.Time, limit int, leaseID uuid.UUID, until model.Time) ([]model.Outgoing, error) {
	var claimed []model.Outgoing
	for len(claimed) < limit {
		wanted := limit - len(claimed)
		seen, taken, err := s.claimEmail(ctx, now, wanted, leaseID, until)
		if err != nil {
			return claimed, wrap("claim e-mail", err)
		}
		claimed = append(claimed, taken...)
		if seen < wanted || len(taken) == seen {
			break
		}
	}
	return claimed, nil
}

func (s *Store) claimEmail(
	ctx context.Context, now model.Time, limit int, leaseID uuid.UUID, until model.Time,
) (seen int, taken []model.Outgoing, err error) {
	err = s.inTx(ctx, func(tx conn) error {
		seen, taken = 0, nil
		rows, err := collect(tx, judgedFields, `WITH due AS (
				SELECT notification_id, user_id FROM deliveries
				WHERE channel = 1 AND status IN (0, 2) AND next_attempt_at <= $1
				ORDER BY next_attempt_at LIMIT $2`+s.skipLocked()+`
			), j AS (
				SELECT due.notification_id AS id, `+s.reason(model.ChannelEmail, "$3")+` AS reason`+judged(model.ChannelEmail)+`
			)
			UPDATE deliveries`+s.sendOrSkip("$1", "$4", "$5")+`
			FROM j WHERE deliveries.notification_id = j.id AND deliveries.channel = 1
			RETURNING notification_id, status`,
			now, limit, s.list(s.lockedTypes(model.ChannelEmail)), leaseID, until)
		if err != nil {
			return err
		}
		seen = len(rows)
		ids := goes(rows)
		if len(ids) == 0 {
			return nil
		}
		taken, err = collect(tx, outgoingFields, `SELECT `+outgoingColumns+outgoingTables+`
			WHERE d.channel = 1 AND `+s.anyOf("d.notification_id", "$1"), s.uuids(ids))
		return err
	})
	if err != nil {
		return 0, nil, err
	}
	slices.SortFunc(taken, func(a, b model.Outgoing) int {
		return cmp.Or(a.Delivery.NextAttemptAt.Std().Compare(b.Delivery.NextAttemptAt.Std()), a.CreatedAt.Std().Compare(b.CreatedAt.Std()))
	})
	return seen, taken, nil
}

// lockedTypes are the event types that nothing turns off on a channel, never nil.
func (s *Store) lockedTypes(channel model.Channel) []string {
	if types := s.locked[channel]; types != nil {
		return types
	}
	return []string{}
}

// judgedRow is one delivery after the judgement.
type judgedRow struct {
	id     uuid.UUID
	status model.DeliveryStatus
}

func judgedFields(r *judgedRow) []any { return []any{&r.id, &r.status} }

// goes are the deliveries that may go.
func goes(rows []judgedRow) []uuid.UUID {
	var ids []uuid.UUID
	for _, r := range rows {
		if r.status == model.DeliveryStatusSending {
			ids = append(ids, r.id)
		}
	}
	return ids
}
