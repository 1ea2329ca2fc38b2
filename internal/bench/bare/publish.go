package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/heffl/bff/internal/bench"
	"github.com/heffl/bff/internal/catalog"
	"github.com/heffl/bff/model"
)

// selectPeople is everything that decides about one event type, a row for every recipient.
const selectPeople = `
SELECT u.id, u.email <> '' AND u.email_state = 0 AND u.email_enabled, u.cliq_enabled AND i.status = 1 AND i.problem IS NULL,
	p.channel, p.enabled
FROM users u
LEFT JOIN integrations i ON i.user_id = u.id AND i.provider = 'ZOHO_CLIQ'
LEFT JOIN preferences p ON p.user_id = u.id AND p.event_type = $3
WHERE u.workspace_id = $1 AND u.active AND u.external_id = ANY($2::text[])`

// insertEvent stores everything at once. The recipients come in the order of their ids, which is the order in which
// the inboxes are locked; decisions are those of people who get the event in the app.
const insertEvent = `
WITH event AS (
	INSERT INTO events (id, workspace_id, type, actor_id, actor_name, data, idempotency_key, content_hash,
		occurred_at, created_at, title, body, cliq_text, path, subject_type, subject_id, notified, unknown_recipients)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10, $11, $12, $13, $14, $15, $16, '[]')
	ON CONFLICT (workspace_id, idempotency_key) DO NOTHING RETURNING id
), counted AS (
	UPDATE inboxes i SET last_seq = last_seq + 1, unread_count = unread_count + 1
	FROM event, unnest($17::uuid[], $18::uuid[], $19::smallint[]) AS p(id, user_id, decision)
	WHERE i.user_id = p.user_id
	RETURNING p.id, p.user_id, p.decision, event.id AS event_id, i.last_seq
), notified AS (
	INSERT INTO notifications (id, user_id, event_id, seq, changed_seq, created_at, decision)
	SELECT id, user_id, event_id, last_seq, last_seq, $9, decision FROM counted
), queued AS (
	INSERT INTO deliveries (notification_id, channel, user_id, next_attempt_at)
	SELECT p.id, p.channel, p.user_id, $9
	FROM event, unnest($20::uuid[], $21::uuid[], $22::smallint[]) AS p(id, user_id, channel)
)
SELECT count(*) FROM counted`

// publish is W4.
type publish struct {
	world   *world
	catalog *catalog.Catalog
	conns   chan *pgconn.PgConn
}

func newPublish(ctx context.Context, w *world) (*publish, error) {
	c, err := catalog.Load()
	if err != nil {
		return nil, err
	}
	p := &publish{world: w, catalog: c, conns: make(chan *pgconn.PgConn, publishConns)}
	for range publishConns {
		conn, err := w.connect(ctx, selectPeople, insertEvent)
		if err != nil {
			return nil, err
		}
		p.conns <- conn
	}
	return p, nil
}

// publishInput is the variables of W4.
type publishInput struct {
	Input struct {
		Type           string   `json:"type"`
		IdempotencyKey string   `json:"idempotencyKey"`
		RecipientIDs   []string `json:"recipientIds"`
		Actor          struct {
			ID   string `json:"id"`
			Name string `json:"name"`
		} `json:"actor"`
		Data json.RawMessage `json:"data"`
	} `json:"input"`
}

// recipient is one person with the decision.
type recipient struct {
	user     uuid.UUID
	reached  [len(model.Channels)]bool
	decision int16
}

func (p *publish) answer(ctx context.Context, _ string, variables []byte) ([]byte, error) {
	var in publishInput
	if err := json.Unmarshal(variables[:len(variables)-1], &in); err != nil {
		return nil, err
	}
	et, ok := p.catalog.Event(in.Input.Type)
	if !ok {
		return nil, fmt.Errorf("no event type %s", in.Input.Type)
	}
	conn := <-p.conns
	defer func() { p.conns <- conn }()
	people, err := p.people(ctx, conn, et, in.Input.RecipientIDs)
	if err != nil {
		return nil, err
	}
	if len(people) != len(in.Input.RecipientIDs) {
		return nil, fmt.Errorf("%d of %d people are known", len(people), len(in.Input.RecipientIDs))
	}
	params, err := p.params(et, &in, people)
	if err != nil {
		return nil, err
	}
	result := conn.ExecPrepared(ctx, names[1], params, binaryFormat, binaryFormat).Read()
	if result.Err != nil {
		return nil, result.Err
	}
	if n := bigint(result.Rows[0][0]); n != int64(len(people)) {
		return nil, fmt.Errorf("%d of %d people were notified", n, len(people))
	}
	b := append(make([]byte, 0, 128), `{"data":{"publishEvent":{"notified":`...)
	b = strconv.AppendInt(b, int64(len(people)), 10)
	return append(b, `,"duplicate":false,"unknownRecipientIds":[],"userErrors":[]}}}`...), nil
}

// people are the recipients in the order of their ids, each with the decision.
func (p *publish) people(ctx context.Context, conn *pgconn.PgConn, et *catalog.EventType, ids []string) ([]recipient, error) {
	asked := textArray(make([]byte, 0, 32*len(ids)), len(ids), func(i int) string { return ids[i] })
	rows := conn.ExecPrepared(ctx, names[0], [][]byte{p.world.workspace[:], asked, []byte(et.Type)}, binaryFormat, binaryFormat)
	people := make([]recipient, 0, len(ids))
	for rows.NextRow() {
		row := rows.Values()
		one := recipient{user: uuid.UUID(row[0])}
		one.reached = [...]bool{et.Defaults[0], et.Defaults[1] && row[1][0] == 1, et.Defaults[2] && row[2] != nil && row[2][0] == 1}
		if row[3] != nil {
			return nil, fmt.Errorf("a recipient changed a cell of %s, which only the server knows", et.Type)
		}
		people = append(people, one)
	}
	if _, err := rows.Close(); err != nil {
		return nil, err
	}
	slices.SortFunc(people, func(a, b recipient) int { return bytes.Compare(a.user[:], b.user[:]) })
	return people, nil
}

func (p *publish) params(et *catalog.EventType, in *publishInput, people []recipient) ([][]byte, error) {
	var data model.JSONObject
	if err := json.Unmarshal(in.Input.Data, &data); err != nil {
		return nil, err
	}
	now := time.Now() //nolint:forbidigo // a measuring program has no other clock
	event := uuid.Must(uuid.NewV7())
	text := et.Render(catalog.Facts{
		AppURL: bench.AppURL, EventID: model.GlobalID(model.KindEvent, event), OccurredAt: model.NewTime(now), WorkspaceID: bench.Workspace,
		WorkspaceName: bench.Workspace, ActorID: in.Input.Actor.ID, ActorName: in.Input.Actor.Name, Data: data,
	})
	hash := sha256.Sum256(in.Input.Data)
	ids, users := make([]uuid.UUID, len(people)), make([]uuid.UUID, len(people))
	decisions := make([]int16, len(people))
	var sendIDs, sendUsers []uuid.UUID
	var channels []int16
	for i := range people {
		ids[i], users[i], decisions[i] = uuid.Must(uuid.NewV7()), people[i].user, people[i].decision
		for channel := int16(1); channel < int16(len(model.Channels)); channel++ {
			if people[i].reached[channel] {
				sendIDs, sendUsers, channels = append(sendIDs, ids[i]), append(sendUsers, users[i]), append(channels, channel)
			}
		}
	}
	return [][]byte{
		event[:], p.world.workspace[:], []byte(et.Type), []byte(in.Input.Actor.ID), []byte(in.Input.Actor.Name), in.Input.Data,
		[]byte(in.Input.IdempotencyKey), hash[:], timestamp(now), []byte(text.Title), []byte(text.Body), []byte(text.CliqText), []byte(text.Path),
		[]byte(text.SubjectType), []byte(text.SubjectID), binary.BigEndian.AppendUint32(nil, uint32(len(people))), //nolint:gosec // few
		uuidArray(ids), uuidArray(users), smallintArray(nil, decisions),
		uuidArray(sendIDs), uuidArray(sendUsers), smallintArray(nil, channels),
	}, nil
}
