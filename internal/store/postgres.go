package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
)

// connectionLimits bound every pooled connection: a process that is frozen inside a transaction holds its locks for
// two seconds and not for as long as it is frozen.
var connectionLimits = map[string]string{ //nolint:gochecknoglobals // a constant table
	"idle_in_transaction_session_timeout": "2s",
	"lock_timeout":                        "2s",
	"statement_timeout":                   "10s",
}

func openPostgres(cfg Config) (*Store, error) {
	conn, err := pgx.ParseConfig(cfg.URL)
	if err != nil {
		// pgx keeps the password out of this text.
		return nil, fmt.Errorf("read database URL: %w", err)
	}
	conn.RuntimeParams["application_name"] = "heffl-bff"
	conn.RuntimeParams["timezone"] = "UTC"
	unlimited := conn.Copy()
	for name, value := range connectionLimits {
		if _, set := conn.RuntimeParams[name]; !set {
			conn.RuntimeParams[name] = value
		}
	}

	pool := stdlib.OpenDB(*conn, stdlib.OptionAfterConnect(registerUUIDLists))
	pool.SetMaxOpenConns(cfg.MaxConns)
	pool.SetMaxIdleConns(cfg.MaxConns)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	// pgx prepares and keeps statements per connection by itself: gorm's own cache would do it a second time.
	db, err := gorm.Open(postgres.New(postgres.Config{Conn: pool}), gormConfig(cfg))
	if err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	door := newGate(cfg.MaxConns, postgresPatience)
	return &Store{
		dialect: postgresDialect{}, write: db, read: db, writeGate: door, readGate: door, pools: []*sql.DB{pool},
		migrations: func() (*sql.DB, error) { return stdlib.OpenDB(*unlimited), nil },
	}, nil
}

type postgresDialect struct{}

func (postgresDialect) name() string { return Postgres }

func (postgresDialect) bind(v any) (any, error) {
	switch v := v.(type) {
	case uuid.UUID:
		return [16]byte(v), nil
	case *uuid.UUID:
		if v == nil {
			return nil, nil //nolint:nilnil // NULL is a value here
		}
		return [16]byte(*v), nil
	case driver.Valuer:
		return v.Value()
	}
	return v, nil
}

func (postgresDialect) retryable(err error) bool {
	code := sqlState(err)
	return code == "40P01" || code == "40001"
}

func (postgresDialect) busy(err error) bool {
	switch code := sqlState(err); {
	case code == "":
	case code == "55P03", // lock_timeout
		code == "57014", // statement_timeout
		code == "25P03", // idle_in_transaction_session_timeout
		code == "25006", // read-only: a failover is under way
		strings.HasPrefix(code, "08"), strings.HasPrefix(code, "53"), strings.HasPrefix(code, "57P"):
		return true
	default:
		return false
	}
	var connect *pgconn.ConnectError
	var network *net.OpError
	return errors.As(err, &connect) || errors.As(err, &network) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, context.DeadlineExceeded)
}

// sqlState is PostgreSQL's code of an error; empty when the error is not PostgreSQL's.
func sqlState(err error) string {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code
	}
	return ""
}
