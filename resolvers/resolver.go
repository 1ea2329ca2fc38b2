package resolvers

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"time"

	"github.com/heffl/bff/graph"
	"github.com/heffl/bff/internal/catalog"
	"github.com/heffl/bff/model"
)

// Config is what the resolvers need. Every field is required unless it says otherwise.
type Config struct {
	Catalog  *catalog.Catalog
	Users    Users
	Settings Settings
	Policies Policies
	History  History
	Inboxes  Inboxes
	Connect  Connect
	Tester   Tester
	Regions  []model.CliqRegion
	// BotAPIURL is where messages of a bot are posted in a region, as people see it.
	BotAPIURL  func(region model.CliqRegionCode, bot string) string
	Live       Live
	Dispatcher *Dispatcher
	// AppURL is the CRM's app, without a trailing slash.
	AppURL *url.URL
	// RequestID is the id of the request that a context belongs to.
	RequestID func(context.Context) string
	Logger    *slog.Logger
	Now       func() time.Time
}

// Resolver answers every field that is more than a struct's own.
type Resolver struct {
	Config
	regions map[model.CliqRegionCode]*model.CliqRegion
}

var _ graph.ResolverRoot = (*Resolver)(nil)

// New makes the resolvers. It fails when a part is missing.
func New(c Config) (*Resolver, error) {
	missing := c.Catalog == nil || c.Users == nil || c.Settings == nil || c.Policies == nil || c.History == nil || c.Inboxes == nil ||
		c.Connect == nil || c.Tester == nil || c.BotAPIURL == nil || c.Live == nil || c.Dispatcher == nil || c.AppURL == nil ||
		c.RequestID == nil || c.Logger == nil || c.Now == nil
	if missing {
		return nil, errors.New("resolvers: a required part of the configuration is missing")
	}
	r := &Resolver{Config: c, regions: make(map[model.CliqRegionCode]*model.CliqRegion, len(c.Regions))}
	for i := range c.Regions {
		r.regions[c.Regions[i].Code] = &c.Regions[i]
	}
	return r, nil
}

func (r *Resolver) now() model.Time { return model.NewTime(r.Now()) }

// Query answers the fields of Query.
func (r *Resolver) Query() graph.QueryResolver { return queryResolver{r} }

// Mutation answers the fields of Mutation.
func (r *Resolver) Mutation() graph.MutationResolver { return mutationResolver{r} }

// Subscription answers the fields of Subscription.
func (r *Resolver) Subscription() graph.SubscriptionResolver { return subscriptionResolver{r} }

// Viewer answers the fields of Viewer that need more than the person.
func (r *Resolver) Viewer() graph.ViewerResolver { return viewerResolver{r} }

// Inbox answers the lists of an inbox.
func (r *Resolver) Inbox() graph.InboxResolver { return inboxResolver{r} }

// Notification answers what happened to a notification on its channels.
func (r *Resolver) Notification() graph.NotificationResolver { return notificationResolver{r} }

type (
	queryResolver        struct{ *Resolver }
	mutationResolver     struct{ *Resolver }
	subscriptionResolver struct{ *Resolver }
	viewerResolver       struct{ *Resolver }
	inboxResolver        struct{ *Resolver }
	notificationResolver struct{ *Resolver }
)

// userErrors splits an error of a service: what the caller asked wrongly, and everything else.
// It answers an empty list, never nil, when there is nothing to tell.
func userErrors(err error) ([]model.UserError, error) {
	if err == nil {
		return []model.UserError{}, nil
	}
	if many, ok := errors.AsType[model.UserErrors](err); ok {
		return many, nil
	}
	if one, ok := errors.AsType[*model.UserError](err); ok {
		return []model.UserError{*one}, nil
	}
	return nil, err
}
