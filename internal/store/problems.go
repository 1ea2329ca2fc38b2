package store

import (
	"context"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

// MarkNeedsReconnect records that only the person can make the connection work again. With a lease it does so only
// while the lease is held. It tells whether anything changed for the person.
func (s *Store) MarkNeedsReconnect(
	ctx context.Context, userID uuid.UUID, leaseID *uuid.UUID, problem model.ProblemCode, now model.Time,
) (changed bool, err error) {
	err = s.changeProblem(ctx, userID, leaseID, &changed, func(c *model.Connection) {
		if c.Status == model.IntegrationStatusNotConnected {
			return
		}
		c.Status = model.IntegrationStatusNeedsReconnect
		meet(c, problem, now)
		c.PausedUntil, c.ProbeAt = model.Time{}, model.Time{}
	})
	return changed, wrap("mark connection as broken", err)
}

// NoteProblem records what went wrong with a connection that works as such, when one message may be tried again
// (zero: no need to say) and until when nothing is sent (zero: no pause). It tells whether the problem is a new one;
// the same one again is only counted. A connection that must be made anew keeps the reason for that.
func (s *Store) NoteProblem(
	ctx context.Context, userID uuid.UUID, leaseID *uuid.UUID, problem model.ProblemCode, probeAt, pausedUntil, now model.Time,
) (appeared bool, err error) {
	err = s.changeProblem(ctx, userID, leaseID, &appeared, func(c *model.Connection) {
		if c.Status != model.IntegrationStatusConnected {
			return
		}
		meet(c, problem, now)
		c.ProbeAt, c.PausedUntil = probeAt, pausedUntil
	})
	return appeared, wrap("note problem", err)
}

// ClearProblem records that a message got through, which proves that nothing is wrong any more. It tells whether
// there was a problem. A connection that must be made anew stays so.
func (s *Store) ClearProblem(ctx context.Context, userID uuid.UUID, leaseID *uuid.UUID, deliveredAt model.Time) (cleared bool, err error) {
	// Nearly always there is nothing to clear: one statement, and nobody to tell.
	args := []any{deliveredAt, userID}
	held := ``
	if leaseID != nil {
		args, held = append(args, *leaseID), ` AND lease_id = $3`
	}
	n, err := s.writer(ctx).exec(`UPDATE integrations SET last_delivered_at = $1
		WHERE user_id = $2 AND provider = 'ZOHO_CLIQ' AND problem IS NULL AND paused_until IS NULL AND probe_at IS NULL`+held, args...)
	if err != nil || n > 0 {
		return false, wrap("note delivery", err)
	}
	err = s.changeProblem(ctx, userID, leaseID, &cleared, func(c *model.Connection) {
		c.LastDeliveredAt = deliveredAt
		if c.Status == model.IntegrationStatusConnected {
			solve(c)
			c.PausedUntil = model.Time{}
		}
	})
	return cleared, wrap("clear problem", err)
}

// Untold are people who must act since some moment before the given one and were not told of it, who longest waited first,
// at most limit of them.
func (s *Store) Untold(ctx context.Context, before model.Time, limit int) ([]model.Connection, error) {
	people, err := collect(s.reader(ctx), connectionFields, `SELECT `+connectionColumns+` FROM integrations
		WHERE untold AND problem_since <= $1 ORDER BY problem_since LIMIT $2`, before, limit)
	return people, wrap("read who was not told", err)
}

// NoteTold records that the person was told of the problem that they have since the given moment. It changes nothing when they
// have another one by now.
func (s *Store) NoteTold(ctx context.Context, userID uuid.UUID, since model.Time) error {
	_, err := s.writer(ctx).exec(`UPDATE integrations SET untold = false
		WHERE user_id = $1 AND provider = 'ZOHO_CLIQ' AND untold AND problem_since = $2`, userID, since)
	return wrap("note who was told", err)
}

// meet counts a problem that is known, or begins to count another one.
func meet(c *model.Connection, problem model.ProblemCode, now model.Time) {
	if c.Problem != problem {
		c.Problem, c.ProblemSince, c.ProblemCount = problem, now, 0
	}
	c.ProblemCount++
}

// solve forgets a problem.
func solve(c *model.Connection) {
	c.Problem, c.ProblemSince, c.ProblemCount, c.Untold, c.ProbeAt = "", model.Time{}, 0, false, model.Time{}
}

// changeProblem changes status and problem of a connection under its lock and tells the viewer, and the caller by
// visible, when the person can see the difference.
func (s *Store) changeProblem(ctx context.Context, userID uuid.UUID, leaseID *uuid.UUID, visible *bool, change func(*model.Connection)) error {
	err := s.inTx(ctx, func(tx conn) error {
		*visible = false
		c, found, err := s.lockConnection(tx, userID)
		if err != nil || !found || !holds(&c, leaseID) {
			return err
		}
		before := c
		change(&c)
		differs := c.Status != before.Status || c.Problem != before.Problem
		if differs {
			c.Untold = c.AwaitsOwner()
		}
		if err := saveProblem(tx, &c); err != nil || !differs {
			return err
		}
		*visible = true
		return tellViewer(tx, userID)
	})
	if err != nil {
		*visible = false
	}
	return err
}

// saveProblem writes what a worker finds out about a connection.
func saveProblem(tx conn, c *model.Connection) error {
	_, err := tx.exec(`UPDATE integrations SET status = $1, problem = $2, problem_since = $3, problem_count = $4,
			paused_until = $5, probe_at = $6, last_delivered_at = $7, untold = $8
		WHERE user_id = $9 AND provider = 'ZOHO_CLIQ'`,
		c.Status, c.Problem, c.ProblemSince, c.ProblemCount, c.PausedUntil, c.ProbeAt, c.LastDeliveredAt, c.Untold, c.UserID)
	return err
}
