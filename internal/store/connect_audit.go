package store

import (
	"context"

	"github.com/heffl/bff/model"
)

const connectAuditColumns = `id, created_at, attempt, workspace_id, user_id, actor_workspace, actor_id, outcome, reason, region, bot_name, omitted`

func connectAuditFields(e *model.ConnectAudit) []any {
	return []any{
		&e.ID, &e.CreatedAt, &e.Attempt, &e.WorkspaceID, &e.UserID, &e.ActorWorkspace, &e.ActorID, &e.Outcome, &e.Reason,
		&e.Region, &e.BotName, &e.Omitted,
	}
}

// AddConnectAudit adds an entry. With most, it leaves the entry out when so many of the same attempt, actor and reason are
// there already: whoever shows one callback again and again must not fill the table.
func (s *Store) AddConnectAudit(ctx context.Context, e model.ConnectAudit, most int) error {
	statement := `INSERT INTO connect_audit (` + connectAuditColumns + `) SELECT ` + s.pick(
		`$1::uuid, $2::timestamptz, $3::bytea, $4::uuid, $5::uuid, $6::text, $7::text, $8::text, $9::text, $10::text, $11::text, $12::integer`,
		`$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12`)
	args := []any{
		e.ID, e.CreatedAt, orNull(e.Attempt), e.WorkspaceID, e.UserID, e.ActorWorkspace, e.ActorID, string(e.Outcome), string(e.Reason),
		string(e.Region), e.BotName, e.Omitted,
	}
	if most > 0 {
		statement += ` WHERE (SELECT count(*) FROM connect_audit WHERE attempt = $13 AND actor_workspace = $14 AND actor_id = $15 AND reason = $16) < $17`
		args = append(args, e.Attempt, e.ActorWorkspace, e.ActorID, string(e.Reason), most)
	}
	_, err := s.writer(ctx).exec(statement, args...)
	return wrap("add to connect audit", err)
}

// ConnectAttempt is what the audit knows of one attempt, oldest first.
func (s *Store) ConnectAttempt(ctx context.Context, attempt []byte) ([]model.ConnectAudit, error) {
	entries, err := collect(s.reader(ctx), connectAuditFields,
		`SELECT `+connectAuditColumns+` FROM connect_audit WHERE attempt = $1 ORDER BY id`, attempt)
	return entries, wrap("read connect audit", err)
}

// PurgeConnectAudit deletes entries that were made before a time, oldest first and at most limit of them, and tells how many.
func (s *Store) PurgeConnectAudit(ctx context.Context, olderThan model.Time, limit int) (deleted int, err error) {
	n, err := s.writer(ctx).exec(`DELETE FROM connect_audit WHERE id IN (
			SELECT id FROM connect_audit WHERE id < $1 AND created_at < $2 ORDER BY id LIMIT $3`+s.skipLocked()+`)`,
		firstID(olderThan), olderThan, limit)
	return int(n), wrap("purge connect audit", err)
}
