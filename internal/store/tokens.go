package store

import (
	"context"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

// mixedKeys marks a row whose two ciphertexts were sealed with different keys. No key has this id, so that a
// rotation finds the row whatever the new key is.
const mixedKeys = 0

// Tokens are a person's sealed tokens.
func (s *Store) Tokens(ctx context.Context, userID uuid.UUID) (model.SealedTokens, bool, error) {
	var t model.SealedTokens
	found, err := s.reader(ctx).one(
		[]any{&t.UserID, &t.Provider, &t.Access, &t.Refresh, &t.ExpiresAt, &t.Version, &t.KeyID},
		`SELECT user_id, provider, access, refresh, expires_at, version, key_id
		FROM integration_tokens WHERE user_id = $1 AND provider = 'ZOHO_CLIQ'`, userID)
	return t, found, wrap("read tokens", err)
}

// SaveRefreshed stores a new access token if the tokens are still those of the given version.
func (s *Store) SaveRefreshed(
	ctx context.Context, userID uuid.UUID, version int64, access []byte, expiresAt model.Time, keyID uint32,
) (bool, error) {
	n, err := s.writer(ctx).exec(`UPDATE integration_tokens SET access = $1, expires_at = $2, version = version + 1,
			key_id = CASE WHEN key_id = $3 THEN key_id ELSE $4 END
		WHERE user_id = $5 AND provider = 'ZOHO_CLIQ' AND version = $6`,
		access, expiresAt, int64(keyID), mixedKeys, userID, version)
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
		`SELECT key_id FROM integration_tokens WHERE key_id <> $1 UNION SELECT key_id FROM revocations WHERE key_id <> $1 ORDER BY 1`, mixedKeys)
	return ids, wrap("read key ids", err)
}
