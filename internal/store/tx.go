package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"gorm.io/gorm"

	"github.com/heffl/bff/model"
)

// attempts is how often a transaction is run before a deadlock or a serialization failure is the caller's.
const attempts = 4

// inTx runs do in one transaction, again when the database asks for it. do may run several times: it must set what
// it hands out anew each time, and touch nothing but the tx.
func (s *Store) inTx(ctx context.Context, do func(tx conn) error) error {
	return s.retry(ctx, func() error {
		return s.writeGate.inside(ctx, func() error {
			return s.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
				return do(s.within(ctx, tx))
			})
		})
	})
}

// inSnapshot runs do in a transaction that only reads and in which all statements see the same moment.
func (s *Store) inSnapshot(ctx context.Context, do func(tx conn) error) error {
	// SQLite's read transactions are snapshots by themselves and know no isolation levels.
	options := &sql.TxOptions{ReadOnly: true}
	if s.dialect.name() == Postgres {
		options.Isolation = sql.LevelRepeatableRead
	}
	return s.retry(ctx, func() error {
		return s.readGate.inside(ctx, func() error {
			return s.read.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
				return do(s.within(ctx, tx))
			}, options)
		})
	})
}

// retry runs do until it succeeds, fails for good or has failed often enough.
func (s *Store) retry(ctx context.Context, do func() error) error {
	for attempt := 1; ; attempt++ {
		err := do()
		if err == nil || attempt == attempts || !s.dialect.retryable(err) {
			return err
		}
		// Two transactions that met once must not meet again in step.
		pause := time.NewTimer(time.Duration(attempt) * time.Duration(1+rand.IntN(10)) * time.Millisecond) //nolint:gosec // no secret
		select {
		case <-ctx.Done():
			pause.Stop()
			return err
		case <-pause.C:
		}
	}
}

// wrap says what was being done when err happened, and marks what may work later. A nil err stays nil.
func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	err = fmt.Errorf("%s: %w", doing, err)
	if errors.Is(err, errNoConnection) || (postgresDialect{}).busy(err) || (sqliteDialect{}).busy(err) {
		return &model.Error{Code: model.CodeUnavailable, Message: "The service is busy. Please try again.", Err: err}
	}
	return err
}
