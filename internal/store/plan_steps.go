package store

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

// planRecord is one recipient of a plan.
type planRecord struct {
	ID       uuid.UUID `json:"id"`
	User     uuid.UUID `json:"user_id"`
	Decision int16     `json:"decision"`
}

const planTypes = `id uuid, user_id uuid, decision smallint`

// savePlanInSteps is the plan on SQLite: the same steps, one statement each.
func (s *Store) savePlanInSteps(ctx context.Context, event *model.Event, list planList) (
	stored bool, entries []model.InboxEntry, err error,
) {
	records := make([]planRecord, len(list.ids))
	place := make(map[uuid.UUID]int, len(list.users))
	for i := range list.ids {
		records[i] = planRecord{list.ids[i], list.users[i], list.decisions[i]}
		place[list.users[i]] = i
	}
	// Written once, bound three times.
	plan, err := jsonText{records}.Value()
	if err != nil {
		return false, nil, err
	}
	err = s.inTx(ctx, func(tx conn) error {
		inserted, err := tx.exec(insertEvent, eventValues(event)...)
		stored = inserted > 0
		if err != nil || !stored || len(records) == 0 {
			return err
		}
		entries, err = collect(tx, func(e *model.InboxEntry) []any { return []any{&e.UserID, &e.Seq, &e.UnreadCount} },
			`UPDATE inboxes SET last_seq = last_seq + 1, unread_count = unread_count + 1
			WHERE user_id IN (SELECT user_id FROM `+s.records(1, planTypes)+` WHERE decision & 15 = 0)
			RETURNING user_id, last_seq, unread_count`, plan)
		if err != nil {
			return err
		}
		if len(entries) != list.inInbox {
			return fmt.Errorf("%d of %d recipients have no inbox", list.inInbox-len(entries), list.inInbox)
		}
		for i := range entries {
			entries[i].NotificationID = list.ids[place[entries[i].UserID]]
		}
		if _, err := tx.exec(`INSERT INTO notifications (id, user_id, event_id, seq, changed_seq, created_at, decision)
			SELECT input.id, input.user_id, $1, coalesce(i.last_seq, 0), coalesce(i.last_seq, 0), $2, input.decision
			FROM `+s.records(3, planTypes)+` LEFT JOIN inboxes i ON i.user_id = input.user_id AND input.decision & 15 = 0`,
			event.UUID, event.CreatedAt, plan); err != nil {
			return err
		}
		_, err = tx.exec(`INSERT INTO deliveries (notification_id, channel, user_id, next_attempt_at)
			SELECT input.id, channel.column1, input.user_id, $1
			FROM `+s.records(2, planTypes)+` CROSS JOIN (VALUES (1), (2)) AS channel
			WHERE input.decision >> (4 * channel.column1) & 15 = 0`, event.CreatedAt, plan)
		return err
	})
	return stored, entries, err
}
