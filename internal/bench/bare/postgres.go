package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/heffl/bff/internal/bench"
)

// How many connections serve what. Shared statements need few of them; what is committed alone needs as many as
// PostgreSQL can put into one write of its log.
const (
	settingsConns = 2
	inboxConns    = 2
	toggleConns   = 32
	publishConns  = 4
	mostShared    = 32
)

// openPostgres prepares everything that W1 to W4 need.
func (s *server) openPostgres(ctx context.Context, url string) error {
	w := world{url: url}
	if err := w.load(ctx); err != nil {
		return err
	}
	settings, err := newSettings(ctx, &w)
	if err != nil {
		return err
	}
	inbox, err := newInbox(ctx, &w)
	if err != nil {
		return err
	}
	toggle, err := newToggle(ctx, &w)
	if err != nil {
		return err
	}
	publish, err := newPublish(ctx, &w)
	if err != nil {
		return err
	}
	s.route(bench.Body(bench.Settings), settings.answer)
	s.route(bench.Head(bench.Inbox), inbox.answer)
	s.route(bench.Head(bench.Toggle), toggle.answer)
	s.route(bench.Head(bench.Publish), publish.answer)
	return nil
}

// world is what never changes while it is measured.
type world struct {
	url       string
	workspace uuid.UUID
	epoch     [8]byte
}

func (w *world) load(ctx context.Context) error {
	c, err := pgconn.Connect(ctx, w.url)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close(ctx) }()
	result := c.ExecParams(ctx, `SELECT w.id, m.epoch FROM workspaces w, meta m WHERE w.external_id = $1`,
		[][]byte{[]byte(bench.Workspace)}, nil, nil, []int16{1}).Read()
	if result.Err != nil {
		return result.Err
	}
	if len(result.Rows) != 1 {
		return fmt.Errorf("%d workspaces", len(result.Rows))
	}
	w.workspace = uuid.UUID(result.Rows[0][0])
	copy(w.epoch[:], result.Rows[0][1])
	return nil
}

// connect opens a connection with one prepared statement.
func (w *world) connect(ctx context.Context, statements ...string) (*pgconn.PgConn, error) {
	c, err := pgconn.Connect(ctx, w.url)
	if err != nil {
		return nil, err
	}
	for i, statement := range statements {
		if _, err := c.Prepare(ctx, names[i], statement, nil); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// names are what the prepared statements of a connection are called.
var names = [...]string{"first", "second"} //nolint:gochecknoglobals // a constant table

// binaryFormat asks for everything in binary.
var binaryFormat = []int16{1} //nolint:gochecknoglobals // a constant table

// ask is a request that waits for its row.
type ask struct {
	user   string
	number int64 // one more parameter
	done   chan []byte
}

// share answers requests with one statement for all that wait.
type share struct {
	waiting chan *ask
	// run sends one statement for all and gives each its answer.
	run func(ctx context.Context, c *pgconn.PgConn, asks []*ask) error
}

func newShare(ctx context.Context, w *world, conns int, statement string, run func(context.Context, *pgconn.PgConn, []*ask) error) (*share, error) {
	s := &share{waiting: make(chan *ask, 1024), run: run}
	for range conns {
		c, err := w.connect(ctx, statement)
		if err != nil {
			return nil, err
		}
		go s.work(ctx, c)
	}
	return s, nil
}

func (s *share) work(ctx context.Context, c *pgconn.PgConn) {
	asks := make([]*ask, 0, mostShared)
	for first := range s.waiting {
		asks = append(asks[:0], first)
	more:
		for len(asks) < mostShared {
			select {
			case next := <-s.waiting:
				asks = append(asks, next)
			default:
				break more
			}
		}
		if err := s.run(ctx, c, asks); err != nil {
			fmt.Fprintln(os.Stderr, "bare:", err)
			os.Exit(1)
		}
	}
}

func (s *share) ask(user string, number int64) []byte {
	a := &ask{user: user, number: number, done: make(chan []byte, 1)}
	s.waiting <- a
	return <-a.done
}

// textArray is text[] in binary, of the users who ask.
func textArray(b []byte, n int, at func(i int) string) []byte {
	b = arrayHead(b, n, 25)
	for i := range n {
		text := at(i)
		b = binary.BigEndian.AppendUint32(b, uint32(len(text))) //nolint:gosec // short
		b = append(b, text...)
	}
	return b
}

func uuidArray(ids []uuid.UUID) []byte {
	b := arrayHead(nil, len(ids), 2950)
	for i := range ids {
		b = binary.BigEndian.AppendUint32(b, 16)
		b = append(b, ids[i][:]...)
	}
	return b
}

func bigintArray(b []byte, n int, at func(i int) int64) []byte {
	b = arrayHead(b, n, 20)
	for i := range n {
		b = binary.BigEndian.AppendUint32(b, 8)
		b = binary.BigEndian.AppendUint64(b, uint64(at(i))) //nolint:gosec // two's complement
	}
	return b
}

func smallintArray(b []byte, values []int16) []byte {
	b = arrayHead(b, len(values), 21)
	for _, v := range values {
		b = binary.BigEndian.AppendUint32(b, 2)
		b = binary.BigEndian.AppendUint16(b, uint16(v)) //nolint:gosec // two's complement
	}
	return b
}

func arrayHead(b []byte, n int, element uint32) []byte {
	b = binary.BigEndian.AppendUint32(b, 1)
	b = binary.BigEndian.AppendUint32(b, 0)
	b = binary.BigEndian.AppendUint32(b, element)
	b = binary.BigEndian.AppendUint32(b, uint32(n)) //nolint:gosec // short
	return binary.BigEndian.AppendUint32(b, 1)
}

func bigint(b []byte) int64 { return int64(binary.BigEndian.Uint64(b)) } //nolint:gosec // two's complement

func integer(b []byte) int32 { return int32(binary.BigEndian.Uint32(b)) } //nolint:gosec // two's complement

func smallint(b []byte) int16 { return int16(binary.BigEndian.Uint16(b)) } //nolint:gosec // two's complement

// year2000 is where PostgreSQL's times begin.
const year2000 = 946684800

// appendTime writes PostgreSQL's binary timestamptz as the API does, or null.
func appendTime(b, raw []byte) []byte {
	if raw == nil {
		return append(b, "null"...)
	}
	t := time.UnixMicro(bigint(raw) + year2000*1_000_000).UTC()
	return append(t.AppendFormat(append(b, '"'), "2006-01-02T15:04:05.000Z07:00"), '"')
}

func timestamp(t time.Time) []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(t.UnixMicro()-year2000*1_000_000)) //nolint:gosec // two's complement
}
