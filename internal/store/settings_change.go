package store

import (
	"context"
	"errors"

	"github.com/heffl/bff/model"
)

// staleTries is how often a change is tried in one statement before it waits for its turn in a transaction.
const staleTries = 2

// ChangeSettings changes what one person asked for, all of it or nothing. The revision, and the audit, count what
// really differs from before; when nothing does, nothing is written. When the expected revision is not the current
// one, nothing is done.
func (s *Store) ChangeSettings(ctx context.Context, c model.SettingsChange, now model.Time) (model.SettingsOutcome, error) {
	outcome, err := s.changeSettings(ctx, c, now)
	return outcome, wrap("change settings", err)
}

func (s *Store) changeSettings(ctx context.Context, c model.SettingsChange, now model.Time) (out model.SettingsOutcome, err error) {
	if s.Dialect() == SQLite {
		err = s.inTx(ctx, func(tx conn) error {
			out, err = s.changeSettingsInSteps(tx, c, now)
			return err
		})
		return out, err
	}
	change := newSettingsArrays(c)
	for range staleTries {
		var stale bool
		err := s.retry(ctx, func() error {
			out, stale, err = s.changeSettingsAtOnce(s.writer(ctx), c, change, now)
			return err
		})
		if err != nil || !stale {
			return out, err
		}
	}
	// The person's row is locked by a statement of its own first, so that the next one sees what it waited for.
	err = s.inTx(ctx, func(tx conn) error {
		if _, err := tx.exec(`SELECT 1 FROM users WHERE id = $1 FOR UPDATE`, c.UserID); err != nil {
			return err
		}
		var stale bool
		out, stale, err = s.changeSettingsAtOnce(tx, c, change, now)
		if err == nil && stale {
			err = errors.New("a locked row changed")
		}
		return err
	})
	return out, err
}

// settingsArrays are a change as arrays: cells, and as cells of no event type the master switches. value is what
// the switch shall be, nil what the default says; ids are for the audit, one for each.
type settingsArrays struct {
	ids        [][16]byte
	eventTypes []string
	channels   []int16
	values     []*bool
}

func newSettingsArrays(c model.SettingsChange) settingsArrays {
	var a settingsArrays
	add := func(eventType string, channel model.Channel, value *bool) {
		a.ids = append(a.ids, model.NewID())
		a.eventTypes = append(a.eventTypes, eventType)
		a.channels = append(a.channels, channel.Number())
		a.values = append(a.values, value)
	}
	for _, cell := range c.Set {
		add(cell.EventType, cell.Channel, &cell.Enabled)
	}
	for _, key := range c.Reset {
		add(key.EventType, key.Channel, nil)
	}
	for _, channel := range model.Channels {
		if enabled, ok := c.Master[channel]; ok {
			add("", channel, &enabled)
		}
	}
	return a
}

// changeSettingsStatement does everything at once: one round trip, and the row of the person is locked no longer
// than the commit takes. It reads the cells as they were when it began, which may be before a change that it had to
// wait for. It finds out by the revision: locked has the one that counts, seen the one of the snapshot. When they differ
// it does nothing and says so.
const changeSettingsStatement = `
WITH locked AS MATERIALIZED (
	SELECT id, workspace_id, settings_revision, email_enabled, cliq_enabled FROM users WHERE id = $1 FOR UPDATE
), seen AS MATERIALIZED (
	SELECT settings_revision FROM users WHERE id = $1
), me AS MATERIALIZED (
	SELECT locked.* FROM locked, seen
	WHERE locked.settings_revision = seen.settings_revision AND ($2::integer IS NULL OR $2 = locked.settings_revision)
), changed AS MATERIALIZED (
	SELECT me.id AS user_id, me.workspace_id, asked.id, asked.event_type, asked.channel, asked.value, before.value AS old
	FROM me CROSS JOIN unnest($3::uuid[], $4::text[], $5::smallint[], $6::boolean[]) AS asked(id, event_type, channel, value)
	LEFT JOIN preferences p ON p.user_id = me.id AND p.event_type = asked.event_type AND p.channel = asked.channel
	CROSS JOIN LATERAL (SELECT CASE WHEN asked.event_type <> '' THEN p.enabled
		WHEN asked.channel = 1 THEN me.email_enabled ELSE me.cliq_enabled END AS value) before
	WHERE before.value IS DISTINCT FROM asked.value
), removed AS (
	DELETE FROM preferences p USING changed c
	WHERE p.user_id = c.user_id AND p.event_type = c.event_type AND p.channel = c.channel AND c.value IS NULL
), saved AS (
	INSERT INTO preferences (user_id, event_type, channel, enabled)
	SELECT user_id, event_type, channel, value FROM changed WHERE event_type <> '' AND value IS NOT NULL
	ON CONFLICT (user_id, event_type, channel) DO UPDATE SET enabled = excluded.enabled
), audited AS (
	INSERT INTO settings_audit (id, workspace_id, user_id, actor_id, created_at, event_type, channel, old, new, through)
	SELECT id, workspace_id, user_id, $7, $8::timestamptz, event_type, channel,
		CASE old WHEN true THEN 'ON' WHEN false THEN 'OFF' ELSE '' END,
		CASE value WHEN true THEN 'ON' WHEN false THEN 'OFF' ELSE '' END, $9 FROM changed
), counted AS (
	UPDATE users u SET settings_revision = u.settings_revision + 1, viewer_revision = u.viewer_revision + 1,
		email_enabled = coalesce((SELECT value FROM changed WHERE event_type = '' AND channel = 1), u.email_enabled),
		cliq_enabled = coalesce((SELECT value FROM changed WHERE event_type = '' AND channel = 2), u.cliq_enabled)
	FROM me WHERE u.id = me.id AND EXISTS (SELECT 1 FROM changed)
	RETURNING u.settings_revision
)
SELECT coalesce((SELECT settings_revision FROM counted), locked.settings_revision),
	EXISTS (SELECT 1 FROM counted),
	locked.settings_revision <> seen.settings_revision
FROM locked, seen`

// changeSettingsAtOnce is the whole change in one statement, on PostgreSQL.
func (s *Store) changeSettingsAtOnce(c conn, change model.SettingsChange, a settingsArrays, now model.Time) (
	out model.SettingsOutcome, stale bool, err error,
) {
	found, err := c.one([]any{&out.Revision, &out.Changed, &stale}, changeSettingsStatement,
		change.UserID, change.ExpectedRevision, a.ids, a.eventTypes, a.channels, a.values, change.ActorID, now, string(change.Through))
	if err == nil && !found {
		err = errors.New("there is no such person")
	}
	out.Conflict = !stale && change.ExpectedRevision != nil && !out.Changed && *change.ExpectedRevision != out.Revision
	return out, stale, err
}
