package store

import (
	"context"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

// eventColumns are the columns of events (named e) in the order of eventFields.
const eventColumns = `e.id, e.workspace_id, e.type, e.actor_id, e.actor_name, e.data, e.idempotency_key, e.content_hash, ` +
	`e.occurred_at, e.created_at, e.title, e.body, e.cliq_text, e.path, e.subject_type, e.subject_id, e.notified, e.unknown_recipients`

func eventFields(e *model.Event) []any {
	return []any{
		&e.UUID, &e.WorkspaceID, &e.Type, &e.ActorID, &e.ActorName, &e.Data, &e.IdempotencyKey, &e.ContentHash,
		&e.OccurredAt, &e.CreatedAt, &e.Title, &e.Body, &e.CliqText, &e.Path, &e.SubjectType, &e.SubjectID, &e.Notified,
		(*jsonStrings)(&e.UnknownRecipients),
	}
}

// insertEvent takes eventValues, and gives nothing when the key was used before.
const insertEvent = `INSERT INTO events (id, workspace_id, type, actor_id, actor_name, data, idempotency_key, content_hash,
		occurred_at, created_at, title, body, cliq_text, path, subject_type, subject_id, notified, unknown_recipients)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
	ON CONFLICT (workspace_id, idempotency_key) DO NOTHING`

func eventValues(e *model.Event) []any {
	unknown := e.UnknownRecipients
	if unknown == nil {
		unknown = []string{}
	}
	return []any{
		e.UUID, e.WorkspaceID, e.Type, e.ActorID, e.ActorName, e.Data, e.IdempotencyKey, e.ContentHash,
		e.OccurredAt, e.CreatedAt, e.Title, e.Body, e.CliqText, e.Path, e.SubjectType, e.SubjectID, e.Notified,
		jsonText{unknown},
	}
}

// EventByKey is the event that was stored under an idempotency key of a workspace.
func (s *Store) EventByKey(ctx context.Context, workspaceID uuid.UUID, key string) (model.Event, bool, error) {
	e, found, err := eventByKey(s.reader(ctx), workspaceID, key)
	return e, found, wrap("read event", err)
}

func eventByKey(c conn, workspaceID uuid.UUID, key string) (e model.Event, found bool, err error) {
	found, err = c.one(eventFields(&e),
		`SELECT `+eventColumns+` FROM events e WHERE e.workspace_id = $1 AND e.idempotency_key = $2`, workspaceID, key)
	return e, found, err
}
