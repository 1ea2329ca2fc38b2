package store

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

// userColumns are the columns of users (named u) in the order of userFields.
const userColumns = `u.id, u.workspace_id, u.external_id, u.name, u.email, u.time_zone, u.email_state, ` +
	`u.email_enabled, u.cliq_enabled, u.active, u.settings_revision, u.viewer_revision`

func userFields(u *model.User) []any {
	return []any{
		&u.UUID, &u.WorkspaceID, &u.ExternalID, &u.Name, &u.Email, &u.TimeZone, &u.EmailState,
		&u.EmailEnabled, &u.CliqEnabled, &u.Active, &u.SettingsRevision, &u.ViewerRevision,
	}
}

// workspaceColumns are the columns of workspaces (named w) in the order of workspaceFields.
const workspaceColumns = `w.id, w.external_id, w.name, w.policy_revision`

func workspaceFields(w *model.Workspace) []any {
	return []any{&w.UUID, &w.ExternalID, &w.Name, &w.PolicyRevision}
}

// The inbox costs one more row of an index, and saves whoever asks for it a question.
const selectViewer = `SELECT ` + userColumns + `, ` + workspaceColumns + `,
	COALESCE(i.last_seq, 0), COALESCE(i.unread_count, 0), COALESCE(i.replay_from, 0)
	FROM users u JOIN workspaces w ON w.id = u.workspace_id LEFT JOIN inboxes i ON i.user_id = u.id WHERE `

func viewer(c conn, where string, args ...any) (v model.Viewer, found bool, err error) {
	in := new(model.Inbox)
	fields := append(userFields(&v.User), workspaceFields(&v.Workspace)...)
	found, err = c.one(append(fields, &in.LastSeq, &in.UnreadCount, &in.ReplayFrom), selectViewer+where, args...)
	if found {
		in.UserID = v.User.UUID
		v.Found = in
	}
	return v, found, err
}

// ViewerByID is one person with their workspace.
func (s *Store) ViewerByID(ctx context.Context, userID uuid.UUID) (model.Viewer, bool, error) {
	v, found, err := viewer(s.reader(ctx), `u.id = $1`, userID)
	return v, found, wrap("read viewer", err)
}

// Admit is the person that a verified token speaks of. A missing person or workspace is created, and names and
// addresses that are empty are filled from the token; nothing is overwritten, and nothing is written when nothing
// is missing, which costs one query. A person who is not active is returned as such.
func (s *Store) Admit(ctx context.Context, c model.Claims, _ model.Time) (model.Viewer, error) {
	const byExternalIDs = `w.external_id = $1 AND u.external_id = $2`
	v, found, err := viewer(s.reader(ctx), byExternalIDs, c.WorkspaceID, c.UserID)
	if err != nil {
		return model.Viewer{}, wrap("read viewer", err)
	}
	if found && !fills(v.Workspace.Name, c.WorkspaceName) && !fills(v.User.Name, c.Name) && !fills(v.User.Email, c.Email) {
		return v, nil
	}
	err = s.inTx(ctx, func(tx conn) error {
		if err := admit(tx, c); err != nil {
			return err
		}
		v, found, err = viewer(tx, byExternalIDs, c.WorkspaceID, c.UserID)
		if err == nil && !found {
			err = errors.New("the person is gone again")
		}
		return err
	})
	if err != nil {
		return model.Viewer{}, wrap("admit viewer", err)
	}
	return v, nil
}

// fills reports that a claim has something to say where nothing is stored.
func fills(stored, claimed string) bool { return stored == "" && claimed != "" }

// admit makes the rows of a person and fills what is empty in them.
func admit(tx conn, c model.Claims) error {
	if _, err := tx.exec(`INSERT INTO workspaces (id, external_id, name) VALUES ($1, $2, $3)
		ON CONFLICT (external_id) DO UPDATE SET name = excluded.name WHERE workspaces.name = '' AND excluded.name <> ''`,
		model.NewID(), c.WorkspaceID, c.WorkspaceName); err != nil {
		return err
	}
	if _, err := tx.exec(`INSERT INTO users (id, workspace_id, external_id, name, email)
		SELECT $1, w.id, $2, $3, $4 FROM workspaces w WHERE w.external_id = $5
		ON CONFLICT (workspace_id, external_id) DO UPDATE SET
			name = CASE WHEN users.name = '' THEN excluded.name ELSE users.name END,
			email = CASE WHEN users.email = '' THEN excluded.email ELSE users.email END`,
		model.NewID(), c.UserID, c.Name, c.Email, c.WorkspaceID); err != nil {
		return err
	}
	_, err := tx.exec(`INSERT INTO inboxes (user_id)
		SELECT u.id FROM users u JOIN workspaces w ON w.id = u.workspace_id WHERE w.external_id = $1 AND u.external_id = $2
		ON CONFLICT DO NOTHING`, c.WorkspaceID, c.UserID)
	return err
}
