package store

import (
	"cmp"
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

// syncedUser is a SyncedUser as a record; ID is used when the person is new.
type syncedUser struct {
	ID         uuid.UUID `json:"id"`
	Workspace  string    `json:"workspace"`
	ExternalID string    `json:"external_id"`
	Name       string    `json:"name"`
	Email      string    `json:"email"`
	TimeZone   string    `json:"time_zone"`
	Active     bool      `json:"active"`
}

const syncedUserTypes = `id uuid, workspace text, external_id text, name text, email text, time_zone text, active boolean`

// syncedWorkspace is a SyncedWorkspace as a record; ID is used when the workspace is new.
type syncedWorkspace struct {
	ID         uuid.UUID `json:"id"`
	ExternalID string    `json:"external_id"`
	Name       string    `json:"name"`
}

// SyncUsers takes over people and workspaces from Heffl's directory, all of them or none: what it says overwrites
// what is stored, and the last word counts when somebody is named twice. A workspace that only people name is
// created without a name. Somebody's id in another workspace is somebody else.
//
// Who is no longer active loses their Cliq connection at once; the tokens are queued to be revoked. Their inbox takes a
// number for it, so that whoever listens there finds it out. synced is how
// many people were named, deactivated those who were active before.
func (s *Store) SyncUsers(
	ctx context.Context, workspaces []model.SyncedWorkspace, users []model.SyncedUser, now model.Time,
) (synced int, deactivated []uuid.UUID, err error) {
	ws, us := syncRecords(workspaces, users)
	err = s.inTx(ctx, func(tx conn) error {
		if err := s.syncWorkspaces(tx, ws); err != nil {
			return err
		}
		leaving, err := s.lockSynced(tx, us)
		if err != nil {
			return err
		}
		deactivated = leaving.active
		// Those who were not active before are cut off again: a connection may have been made in between.
		if err := s.cutOff(tx, leaving.all, now); err != nil {
			return err
		}
		if err := s.syncUsers(tx, us); err != nil {
			return err
		}
		return s.closeInboxes(tx, leaving.active)
	})
	if err != nil {
		return 0, nil, wrap("sync users", err)
	}
	return len(us), deactivated, nil
}

// syncRecords makes records without repetition, in the order in which every sync locks rows.
func syncRecords(workspaces []model.SyncedWorkspace, users []model.SyncedUser) ([]syncedWorkspace, []syncedUser) {
	names := make(map[string]string)
	for _, u := range users {
		names[u.WorkspaceID] = ""
	}
	for _, w := range workspaces {
		names[w.ExternalID] = w.Name
	}
	ws := make([]syncedWorkspace, 0, len(names))
	for id, name := range names {
		ws = append(ws, syncedWorkspace{model.NewID(), id, name})
	}
	slices.SortFunc(ws, func(a, b syncedWorkspace) int { return cmp.Compare(a.ExternalID, b.ExternalID) })

	type key struct{ workspace, user string }
	last := make(map[key]model.SyncedUser, len(users))
	for _, u := range users {
		last[key{u.WorkspaceID, u.ExternalID}] = u
	}
	us := make([]syncedUser, 0, len(last))
	for _, u := range last {
		us = append(us, syncedUser{model.NewID(), u.WorkspaceID, u.ExternalID, u.Name, u.Email, u.TimeZone, u.Active})
	}
	slices.SortFunc(us, func(a, b syncedUser) int {
		return cmp.Or(cmp.Compare(a.Workspace, b.Workspace), cmp.Compare(a.ExternalID, b.ExternalID))
	})
	return ws, us
}

func (s *Store) syncWorkspaces(tx conn, ws []syncedWorkspace) error {
	_, err := tx.exec(`INSERT INTO workspaces (id, external_id, name)
		SELECT id, external_id, name FROM `+s.records(1, `id uuid, external_id text, name text`)+` WHERE true
		ON CONFLICT (external_id) DO UPDATE SET name = excluded.name
		WHERE excluded.name <> '' AND workspaces.name <> excluded.name`, jsonText{ws})
	return err
}

// leavers are the known people who are not to be active; active are those of them who are until now.
type leavers struct{ all, active []uuid.UUID }

// lockSynced locks everybody who is known, in the order of their ids, and tells who leaves.
func (s *Store) lockSynced(tx conn, us []syncedUser) (leavers, error) {
	if len(us) == 0 {
		return leavers{}, nil
	}
	type person struct {
		id            uuid.UUID
		before, after bool
	}
	people, err := collect(tx, func(p *person) []any { return []any{&p.id, &p.before, &p.after} },
		`SELECT u.id, u.active, input.active FROM `+s.records(1, syncedUserTypes)+`
		JOIN workspaces w ON w.external_id = input.workspace
		JOIN users u ON u.workspace_id = w.id AND u.external_id = input.external_id
		ORDER BY u.id`+s.pick(` FOR UPDATE OF u`, ``), jsonText{us})
	if err != nil {
		return leavers{}, err
	}
	var leaving leavers
	for _, p := range people {
		if p.after {
			continue
		}
		leaving.all = append(leaving.all, p.id)
		if p.before {
			leaving.active = append(leaving.active, p.id)
		}
	}
	return leaving, nil
}

// closeInboxes takes a number in the inboxes of people who leave. There is nothing behind it: those who listen to an inbox, and
// to nothing else of its owner, are to look and find that the owner has left. It comes last: events for these people wait
// for it.
func (s *Store) closeInboxes(tx conn, users []uuid.UUID) error {
	if len(users) == 0 {
		return nil
	}
	_, err := tx.exec(`INSERT INTO inboxes (user_id, last_seq)
		SELECT `+s.pick(`unnest($1::uuid[]), 1`, `value, 1 FROM json_each($1) WHERE true`)+`
		ON CONFLICT (user_id) DO UPDATE SET last_seq = inboxes.last_seq + 1`, s.uuids(users))
	return err
}

// cutOff ends the Cliq connections of people and queues their refresh tokens to be revoked.
func (s *Store) cutOff(tx conn, users []uuid.UUID, now model.Time) error {
	if len(users) == 0 {
		return nil
	}
	among := s.pick(`= ANY($1::uuid[])`, `IN (SELECT value FROM json_each($1))`)
	ids := s.uuids(users)
	if _, err := tx.exec(`UPDATE integrations SET `+notConnected+` WHERE user_id `+among, ids); err != nil {
		return err
	}
	if _, err := tx.exec(`DELETE FROM oauth_states WHERE user_id `+among, ids); err != nil {
		return err
	}
	type revocation struct {
		ID   uuid.UUID `json:"id"`
		User uuid.UUID `json:"user_id"`
	}
	owners, err := collect(tx, func(r *revocation) []any { return []any{&r.User} },
		`SELECT user_id FROM integration_tokens WHERE user_id `+among+` ORDER BY user_id`+s.forUpdate(), ids)
	if err != nil || len(owners) == 0 {
		return err
	}
	for i := range owners {
		owners[i].ID = model.NewID()
	}
	if _, err := tx.exec(`INSERT INTO revocations (id, workspace_id, user_id, region, refresh, key_id, next_attempt_at)
		SELECT input.id, i.workspace_id, i.user_id, i.region, t.refresh, t.key_id, `+s.pick(`$1::timestamptz`, `$1`)+`
		FROM `+s.records(2, `id uuid, user_id uuid`)+`
		JOIN integration_tokens t ON t.user_id = input.user_id
		JOIN integrations i ON i.user_id = t.user_id AND i.provider = t.provider`, now, jsonText{owners}); err != nil {
		return err
	}
	if _, err := tx.exec(`INSERT INTO connect_audit (id, created_at, workspace_id, user_id, outcome, reason, region, bot_name)
		SELECT input.id, `+s.pick(`$1::timestamptz, i.workspace_id, i.user_id, $2::text, $3::text`, `$1, i.workspace_id, i.user_id, $2, $3`)+`, i.region, i.bot_name
		FROM `+s.records(4, `id uuid, user_id uuid`)+`
		JOIN integrations i ON i.user_id = input.user_id AND i.provider = 'ZOHO_CLIQ'`,
		now, string(model.ConnectDisconnected), string(model.ConnectUserDeactivated), jsonText{owners}); err != nil {
		return err
	}
	_, err = tx.exec(`DELETE FROM integration_tokens WHERE user_id `+among, ids)
	return err
}

// syncUsers writes people whose row differs, and inboxes for the new ones.
func (s *Store) syncUsers(tx conn, us []syncedUser) error {
	if len(us) == 0 {
		return nil
	}
	written, err := collect(tx, func(id *uuid.UUID) []any { return []any{id} },
		`INSERT INTO users (id, workspace_id, external_id, name, email, time_zone, active)
		SELECT input.id, w.id, input.external_id, input.name, input.email, input.time_zone, input.active
		FROM `+s.records(1, syncedUserTypes)+` JOIN workspaces w ON w.external_id = input.workspace WHERE true
		ON CONFLICT (workspace_id, external_id) DO UPDATE SET
			name = excluded.name, email = excluded.email, time_zone = excluded.time_zone, active = excluded.active,
			email_state = CASE WHEN users.email = excluded.email THEN users.email_state ELSE 0 END,
			viewer_revision = users.viewer_revision + 1
		WHERE users.name <> excluded.name OR users.email <> excluded.email OR users.time_zone <> excluded.time_zone
			OR users.active <> excluded.active
		RETURNING id`, jsonText{us})
	if err != nil || len(written) == 0 {
		return err
	}
	_, err = tx.exec(`INSERT INTO inboxes (user_id) SELECT `+s.pick(`unnest($1::uuid[])`, `value FROM json_each($1) WHERE true`)+`
		ON CONFLICT DO NOTHING`, s.uuids(written))
	return err
}
