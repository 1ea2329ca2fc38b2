package store

import (
	"context"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

const auditColumns = `id, workspace_id, user_id, actor_id, created_at, event_type, channel, old, new, through`

func auditFields(e *model.AuditEntry) []any {
	return []any{
		&e.UUID, &e.WorkspaceID, &e.UserID, &e.ActorID, &e.CreatedAt, &e.EventType, &e.Channel, &e.Old, &e.New, &e.Through,
	}
}

// Audit is one page of who changed which setting, newest first.
func (s *Store) Audit(ctx context.Context, q model.AuditQuery) (model.AuditPage, error) {
	before := q.Before
	if before == uuid.Nil {
		before = uuid.Max
	}
	statement := `SELECT ` + auditColumns + ` FROM settings_audit WHERE workspace_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3`
	args := []any{q.WorkspaceID, before, q.Limit + 1}
	if q.UserID != nil {
		statement = `SELECT ` + auditColumns + ` FROM settings_audit
			WHERE workspace_id = $1 AND id < $2 AND user_id = $3 ORDER BY id DESC LIMIT $4`
		args = []any{q.WorkspaceID, before, q.UserID, q.Limit + 1}
	}
	entries, err := collect(s.reader(ctx), auditFields, statement, args...)
	if err != nil {
		return model.AuditPage{}, wrap("read audit", err)
	}
	page := model.AuditPage{Entries: entries, More: len(entries) > q.Limit}
	if page.More {
		page.Entries = entries[:q.Limit]
	}
	return page, nil
}

// auditRecord is what differs between the entries of one change.
type auditRecord struct {
	ID        uuid.UUID `json:"id"`
	EventType string    `json:"event_type"`
	Channel   int16     `json:"channel"`
	Old       string    `json:"old"`
	New       string    `json:"new"`
}

// auditHead is what the entries of one change share.
type auditHead struct {
	workspace uuid.UUID
	user      *uuid.UUID
	actor     string
	through   model.ChangeSource
	now       model.Time
}

// saveAudit writes the entries of one change.
func (s *Store) saveAudit(tx conn, head auditHead, records []auditRecord) error {
	_, err := tx.exec(s.pick(
		`INSERT INTO settings_audit (workspace_id, user_id, actor_id, through, created_at, id, event_type, channel, old, new)
		SELECT $1::uuid, $2::uuid, $3::text, $4::text, $5::timestamptz,`,
		`INSERT INTO settings_audit (workspace_id, user_id, actor_id, through, created_at, id, event_type, channel, old, new)
		SELECT $1, $2, $3, $4, $5,`)+` id, event_type, channel, old, new
		FROM `+s.records(6, `id uuid, event_type text, channel smallint, old text, new text`),
		head.workspace, head.user, head.actor, head.through, head.now, jsonText{records})
	return err
}
