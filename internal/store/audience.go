package store

import (
	"context"
	"database/sql"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

// selectAudience gives a row for every cell that a recipient changed, and one for who changed none. The ids are one
// parameter: as a list of a thousand they would get a plan that compares everybody with all of them. The rules are
// the same in every row, four bits a channel.
const (
	selectAudienceHead = `SELECT u.id, u.external_id, u.email <> '', u.email_state, u.email_enabled, u.cliq_enabled,
		coalesce(p.channel, -1), coalesce(p.enabled, false), i.status, CASE WHEN i.probe_at <= $1 THEN NULL ELSE i.problem END,
		(SELECT coalesce(sum((r.mode + 1) << (4 * r.channel)), 0) FROM workspace_rules r
			WHERE r.workspace_id = $2 AND r.event_type = $3)
		FROM users u
		LEFT JOIN preferences p ON p.user_id = u.id AND p.event_type = $3
		LEFT JOIN integrations i ON i.user_id = u.id AND i.provider = 'ZOHO_CLIQ'
		WHERE u.workspace_id = $2 AND u.active AND u.external_id `
	selectAudiencePostgres = selectAudienceHead + `= ANY($4::text[])`
	selectAudienceSQLite   = selectAudienceHead + `IN (SELECT value FROM json_each($4))`
)

// Audience is everything that decides who of externalIDs gets an event of one type where, in one query however many
// they are. Who is not known, not active or of another workspace is in Unknown. A problem with Cliq is left out from
// when one message may find out whether it is solved: without an event that goes there, nothing ever would.
func (s *Store) Audience(
	ctx context.Context, workspaceID uuid.UUID, eventType string, externalIDs []string, now model.Time,
) (model.Audience, error) {
	// at has the place of everybody found in Recipients, absent is nowhere.
	const absent = -1
	at := make(map[string]int, len(externalIDs))
	for _, id := range externalIDs {
		at[id] = absent
	}
	audience := model.Audience{Recipients: make([]model.Recipient, 0, len(at))}
	var r model.Recipient
	var channel, rules int16
	var enabled bool
	fields := []any{
		&r.UserID, &r.ExternalID, &r.HasEmail, &r.EmailState, &r.EmailEnabled, &r.CliqEnabled,
		&channel, &enabled, &r.CliqStatus, &r.CliqProblem, &rules,
	}
	err := s.reader(ctx).rows(func(rows *sql.Rows) error {
		if err := rows.Scan(fields...); err != nil {
			return err
		}
		place := at[r.ExternalID]
		if place == absent {
			place = len(audience.Recipients)
			at[r.ExternalID] = place
			audience.Recipients = append(audience.Recipients, r)
		}
		if channel >= 0 {
			audience.Recipients[place].Cells[channel] = model.ToggleOf(enabled)
		}
		return nil
	}, s.pick(selectAudiencePostgres, selectAudienceSQLite), now, workspaceID, eventType, s.list(externalIDs))
	if err != nil {
		return model.Audience{}, wrap("read audience", err)
	}

	for _, id := range externalIDs {
		if at[id] == absent {
			audience.Unknown = append(audience.Unknown, id)
			delete(at, id) // asked for twice, unknown once
		}
	}
	for channel := range audience.Rules {
		if mode := int64(rules >> (4 * channel) & 0xF); mode > 0 {
			if err := audience.Rules[channel].Scan(mode - 1); err != nil {
				return model.Audience{}, wrap("read rules", err)
			}
		}
	}
	return audience, nil
}
