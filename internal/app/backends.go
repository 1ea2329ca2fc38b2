package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/heffl/bff/internal/auth"
	"github.com/heffl/bff/internal/catalog"
	"github.com/heffl/bff/internal/cliq"
	"github.com/heffl/bff/internal/config"
	"github.com/heffl/bff/internal/connect"
	"github.com/heffl/bff/internal/delivery"
	"github.com/heffl/bff/internal/httpd"
	"github.com/heffl/bff/internal/mail"
	"github.com/heffl/bff/internal/secret"
	"github.com/heffl/bff/internal/store"
	"github.com/heffl/bff/model"
)

// Pages of the CRM's app that messages link to.
const (
	settingsPath = "/settings/notifications"
	inboxPath    = "/inbox"
	callbackPath = "/oauth/cliq/callback"
)

// openStore opens the database. Development migrates it; production refuses one that is behind.
func (a *App) openStore(ctx context.Context) error {
	if err := os.MkdirAll(a.config.DataDir, 0o700); err != nil && !a.config.Production {
		return fmt.Errorf("make the data folder: %w", err)
	}
	var err error
	if a.catalog, err = catalog.Load(); err != nil {
		return fmt.Errorf("load catalog: %w", err)
	}
	if a.store, err = openStore(ctx, a.config, lockedEvents(a.catalog), a.logger, a.now); err != nil {
		return err
	}
	a.onStop(func(context.Context) {
		if err := a.store.Close(); err != nil {
			a.logger.Error("database was not closed cleanly", slog.Any("error", err)) //nolint:sloglint // there is no request
		}
	})
	if !a.config.DatabaseURL.IsSet() {
		a.warn("database: a SQLite file in %s", a.config.DataDir)
	}
	pending, err := a.store.Pending(ctx)
	if err != nil {
		return fmt.Errorf("look at the schema: %w", err)
	}
	switch {
	case pending && a.config.Production:
		return errors.New("the database's schema is older than this program: run the migrate command first")
	case pending:
		return a.store.Migrate(ctx)
	}
	return nil
}

// loadKeys reads the keys that verify tokens and those that seal secrets.
func (a *App) loadKeys(ctx context.Context) error {
	var err error
	if a.verifier, err = a.newVerifier(ctx); err != nil {
		return fmt.Errorf("set up tokens: %w", err)
	}
	keyset, err := keysetOf(a.config)
	if err != nil {
		return fmt.Errorf("load keyset: %w", err)
	}
	if a.box, err = secret.New(secret.Config{Keyset: keyset}); err != nil {
		return fmt.Errorf("read keyset: %w", err)
	}
	needed, err := a.store.SealKeys(ctx)
	if err != nil {
		return fmt.Errorf("look at sealed tokens: %w", err)
	}
	for _, id := range needed {
		if !a.box.Has(id) {
			return fmt.Errorf("the keyset lacks key %d, which sealed tokens in the database: add it, or every one of these accounts must be connected again", id)
		}
	}
	return nil
}

func (a *App) newVerifier(ctx context.Context) (*auth.Verifier, error) {
	c := auth.Config{Issuer: a.config.JWTIssuer, Audience: a.config.JWTAudience, Logger: a.logger, Now: a.now}
	if a.config.JWKSURL != nil {
		c.JWKSURL = a.config.JWKSURL.String()
		return auth.New(ctx, c)
	}
	key, err := auth.LoadOrCreateKey(a.config.DataDir)
	if err != nil {
		return nil, err
	}
	c.Key = key
	a.warn("tokens: a signing key in %s (the token command mints with it)", a.config.DataDir)
	return auth.New(ctx, c)
}

// openZoho sets up what speaks to Zoho, or to its stand-in.
func (a *App) openZoho(ctx context.Context) error {
	rc := cliq.RegionsConfig{
		Default:             cliq.Credentials{ID: a.config.Zoho.ID, Secret: cliq.NewSecret(a.config.Zoho.Secret.Reveal())},
		Clients:             map[cliq.Code]cliq.Credentials{},
		ChinaNeedsOwnClient: a.config.Production,
	}
	for code, client := range a.config.ZohoRegions {
		rc.Clients[cliq.Code(code)] = cliq.Credentials{ID: client.ID, Secret: cliq.NewSecret(client.Secret.Reveal())}
	}
	if a.config.ZohoStandin != nil {
		rc.StandinURL = a.config.ZohoStandin.String()
		a.warn("Zoho: a stand-in at %s", rc.StandinURL)
	}
	if a.development != nil && a.config.UsesSandbox() {
		rc.StandinURL = a.development.sandboxURL
		rc.Default = cliq.Credentials{ID: sandboxClientID, Secret: cliq.NewSecret(sandboxClientSecret)}
		a.warn("Zoho: the sandbox inside the process")
	}
	var err error
	if a.regions, err = cliq.NewRegions(rc); err != nil {
		return fmt.Errorf("set up Zoho's regions: %w", err)
	}
	if a.cliq, err = cliq.New(cliq.Config{Regions: a.regions, Now: a.now}); err != nil {
		return fmt.Errorf("set up Zoho: %w", err)
	}
	a.onStop(func(context.Context) { a.cliq.Close() })
	return a.openConnect(ctx)
}

// openConnect sets up the connect flow and what gives grants back.
func (a *App) openConnect(ctx context.Context) error {
	var err error
	a.revoker, err = connect.NewRevoker(connect.RevokerConfig{Store: a.store, Client: a.cliq, Box: a.box, Logger: a.logger, Now: a.now})
	if err != nil {
		return err
	}
	a.connect, err = connect.New(connect.Config{
		Store: a.store, Client: a.cliq, Regions: a.regions, Box: a.box,
		CallbackURL: a.public.String() + callbackPath, Origins: a.origins(), DefaultReturn: a.app.JoinPath("/"), SecureCookie: a.secure(),
		Cookie: httpd.Cookie, SetCookie: httpd.SetCookie, Session: a.sessionOf, Viewer: a.store.ViewerByID,
		Changed: a.hub.ViewerChanged, Revoke: a.revoker.Wake, Logger: a.logger, Now: a.now,
	})
	if err != nil {
		return err
	}
	a.revoker.Start(ctx)
	a.onStop(func(context.Context) { a.revoker.Stop() })
	return nil
}

// sessionOf is whose session cookie a request carries.
func (a *App) sessionOf(r *http.Request) (workspaceID, userID string, ok bool) {
	name := "session"
	if a.secure() {
		name = "__Host-session"
	}
	c, err := r.Cookie(name)
	if err != nil {
		return "", "", false
	}
	id, err := a.verifier.Verify(r.Context(), c.Value)
	if err != nil {
		return "", "", false
	}
	return id.WorkspaceExternalID, id.UserExternalID, true
}

// startDelivery starts the workers of both channels.
func (a *App) startDelivery(ctx context.Context) error {
	sender, err := a.newMailer()
	if err != nil {
		return fmt.Errorf("set up mail: %w", err)
	}
	tokens, err := connect.NewTokens(connect.TokensConfig{Store: a.store, Client: a.cliq, Box: a.box, Logger: a.logger, Now: a.now})
	if err != nil {
		return err
	}
	a.workers, err = delivery.New(delivery.Config{
		Store: a.store, Mailer: sender, Messenger: a.cliq, Tokens: tokens,
		AppURL: a.app, SettingsPath: settingsPath, InboxPath: inboxPath, Subject: a.catalog.EmailSubject,
		Changed: a.hub.ViewerChanged, Disconnected: a.disconnected, Logger: a.logger, Now: a.now,
	})
	if err != nil {
		return err
	}
	a.hub.OnWake(a.workers.Wake)
	a.workers.Start(ctx)
	a.onStop(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, deliveryTimeout)
		defer cancel()
		a.workers.Stop(ctx)
	})
	return nil
}

func (a *App) newMailer() (*mail.Sender, error) {
	c := mail.Config{URL: a.config.SMTPURL.Reveal(), From: *a.config.MailFrom}
	if a.development != nil && a.config.UsesMailSink() {
		c.URL, c.AllowPlaintext = "smtp://"+a.development.mail.Addr(), true
		a.warn("e-mail: a mailbox inside the process")
	}
	return mail.NewSender(c)
}

// keysetOf is the configured keyset, or development's.
func keysetOf(c *config.Config) (secret.Text, error) {
	if c.SecretKeyset.IsSet() {
		return secret.NewText(c.SecretKeyset.Reveal()), nil
	}
	return secret.LoadOrCreate(filepath.Join(c.DataDir, "keyset.json"))
}

// openStore opens the configured database.
func openStore(ctx context.Context, c *config.Config, locked map[model.Channel][]string, logger *slog.Logger, now func() time.Time) (*store.Store, error) {
	db, err := store.Open(ctx, store.Config{
		URL: c.DatabaseURL.Reveal(), DataDir: c.DataDir, MaxConns: c.DatabaseMaxConns, Locked: locked, Logger: logger, Now: now,
	})
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	return db, nil
}

// lockedEvents are the event types that nothing turns off, by channel.
func lockedEvents(c *catalog.Catalog) map[model.Channel][]string {
	locked := map[model.Channel][]string{}
	for _, et := range c.Types() {
		for _, channel := range et.Locked {
			locked[channel] = append(locked[channel], et.Type)
		}
	}
	return locked
}
