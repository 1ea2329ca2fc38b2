package store

import (
	"context"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

// deliveryColumns are what deliveryFields takes; d is the delivery.
const deliveryColumns = `d.notification_id, d.channel, d.user_id, d.status, d.reason, d.attempts, d.next_attempt_at,
	d.lease_id, d.lease_until, d.problem, d.carrier, d.finished_at`

func deliveryFields(d *model.Delivery) []any {
	return []any{
		&d.NotificationID, &d.Channel, &d.UserID, &d.Status, &d.Reason, &d.Attempts, &d.NextAttemptAt,
		&d.LeaseID, &d.LeaseUntil, &d.Problem, &d.Carrier, &d.FinishedAt,
	}
}

// outgoingColumns are what outgoingFields takes: d is the delivery, n its notification, e the event, u the person.
const outgoingColumns = deliveryColumns + `, n.created_at, ` + userColumns + `,
	e.id, e.workspace_id, e.type, e.actor_id, e.actor_name, e.data, e.occurred_at, e.created_at, e.title, e.body,
	e.cliq_text, e.path, e.subject_type, e.subject_id`

const outgoingTables = ` FROM deliveries d JOIN notifications n ON n.id = d.notification_id
	JOIN events e ON e.id = n.event_id JOIN users u ON u.id = d.user_id `

func outgoingFields(o *model.Outgoing) []any {
	fields := append(deliveryFields(&o.Delivery), &o.CreatedAt)
	fields = append(fields, userFields(&o.User)...)
	e := &o.Event
	return append(fields,
		&e.UUID, &e.WorkspaceID, &e.Type, &e.ActorID, &e.ActorName, dataIfReadable{&e.Data}, &e.OccurredAt, &e.CreatedAt, &e.Title, &e.Body,
		&e.CliqText, &e.Path, &e.SubjectType, &e.SubjectID)
}

// dataIfReadable leaves the data of an event out that this version cannot read. Its text is stored beside it, and one
// such event among those that are claimed together must not hold all of them up for ever.
type dataIfReadable struct{ data *model.JSONObject }

// Scan never fails.
func (d dataIfReadable) Scan(src any) error {
	if d.data.Scan(src) != nil {
		*d.data = nil
	}
	return nil
}

// Deliveries are all deliveries of the given notifications of one person, in no order.
func (s *Store) Deliveries(ctx context.Context, userID uuid.UUID, notificationIDs []uuid.UUID) ([]model.Delivery, error) {
	if len(notificationIDs) == 0 {
		return nil, nil
	}
	all, err := collect(s.reader(ctx), deliveryFields, `SELECT `+deliveryColumns+` FROM deliveries d
		WHERE d.user_id = $1 AND `+s.anyOf("d.notification_id", "$2"), userID, s.uuids(notificationIDs))
	return all, wrap("read deliveries", err)
}

// FinishDelivery writes how an attempt ended, for all of it or nothing: it answers false when the deliveries are no
// longer being sent under the outcome's lease, because somebody else decided about them in the meantime.
func (s *Store) FinishDelivery(ctx context.Context, o model.DeliveryOutcome) (bool, error) {
	untried := 0
	if o.Untried {
		untried = 1
	}
	var done bool
	err := s.inTx(ctx, func(tx conn) error {
		n, err := tx.exec(`UPDATE deliveries SET status = $1, problem = $2, next_attempt_at = COALESCE($3, next_attempt_at),
				finished_at = $4, attempts = attempts - $5, lease_id = NULL, lease_until = NULL
			WHERE channel = $6 AND status = 1 AND lease_id = $7 AND `+s.anyOf("notification_id", "$8"),
			o.Status, o.Problem, o.NextAttemptAt, o.FinishedAt, untried, o.Channel, o.LeaseID, s.uuids(o.NotificationIDs))
		done = n > 0
		return err
	})
	return done && err == nil, wrap("finish delivery", err)
}

// NextDue is when the next delivery of a channel can go: the worker's next moment to look. For Cliq, a person who is
// paused, or whom a worker holds, counts from when that ends. It answers false when nothing waits.
func (s *Store) NextDue(ctx context.Context, channel model.Channel) (model.Time, bool, error) {
	statement, args := `SELECT MIN(next_attempt_at) FROM deliveries WHERE channel = 1 AND status IN (0, 2)`, []any(nil)
	if channel == model.ChannelCliq {
		// A person without a connection has nothing here, and counts for nothing if they do.
		statement, args = waitingCliq+` SELECT MIN((
				SELECT `+s.pick(`GREATEST(first, i.paused_until, i.lease_until)`, `MAX(first, COALESCE(i.paused_until, 0), COALESCE(i.lease_until, 0))`)+`
				FROM integrations i WHERE i.user_id = person AND i.provider = 'ZOHO_CLIQ'
			)) FROM (
				SELECT person, (SELECT MIN(next_attempt_at) FROM deliveries WHERE `+cliqWaits+` AND user_id = person) AS first
				FROM waiting WHERE person IS NOT NULL
			) people`, []any{uuid.Nil}
	}
	var next model.Time
	_, err := s.reader(ctx).one([]any{&next}, statement, args...)
	return next, err == nil && !next.IsZero(), wrap("read next due time", err)
}

// SweepLeases takes back what was being sent when its worker was lost. An e-mail goes again: twice is better than
// never. A Cliq message may have arrived, so it ends with its outcome unknown. Several replicas may sweep at once.
func (s *Store) SweepLeases(ctx context.Context, now model.Time) (email, cliq int, err error) {
	const most = 1000
	sweep := func(set, channel string) (int, error) {
		n, err := s.writer(ctx).exec(`UPDATE deliveries SET `+set+`, lease_id = NULL, lease_until = NULL
			WHERE `+channel+` AND notification_id IN (
				SELECT notification_id FROM deliveries WHERE status = 1 AND `+channel+` AND lease_until <= $1
				ORDER BY lease_until LIMIT $2`+s.skipLocked()+`)`, now, most)
		return int(n), err
	}
	if email, err = sweep(`status = 2, next_attempt_at = $1`, `channel = 1`); err != nil {
		return 0, 0, wrap("sweep e-mail", err)
	}
	if cliq, err = sweep(`status = 5, finished_at = $1`, `channel = 2`); err != nil {
		return email, 0, wrap("sweep Cliq", err)
	}
	return email, cliq, nil
}

// MarkBounced records that an address refuses mail for good, if it still is the person's address.
func (s *Store) MarkBounced(ctx context.Context, userID uuid.UUID, email string) error {
	_, err := s.writer(ctx).exec(`UPDATE users SET email_state = $1, viewer_revision = viewer_revision + 1
		WHERE id = $2 AND email = $3 AND email_state <> $1`, int16(model.EmailBounced), userID, email)
	return wrap("mark address as bounced", err)
}
