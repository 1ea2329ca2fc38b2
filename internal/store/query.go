package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// slowStatement is how long a statement takes before it is logged.
const slowStatement = 500 * time.Millisecond

// conn is a database or a transaction to run statements on.
type conn struct {
	db      *gorm.DB
	dialect dialect
	// gate is passed by each statement; nil in a transaction.
	gate *gate
}

// reader runs statements that only read, each on its own.
func (s *Store) reader(ctx context.Context) conn {
	return conn{s.read.WithContext(ctx), s.dialect, s.readGate}
}

// writer runs single statements that write, each its own transaction.
func (s *Store) writer(ctx context.Context) conn {
	return conn{s.write.WithContext(ctx), s.dialect, s.writeGate}
}

// exec runs a statement and tells how many rows it changed.
func (c conn) exec(statement string, args ...any) (changed int64, err error) {
	bound, err := bindAll(c.dialect, args)
	if err != nil {
		return 0, err
	}
	err = c.gate.inside(c.db.Statement.Context, func() error {
		result := c.db.Exec(statement, bound...)
		changed = result.RowsAffected
		return result.Error
	})
	return changed, err
}

// rows runs a statement and gives every row to scan.
func (c conn) rows(scan func(*sql.Rows) error, statement string, args ...any) error {
	bound, err := bindAll(c.dialect, args)
	if err != nil {
		return err
	}
	return c.gate.inside(c.db.Statement.Context, func() error { return c.scan(scan, statement, bound) })
}

func (c conn) scan(scan func(*sql.Rows) error, statement string, bound []any) (err error) {
	rows, err := c.db.Raw(statement, bound...).Rows()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return fmt.Errorf("scan: %w", err)
		}
	}
	return rows.Err()
}

// one runs a statement that gives one row or none and scans it into dest.
func (c conn) one(dest []any, statement string, args ...any) (found bool, err error) {
	err = c.rows(func(rows *sql.Rows) error {
		found = true
		return rows.Scan(dest...)
	}, statement, args...)
	return found, err
}

// collect runs a statement and gathers its rows; fields are the places of the columns in one T.
func collect[T any](c conn, fields func(*T) []any, statement string, args ...any) ([]T, error) {
	var all []T
	err := c.rows(func(rows *sql.Rows) error {
		var zero T
		all = append(all, zero)
		return rows.Scan(fields(&all[len(all)-1])...)
	}, statement, args...)
	if err != nil {
		return nil, err
	}
	return all, nil
}

// gormConfig is how gorm is used on both databases: as the connection, the transaction and the mapping. Statements
// that matter are written by hand; single ones need no transaction around them.
func gormConfig(cfg Config) *gorm.Config {
	return &gorm.Config{
		SkipDefaultTransaction: true,
		DisableAutomaticPing:   true,
		NowFunc:                cfg.Now,
		Logger:                 statementLog{cfg},
	}
}

// statementLog is gorm's logger: it reports slow statements and feeds Config.Observe, and never sees a value.
type statementLog struct{ cfg Config }

var _ gorm.ParamsFilter = statementLog{}

// LogMode changes nothing: there is one level.
func (l statementLog) LogMode(logger.LogLevel) logger.Interface { return l }

// Info drops gorm's own chatter.
func (statementLog) Info(context.Context, string, ...any) {}

// Warn drops gorm's own chatter.
func (statementLog) Warn(context.Context, string, ...any) {}

// Error drops gorm's text: every error is returned to the caller, who wraps it.
func (statementLog) Error(context.Context, string, ...any) {}

// ParamsFilter takes the values away before a statement is printed.
func (statementLog) ParamsFilter(_ context.Context, statement string, _ ...any) (string, []any) {
	return statement, nil
}

// Trace is called after every statement.
func (l statementLog) Trace(ctx context.Context, begin time.Time, text func() (string, int64), err error) {
	took := l.cfg.Now().Sub(begin)
	slow := took > slowStatement
	if !slow && l.cfg.Observe == nil {
		return
	}
	statement, _ := text()
	if l.cfg.Observe != nil {
		l.cfg.Observe(ctx, statement, took, err)
	}
	if slow {
		l.cfg.Logger.WarnContext(ctx, "slow statement", slog.String("statement", statement), slog.Duration("took", took))
	}
}
