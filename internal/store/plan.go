package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

// savePlanPostgres stores an event and everything that follows from it in one statement, which is one transaction
// and one round trip. Nothing joins two lists: the planner cannot know how long they are, and a wrong guess would cost
// their product. The inboxes are locked in the order of user ids before the first one is changed; the numbers that
// they hand out go into the notifications. When the key was used before, everything after the event finds nothing to do.
//
// The positions come back as three arrays in one row: the place in the plan, the number, the unread count. Before them
// comes whether the event is new; a recipient without an inbox makes the statement divide by zero, so that nothing of it stays.
const savePlanPostgres = `
WITH event AS (
	` + insertEvent + ` RETURNING id, created_at
), plan AS MATERIALIZED (
	SELECT p.id, p.user_id, p.decision, p.place, event.id AS event_id, event.created_at
	FROM event, unnest($19::uuid[], $20::uuid[], $21::smallint[]) WITH ORDINALITY AS p(id, user_id, decision, place)
), locked AS MATERIALIZED (
	SELECT plan.* FROM plan JOIN inboxes i ON i.user_id = plan.user_id
	WHERE plan.decision & 15 = 0 ORDER BY i.user_id FOR UPDATE OF i
), counted AS (
	UPDATE inboxes i SET last_seq = i.last_seq + 1, unread_count = i.unread_count + 1
	FROM locked WHERE i.user_id = locked.user_id
	RETURNING locked.*, i.last_seq, i.unread_count
), notified AS (
	INSERT INTO notifications (id, user_id, event_id, seq, changed_seq, created_at, decision)
	SELECT id, user_id, event_id, last_seq, last_seq, created_at, decision FROM counted
	UNION ALL
	SELECT id, user_id, event_id, 0, 0, created_at, decision FROM plan WHERE decision & 15 <> 0
), queued AS (
	INSERT INTO deliveries (notification_id, channel, user_id, next_attempt_at)
	SELECT plan.id, channel.number, plan.user_id, plan.created_at
	FROM plan CROSS JOIN (VALUES (1::smallint), (2::smallint)) AS channel(number)
	WHERE plan.decision >> (4 * channel.number) & 15 = 0
)
SELECT CASE WHEN (SELECT count(*) FROM event) = 0 THEN false
		WHEN count(*) = $22::integer THEN true ELSE 1 / (count(*) - count(*)) = 1 END,
	array_agg(place), array_agg(last_seq), array_agg(unread_count)
FROM counted`

// SavePlan stores an event with its notifications and deliveries, all or nothing, and hands out the inbox positions.
// The number of statements does not depend on the number of recipients. An idempotency key that was used before
// stores nothing: the answer has the first event, and says whether its content was the same.
func (s *Store) SavePlan(ctx context.Context, p model.Plan) (model.SavedPlan, error) {
	list, err := newPlanList(p.Notifications)
	if err != nil {
		return model.SavedPlan{}, wrap("save plan", err)
	}
	save := s.savePlanAtOnce
	if s.Dialect() == SQLite {
		save = s.savePlanInSteps
	}
	stored, entries, err := save(ctx, &p.Event, list)
	if err != nil {
		return model.SavedPlan{}, wrap("save plan", err)
	}
	if stored {
		return model.SavedPlan{Event: p.Event, Entries: entries}, nil
	}
	// The first event is committed: whoever used the key before was waited for. On SQLite the readers see it too.
	first, found, err := s.EventByKey(ctx, p.Event.WorkspaceID, p.Event.IdempotencyKey)
	if err != nil {
		return model.SavedPlan{}, err
	}
	if !found {
		return model.SavedPlan{}, wrap("save plan", errors.New("the first event with this key is gone"))
	}
	same := bytes.Equal(first.ContentHash, p.Event.ContentHash)
	return model.SavedPlan{Event: first, Duplicate: same, Conflict: !same}, nil
}

// planList is the recipients of a plan in the order of their user ids, as arrays.
type planList struct {
	ids, users []uuid.UUID
	decisions  []int16
	// inInbox is how many of them get a position.
	inInbox int
}

func newPlanList(planned []model.PlannedNotification) (planList, error) {
	sorted := slices.SortedFunc(slices.Values(planned), func(a, b model.PlannedNotification) int {
		return bytes.Compare(a.UserID[:], b.UserID[:])
	})
	list := planList{
		ids: make([]uuid.UUID, len(sorted)), users: make([]uuid.UUID, len(sorted)), decisions: make([]int16, len(sorted)),
	}
	for i, n := range sorted {
		if i > 0 && list.users[i-1] == n.UserID {
			return planList{}, errors.New("somebody is in the plan twice")
		}
		list.ids[i], list.users[i], list.decisions[i] = n.NotificationID, n.UserID, int16(n.Decision)
		if n.Decision.Delivers(model.ChannelInApp) {
			list.inInbox++
		}
	}
	return list, nil
}

func (s *Store) savePlanAtOnce(ctx context.Context, event *model.Event, list planList) (stored bool, entries []model.InboxEntry, err error) {
	args := append(eventValues(event), s.uuids(list.ids), s.uuids(list.users), list.decisions, list.inInbox)
	var places, seqs, unread numbers
	err = s.retry(ctx, func() error {
		_, err := s.writer(ctx).one([]any{&stored, &places, &seqs, &unread}, savePlanPostgres, args...)
		return err
	})
	if sqlState(err) == divisionByZero {
		err = fmt.Errorf("a recipient has no inbox: %w", err)
	}
	if err != nil || !stored {
		return false, nil, err
	}
	entries = make([]model.InboxEntry, len(places))
	for i, place := range places {
		entries[i] = model.InboxEntry{
			UserID: list.users[place-1], NotificationID: list.ids[place-1],
			Seq: seqs[i], UnreadCount: int32(unread[i]), //nolint:gosec // the column is an integer
		}
	}
	return true, entries, nil
}

// divisionByZero is the code of the error by which savePlanPostgres undoes itself.
const divisionByZero = "22012"

// numbers reads an array of integers in PostgreSQL's text form, {1,2,3}; NULL is empty.
type numbers []int64

// Scan reads the array.
func (n *numbers) Scan(src any) error {
	*n = nil
	if src == nil {
		return nil
	}
	text, ok := src.(string)
	if !ok {
		return fmt.Errorf("scan numbers from %T", src)
	}
	text = strings.TrimSuffix(strings.TrimPrefix(text, "{"), "}")
	*n = make([]int64, 0, strings.Count(text, ",")+1)
	for field := range strings.SplitSeq(text, ",") {
		v, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return fmt.Errorf("scan numbers: %w", err)
		}
		*n = append(*n, v)
	}
	return nil
}
