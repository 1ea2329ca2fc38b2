package store

import (
	"context"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

const selectAudit = `SELECT a.id, a.workspace_id, a.user_id, COALESCE(u.external_id, ''), a.actor_id, a.created_at, a.event_type, a.channel,
	a.old, a.new, a.through FROM settings_audit a LEFT JOIN users u ON u.id = a.user_id WHERE a.workspace_id = $1 AND a.id < $2`

func auditFields(e *model.AuditEntry) []any {
	return []any{
		&e.UUID, &e.WorkspaceID, &e.UserID, &e.UserExternalID, &e.ActorID, &e.CreatedAt, &e.EventType, &e.Channel, &e.Old, &e.New, &e.Through,
	}
}

// Audit is one page of who changed which setting, newest first.
func (s *Store) Audit(ctx context.Context, q model.AuditQuery) (model.AuditPage, error) {
	before := q.Before
	if before == uuid.Nil {
		before = uuid.Max
	}
	statement, args := selectAudit, []any{q.WorkspaceID, before}
	switch {
	case q.UserID != nil:
		statement += ` AND a.user_id = $3 ORDER BY a.id DESC LIMIT $4`
		args = append(args, q.UserID)
	case q.UserExternalID != "":
		statement += ` AND a.user_id = (SELECT id FROM users WHERE workspace_id = $1 AND external_id = $3) ORDER BY a.id DESC LIMIT $4`
		args = append(args, q.UserExternalID)
	default:
		statement += ` ORDER BY a.id DESC LIMIT $3`
	}
	args = append(args, q.Limit+1)
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
