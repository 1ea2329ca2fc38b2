package store

import (
	"context"
	"time"

	"github.com/heffl/bff/model"
)

// Ahead is how much the database's clock is ahead of the given one, negative when it is behind, and by how much that
// may be wrong at most. SQLite has no clock of its own.
func (s *Store) Ahead(ctx context.Context, now func() time.Time) (ahead, within time.Duration, err error) {
	if s.Dialect() == SQLite {
		return 0, 0, nil
	}
	var theirs model.Time
	before := now()
	if _, err := s.reader(ctx).one([]any{&theirs}, `SELECT clock_timestamp()`); err != nil {
		return 0, 0, wrap("read the database's clock", err)
	}
	within = now().Sub(before) / 2
	return theirs.Std().Sub(before.Add(within)), within + time.Millisecond, nil
}
