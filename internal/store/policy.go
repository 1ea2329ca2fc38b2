package store

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

const ruleColumns = `r.event_type, r.channel, r.mode, r.reason`

func ruleFields(r *model.WorkspaceRule) []any {
	return []any{&r.EventType, &r.Channel, &r.Mode, &r.Reason}
}

// Policy is every rule of one workspace, in the order of event type and channel.
func (s *Store) Policy(ctx context.Context, workspaceID uuid.UUID) (model.WorkspacePolicy, error) {
	var policy model.WorkspacePolicy
	err := s.inSnapshot(ctx, func(tx conn) (err error) {
		policy, err = s.policy(tx, workspaceID, "")
		return err
	})
	return policy, wrap("read policy", err)
}

// policy reads the rules; lock is added to the statement that reads the workspace.
func (s *Store) policy(tx conn, workspaceID uuid.UUID, lock string) (model.WorkspacePolicy, error) {
	policy := model.WorkspacePolicy{WorkspaceID: workspaceID}
	found, err := tx.one([]any{&policy.Revision}, `SELECT policy_revision FROM workspaces WHERE id = $1`+lock, workspaceID)
	if err != nil {
		return model.WorkspacePolicy{}, err
	}
	if !found {
		return model.WorkspacePolicy{}, errors.New("there is no such workspace")
	}
	policy.Rules, err = collect(tx, ruleFields,
		`SELECT `+ruleColumns+` FROM workspace_rules r WHERE r.workspace_id = $1 ORDER BY r.event_type, r.channel`, workspaceID)
	for i := range policy.Rules {
		policy.Rules[i].WorkspaceID = workspaceID
	}
	return policy, err
}

// ruleRecord is a rule to write; a nil Mode removes it.
type ruleRecord struct {
	EventType string  `json:"event_type"`
	Channel   int16   `json:"channel"`
	Mode      *int16  `json:"mode"`
	Reason    *string `json:"reason"`
}

// ChangePolicy changes rules of a workspace, all of them or none, and answers the policy as it is then. When the
// expected revision is not the current one, nothing is done and conflict is true.
func (s *Store) ChangePolicy(ctx context.Context, c model.PolicyChange, now model.Time) (
	policy model.WorkspacePolicy, conflict bool, err error,
) {
	err = s.inTx(ctx, func(tx conn) error {
		conflict = false
		if policy, err = s.policy(tx, c.WorkspaceID, s.forUpdate()); err != nil {
			return err
		}
		if c.ExpectedRevision != nil && *c.ExpectedRevision != policy.Revision {
			conflict = true
			return nil
		}
		records, entries := policyDifference(policy.Rules, c.Rules)
		if len(records) == 0 {
			return nil
		}
		if err := s.saveRules(tx, c.WorkspaceID, records); err != nil {
			return err
		}
		head := auditHead{workspace: c.WorkspaceID, actor: c.ActorID, through: model.ThroughAdmin, now: now}
		if err := s.saveAudit(tx, head, entries); err != nil {
			return err
		}
		policy, err = s.policy(tx, c.WorkspaceID, "")
		return err
	})
	if err != nil {
		return model.WorkspacePolicy{}, false, wrap("change policy", err)
	}
	return policy, conflict, nil
}

// saveRules writes and removes rules and counts the change for the workspace and for everyone in it.
func (s *Store) saveRules(tx conn, workspaceID uuid.UUID, records []ruleRecord) error {
	const types = `event_type text, channel smallint, mode smallint, reason text`
	if _, err := tx.exec(`DELETE FROM workspace_rules WHERE workspace_id = $1 AND (event_type, channel) IN
		(SELECT event_type, channel FROM `+s.records(2, types)+` WHERE input.mode IS NULL)`,
		workspaceID, jsonText{records}); err != nil {
		return err
	}
	if _, err := tx.exec(`INSERT INTO workspace_rules (workspace_id, event_type, channel, mode, reason)
		SELECT `+s.pick(`$1::uuid`, `$1`)+`, event_type, channel, mode, reason FROM `+s.records(2, types)+` WHERE input.mode IS NOT NULL
		ON CONFLICT (workspace_id, event_type, channel) DO UPDATE SET mode = excluded.mode, reason = excluded.reason`,
		workspaceID, jsonText{records}); err != nil {
		return err
	}
	if _, err := tx.exec(`UPDATE workspaces SET policy_revision = policy_revision + 1 WHERE id = $1`, workspaceID); err != nil {
		return err
	}
	_, err := tx.exec(`UPDATE users SET viewer_revision = viewer_revision + 1
		WHERE id IN (SELECT id FROM users WHERE workspace_id = $1 ORDER BY id`+s.forUpdate()+`)`, workspaceID)
	return err
}

// policyDifference is what has to be written so that the rules asked for hold, and its audit.
func policyDifference(current, asked []model.WorkspaceRule) (records []ruleRecord, entries []auditRecord) {
	before := make(map[model.CellKey]model.WorkspaceRule, len(current))
	for _, r := range current {
		before[model.CellKey{EventType: r.EventType, Channel: r.Channel}] = r
	}
	for _, r := range asked {
		old := before[model.CellKey{EventType: r.EventType, Channel: r.Channel}]
		if r.Mode == "" {
			r.Reason = nil
		}
		if old.Mode == r.Mode && equal(old.Reason, r.Reason) {
			continue
		}
		record := ruleRecord{EventType: r.EventType, Channel: r.Channel.Number(), Reason: r.Reason}
		if r.Mode != "" {
			mode := r.Mode.Number()
			record.Mode = &mode
		}
		records = append(records, record)
		entries = append(entries, auditRecord{
			ID: model.NewID(), EventType: r.EventType, Channel: record.Channel, Old: string(old.Mode), New: string(r.Mode),
		})
	}
	return records, entries
}

// equal compares what may be missing.
func equal[T comparable](a, b *T) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}
