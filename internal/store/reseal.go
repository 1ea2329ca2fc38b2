package store

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

// Reseal opens a ciphertext in the place it was sealed for and seals it again for the same place. It tells the id of
// the key that it used.
type Reseal func(table, column, row, user string, sealed []byte) (resealed []byte, keyID uint32, err error)

// ResealBatch seals up to limit rows anew that are not all sealed with the key of the given id, and tells how many it
// found: call it until that is 0. It may run beside everything else and in several processes; a row that changed in
// between is left for the next call. A ciphertext that reseal cannot open ends it, and nothing is lost by that.
//
// A refresh token that waits for its revocation keeps the place where it stood: table integration_tokens, column
// refresh, row and user the person's id.
func (s *Store) ResealBatch(ctx context.Context, keyID uint32, limit int, reseal Reseal) (found int, err error) {
	found, err = s.resealTokens(ctx, keyID, limit, reseal)
	if err != nil || found >= limit {
		return found, wrap("seal tokens anew", err)
	}
	more, err := s.resealRevocations(ctx, keyID, limit-found, reseal)
	return found + more, wrap("seal revocations anew", err)
}

func (s *Store) resealTokens(ctx context.Context, keyID uint32, limit int, reseal Reseal) (int, error) {
	rows, err := collect(s.reader(ctx), func(t *model.SealedTokens) []any {
		return []any{&t.UserID, &t.Access, &t.Refresh, &t.Version}
	}, `SELECT user_id, access, refresh, version FROM integration_tokens WHERE key_id <> $1 ORDER BY user_id LIMIT $2`, int64(keyID), limit)
	if err != nil {
		return 0, err
	}
	for _, t := range rows {
		access, err := resealToken(reseal, keyID, "access", t.UserID, t.Access)
		if err != nil {
			return 0, err
		}
		refresh, err := resealToken(reseal, keyID, "refresh", t.UserID, t.Refresh)
		if err != nil {
			return 0, err
		}
		// The version stays: what the tokens are did not change, and a refresh under way is not to be lost.
		if _, err := s.writer(ctx).exec(`UPDATE integration_tokens SET access = $1, refresh = $2, key_id = $3
			WHERE user_id = $4 AND provider = 'ZOHO_CLIQ' AND version = $5`, access, refresh, int64(keyID), t.UserID, t.Version); err != nil {
			return 0, err
		}
	}
	return len(rows), nil
}

func (s *Store) resealRevocations(ctx context.Context, keyID uint32, limit int, reseal Reseal) (int, error) {
	rows, err := collect(s.reader(ctx), func(r *model.PendingRevocation) []any {
		return []any{&r.ID, &r.UserID, &r.Refresh}
	}, `SELECT id, user_id, refresh FROM revocations WHERE key_id <> $1 ORDER BY id LIMIT $2`, int64(keyID), limit)
	if err != nil {
		return 0, err
	}
	for _, r := range rows {
		refresh, err := resealToken(reseal, keyID, "refresh", r.UserID, r.Refresh)
		if err != nil {
			return 0, err
		}
		if _, err := s.writer(ctx).exec(`UPDATE revocations SET refresh = $1, key_id = $2 WHERE id = $3`, refresh, int64(keyID), r.ID); err != nil {
			return 0, err
		}
	}
	return len(rows), nil
}

func resealToken(reseal Reseal, keyID uint32, column string, userID uuid.UUID, sealed []byte) ([]byte, error) {
	user := userID.String()
	resealed, used, err := reseal("integration_tokens", column, user, user, sealed)
	if err == nil && used != keyID {
		err = fmt.Errorf("key %d was used in place of %d", used, keyID)
	}
	if err != nil {
		return nil, fmt.Errorf("seal %s token of %s anew: %w", column, user, err)
	}
	return resealed, nil
}
