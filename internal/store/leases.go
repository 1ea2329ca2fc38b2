package store

import (
	"context"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

// ClaimCliq takes up to limit people who have due Cliq messages, who longest waited first, and gives the caller the
// lease on their connections. People who are paused, or whom somebody holds or is claiming right now, are passed
// over. Connections that no longer work are claimed as well: their deliveries have to end.
func (s *Store) ClaimCliq(ctx context.Context, now model.Time, limit int, leaseID uuid.UUID, until model.Time) ([]model.Connection, error) {
	claimed, err := collect(s.writer(ctx), connectionFields, `WITH claimed AS (
			SELECT integrations.user_id AS person
			FROM (SELECT user_id, MIN(next_attempt_at) AS first FROM deliveries
				WHERE channel = 2 AND status IN (0, 2) AND next_attempt_at <= $1 GROUP BY user_id) due
			JOIN integrations ON integrations.user_id = due.user_id AND integrations.provider = 'ZOHO_CLIQ'
			WHERE (integrations.lease_until IS NULL OR integrations.lease_until <= $1)
				AND (integrations.paused_until IS NULL OR integrations.paused_until <= $1)
			ORDER BY due.first LIMIT $2`+s.pick(` FOR UPDATE OF integrations SKIP LOCKED`, ``)+`
		)
		UPDATE integrations SET lease_id = $3, lease_until = $4
		FROM claimed WHERE integrations.user_id = claimed.person AND integrations.provider = 'ZOHO_CLIQ'
		RETURNING `+connectionColumns, now, limit, leaseID, until)
	return claimed, wrap("claim Cliq", err)
}

// ClaimCliqUser takes the lease on one person's connection, due or not, paused or not. It answers false when somebody
// else holds it, or when the person never was connected.
func (s *Store) ClaimCliqUser(
	ctx context.Context, userID uuid.UUID, now model.Time, leaseID uuid.UUID, until model.Time,
) (model.Connection, bool, error) {
	var c model.Connection
	claimed, err := s.writer(ctx).one(connectionFields(&c), `UPDATE integrations SET lease_id = $1, lease_until = $2
		WHERE user_id = $3 AND provider = 'ZOHO_CLIQ' AND (lease_until IS NULL OR lease_until <= $4)
		RETURNING `+connectionColumns, leaseID, until, userID, now)
	return c, claimed, wrap("claim connection", err)
}

// RenewLease prolongs a lease that is still held. It answers false when it is not: it ran out, or the connection was
// made anew or ended.
func (s *Store) RenewLease(ctx context.Context, userID, leaseID uuid.UUID, until, now model.Time) (bool, error) {
	n, err := s.writer(ctx).exec(`UPDATE integrations SET lease_until = $1
		WHERE user_id = $2 AND provider = 'ZOHO_CLIQ' AND lease_id = $3 AND lease_until > $4`, until, userID, leaseID, now)
	return n == 1, wrap("renew lease", err)
}

// ReleaseLease gives a lease back, if it is still held.
func (s *Store) ReleaseLease(ctx context.Context, userID, leaseID uuid.UUID) error {
	_, err := s.writer(ctx).exec(`UPDATE integrations SET lease_id = NULL, lease_until = NULL
		WHERE user_id = $1 AND provider = 'ZOHO_CLIQ' AND lease_id = $2`, userID, leaseID)
	return wrap("release lease", err)
}

// held locks the connection and tells whether the lease on it is still held.
func (s *Store) held(tx conn, userID, leaseID uuid.UUID, now model.Time) (c model.Connection, ok bool, err error) {
	c, found, err := s.lockConnection(tx, userID)
	return c, found && holds(&c, &leaseID) && now.Before(c.LeaseUntil), err
}
