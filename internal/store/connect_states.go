package store

import (
	"context"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

const stateColumns = `state_hash, user_id, workspace_id, browser_hash, region, bot_name, verifier, return_to, expires_at, ticket_hash, answer`

func stateFields(st *model.ConnectState) []any {
	return []any{
		&st.StateHash, &st.UserID, &st.WorkspaceID, &st.BrowserHash, &st.Region, &st.BotName, &st.Verifier, &st.ReturnTo,
		&st.ExpiresAt, &st.TicketHash, &st.Answer,
	}
}

// SaveConnectState keeps an attempt to connect, unless the person has so many open ones already: then it answers false.
func (s *Store) SaveConnectState(ctx context.Context, st model.ConnectState, now model.Time, most int) (bool, error) {
	saved, err := s.insertState(ctx, &st, ` WHERE (SELECT count(*) FROM oauth_states WHERE user_id = $12 AND expires_at > $13) < $14`, st.UserID, now, most)
	return saved, wrap("save state", err)
}

// HandOverConnectState keeps a consumed attempt once more, to be redeemed by its ticket and by nothing else.
func (s *Store) HandOverConnectState(ctx context.Context, st model.ConnectState) error {
	_, err := s.insertState(ctx, &st, "")
	return wrap("hand over state", err)
}

func (s *Store) insertState(ctx context.Context, st *model.ConnectState, condition string, more ...any) (saved bool, err error) {
	values := append([]any{
		st.StateHash, st.UserID, st.WorkspaceID, orNull(st.BrowserHash), string(st.Region), st.BotName, st.Verifier, st.ReturnTo,
		st.ExpiresAt, orNull(st.TicketHash), orNull(st.Answer),
	}, more...)
	n, err := s.writer(ctx).exec(`INSERT INTO oauth_states (`+stateColumns+`) SELECT `+s.pick(
		`$1::bytea, $2::uuid, $3::uuid, $4::bytea, $5::text, $6::text, $7::bytea, $8::text, $9::timestamptz, $10::bytea, $11::bytea`,
		`$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11`)+condition, values...)
	return n == 1, err
}

// orNull is b, or NULL for none: SQLite's driver stores a nil slice as an empty value, which is not NULL.
func orNull(b []byte) any {
	if len(b) == 0 {
		return nil
	}
	return b
}

// ConsumeConnectState takes an attempt out: the first who asks gets it, nobody does after it expired. What was handed
// over is not found by its state any more. An attempt that expired is taken out, too, and comes with false, so that it is
// known whose it was.
func (s *Store) ConsumeConnectState(ctx context.Context, stateHash []byte, now model.Time) (model.ConnectState, bool, error) {
	st, found, err := s.takeState(ctx, now, `state_hash = $1 AND ticket_hash IS NULL`, stateHash)
	return st, found, wrap("consume state", err)
}

// RedeemTicket takes out what was handed over. Only the person who started gets it, once; anybody else who shows the
// ticket leaves it where it is. One that expired comes with false, as with ConsumeConnectState.
func (s *Store) RedeemTicket(ctx context.Context, ticketHash []byte, userID uuid.UUID, now model.Time) (model.ConnectState, bool, error) {
	st, found, err := s.takeState(ctx, now, `ticket_hash = $1 AND user_id = $2`, ticketHash, userID)
	return st, found, wrap("redeem ticket", err)
}

func (s *Store) takeState(ctx context.Context, now model.Time, which string, args ...any) (model.ConnectState, bool, error) {
	var st model.ConnectState
	found, err := s.writer(ctx).one(stateFields(&st), `DELETE FROM oauth_states WHERE `+which+` RETURNING `+stateColumns, args...)
	if err != nil || !found {
		return model.ConnectState{}, false, err
	}
	return st, now.Before(st.ExpiresAt), nil
}

// HandedOver is the attempt that a ticket was made for, as long as nobody redeemed it. It takes nothing out.
func (s *Store) HandedOver(ctx context.Context, ticketHash []byte) (model.ConnectState, bool, error) {
	var st model.ConnectState
	found, err := s.reader(ctx).one(stateFields(&st), `SELECT `+stateColumns+` FROM oauth_states WHERE ticket_hash = $1`, ticketHash)
	return st, found, wrap("read hand-over", err)
}

// PurgeConnectStates deletes attempts that nobody finished in time, at most limit of them, and tells how many.
func (s *Store) PurgeConnectStates(ctx context.Context, now model.Time, limit int) (deleted int, err error) {
	n, err := s.writer(ctx).exec(`DELETE FROM oauth_states WHERE state_hash IN (
			SELECT state_hash FROM oauth_states WHERE expires_at <= $1 LIMIT $2`+s.skipLocked()+`)`, now, limit)
	return int(n), wrap("purge states", err)
}
