package store

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

// queueRevocation takes a person's tokens away and keeps the refresh token for Zoho to be told. It tells the version
// that the tokens had; 0 when there were none.
func queueRevocation(tx conn, c *model.Connection, now model.Time) (version int64, err error) {
	var refresh []byte
	var keyID int64
	found, err := tx.one([]any{&refresh, &keyID, &version}, `DELETE FROM integration_tokens
		WHERE user_id = $1 AND provider = 'ZOHO_CLIQ' RETURNING refresh, key_id, version`, c.UserID)
	if err != nil || !found {
		return 0, err
	}
	_, err = tx.exec(`INSERT INTO revocations (id, workspace_id, user_id, region, refresh, key_id, next_attempt_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`, model.NewID(), c.WorkspaceID, c.UserID, string(c.Region), refresh, keyID, now)
	return version, err
}

// DueRevocations hands out refresh tokens that Zoho is to be told to forget, each to one caller: for the time of
// the lease nobody else gets it.
func (s *Store) DueRevocations(ctx context.Context, now model.Time, limit int, lease time.Duration) ([]model.PendingRevocation, error) {
	due, err := collect(s.writer(ctx), func(r *model.PendingRevocation) []any {
		return []any{&r.ID, &r.WorkspaceID, &r.UserID, &r.Region, &r.Refresh, &r.KeyID, &r.Attempts, &r.NextAttemptAt}
	}, `UPDATE revocations SET next_attempt_at = $1 WHERE id IN (
			SELECT id FROM revocations WHERE next_attempt_at <= $2 ORDER BY next_attempt_at LIMIT $3`+s.skipLocked()+`)
		RETURNING id, workspace_id, user_id, region, refresh, key_id, attempts, next_attempt_at`, now.Add(lease), now, limit)
	if err != nil {
		return nil, wrap("claim revocations", err)
	}
	slices.SortFunc(due, func(a, b model.PendingRevocation) int { return cmp.Compare(a.ID.String(), b.ID.String()) })
	return due, nil
}

// FinishRevocation forgets a refresh token for good.
func (s *Store) FinishRevocation(ctx context.Context, id uuid.UUID) error {
	_, err := s.writer(ctx).exec(`DELETE FROM revocations WHERE id = $1`, id)
	return wrap("finish revocation", err)
}

// RetryRevocation says how often it was tried and when it is to be tried again.
func (s *Store) RetryRevocation(ctx context.Context, id uuid.UUID, tried int32, next model.Time) error {
	_, err := s.writer(ctx).exec(`UPDATE revocations SET attempts = $1, next_attempt_at = $2 WHERE id = $3`, tried, next, id)
	return wrap("put revocation off", err)
}

// skipLocked locks the rows that a claim reads and passes over those that somebody else is claiming. SQLite has one
// writer: the claim of another is over when this one begins.
func (s *Store) skipLocked() string { return s.pick(` FOR UPDATE SKIP LOCKED`, ``) }
