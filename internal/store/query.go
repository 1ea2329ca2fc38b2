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

// conn is a database or a transaction to run statements on. They are run as they are written, on gorm's connection: its Raw
// and Exec would put each of them together anew, letter by letter, for a tenth of what a small one takes.
type conn struct {
	ctx     context.Context //nolint:containedctx // that of the one call or transaction that the conn is made for
	pool    gorm.ConnPool
	dialect dialect
	log     *statementLog
	// gate is passed by each statement; nil in a transaction.
	gate *gate
}

// reader runs statements that only read, each on its own.
func (s *Store) reader(ctx context.Context) conn {
	return conn{ctx, s.read.Statement.ConnPool, s.dialect, s.log, s.readGate}
}

// writer runs single statements that write, each its own transaction.
func (s *Store) writer(ctx context.Context) conn {
	return conn{ctx, s.write.Statement.ConnPool, s.dialect, s.log, s.writeGate}
}

// within runs statements in a transaction.
func (s *Store) within(ctx context.Context, tx *gorm.DB) conn {
	return conn{ctx, tx.Statement.ConnPool, s.dialect, s.log, nil}
}

// exec runs a statement and tells how many rows it changed.
func (c conn) exec(statement string, args ...any) (changed int64, err error) {
	bound, err := bindAll(c.dialect, args)
	if err != nil {
		return 0, err
	}
	err = c.gate.inside(c.ctx, func() error {
		begin := c.log.cfg.Now()
		result, err := c.pool.ExecContext(c.ctx, statement, bound...)
		if err == nil {
			changed, err = result.RowsAffected()
		}
		c.log.note(c.ctx, begin, statement, err)
		return err
	})
	return changed, err
}

// rows runs a statement and gives every row to scan.
func (c conn) rows(scan func(*sql.Rows) error, statement string, args ...any) error {
	bound, err := bindAll(c.dialect, args)
	if err != nil {
		return err
	}
	return c.gate.inside(c.ctx, func() error {
		begin := c.log.cfg.Now()
		err := c.scan(scan, statement, bound)
		c.log.note(c.ctx, begin, statement, err)
		return err
	})
}

func (c conn) scan(scan func(*sql.Rows) error, statement string, bound []any) (err error) {
	rows, err := c.pool.QueryContext(c.ctx, statement, bound...)
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

// gormConfig is how gorm is used on both databases: as the connection, the transaction and the mapping. Statements are
// written by hand; single ones need no transaction around them.
func gormConfig(cfg Config) *gorm.Config {
	return &gorm.Config{
		SkipDefaultTransaction: true,
		DisableAutomaticPing:   true,
		NowFunc:                cfg.Now,
		Logger:                 statementLog{cfg},
	}
}

// statementLog reports slow statements and feeds Config.Observe, and never sees a value. It is gorm's logger, too, for what
// gorm says by itself.
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

// Trace is called after every statement of gorm's own.
func (l statementLog) Trace(ctx context.Context, begin time.Time, text func() (string, int64), err error) {
	statement, _ := text()
	l.note(ctx, begin, statement, err)
}

// note is called after every statement.
func (l statementLog) note(ctx context.Context, begin time.Time, statement string, err error) {
	took := l.cfg.Now().Sub(begin)
	slow := took > slowStatement
	if l.cfg.Observe != nil {
		l.cfg.Observe(ctx, statement, took, err)
	}
	if slow {
		l.cfg.Logger.WarnContext(ctx, "slow statement", slog.String("statement", statement), slog.Duration("took", took))
	}
}
