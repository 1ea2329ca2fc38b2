package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

// joinedConnectionColumns are the columns of integrations (named i, joined from outside) in the order of joinedConnectionFields.
const joinedConnectionColumns = `coalesce(i.status, 0), coalesce(i.region, ''), coalesce(i.region_chosen, ''), coalesce(i.bot_name, ''), ` +
	`coalesce(i.scopes, ''), i.connected_at, i.last_delivered_at, i.problem, i.problem_since, coalesce(i.problem_count, 0), ` +
	`i.paused_until, i.probe_at, i.lease_id, i.lease_until, i.pace_from, coalesce(i.pace_count, 0)`

func joinedConnectionFields(c *model.Connection) []any {
	return []any{
		&c.Status, &c.Region, &c.RegionChosen, &c.BotName,
		&c.Scopes, &c.ConnectedAt, &c.LastDeliveredAt, &c.Problem, &c.ProblemSince, &c.ProblemCount,
		&c.PausedUntil, &c.ProbeAt, &c.LeaseID, &c.LeaseUntil, &c.PaceFrom, &c.PaceCount,
	}
}

// The cells and rules of a snapshot travel as one JSON text each, so that everything is one row and one moment.
const (
	selectSettingsPostgres = `SELECT ` + userColumns + `, ` + joinedConnectionColumns + `,
		(SELECT json_agg(json_build_array(p.event_type, p.channel, p.enabled::int)) FROM preferences p WHERE p.user_id = u.id)::text,
		(SELECT json_agg(json_build_array(r.event_type, r.channel, r.mode, r.reason)) FROM workspace_rules r
			WHERE r.workspace_id = u.workspace_id)::text
		FROM users u LEFT JOIN integrations i ON i.user_id = u.id AND i.provider = 'ZOHO_CLIQ'
		WHERE u.id = $1`
	selectSettingsSQLite = `SELECT ` + userColumns + `, ` + joinedConnectionColumns + `,
		(SELECT json_group_array(json_array(p.event_type, p.channel, p.enabled)) FROM preferences p WHERE p.user_id = u.id),
		(SELECT json_group_array(json_array(r.event_type, r.channel, r.mode, r.reason)) FROM workspace_rules r
			WHERE r.workspace_id = u.workspace_id)
		FROM users u LEFT JOIN integrations i ON i.user_id = u.id AND i.provider = 'ZOHO_CLIQ'
		WHERE u.id = $1`
)

// Settings is everything that decides how a person's settings look, in one query.
func (s *Store) Settings(ctx context.Context, userID uuid.UUID) (model.SettingsSnapshot, error) {
	var snapshot model.SettingsSnapshot
	var cells, rules sql.RawBytes
	found := false
	err := s.reader(ctx).rows(func(rows *sql.Rows) error {
		found = true
		fields := append(userFields(&snapshot.User), joinedConnectionFields(&snapshot.Connection)...)
		if err := rows.Scan(append(fields, &cells, &rules)...); err != nil {
			return err
		}
		// The bytes are only good until the next row.
		return errors.Join(readCells(&snapshot, cells), readRules(&snapshot, rules))
	}, s.pick(selectSettingsPostgres, selectSettingsSQLite), userID)
	if err == nil && !found {
		err = errors.New("there is no such person")
	}
	if err != nil {
		return model.SettingsSnapshot{}, wrap("read settings", err)
	}
	snapshot.Connection.UserID = userID
	snapshot.Connection.WorkspaceID = snapshot.User.WorkspaceID
	snapshot.Connection.Provider = model.IntegrationProviderZohoCliq
	return snapshot, nil
}

// jsonCell is [event type, channel, enabled].
type jsonCell struct {
	eventType        string
	channel, enabled int16
}

// UnmarshalJSON reads the array.
func (c *jsonCell) UnmarshalJSON(b []byte) error {
	return json.Unmarshal(b, &[]any{&c.eventType, &c.channel, &c.enabled})
}

func readCells(snapshot *model.SettingsSnapshot, text []byte) error {
	if len(text) == 0 {
		return nil
	}
	var cells []jsonCell
	if err := json.Unmarshal(text, &cells); err != nil {
		return fmt.Errorf("read cells: %w", err)
	}
	snapshot.Cells = make([]model.Preference, len(cells))
	for i, c := range cells {
		snapshot.Cells[i] = model.Preference{
			UserID: snapshot.User.UUID, EventType: c.eventType, Channel: model.ChannelOf(c.channel), Enabled: c.enabled == 1,
		}
	}
	return nil
}

// jsonRule is [event type, channel, mode, reason].
type jsonRule struct {
	eventType     string
	channel, mode int16
	reason        *string
}

// UnmarshalJSON reads the array.
func (r *jsonRule) UnmarshalJSON(b []byte) error {
	return json.Unmarshal(b, &[]any{&r.eventType, &r.channel, &r.mode, &r.reason})
}

func readRules(snapshot *model.SettingsSnapshot, text []byte) error {
	if len(text) == 0 {
		return nil
	}
	var rules []jsonRule
	if err := json.Unmarshal(text, &rules); err != nil {
		return fmt.Errorf("read rules: %w", err)
	}
	snapshot.Rules = make([]model.WorkspaceRule, len(rules))
	for i, r := range rules {
		rule := model.WorkspaceRule{
			WorkspaceID: snapshot.User.WorkspaceID, EventType: r.eventType, Channel: model.ChannelOf(r.channel), Reason: r.reason,
		}
		if err := rule.Mode.Scan(int64(r.mode)); err != nil {
			return err
		}
		snapshot.Rules[i] = rule
	}
	return nil
}
