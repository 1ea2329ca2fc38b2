package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/heffl/bff/internal/catalog"
	"github.com/heffl/bff/model"
)

// updateToggle turns one cell, if it is not so already, with revision and audit, and gives what the answer shows.
const updateToggle = `
WITH me AS MATERIALIZED (
	SELECT u.id, u.workspace_id, u.email <> '' AND u.email_state = 0 AND u.email_enabled AS email,
		u.cliq_enabled AND i.status = 1 AND i.problem IS NULL AS cliq
	FROM users u LEFT JOIN integrations i ON i.user_id = u.id AND i.provider = 'ZOHO_CLIQ'
	WHERE u.workspace_id = $1 AND u.external_id = $2 AND u.active FOR UPDATE OF u
), before AS MATERIALIZED (
	SELECT p.channel, p.enabled FROM me JOIN preferences p ON p.user_id = me.id AND p.event_type = $3
), differs AS MATERIALIZED (
	SELECT me.id, me.workspace_id, b.enabled AS old FROM me LEFT JOIN before b ON b.channel = $4 WHERE b.enabled IS DISTINCT FROM $5
), saved AS (
	INSERT INTO preferences (user_id, event_type, channel, enabled) SELECT id, $3, $4, $5 FROM differs
	ON CONFLICT (user_id, event_type, channel) DO UPDATE SET enabled = excluded.enabled
), audited AS (
	INSERT INTO settings_audit (id, workspace_id, user_id, actor_id, created_at, event_type, channel, old, new, through)
	SELECT $6, workspace_id, id, $2, now(), $3, $4, CASE old WHEN true THEN 'ON' WHEN false THEN 'OFF' ELSE '' END,
		CASE WHEN $5 THEN 'ON' ELSE 'OFF' END, 'PAGE' FROM differs
), counted AS (
	UPDATE users u SET settings_revision = settings_revision + 1, viewer_revision = viewer_revision + 1
	FROM differs WHERE u.id = differs.id RETURNING u.settings_revision
)
SELECT me.email, me.cliq, (SELECT settings_revision FROM counted), b.channel, b.enabled
FROM me LEFT JOIN before b ON true`

// toggle is W3.
type toggle struct {
	world   *world
	catalog *catalog.Catalog
	conns   chan *pgconn.PgConn
}

func newToggle(ctx context.Context, w *world) (*toggle, error) {
	c, err := catalog.Load()
	if err != nil {
		return nil, err
	}
	t := &toggle{world: w, catalog: c, conns: make(chan *pgconn.PgConn, toggleConns)}
	for range toggleConns {
		conn, err := w.connect(ctx, updateToggle)
		if err != nil {
			return nil, err
		}
		t.conns <- conn
	}
	return t, nil
}

// toggleInput is the variables of W3 with the rest of the body.
type toggleInput struct {
	Input struct {
		Changes []struct {
			EventType string        `json:"eventType"`
			Channel   model.Channel `json:"channel"`
			Enabled   bool          `json:"enabled"`
		} `json:"changes"`
	} `json:"input"`
}

func (t *toggle) answer(ctx context.Context, user string, variables []byte) ([]byte, error) {
	var in toggleInput
	if err := json.Unmarshal(variables[:len(variables)-1], &in); err != nil {
		return nil, err
	}
	if len(in.Input.Changes) != 1 {
		return nil, errors.New("not one change")
	}
	change := in.Input.Changes[0]
	et, ok := t.catalog.Event(change.EventType)
	if !ok {
		return nil, errors.New("no such event type")
	}
	id := uuid.Must(uuid.NewV7())
	enabled := []byte{0}
	if change.Enabled {
		enabled[0] = 1
	}
	conn := <-t.conns
	result := conn.ExecPrepared(ctx, names[0], [][]byte{
		t.world.workspace[:], []byte(user), []byte(et.Type), binary.BigEndian.AppendUint16(nil, uint16(change.Channel.Number())), enabled, id[:], //nolint:gosec // three channels
	}, binaryFormat, binaryFormat).Read()
	t.conns <- conn
	if result.Err != nil {
		return nil, result.Err
	}
	if len(result.Rows) == 0 || result.Rows[0][2] == nil {
		return nil, fmt.Errorf("nothing changed for %s", user)
	}
	return renderToggle(et, change.Channel, change.Enabled, result.Rows), nil
}

// renderToggle writes the row of the page that has changed.
func renderToggle(et *catalog.EventType, channel model.Channel, wanted bool, rows [][][]byte) []byte {
	cells := et.Defaults
	for _, row := range rows {
		if row[3] != nil {
			cells[smallint(row[3])] = row[4][0] == 1
		}
	}
	cells[channel.Number()] = wanted
	reached := [len(model.Channels)]bool{true, rows[0][0][0] == 1, rows[0][1] != nil && rows[0][1][0] == 1}
	b := append(make([]byte, 0, 512), `{"data":{"updateNotificationPreferences":{"changed":[{"eventType":"`...)
	b = append(append(b, et.Type...), `","cells":[`...)
	for n, ch := range model.Channels {
		if n > 0 {
			b = append(b, ',')
		}
		b = append(append(b, `{"channel":"`...), ch...)
		b = strconv.AppendBool(append(b, `","enabled":`...), cells[n])
		b = strconv.AppendBool(append(b, `,"delivers":`...), cells[n] && reached[n])
		b = append(b, '}')
	}
	b = append(b, `]}],"settings":{"revision":`...)
	b = strconv.AppendInt(b, int64(integer(rows[0][2])), 10)
	return append(b, `},"userErrors":[]}}}`...)
}
