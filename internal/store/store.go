package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"github.com/heffl/bff/model"
)

// The dialects.
const (
	Postgres = "postgres"
	SQLite   = "sqlite"
)

// Config says which database to open and how.
type Config struct {
	// URL is "postgres://…" or "postgresql://…" for PostgreSQL, "file:<path>" for SQLite; empty is heffl.db in DataDir.
	URL string
	// DataDir is where the SQLite file lies when URL is empty.
	DataDir string
	// MaxConns bounds the connections to PostgreSQL, and SQLite's readers; 0 is 16.
	MaxConns int
	// Logger gets slow statements, without their values. Needed.
	Logger *slog.Logger
	// Now is the clock by which slow statements are found. Needed.
	Now func() time.Time
	// Locked are the event types that neither a switch nor a cell nor a rule turns off, by channel.
	Locked map[model.Channel][]string
	// Observe is told of every statement but BEGIN and COMMIT, without its values; nil for nobody. It must not block.
	Observe func(ctx context.Context, statement string, took time.Duration, err error)
}

// Store is one open database. It is safe for concurrent use.
type Store struct {
	dialect dialect
	// write runs everything that changes something, read what only reads. They are the same on PostgreSQL.
	write *gorm.DB
	read  *gorm.DB
	// writeGate and readGate stand before them; they are the same on PostgreSQL.
	writeGate, readGate *gate
	log                 *statementLog
	// pools are the handles behind write and read, to be closed.
	pools []*sql.DB
	// migrations opens a handle without the time limits of the pools.
	migrations func() (*sql.DB, error)
	locked     map[model.Channel][]string
	epoch      atomic.Pointer[model.Epoch]
	// cliqTurn is behind whom the next claim for Cliq goes on.
	cliqTurn atomic.Pointer[uuid.UUID]
}

// Open opens the database and proves that it answers. It changes nothing in it: Migrate does.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if cfg.Logger == nil || cfg.Now == nil {
		return nil, errors.New("open store: Logger and Now are needed")
	}
	cfg.MaxConns = cmp.Or(cfg.MaxConns, 16)

	var s *Store
	var err error
	switch path, isFile := strings.CutPrefix(cfg.URL, "file:"); {
	case strings.HasPrefix(cfg.URL, "postgres://"), strings.HasPrefix(cfg.URL, "postgresql://"):
		s, err = openPostgres(cfg)
	case isFile:
		s, err = openSQLite(cfg, path)
	case cfg.URL == "" && cfg.DataDir != "":
		s, err = openSQLite(cfg, (&url.URL{Path: filepath.Join(cfg.DataDir, "heffl.db")}).EscapedPath())
	default:
		return nil, errors.New("open store: URL must begin with postgres:// or file:, or DataDir must be set")
	}
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	s.locked, s.log = cfg.Locked, &statementLog{cfg}
	if err := s.Ping(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := s.loadEpoch(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Close closes every connection.
func (s *Store) Close() error {
	var errs []error
	for _, pool := range s.pools {
		errs = append(errs, pool.Close())
	}
	return errors.Join(errs...)
}

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	for _, pool := range s.pools {
		if err := pool.PingContext(ctx); err != nil {
			return wrap("ping database", err)
		}
	}
	return nil
}

// Dialect is Postgres or SQLite.
func (s *Store) Dialect() string { return s.dialect.name() }

// Epoch names this life of the database; it is zero until Migrate has run.
func (s *Store) Epoch() model.Epoch {
	if e := s.epoch.Load(); e != nil {
		return *e
	}
	return model.Epoch{}
}
