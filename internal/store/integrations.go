package store

import (
	"context"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

// connectionColumns are what connectionFields takes.
const connectionColumns = `user_id, provider, workspace_id, status, region, region_chosen, bot_name, scopes,
	connected_at, last_delivered_at, problem, problem_since, problem_count, untold, paused_until, probe_at,
	lease_id, lease_until, pace_from, pace_count`

// What is set of a connection at once: untroubled, when nothing is wrong with it and no worker has it any more, and notConnected,
// when it ends.
const (
	untroubled = `problem = NULL, problem_since = NULL, problem_count = 0, untold = false, paused_until = NULL, probe_at = NULL,
		lease_id = NULL, lease_until = NULL`
	notConnected = `status = 0, scopes = '', connected_at = NULL, ` + untroubled
)

func connectionFields(c *model.Connection) []any {
	return []any{
		&c.UserID, &c.Provider, &c.WorkspaceID, &c.Status, &c.Region, &c.RegionChosen, &c.BotName, &c.Scopes,
		&c.ConnectedAt, &c.LastDeliveredAt, &c.Problem, &c.ProblemSince, &c.ProblemCount, &c.Untold, &c.PausedUntil, &c.ProbeAt,
		&c.LeaseID, &c.LeaseUntil, &c.PaceFrom, &c.PaceCount,
	}
}

const cliqConnection = `SELECT ` + connectionColumns + ` FROM integrations WHERE user_id = $1 AND provider = 'ZOHO_CLIQ'`

// Connection is a person's connection to Zoho Cliq; one that is NOT_CONNECTED when there never was one.
func (s *Store) Connection(ctx context.Context, userID uuid.UUID) (model.Connection, error) {
	c := model.Connection{UserID: userID, Provider: model.IntegrationProviderZohoCliq, Status: model.IntegrationStatusNotConnected}
	_, err := s.reader(ctx).one(connectionFields(&c), cliqConnection, userID)
	return c, wrap("read connection", err)
}

// lockConnection reads a connection and keeps it from changing. The person is locked after it, never before.
func (s *Store) lockConnection(tx conn, userID uuid.UUID) (c model.Connection, found bool, err error) {
	found, err = tx.one(connectionFields(&c), cliqConnection+s.forUpdate(), userID)
	return c, found, err
}

// holds reports whether the connection may be changed under the given lease; nil is somebody who needs none.
func holds(c *model.Connection, leaseID *uuid.UUID) bool {
	return leaseID == nil || c.LeaseID != nil && *c.LeaseID == *leaseID
}

// tellViewer counts a change that the person sees.
func tellViewer(tx conn, userID uuid.UUID) error {
	_, err := tx.exec(`UPDATE users SET viewer_revision = viewer_revision + 1 WHERE id = $1`, userID)
	return err
}

// SaveConnected replaces a person's connection and its tokens. The refresh token before, if any, is queued to be
// revoked. What was wrong is forgotten, and a worker that holds the old tokens loses its lease with them: what it
// still finds out is about a connection that no longer is.
func (s *Store) SaveConnected(ctx context.Context, c model.NewConnection, now model.Time) (model.Connection, error) {
	var saved model.Connection
	err := s.inTx(ctx, func(tx conn) error {
		// The row is there before it is locked: two that connect for the first time at once take turns as well.
		if _, err := tx.exec(`INSERT INTO integrations (user_id, provider, workspace_id) VALUES ($1, 'ZOHO_CLIQ', $2)
			ON CONFLICT (user_id, provider) DO NOTHING`, c.UserID, c.WorkspaceID); err != nil {
			return err
		}
		before, _, err := s.lockConnection(tx, c.UserID)
		if err != nil {
			return err
		}
		version, err := queueRevocation(tx, &before, now)
		if err != nil {
			return err
		}
		saved = model.Connection{}
		if _, err := tx.one(connectionFields(&saved),
			`UPDATE integrations SET status = $1, region = $2, region_chosen = $3, bot_name = $4, scopes = $5, connected_at = $6, `+untroubled+`
			WHERE user_id = $7 AND provider = 'ZOHO_CLIQ' RETURNING `+connectionColumns,
			model.IntegrationStatusConnected, string(c.Region), string(c.RegionChosen), c.BotName, c.Scopes, now, c.UserID); err != nil {
			return err
		}
		if err := saveTokens(tx, &c, version, now); err != nil {
			return err
		}
		return tellViewer(tx, c.UserID)
	})
	return saved, wrap("save connection", err)
}

// Disconnect forgets a person's tokens at once and queues the revocation of the refresh token. It tells whether there
// was one. The region and the bot stay, for the next time.
func (s *Store) Disconnect(ctx context.Context, userID uuid.UUID, now model.Time) (queued bool, err error) {
	err = s.inTx(ctx, func(tx conn) error {
		queued = false
		before, found, err := s.lockConnection(tx, userID)
		if err != nil || !found {
			return err
		}
		version, err := queueRevocation(tx, &before, now)
		if err != nil {
			return err
		}
		queued = version > 0
		if before.Status == model.IntegrationStatusNotConnected {
			return nil
		}
		if _, err := tx.exec(`UPDATE integrations SET `+notConnected+` WHERE user_id = $1 AND provider = 'ZOHO_CLIQ'`, userID); err != nil {
			return err
		}
		return tellViewer(tx, userID)
	})
	if err != nil {
		return false, wrap("disconnect", err)
	}
	return queued, nil
}

// SetBot changes which bot sends and forgets a problem that lay with the bot. A worker that holds the old name loses
// its lease with it: what it still finds out is about a bot that is no longer asked for. It tells false, and changes
// nothing, for a person who is not connected.
func (s *Store) SetBot(ctx context.Context, userID uuid.UUID, bot string, _ model.Time) (c model.Connection, connected bool, err error) {
	err = s.inTx(ctx, func(tx conn) error {
		var found bool
		c, found, err = s.lockConnection(tx, userID)
		connected = found && c.Status != model.IntegrationStatusNotConnected
		if err != nil || !connected {
			return err
		}
		solved := c.Problem.NeedsPerson()
		if c.BotName == bot && !solved {
			return nil
		}
		c.BotName, c.LeaseID, c.LeaseUntil = bot, nil, model.Time{}
		if solved {
			solve(&c)
		}
		if _, err := tx.exec(`UPDATE integrations SET bot_name = $1, lease_id = NULL, lease_until = NULL
			WHERE user_id = $2 AND provider = 'ZOHO_CLIQ'`, bot, userID); err != nil {
			return err
		}
		if err := saveProblem(tx, &c); err != nil {
			return err
		}
		return tellViewer(tx, userID)
	})
	if err != nil {
		return model.Connection{}, false, wrap("save bot", err)
	}
	if !connected {
		c = model.Connection{UserID: userID, Provider: model.IntegrationProviderZohoCliq, Status: model.IntegrationStatusNotConnected}
	}
	return c, connected, nil
}
