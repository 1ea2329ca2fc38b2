package store

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

// DueCliq are a person's due Cliq messages, oldest first, at most limit of them. When anything is due, so is what waits
// to be repeated: nothing younger may overtake it, and what it waits for is told by the person's pause.
//
// The ids say which are the oldest, so that only those are read that are answered, however many wait.
func (s *Store) DueCliq(ctx context.Context, userID uuid.UUID, now model.Time, limit int) ([]model.Outgoing, error) {
	due, err := collect(s.reader(ctx), outgoingFields, `WITH oldest AS (
			SELECT notification_id FROM deliveries
			WHERE `+cliqWaits+` AND user_id = $1 AND (next_attempt_at <= $2 OR status = 2)
				AND EXISTS (SELECT 1 FROM deliveries WHERE `+cliqWaits+` AND user_id = $1 AND next_attempt_at <= $2)
			ORDER BY notification_id LIMIT $3
		)
		SELECT `+outgoingColumns+outgoingTables+`
		WHERE d.channel = 2 AND d.notification_id IN (SELECT notification_id FROM oldest)
		ORDER BY n.created_at, n.id`, userID, now, limit)
	return due, wrap("read due Cliq messages", err)
}

// BeginCliq marks messages SENDING, right before they are sent, and answers which of them may go, in the order asked.
// The same statement reads again what decides about that; what no longer may go ends SKIPPED with its reason, and
// what is no longer waiting is left out. It counts nothing against the pace: TakePace does.
//
// With a carrier they go in one message: all of them point to the carrier, or to the first that may go when the
// carrier may not. When one alone is left, it goes as if it had been asked alone.
//
// Without the lease nothing happens but model.ErrLeaseLost.
func (s *Store) BeginCliq(
	ctx context.Context, userID, leaseID uuid.UUID, ids []uuid.UUID, carrier *uuid.UUID, now model.Time,
) (send []uuid.UUID, err error) {
	err = s.inTx(ctx, func(tx conn) error {
		rows, err := collect(tx, judgedFields, `WITH due AS (
				SELECT notification_id, user_id FROM deliveries
				WHERE channel = 2 AND status IN (0, 2) AND user_id = $1 AND `+s.anyOf("notification_id", "$2")+`
				ORDER BY notification_id`+s.forUpdate()+`
			), j AS (
				SELECT due.notification_id AS id, `+s.reason(model.ChannelCliq, "$3")+` AS reason, i.lease_until`+
			judged(model.ChannelCliq)+`
				JOIN integrations i ON i.user_id = due.user_id AND i.provider = 'ZOHO_CLIQ'
				WHERE i.lease_id = $4 AND i.lease_until > $5
			)
			UPDATE deliveries`+s.sendOrSkip("$5", "$4", "j.lease_until")+`
			FROM j WHERE deliveries.notification_id = j.id AND deliveries.channel = 2
			RETURNING notification_id, status`,
			userID, s.uuids(ids), s.list(s.lockedTypes(model.ChannelCliq)), leaseID, now)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			send = nil
			if _, held, err := s.held(tx, userID, leaseID, now); err != nil || held {
				return err
			}
			return model.ErrLeaseLost
		}
		may := goes(rows)
		send = slices.DeleteFunc(slices.Clone(ids), func(id uuid.UUID) bool { return !slices.Contains(may, id) })
		if carrier == nil || len(send) < 2 {
			return nil
		}
		by := send[0]
		if slices.Contains(send, *carrier) {
			by = *carrier
		}
		_, err = tx.exec(`UPDATE deliveries SET carrier = $1 WHERE channel = 2 AND notification_id <> $1 AND `+
			s.anyOf("notification_id", "$2"), by, s.uuids(send))
		return err
	})
	if err != nil {
		return nil, wrap("begin to send to Cliq", err)
	}
	return send, nil
}

// TakePace asks whether one more message may be sent to the person now, and counts it if so. Otherwise it pauses the
// person until one may be, and tells when that is.
//
// Half of what a minute allows may go at once, the other half follows evenly over the minute. Whichever minute one
// looks at then holds no more than allowed, which a counter that begins anew every minute does not promise: it lets
// all of two minutes through within seconds. Without the lease nothing happens but model.ErrLeaseLost.
func (s *Store) TakePace(
	ctx context.Context, userID, leaseID uuid.UUID, perMinute int32, now model.Time,
) (ok bool, retryAt model.Time, err error) {
	burst := max(perMinute/2, 1)
	step := time.Minute / time.Duration(max(perMinute-burst, 1))
	err = s.inTx(ctx, func(tx conn) error {
		ok, retryAt = false, model.Time{}
		c, held, err := s.held(tx, userID, leaseID, now)
		if err != nil {
			return err
		}
		if !held {
			return model.ErrLeaseLost
		}
		from, count := c.PaceFrom, c.PaceCount
		if expired := int32(min(now.Sub(from)/step, time.Duration(count))); expired > 0 { //nolint:gosec // at most count
			from, count = from.Add(time.Duration(expired)*step), count-expired
		}
		if count <= 0 || from.After(now) { // the clock that counted last may be ahead of this one
			from, count = now, max(count, 0)
		}
		if count >= burst {
			retryAt = from.Add(step * time.Duration(count-burst+1))
			if c.PausedUntil.Before(retryAt) {
				c.PausedUntil = retryAt
			}
			return saveProblem(tx, &c)
		}
		ok = true
		_, err = tx.exec(`UPDATE integrations SET pace_from = $1, pace_count = $2
			WHERE user_id = $3 AND provider = 'ZOHO_CLIQ'`, from, count+1, userID)
		return err
	})
	if err != nil {
		return false, model.Time{}, wrap("take pace", err)
	}
	return ok, retryAt, nil
}

// FailCliq ends everything that waits for a person on Cliq FAILED with one problem, without a request, and tells how
// much that was. Without the lease nothing happens but model.ErrLeaseLost.
func (s *Store) FailCliq(ctx context.Context, userID, leaseID uuid.UUID, problem model.ProblemCode, now model.Time) (int, error) {
	n, err := s.endCliq(ctx, userID, leaseID, problem, now, ``)
	return n, wrap("end Cliq messages", err)
}

// ExpireCliq ends what waits for a person on Cliq and was made before the given time FAILED with EXPIRED: a chat
// message that late is noise. Without the lease nothing happens but model.ErrLeaseLost.
func (s *Store) ExpireCliq(ctx context.Context, userID, leaseID uuid.UUID, createdBefore, now model.Time) (int, error) {
	n, err := s.endCliq(ctx, userID, leaseID, model.ProblemCodeExpired, now,
		` AND EXISTS (SELECT 1 FROM notifications n WHERE n.id = deliveries.notification_id AND n.created_at < $4)`, createdBefore)
	return n, wrap("expire Cliq messages", err)
}

func (s *Store) endCliq(
	ctx context.Context, userID, leaseID uuid.UUID, problem model.ProblemCode, now model.Time, which string, args ...any,
) (ended int, err error) {
	err = s.inTx(ctx, func(tx conn) error {
		n, err := tx.exec(`UPDATE deliveries SET status = 4, problem = $1, finished_at = $2, carrier = NULL
			WHERE channel = 2 AND status IN (0, 2) AND user_id = $3`+which, append([]any{problem, now, userID}, args...)...)
		if err != nil {
			return err
		}
		// The lease is looked at after the deliveries, as everybody locks them in this order; without it, all is undone.
		_, held, err := s.held(tx, userID, leaseID, now)
		if err == nil && !held {
			err = model.ErrLeaseLost
		}
		ended = int(n)
		return err
	})
	if err != nil {
		return 0, err
	}
	return ended, nil
}
