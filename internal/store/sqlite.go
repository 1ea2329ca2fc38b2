package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"net/url"

	"github.com/google/uuid"
	"github.com/ncruces/go-sqlite3"
	sqlitedriver "github.com/ncruces/go-sqlite3/driver"
	"github.com/ncruces/go-sqlite3/gormlite"
	"gorm.io/gorm"
)

// openSQLite opens the file twice: one connection that writes, in transactions that take the write lock at once
// (deferred ones fail with "database is locked" when they turn from reading to writing), and a pool that cannot write.
func openSQLite(cfg Config, path string) (*Store, error) {
	writer, err := sqlitedriver.Open(sqliteDSN(path, sqliteMillis, "synchronous(full)"))
	if err != nil {
		return nil, err
	}
	writer.SetMaxOpenConns(1)
	reader, err := sqlitedriver.Open(sqliteDSN(path, sqliteMillis, "query_only(1)"))
	if err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	reader.SetMaxOpenConns(cfg.MaxConns)
	reader.SetMaxIdleConns(cfg.MaxConns)

	closeBoth := func(err error) error { return errors.Join(err, reader.Close(), writer.Close()) }
	write, err := gorm.Open(gormlite.OpenDB(writer), gormConfig(cfg))
	if err != nil {
		return nil, closeBoth(err)
	}
	read, err := gorm.Open(gormlite.OpenDB(reader), gormConfig(cfg))
	if err != nil {
		return nil, closeBoth(err)
	}
	return &Store{
		// The writer comes first: it creates the file and turns the write-ahead log on.
		dialect: sqliteDialect{}, write: write, read: read,
		writeGate: newGate(1, sqlitePatience), readGate: newGate(cfg.MaxConns, sqlitePatience), pools: []*sql.DB{writer, reader},
		migrations: func() (*sql.DB, error) {
			db, err := sqlitedriver.Open(sqliteDSN(path, sqliteText, "synchronous(full)"))
			if err == nil {
				db.SetMaxOpenConns(1)
			}
			return db, err
		},
	}, nil
}

// How the driver writes and reads times. Ours are Unix milliseconds; goose's own table holds text.
const (
	sqliteMillis = string(sqlite3.TimeFormatUnixMilli)
	sqliteText   = "sqlite"
)

// sqliteDSN names the file and what every connection to it begins with. Pragmas are per connection, so a pool must not
// run them once. busy_timeout waits for other processes: the `migrate` command beside a running server.
func sqliteDSN(path, times, last string) string {
	return "file:" + path + "?" + url.Values{
		"_txlock":  {"immediate"},
		"_timefmt": {times},
		"_pragma":  {"busy_timeout(10000)", "journal_mode(wal)", "foreign_keys(1)", last},
	}.Encode()
}

type sqliteDialect struct{}

func (sqliteDialect) name() string { return SQLite }

func (sqliteDialect) bind(v any) (any, error) {
	switch v := v.(type) {
	case *uuid.UUID:
		if v == nil {
			return nil, nil //nolint:nilnil // NULL is a value here
		}
		return v.String(), nil
	case driver.Valuer:
		return v.Value()
	}
	return v, nil
}

func (sqliteDialect) retryable(err error) bool { return errors.Is(err, sqlite3.BUSY) }

func (sqliteDialect) busy(err error) bool {
	return errors.Is(err, sqlite3.BUSY) || errors.Is(err, sqlite3.FULL) || errors.Is(err, sqlite3.IOERR) ||
		errors.Is(err, context.DeadlineExceeded)
}
