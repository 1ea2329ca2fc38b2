package store

import (
	"context"
	"slices"
	"strconv"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

// someWaiting is among how many people a claim looks for those who longest waited.
const someWaiting = 256

// cliqWaits is what of a person's deliveries waits for Cliq.
const cliqWaits = `channel = 2 AND status IN (0, 2)`

// waitingCliq walks over the people behind one for whom something waits, from one to the next: however much waits for
// each of them, it is passed over and not read. Whoever reads no further ends the walk.
const waitingCliq = `WITH RECURSIVE waiting (person) AS (
		SELECT (SELECT user_id FROM deliveries WHERE ` + cliqWaits + ` AND user_id > $1 ORDER BY user_id LIMIT 1)
		UNION ALL
		SELECT (SELECT user_id FROM deliveries WHERE ` + cliqWaits + ` AND user_id > person ORDER BY user_id LIMIT 1)
		FROM waiting WHERE person IS NOT NULL
	)`

// ClaimCliq takes up to limit people who have due Cliq messages, and gives the caller the lease on their connections.
// People who are paused, or whom somebody holds or is claiming right now, are passed over. Connections that no longer
// work are claimed as well: their deliveries have to end.
//
// Who longest waited comes first, among some: where more wait than that, the next claim goes on behind these, so that
// none has to look at everybody and everybody has their turn. Looking reads only: a claim that finds nobody, as most do
// while Zoho is silent, writes nothing and keeps nobody from writing.
func (s *Store) ClaimCliq(ctx context.Context, now model.Time, limit int, leaseID uuid.UUID, until model.Time) ([]model.Connection, error) {
	people, err := s.dueOnCliq(ctx, now, limit)
	var claimed []model.Connection
	for err == nil && len(claimed) < limit && len(people) > 0 {
		n := min(limit-len(claimed), len(people))
		var some []model.Connection
		some, err = s.lease(ctx, people[:n], now, leaseID, until)
		claimed, people = append(claimed, some...), people[n:]
	}
	return claimed, wrap("claim Cliq", err)
}

// free is who may be sent to: whom nobody holds and who is not paused.
func free(now string) string {
	return `provider = 'ZOHO_CLIQ' AND (lease_until IS NULL OR lease_until <= ` + now + `) AND (paused_until IS NULL OR paused_until <= ` + now + `)`
}

// dueOnCliq are people who may be sent to and have something due, who longest waited first: so many as asked or some more, unless
// there are fewer.
func (s *Store) dueOnCliq(ctx context.Context, now model.Time, limit int) ([]uuid.UUID, error) {
	type waiting struct {
		person uuid.UUID
		first  model.Time
	}
	look := func(behind uuid.UUID) ([]waiting, error) {
		return collect(s.reader(ctx), func(w *waiting) []any { return []any{&w.person, &w.first} }, waitingCliq+`
			SELECT person, first FROM (
				SELECT person, (SELECT MIN(next_attempt_at) FROM deliveries WHERE `+cliqWaits+` AND user_id = person) AS first
				FROM waiting WHERE (SELECT 1 FROM integrations WHERE user_id = person AND `+free("$2")+`) = 1
			) people WHERE first <= $2 LIMIT `+strconv.Itoa(someWaiting), behind, now)
	}
	var behind uuid.UUID
	if turn := s.cliqTurn.Load(); turn != nil {
		behind = *turn
	}
	all, err := look(behind)
	if err != nil {
		return nil, err
	}
	next := uuid.Nil
	switch {
	case len(all) >= someWaiting:
		next = all[len(all)-1].person // as the walk is in the order of ids
	case behind != uuid.Nil && len(all) < limit:
		more, err := look(uuid.Nil)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	s.cliqTurn.Store(&next)
	slices.SortStableFunc(all, func(a, b waiting) int { return a.first.Std().Compare(b.first.Std()) })
	people := make([]uuid.UUID, len(all))
	for i := range all {
		people[i] = all[i].person
	}
	return people, nil
}

// lease gives the caller the lease on whom of the people may still be sent to and nobody else is claiming.
func (s *Store) lease(ctx context.Context, people []uuid.UUID, now model.Time, leaseID uuid.UUID, until model.Time) ([]model.Connection, error) {
	return collect(s.writer(ctx), connectionFields, `UPDATE integrations SET lease_id = $1, lease_until = $2
		WHERE provider = 'ZOHO_CLIQ' AND user_id IN (SELECT user_id FROM integrations
			WHERE `+s.anyOf("user_id", "$3")+` AND `+free("$4")+s.skipLocked()+`)
		RETURNING `+connectionColumns, leaseID, until, s.uuids(people), now)
}

// ClaimCliqUser takes the lease on one person's connection, due or not, paused or not. It answers false when somebody
// else holds it, or when the person never was connected.
func (s *Store) ClaimCliqUser(
	ctx context.Context, userID uuid.UUID, now model.Time, leaseID uuid.UUID, until model.Time,
) (model.Connection, bool, error) {
	var c model.Connection
	claimed, err := s.writer(ctx).one(connectionFields(&c), `UPDATE integrations SET lease_id = $1, lease_until = $2
		WHERE user_id = $3 AND provider = 'ZOHO_CLIQ' AND (lease_until IS NULL OR lease_until <= $4)
		RETURNING `+connectionColumns, leaseID, until, userID, now)
	return c, claimed, wrap("claim connection", err)
}

// RenewLease prolongs a lease that is still held. It answers false when it is not: it ran out, or the connection was
// made anew or ended.
func (s *Store) RenewLease(ctx context.Context, userID, leaseID uuid.UUID, until, now model.Time) (bool, error) {
	n, err := s.writer(ctx).exec(`UPDATE integrations SET lease_until = $1
		WHERE user_id = $2 AND provider = 'ZOHO_CLIQ' AND lease_id = $3 AND lease_until > $4`, until, userID, leaseID, now)
	return n == 1, wrap("renew lease", err)
}

// ReleaseLease gives a lease back, if it is still held.
func (s *Store) ReleaseLease(ctx context.Context, userID, leaseID uuid.UUID) error {
	_, err := s.writer(ctx).exec(`UPDATE integrations SET lease_id = NULL, lease_until = NULL
		WHERE user_id = $1 AND provider = 'ZOHO_CLIQ' AND lease_id = $2`, userID, leaseID)
	return wrap("release lease", err)
}

// held locks the connection and tells whether the lease on it is still held.
func (s *Store) held(tx conn, userID, leaseID uuid.UUID, now model.Time) (c model.Connection, ok bool, err error) {
	c, found, err := s.lockConnection(tx, userID)
	return c, found && holds(&c, &leaseID) && now.Before(c.LeaseUntil), err
}
