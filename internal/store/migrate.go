package store

import (
	"context"
	"crypto/rand"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/heffl/bff/model"
)

//go:embed migrations
var migrations embed.FS

// Migrate brings the schema to the newest version and gives the database its epoch if it has none. It may be run
// by many processes at once: on PostgreSQL an advisory lock lets one of them work, and the others find it done.
func (s *Store) Migrate(ctx context.Context) error {
	if err := s.withMigrations(ctx, func(p *goose.Provider) error {
		_, err := p.Up(ctx)
		return err
	}); err != nil {
		return wrap("migrate", err)
	}
	var fresh model.Epoch
	_, _ = rand.Read(fresh[:]) // never fails
	if _, err := s.writer(ctx).exec(
		`INSERT INTO meta (id, epoch) VALUES (1, $1) ON CONFLICT DO NOTHING`, fresh[:]); err != nil {
		return wrap("save epoch", err)
	}
	return s.loadEpoch(ctx)
}

// MigrateAfterRestore migrates and renews the epoch, so that cursors of a history that the restore lost are recognised.
func (s *Store) MigrateAfterRestore(ctx context.Context) error {
	if err := s.Migrate(ctx); err != nil {
		return err
	}
	var fresh model.Epoch
	_, _ = rand.Read(fresh[:])
	if _, err := s.writer(ctx).exec(`UPDATE meta SET epoch = $1`, fresh[:]); err != nil {
		return wrap("renew epoch", err)
	}
	return s.loadEpoch(ctx)
}

// MigrateDown takes every migration back: all tables and all that is in them.
func (s *Store) MigrateDown(ctx context.Context) error {
	return wrap("migrate down", s.withMigrations(ctx, func(p *goose.Provider) error {
		_, err := p.DownTo(ctx, 0)
		return err
	}))
}

// Pending reports whether migrations of this build have not been applied yet.
func (s *Store) Pending(ctx context.Context) (pending bool, err error) {
	err = s.withMigrations(ctx, func(p *goose.Provider) error {
		pending, err = p.HasPending(ctx)
		return err
	})
	return pending, wrap("look for migrations", err)
}

// withMigrations gives do a provider on a handle of its own: a migration may take longer than any statement of
// the pools is allowed to.
func (s *Store) withMigrations(ctx context.Context, do func(*goose.Provider) error) (err error) {
	db, err := s.migrations()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.PingContext(ctx); err != nil {
		return err
	}
	files, err := fs.Sub(migrations, "migrations/"+s.Dialect())
	if err != nil {
		return err
	}
	gooseDialect := goose.DialectSQLite3
	options := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger())}
	if s.Dialect() == Postgres {
		gooseDialect = goose.DialectPostgres
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300))
		if err != nil {
			return fmt.Errorf("make migration lock: %w", err)
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	provider, err := goose.NewProvider(gooseDialect, db, files, options...)
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	return do(provider)
}

// loadEpoch reads the epoch; a database that was never migrated has none.
func (s *Store) loadEpoch(ctx context.Context) error {
	var there bool
	_, err := s.reader(ctx).one([]any{&there}, s.pick(
		`SELECT to_regclass('meta') IS NOT NULL`,
		`SELECT count(*) > 0 FROM sqlite_master WHERE type = 'table' AND name = 'meta'`))
	if err != nil {
		return wrap("look for epoch", err)
	}
	if !there {
		return nil
	}
	var raw []byte
	found, err := s.reader(ctx).one([]any{&raw}, `SELECT epoch FROM meta WHERE id = 1`)
	if err != nil {
		return wrap("read epoch", err)
	}
	if !found {
		return nil
	}
	var epoch model.Epoch
	if copy(epoch[:], raw) != len(epoch) {
		return errors.New("read epoch: it is too short")
	}
	s.epoch.Store(&epoch)
	return nil
}
