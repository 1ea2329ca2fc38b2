package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/heffl/bff/graph"
	"github.com/heffl/bff/internal/catalog"
	"github.com/heffl/bff/internal/cliq"
	"github.com/heffl/bff/internal/frames"
	"github.com/heffl/bff/internal/httpd"
	"github.com/heffl/bff/internal/inbox"
	"github.com/heffl/bff/internal/live"
	"github.com/heffl/bff/model"
	"github.com/heffl/bff/resolvers"
	"github.com/heffl/bff/web"
)

// retention is how long notifications are kept; their events, and with them the idempotency keys, stay at least as long.
const retention = 90 * 24 * time.Hour

// auditRetention is how long it is known who connected what, and who tried.
const auditRetention = 180 * 24 * time.Hour

// inboxCatalog is the catalog as package inbox asks it.
type inboxCatalog struct{ *catalog.Catalog }

// EventMeta is the category and the importance of an event type.
func (c inboxCatalog) EventMeta(eventType string) (category string, importance model.Importance, ok bool) {
	et, ok := c.Event(eventType)
	if !ok {
		return "", "", false
	}
	return et.Category, et.Importance, true
}

// eventLive tells this replica's workers and everybody else.
type eventLive struct{ a *App }

// Arrived tells open streams about new notifications.
func (l eventLive) Arrived(ctx context.Context, event *model.Event, entries []model.InboxEntry) {
	l.a.hub.Arrived(ctx, event, entries)
}

// Wake makes the workers of every replica look at the queue.
func (l eventLive) Wake(channel model.Channel) {
	l.a.workers.Wake(channel)
	l.a.hub.Wake(channel)
}

// resolve puts the GraphQL fields together.
func (a *App) resolve(ctx context.Context) error {
	var err error
	a.dispatcher, err = resolvers.NewDispatcher(resolvers.DispatcherConfig{
		Catalog: a.catalog, Store: a.store, Live: eventLive{a}, AppURL: a.app.String(), Logger: a.logger, Now: a.now,
	})
	if err != nil {
		return err
	}
	a.resolver, err = resolvers.New(resolvers.Config{
		Catalog: a.catalog, Users: a.store, Settings: a.store, Policies: a.store, History: a.store, Inboxes: a.inbox, Connect: a.connect, Tester: a.workers,
		Regions: offered(a.regions), BotAPIURL: func(code model.CliqRegionCode, bot string) string { return a.regions.BotAPIURL(cliq.Code(code), bot) },
		Live: a.hub, Dispatcher: a.dispatcher, AppURL: a.app, RequestID: httpd.RequestID, Logger: a.logger, Now: a.now,
	})
	if err != nil {
		return err
	}
	a.janitor, err = inbox.NewJanitor(inbox.JanitorConfig{
		Store: a.store, Retention: retention, Logger: a.logger, Now: a.now,
		Chores: []inbox.Chore{
			{Name: "attempts to connect", Purge: a.store.PurgeConnectStates},
			{Name: "audit of connections", Purge: func(ctx context.Context, now model.Time, limit int) (int, error) {
				return a.store.PurgeConnectAudit(ctx, now.Add(-auditRetention), limit)
			}},
		},
	})
	if err != nil {
		return err
	}
	a.janitor.Start(ctx)
	a.onStop(func(context.Context) { a.janitor.Stop() })
	return nil
}

// offered are the regions as the Connect form shows them.
func offered(regions *cliq.Regions) []model.CliqRegion {
	var out []model.CliqRegion
	for _, r := range regions.Offered() {
		out = append(out, model.CliqRegion{Code: model.CliqRegionCode(r.Code), Label: r.Label, CliqURL: r.CliqURL})
	}
	return out
}

// serve sets up everything that answers by HTTP.
func (a *App) serve(ctx context.Context) error {
	mounts := []httpd.Mount{{Pattern: callbackPath, Handler: a.connect.Callback()}}
	pages, err := web.New()
	if err != nil {
		return fmt.Errorf("set up the pages: %w", err)
	}
	mounts = append(mounts, httpd.Mount{Pattern: "/", Handler: pages})
	if !a.config.Playground {
		mounts = append(mounts, httpd.Mount{Pattern: "/playground/", Handler: http.NotFoundHandler()}, httpd.Mount{Pattern: "/playground", Handler: http.NotFoundHandler()})
	}
	if a.development != nil {
		mounts = append(mounts, httpd.Mount{Pattern: sandboxPrefix + "/", Handler: a.development.sandbox.Handler()})
		if a.development.key != nil {
			mounts = append(mounts, httpd.Mount{Pattern: "/playground/users.json", Handler: a.playgroundUsers()})
		}
	}
	subscriptions, err := frames.New(frames.Config{Hub: a.hub, Viewer: a.resolver.Subscriber, Present: a.resolver.Present})
	if err != nil {
		return fmt.Errorf("set up the live results: %w", err)
	}
	a.server, err = httpd.New(httpd.Config{
		Schema:   graph.NewExecutableSchema(graph.Config{Resolvers: a.resolver, Directives: graph.DirectiveRoot{Allow: a.resolver.Allow}}),
		Verifier: a.verifier, Viewers: a.resolver, Health: health{a}, Frames: subscriptions, ErrorPresenter: a.resolver.Present, RecoverFunc: a.resolver.Recover,
		Mounts: mounts, AppOrigins: a.origins(), Development: !a.config.Production, Logger: a.logger, Now: a.now,
	})
	if err != nil {
		return fmt.Errorf("set up the server: %w", err)
	}
	a.onStop(func(ctx context.Context) {
		if a.development != nil {
			a.development.sandbox.Close() // ends what hangs on purpose; the server would wait for it
		}
		if err := a.server.Shutdown(ctx); err != nil {
			a.logger.WarnContext(ctx, "server did not stop cleanly", slog.Any("error", err))
		}
	})
	return nil
}

// pingTimeout is how long a probe waits for the database: one whose connections are all taken does not answer sooner.
const pingTimeout = 2 * time.Second

// health says how the server's parts are.
type health struct{ a *App }

// Check asks the parts.
func (h health) Check(ctx context.Context) []httpd.Part {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	database := httpd.Part{Name: "database", Required: true, OK: true}
	if err := h.a.store.Ping(ctx); err != nil {
		database.OK, database.Detail = false, "unreachable"
	}
	state := h.a.hub.State()
	return []httpd.Part{database, {Name: "live", OK: state == live.StateOK, Detail: string(state)}}
}

// decorate fills in what a notification does not have from the database.
func (a *App) decorate(n *model.Notification) { a.inbox.Decorate(n) }

// disconnected tells a person, in the app and by e-mail, that they must do something before messages get through again. The
// key is that of the connection, or of a problem with its bot: once is enough for each, whoever calls this how often.
func (a *App) disconnected(ctx context.Context, c model.Connection) error {
	v, found, err := a.store.ViewerByID(ctx, c.UserID)
	if err != nil {
		return err
	}
	if !found {
		return errors.New("nobody has this connection")
	}
	in := model.PublishEventInput{
		Type: "integration.disconnected", RecipientIds: []string{v.User.ExternalID},
		IdempotencyKey: disconnectedKey(&c),
		Data:           model.JSONObject{"integrationName": "Zoho Cliq", "reason": reasonOf(&c)},
	}
	_, err = a.dispatcher.Publish(ctx, v.Workspace, &in, nil)
	if refused, ok := errors.AsType[*model.UserError](err); ok && refused.Code == model.UserErrorCodeIdempotencyConflict {
		return nil // they were told of this connection before, for another reason
	}
	return err
}

func disconnectedKey(c *model.Connection) string {
	if c.Problem.NeedsPerson() {
		return fmt.Sprintf("integration.disconnected:%s:%s:%d", c.UserID, c.Problem, c.ProblemSince.UnixMilli())
	}
	return fmt.Sprintf("integration.disconnected:%s:%d", c.UserID, c.ConnectedAt.UnixMilli())
}

// reasonOf puts why nothing gets through into half a sentence.
func reasonOf(c *model.Connection) string {
	switch c.Problem {
	case model.ProblemCodeBotNotFound:
		return fmt.Sprintf("Zoho knows no bot with the unique name “%s”", c.BotName)
	case model.ProblemCodeNotSubscribed:
		return fmt.Sprintf("you are not subscribed to the bot “%s”", c.BotName)
	case model.ProblemCodeDeliveredToOthers:
		return fmt.Sprintf("a message of the bot “%s” reached other people", c.BotName)
	case model.ProblemCodeScopeMissing:
		return "the permission does not cover sending messages"
	default:
		return "Zoho no longer accepts the permission"
	}
}
