package store

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

// Tokens are a person's sealed tokens.
func (s *Store) Tokens(ctx context.Context, userID uuid.UUID) (model.SealedTokens, bool, error) {
	var t model.SealedTokens
	found, err := s.reader(ctx).one(
		[]any{&t.UserID, &t.Provider, &t.Access, &t.Refresh, &t.ExpiresAt, &t.Version, &t.KeyID, &t.RefreshesUntil},
		`SELECT user_id, provider, access, refresh, expires_at, version, key_id, refreshes_until
		FROM integration_tokens WHERE user_id = $1 AND provider = 'ZOHO_CLIQ'`, userID)
	return t, found, wrap("read tokens", err)
}

// TakeRefresh asks whether the tokens of the given version may be refreshed once more now, and counts it if so:
// atOnce times in a row, and after that once every step. However one lays a span over the refreshes, it holds at most
// atOnce and one for each step. Otherwise it tells when the next one may be; the zero time says that these tokens are
// no longer the person's.
func (s *Store) TakeRefresh(
	ctx context.Context, userID uuid.UUID, version int64, atOnce int, step time.Duration, now model.Time,
) (ok bool, retryAt model.Time, err error) {
	most := time.Duration(atOnce) * step
	err = s.inTx(ctx, func(tx conn) error {
		ok, retryAt = false, model.Time{}
		var until model.Time
		found, err := tx.one([]any{&until}, `SELECT refreshes_until FROM integration_tokens
			WHERE user_id = $1 AND provider = 'ZOHO_CLIQ' AND version = $2`+s.forUpdate(), userID, version)
		if err != nil || !found {
			return err
		}
		switch {
		case until.Before(now):
			until = now
		case until.After(now.Add(most)): // the clock that counted last is ahead of this one
			until = now.Add(most - step)
		}
		if free := until.Add(step - most); free.After(now) {
			retryAt = free
			return nil
		}
		ok = true
		_, err = tx.exec(`UPDATE integration_tokens SET refreshes_until = $1
			WHERE user_id = $2 AND provider = 'ZOHO_CLIQ'`, until.Add(step), userID)
		return err
	})
	if err != nil {
		return false, model.Time{}, wrap("take refresh", err)
	}
	return ok, retryAt, nil
}

// SaveRefreshed stores a new access token if the tokens are still those of the given version. The refresh token, which
// is the same, comes sealed anew with it: one key seals a whole row.
func (s *Store) SaveRefreshed(
	ctx context.Context, userID uuid.UUID, version int64, access, refresh []byte, expiresAt model.Time, keyID uint32,
) (bool, error) {
	n, err := s.writer(ctx).exec(`UPDATE integration_tokens SET access = $1, refresh = $2, expires_at = $3, key_id = $4, version = version + 1
		WHERE user_id = $5 AND provider = 'ZOHO_CLIQ' AND version = $6`,
		access, refresh, expiresAt, int64(keyID), userID, version)
	return n == 1, wrap("save refreshed token", err)
}

// saveTokens stores the tokens of a new connection. The version never repeats, not even after a disconnect in
// between: it begins at the time. Who still refreshes older tokens then cannot overwrite these.
func saveTokens(tx conn, c *model.NewConnection, before int64, now model.Time) error {
	_, err := tx.exec(`INSERT INTO integration_tokens (user_id, provider, access, refresh, expires_at, version, key_id)
		VALUES ($1, 'ZOHO_CLIQ', $2, $3, $4, $5, $6)`,
		c.UserID, c.Access, c.Refresh, c.ExpiresAt, max(now.UnixMilli(), before+1), int64(c.KeyID))
	return err
}

// SealKeys are the ids of all keys that a stored token needs: a process that lacks one must not start.
func (s *Store) SealKeys(ctx context.Context) ([]uint32, error) {
	ids, err := collect(s.reader(ctx), func(id *uint32) []any { return []any{id} },
		`SELECT key_id FROM integration_tokens UNION SELECT key_id FROM revocations ORDER BY 1`)
	return ids, wrap("read key ids", err)
}
