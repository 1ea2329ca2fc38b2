package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/heffl/bff/internal/auth"
	"github.com/heffl/bff/internal/catalog"
	"github.com/heffl/bff/internal/config"
	"github.com/heffl/bff/internal/secret"
)

// resealBatch is how many rows `keys rotate` re-seals in one transaction: small, so that senders hardly wait.
const resealBatch = 100

// Migrate brings the database to this version's schema.
func Migrate(ctx context.Context, c *config.Config, logger *slog.Logger) error {
	db, err := openStore(ctx, c, nil, logger, time.Now)
	if err != nil {
		return err
	}
	migrate := db.Migrate
	if c.AfterRestore {
		migrate = db.MigrateAfterRestore
	}
	return errors.Join(migrate(ctx), db.Close())
}

// Token prints a development token, signed with the key in the data folder.
func Token(c *config.Config, stdout io.Writer) error {
	key, err := auth.LoadOrCreateKey(c.DataDir)
	if err != nil {
		return fmt.Errorf("load the signing key: %w", err)
	}
	var scopes []auth.Scope
	for scope := range strings.FieldsSeq(c.TokenScope) {
		scopes = append(scopes, auth.Scope(scope))
	}
	now := time.Now()
	token, err := auth.Mint(key, demoIdentity(c.TokenUser, scopes, now.Add(c.TokenTTL)), now)
	if err != nil {
		return fmt.Errorf("sign the token: %w", err)
	}
	_, err = fmt.Fprintln(stdout, token)
	return err
}

// Keys makes and changes keysets, and re-seals what is stored.
func Keys(ctx context.Context, c *config.Config, logger *slog.Logger, stdout io.Writer) error {
	if c.Command == config.KeysNew {
		keyset, err := secret.Generate()
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(stdout, keyset.Reveal())
		return err
	}
	current, err := keysetOf(c)
	if err != nil {
		return fmt.Errorf("load keyset: %w", err)
	}
	switch c.Command { //nolint:exhaustive // the other commands are not about keys, and rotate is the rest
	case config.KeysAdd:
		next, _, err := secret.Add(current)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(stdout, next.Reveal())
		return err
	case config.KeysPromote:
		return promote(current, stdout)
	}
	return rotate(ctx, c, current, logger, stdout)
}

// promote prints the keyset with its newest key in use.
func promote(current secret.Text, stdout io.Writer) error {
	keys, err := secret.Keys(current)
	if err != nil {
		return err
	}
	next, err := secret.Promote(current, keys[len(keys)-1].ID)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, next.Reveal())
	return err
}

// rotate re-seals everything with the key in use. It can be broken off and repeated.
func rotate(ctx context.Context, c *config.Config, keyset secret.Text, logger *slog.Logger, stdout io.Writer) error {
	box, err := secret.New(secret.Config{Keyset: keyset})
	if err != nil {
		return fmt.Errorf("read keyset: %w", err)
	}
	types, err := catalog.Load()
	if err != nil {
		return fmt.Errorf("load catalog: %w", err)
	}
	db, err := openStore(ctx, c, lockedEvents(types), logger, time.Now)
	if err != nil {
		return err
	}
	total := 0
	for {
		n, err := db.ResealBatch(ctx, box.PrimaryKeyID(), resealBatch, func(table, column, row, user string, sealed []byte) ([]byte, uint32, error) {
			binding := secret.Binding{Table: table, Column: column, Row: row, User: user}
			plain, err := box.Open(binding, sealed)
			if err != nil {
				return nil, 0, err
			}
			resealed, err := box.Seal(binding, plain)
			return resealed, box.PrimaryKeyID(), err
		})
		total += n
		if err != nil || n == 0 {
			_, printErr := fmt.Fprintf(stdout, "%d rows re-sealed with key %d\n", total, box.PrimaryKeyID())
			return errors.Join(err, printErr, db.Close())
		}
	}
}
