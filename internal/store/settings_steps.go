package store

import (
	"errors"

	"github.com/heffl/bff/model"
)

// cellRecord is a cell to write; a nil Value removes it.
type cellRecord struct {
	EventType string `json:"event_type"`
	Channel   int16  `json:"channel"`
	Value     *bool  `json:"value"`
}

// changeSettingsInSteps is the change on SQLite, where a statement cannot do several things and waits for nobody.
func (s *Store) changeSettingsInSteps(tx conn, c model.SettingsChange, now model.Time) (model.SettingsOutcome, error) {
	user := model.User{}
	found, err := tx.one(userFields(&user), `SELECT `+userColumns+` FROM users u WHERE u.id = $1`, c.UserID)
	if err != nil {
		return model.SettingsOutcome{}, err
	}
	if !found {
		return model.SettingsOutcome{}, errors.New("there is no such person")
	}
	out := model.SettingsOutcome{Revision: user.SettingsRevision}
	if c.ExpectedRevision != nil && *c.ExpectedRevision != user.SettingsRevision {
		out.Conflict = true
		return out, nil
	}
	cells, err := collect(tx, func(p *model.Preference) []any { return []any{&p.EventType, &p.Channel, &p.Enabled} },
		`SELECT event_type, channel, enabled FROM preferences WHERE user_id = $1`, c.UserID)
	if err != nil {
		return model.SettingsOutcome{}, err
	}

	records, entries := settingsDifference(&user, cells, c)
	if len(entries) == 0 {
		return out, nil
	}
	if err := saveCells(s, tx, c, records); err != nil {
		return model.SettingsOutcome{}, err
	}
	head := auditHead{user.WorkspaceID, &c.UserID, c.ActorID, c.Through, now}
	if err := s.saveAudit(tx, head, entries); err != nil {
		return model.SettingsOutcome{}, err
	}
	if _, err := tx.exec(`UPDATE users SET settings_revision = settings_revision + 1, viewer_revision = viewer_revision + 1,
		email_enabled = $1, cliq_enabled = $2 WHERE id = $3`, user.EmailEnabled, user.CliqEnabled, c.UserID); err != nil {
		return model.SettingsOutcome{}, err
	}
	out.Revision++
	out.Changed = true
	return out, nil
}

func saveCells(s *Store, tx conn, c model.SettingsChange, records []cellRecord) error {
	if len(records) == 0 {
		return nil
	}
	const types = `event_type text, channel smallint, value boolean`
	if _, err := tx.exec(`DELETE FROM preferences WHERE user_id = $1 AND (event_type, channel) IN
		(SELECT event_type, channel FROM `+s.records(2, types)+` WHERE input.value IS NULL)`,
		c.UserID, jsonText{records}); err != nil {
		return err
	}
	_, err := tx.exec(`INSERT INTO preferences (user_id, event_type, channel, enabled)
		SELECT $1, event_type, channel, input.value FROM `+s.records(2, types)+` WHERE input.value IS NOT NULL
		ON CONFLICT (user_id, event_type, channel) DO UPDATE SET enabled = excluded.enabled`, c.UserID, jsonText{records})
	return err
}

// settingsDifference is what has to be written so that the change holds, and its audit. The master switches are set in user.
func settingsDifference(user *model.User, cells []model.Preference, c model.SettingsChange) (
	records []cellRecord, entries []auditRecord,
) {
	before := make(map[model.CellKey]*bool, len(cells))
	for _, cell := range cells {
		before[model.CellKey{EventType: cell.EventType, Channel: cell.Channel}] = &cell.Enabled
	}
	a := newSettingsArrays(c)
	for i, value := range a.values {
		eventType, channel := a.eventTypes[i], model.ChannelOf(a.channels[i])
		old := before[model.CellKey{EventType: eventType, Channel: channel}]
		if eventType == "" {
			enabled := user.ChannelEnabled(channel)
			old = &enabled
		}
		if equal(old, value) {
			continue
		}
		switch {
		case eventType != "":
			records = append(records, cellRecord{eventType, a.channels[i], value})
		case channel == model.ChannelEmail:
			user.EmailEnabled = *value
		case channel == model.ChannelCliq:
			user.CliqEnabled = *value
		}
		entries = append(entries, auditRecord{
			ID: a.ids[i], EventType: eventType, Channel: a.channels[i], Old: auditText(old), New: auditText(value),
		})
	}
	return records, entries
}

func auditText(value *bool) string {
	if value == nil {
		return ""
	}
	return model.AuditValue(*value)
}
