package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/heffl/bff/internal/bench"
	"github.com/heffl/bff/model"
)

// selectInbox gives a page of everybody who asks, one notification more than is shown.
const selectInbox = `
SELECT a.place, i.user_id, i.unread_count, i.last_seq, n.seq, n.id, n.created_at, n.read_at,
	n.type, n.title, n.body, n.path, n.actor_id, n.actor_name
FROM unnest($2::text[], $3::bigint[]) WITH ORDINALITY AS a(user_id, after, place)
JOIN users u ON u.workspace_id = $1 AND u.external_id = a.user_id AND u.active
JOIN inboxes i ON i.user_id = u.id
CROSS JOIN LATERAL (
	SELECT n.seq, n.id, n.created_at, n.read_at, e.type, e.title, e.body, e.path, e.actor_id, e.actor_name
	FROM notifications n JOIN events e ON e.id = n.event_id
	WHERE n.user_id = i.user_id AND n.seq > 0 AND n.seq < a.after AND n.archived_at IS NULL
	ORDER BY n.seq DESC LIMIT 21
) n`

// inbox is W2.
type inbox struct {
	*share
	world *world
}

func newInbox(ctx context.Context, w *world) (*inbox, error) {
	in := &inbox{world: w}
	var err error
	in.share, err = newShare(ctx, w, inboxConns, selectInbox, in.run)
	return in, err
}

func (in *inbox) answer(_ context.Context, user string, variables []byte) ([]byte, error) {
	// {"after":"…"}}
	cursor, ok := bytes.CutPrefix(variables, []byte(`{"after":"`))
	if !ok || !bytes.HasSuffix(cursor, []byte(`"}}`)) {
		return nil, errors.New("variables are not as expected")
	}
	var raw [9]byte
	if n, err := base64.RawURLEncoding.Decode(raw[:], cursor[:len(cursor)-3]); err != nil || n != len(raw) {
		return nil, errors.New("cursor is not as expected")
	}
	return in.ask(user, bigint(raw[1:])), nil
}

func (in *inbox) run(ctx context.Context, c *pgconn.PgConn, asks []*ask) error {
	users := textArray(nil, len(asks), func(i int) string { return asks[i].user })
	after := bigintArray(nil, len(asks), func(i int) int64 { return asks[i].number })
	rows := c.ExecPrepared(ctx, names[0], [][]byte{in.world.workspace[:], users, after}, binaryFormat, binaryFormat)
	pages := make([]page, len(asks))
	for rows.NextRow() {
		row := rows.Values()
		pages[bigint(row[0])-1].add(in.world, row)
	}
	if _, err := rows.Close(); err != nil {
		return err
	}
	for i, a := range asks {
		a.done <- pages[i].finish()
	}
	return nil
}

// page is an answer that grows row by row.
type page struct {
	text []byte
	rows int
	last int64
}

func (p *page) add(w *world, row [][]byte) {
	if p.rows++; p.rows > bench.PageSize {
		return
	}
	b := p.text
	if p.rows == 1 {
		b = append(make([]byte, 0, 9<<10), `{"data":{"viewer":{"inbox":{"unreadCount":`...)
		b = strconv.AppendInt(b, int64(integer(row[2])), 10)
		b = append(b, `,"cursor":"`...)
		b = append(b, model.NewCursor(w.epoch, uuid.UUID(row[1]), bigint(row[3]))...)
		b = append(b, `","notifications":{"edges":[`...)
	} else {
		b = append(b, ',')
	}
	p.last = bigint(row[4])
	b = append(b, `{"cursor":"`...)
	b = appendEdgeCursor(b, p.last)
	b = append(b, `","node":{"id":"`...)
	b = appendID(b, model.KindNotification, row[5])
	b = append(b, `","eventType":"`...)
	b = append(b, row[8]...)
	b = append(b, `","title":`...)
	b = appendText(b, row[9])
	b = append(b, `,"body":`...)
	if len(row[10]) == 0 {
		b = append(b, "null"...)
	} else {
		b = appendText(b, row[10])
	}
	b = append(b, `,"url":`...)
	b = append(b, '"')
	b = append(b, bench.AppURL...)
	b = append(append(b, row[11]...), `","actor":`...)
	if len(row[12]) == 0 {
		b = append(b, "null"...)
	} else {
		b = append(appendText(append(b, `{"name":`...), row[13]), '}')
	}
	b = appendTime(append(b, `,"createdAt":`...), row[6])
	b = appendTime(append(b, `,"readAt":`...), row[7])
	b = append(b, "}}"...)
	p.text = b
}

func (p *page) finish() []byte {
	b := p.text
	b = append(b, `],"pageInfo":{"hasNextPage":`...)
	b = strconv.AppendBool(b, p.rows > bench.PageSize)
	b = append(b, `,"endCursor":"`...)
	b = appendEdgeCursor(b, p.last)
	return append(b, `"}}}}}}`...)
}

func appendEdgeCursor(b []byte, seq int64) []byte {
	var raw [9]byte
	raw[0] = 1
	binary.BigEndian.PutUint64(raw[1:], uint64(seq)) //nolint:gosec // never negative
	return base64.RawURLEncoding.AppendEncode(b, raw[:])
}

func appendID(b []byte, kind model.NodeKind, id []byte) []byte {
	var raw [17]byte
	raw[0] = byte(kind)
	copy(raw[1:], id)
	return base64.RawURLEncoding.AppendEncode(b, raw[:])
}

// appendText writes a JSON string; what needs an escape takes the long way.
func appendText(b, text []byte) []byte {
	for _, c := range text {
		if c < ' ' || c == '"' || c == '\\' {
			return append(b, quote(string(text))...)
		}
	}
	return append(append(append(b, '"'), text...), '"')
}
