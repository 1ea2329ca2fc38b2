package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/heffl/bff/internal/catalog"
	"github.com/heffl/bff/model"
)

// selectSettings gives one row for every cell that somebody changed, and one for who changed none.
const selectSettings = `
SELECT a.place, u.id, u.name, u.settings_revision, u.email <> '' AND u.email_state = 0 AND u.email_enabled,
	u.cliq_enabled, i.status, i.region, i.bot_name, i.connected_at, i.problem, p.event_type, p.channel, p.enabled,
	(SELECT count(*) FROM workspace_rules r WHERE r.workspace_id = $1)
FROM unnest($2::text[]) WITH ORDINALITY AS a(user_id, place)
JOIN users u ON u.workspace_id = $1 AND u.external_id = a.user_id AND u.active
LEFT JOIN integrations i ON i.user_id = u.id AND i.provider = 'ZOHO_CLIQ'
LEFT JOIN preferences p ON p.user_id = u.id`

const (
	toggles = 3 // a cell is not set, on, or off
	unset   = 0
	on      = 1
	off     = 2
)

// settings is W1.
type settings struct {
	*share
	world   *world
	catalog *catalog.Catalog
	// texts are the pieces between the cells: texts[i] comes before the cells of event i, the last one behind all.
	texts []string
	// cells are the finished cells by event, channel, toggle and whether the channel reaches the person.
	cells [][len(model.Channels)][toggles][2]string
	size  int
}

func newSettings(ctx context.Context, w *world) (*settings, error) {
	c, err := catalog.Load()
	if err != nil {
		return nil, err
	}
	s := &settings{world: w, catalog: c}
	s.prepare()
	s.share, err = newShare(ctx, w, settingsConns, selectSettings, s.run)
	return s, err
}

// prepare writes everything that is the same for everybody.
func (s *settings) prepare() {
	text := ""
	for i, category := range s.catalog.Categories() {
		if i > 0 {
			text += "]},"
		}
		text += `{"key":` + quote(category.Key) + `,"label":` + quote(category.Label) + `,"events":[`
		for j, et := range category.Events {
			if j > 0 {
				text += ","
			}
			text += `{"eventType":` + quote(et.Type) + `,"label":` + quote(et.Label) + `,"description":` + quote(et.Description) +
				`,"importance":` + quote(string(et.Importance)) + `,"cells":[`
			s.texts = append(s.texts, text)
			s.size += len(text) + 400
			text = "]}"
		}
	}
	s.texts = append(s.texts, text+"]}]}}}}")
	s.cells = make([][len(model.Channels)][toggles][2]string, len(s.catalog.Types()))
	for i, et := range s.catalog.Types() {
		for n := range model.Channels {
			for toggle := range toggles {
				s.cells[i][n][toggle] = cellTexts(et, n, toggle)
			}
		}
	}
}

// cellTexts is one cell, out of reach and in reach.
func cellTexts(et *catalog.EventType, n, toggle int) (texts [2]string) {
	enabled, source := et.Defaults[n], model.PreferenceSourceCatalog
	byDefault := enabled
	if toggle != unset {
		enabled, source = toggle == on, model.PreferenceSourceUser
	}
	for _, locked := range et.Locked {
		if locked == model.Channels[n] {
			enabled, byDefault, source = true, true, model.PreferenceSourceLocked
		}
	}
	for reach := range texts {
		texts[reach] = `{"channel":"` + string(model.Channels[n]) + `","enabled":` + strconv.FormatBool(enabled) +
			`,"default":` + strconv.FormatBool(byDefault) + `,"source":"` + string(source) +
			`","delivers":` + strconv.FormatBool(enabled && reach == 1) + `}`
	}
	return texts
}

// quote writes a text as the server does.
func quote(s string) string {
	var b bytes.Buffer
	graphql.MarshalString(s).MarshalGQL(&b)
	return b.String()
}

func (s *settings) answer(_ context.Context, user string, _ []byte) ([]byte, error) {
	return s.ask(user, 0), nil
}

func (s *settings) run(ctx context.Context, c *pgconn.PgConn, asks []*ask) error {
	users := textArray(nil, len(asks), func(i int) string { return asks[i].user })
	rows := c.ExecPrepared(ctx, names[0], [][]byte{s.world.workspace[:], users}, binaryFormat, binaryFormat)
	answers := make([]person, len(asks))
	for rows.NextRow() {
		row := rows.Values()
		place := bigint(row[0]) - 1
		p := &answers[place]
		if p.name == "" {
			p.read(row, len(s.texts)-1)
		}
		if row[11] != nil {
			if et, ok := s.catalog.Event(string(row[11])); ok {
				toggle := uint8(off)
				if row[13][0] == 1 {
					toggle = on
				}
				p.toggles[et.Index][smallint(row[12])] = toggle
			}
		}
		if bigint(row[14]) != 0 {
			return errors.New("the workspace has rules, which only the server knows")
		}
	}
	if _, err := rows.Close(); err != nil {
		return err
	}
	for i, a := range asks {
		if answers[i].name == "" {
			return fmt.Errorf("%s is unknown", a.user)
		}
		a.done <- s.render(&answers[i])
	}
	return nil
}

// person is what the rows of one person say.
type person struct {
	id       uuid.UUID
	name     string
	revision int32
	reached  [len(model.Channels)]uint8
	cliq     []byte // finished
	toggles  [][len(model.Channels)]uint8
}

func (p *person) read(row [][]byte, events int) {
	p.id = uuid.UUID(row[1])
	p.name = string(row[2])
	p.revision = integer(row[3])
	p.toggles = make([][len(model.Channels)]uint8, events)
	p.reached = [...]uint8{1, row[4][0], 0}
	connected := row[6] != nil && smallint(row[6]) == model.IntegrationStatusConnected.Number()
	if connected && row[5][0] == 1 && row[10] == nil {
		p.reached[2] = 1
	}
	if !connected {
		p.cliq = []byte(`"cliq":{"status":"NOT_CONNECTED","region":null,"botUniqueName":null,"connectedAt":null}`)
		return
	}
	b := append([]byte(nil), `"cliq":{"status":"CONNECTED","region":{"code":"`...)
	b = append(append(b, row[7]...), `"},"botUniqueName":"`...)
	b = append(append(b, row[8]...), `","connectedAt":`...)
	p.cliq = append(appendTime(b, row[9]), '}')
}

func (s *settings) render(p *person) []byte {
	b := make([]byte, 0, s.size+512)
	b = append(b, `{"data":{"viewer":{"id":"`...)
	b = append(b, model.GlobalID(model.KindViewer, p.id)...)
	b = append(b, `","name":`...)
	b = append(b, quote(p.name)...)
	b = append(b, ',')
	b = append(b, p.cliq...)
	b = append(b, `,"notificationSettings":{"revision":`...)
	b = strconv.AppendInt(b, int64(p.revision), 10)
	b = append(b, `,"categories":[`...)
	for i := range s.cells {
		b = append(b, s.texts[i]...)
		cells := &s.cells[i]
		own := &p.toggles[i]
		b = append(b, cells[0][own[0]][p.reached[0]]...)
		b = append(b, ',')
		b = append(b, cells[1][own[1]][p.reached[1]]...)
		b = append(b, ',')
		b = append(b, cells[2][own[2]][p.reached[2]]...)
	}
	return append(b, s.texts[len(s.texts)-1]...)
}
