package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"time"

	"github.com/heffl/bff/internal/auth"
	"github.com/heffl/bff/internal/catalog"
	"github.com/heffl/bff/internal/cliq"
	"github.com/heffl/bff/internal/config"
	"github.com/heffl/bff/internal/connect"
	"github.com/heffl/bff/internal/delivery"
	"github.com/heffl/bff/internal/httpd"
	"github.com/heffl/bff/internal/inbox"
	"github.com/heffl/bff/internal/live"
	"github.com/heffl/bff/internal/secret"
	"github.com/heffl/bff/internal/store"
	"github.com/heffl/bff/resolvers"
)

// How long things may take to stop.
const (
	shutdownTimeout = 15 * time.Second // together: an orchestrator kills after 30 s
	deliveryTimeout = 8 * time.Second
)

// App is one running server.
type App struct {
	config   *config.Config
	logger   *slog.Logger
	now      func() time.Time
	listener net.Listener
	public   *url.URL // this server as browsers reach it
	app      *url.URL // the CRM's app

	store      *store.Store
	catalog    *catalog.Catalog
	verifier   *auth.Verifier
	box        *secret.Box
	hub        *live.Hub
	inbox      *inbox.Service
	janitor    *inbox.Janitor
	regions    *cliq.Regions
	cliq       *cliq.Client
	connect    *connect.Service
	revoker    *connect.Revoker
	workers    *delivery.Workers
	resolver   *resolvers.Resolver
	dispatcher *resolvers.Dispatcher
	server     *httpd.Server
	warnings   []string

	development *development // nil in production

	// stops undo what was started, last first.
	stops []func(context.Context)
}

// New makes a server that listens but does not answer yet. What it opened is closed again when it fails.
func New(ctx context.Context, c *config.Config, logger *slog.Logger) (_ *App, err error) {
	a := &App{config: c, logger: logger, now: time.Now}
	defer func() {
		if err != nil {
			a.stop(context.WithoutCancel(ctx))
		}
	}()
	steps := []func(context.Context) error{
		a.listen, a.openStore, a.loadKeys, a.keepClock, a.startLive, a.startDevelopment, a.openZoho, a.startDelivery, a.resolve, a.serve,
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// URL is where browsers reach the server.
func (a *App) URL() string { return a.public.String() }

// Run answers until ctx ends, then stops everything in order. It returns nil when it was told to stop.
func (a *App) Run(ctx context.Context) error {
	served := make(chan error, 1)
	go func() { served <- a.server.Serve(a.listener) }()
	if !a.config.OwnCollector {
		go paceCollector(ctx)
	}
	var err error
	select {
	case <-ctx.Done():
		a.logger.InfoContext(ctx, "stopping")
	case err = <-served:
	}
	a.stop(context.WithoutCancel(ctx))
	return err
}

// Close stops a server that does not run. It may be called more than once.
func (a *App) Close() { a.stop(context.Background()) }

func (a *App) stop(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, shutdownTimeout)
	defer cancel()
	for _, v := range slices.Backward(a.stops) {
		v(ctx)
	}
	a.stops = nil
}

func (a *App) onStop(stop func(context.Context)) { a.stops = append(a.stops, stop) }

// listen takes the address first: development's own URL follows from the port.
func (a *App) listen(ctx context.Context) error {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", a.config.Addr)
	if err != nil {
		return fmt.Errorf("cannot listen on %s (is another server running there? --addr chooses another): %w", a.config.Addr, err)
	}
	a.listener = listener
	a.onStop(func(context.Context) { _ = listener.Close() })
	a.public = a.config.PublicURL
	if a.public == nil {
		_, port, err := net.SplitHostPort(listener.Addr().String())
		if err != nil {
			return fmt.Errorf("read the listener's port: %w", err)
		}
		a.public = &url.URL{Scheme: "http", Host: net.JoinHostPort("localhost", port)}
	}
	if a.app = a.config.AppURL; a.app == nil {
		a.app = a.public
	}
	return nil
}

func (a *App) origins() []string {
	origins := append([]string{}, a.config.AppOrigins...)
	for _, u := range []*url.URL{a.public, a.app} {
		origins = append(origins, u.Scheme+"://"+u.Host)
	}
	return origins
}

// secure reports whether browsers reach the server by TLS.
func (a *App) secure() bool { return a.public.Scheme == "https" }

func (a *App) warn(format string, args ...any) {
	a.warnings = append(a.warnings, fmt.Sprintf(format, args...))
}

// startLive connects the replicas with each other.
func (a *App) startLive(ctx context.Context) error {
	if !a.config.NATSURL.IsSet() && a.config.Production {
		return errors.New("production needs a NATS server")
	}
	var err error
	a.hub, err = live.New(live.Config{
		URL: a.config.NATSURL.Reveal(), Epoch: a.store.Epoch(), Store: a.store, Decorate: a.decorate,
		Logger: a.logger, Now: a.now, Ended: httpd.FailSubscription,
	})
	if err != nil {
		return fmt.Errorf("set up live: %w", err)
	}
	if err := a.hub.Start(ctx); err != nil {
		return fmt.Errorf("start live: %w", err)
	}
	a.onStop(a.hub.Stop)
	if !a.config.NATSURL.IsSet() {
		a.warn("live: a NATS server inside the process, for this process alone")
	}
	a.inbox, err = inbox.New(inbox.Config{
		Store: a.store, Catalog: inboxCatalog{a.catalog}, Publisher: a.hub, Epoch: a.store.Epoch(), AppURL: a.app.String(), Now: a.now,
	})
	if err != nil {
		return fmt.Errorf("set up inbox: %w", err)
	}
	return nil
}
