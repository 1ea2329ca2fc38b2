package frames

import (
	"context"
	"errors"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/heffl/bff/internal/httpd"
	"github.com/heffl/bff/internal/live"
	"github.com/heffl/bff/model"
	"github.com/heffl/bff/model/projection"
)

// needsResolver is the field of a notification that is no plain data.
const needsResolver = "channels"

// Hub is what the subscriptions follow.
type Hub interface {
	AttachInbox(v model.Viewer, after *model.Cursor, sink live.Sink) (*live.Attachment, error)
	AttachReceived(v model.Viewer, after *model.Cursor, sink live.Sink) (*live.Attachment, error)
}

// Config is what a provider needs; every field is required.
type Config struct {
	Hub Hub
	// Viewer is the person who asks and may subscribe; false leaves the answer to the executor.
	Viewer func(ctx context.Context) (model.Viewer, bool)
	// Present makes an error ready for clients.
	Present graphql.ErrorPresenterFunc
}

// Provider makes sources for subscriptions. It is safe for concurrent use.
type Provider struct {
	config Config
	shapes projection.Memo[ast.OperationDefinition, *shape]
}

var _ httpd.FrameProvider = (*Provider)(nil)

// New makes a provider.
func New(c Config) (*Provider, error) {
	if c.Hub == nil || c.Viewer == nil || c.Present == nil {
		return nil, errors.New("frames: Hub, Viewer and Present are required")
	}
	return &Provider{config: c}, nil
}

// Frames is the source of a subscription, or false to have it executed.
func (p *Provider) Frames(ctx context.Context, op *graphql.OperationContext) (httpd.FrameSource, bool) {
	field, ok := soleField(op.Operation.SelectionSet)
	if !ok {
		return nil, false
	}
	viewer, ok := p.config.Viewer(ctx)
	if !ok {
		return nil, false
	}
	s := &source{provider: p, viewer: viewer, received: field.Name == "notificationReceived"}
	if s.shape, ok = p.shapeOf(op, field); !ok {
		return nil, false
	}
	if after, given := field.ArgumentMap(op.Variables)["after"]; given && after != nil {
		s.after = new(model.Cursor)
		if err := s.after.UnmarshalGQL(after); err != nil {
			return nil, false
		}
	}
	return s, true
}

// soleField is the only field of a plainly written subscription.
func soleField(sel ast.SelectionSet) (*ast.Field, bool) {
	if len(sel) != 1 {
		return nil, false
	}
	field, ok := sel[0].(*ast.Field)
	if !ok || len(field.Directives) > 0 || field.Name != "inboxChanged" && field.Name != "notificationReceived" {
		return nil, false
	}
	return field, true
}

// shape is how the changes of one subscription are written.
type shape struct {
	head                                string
	received, updated, allRead, restart *projection.Plan
	shared                              sharedTexts
}

const tail = "}}"

func (p *Provider) shapeOf(op *graphql.OperationContext, field *ast.Field) (*shape, bool) {
	if known, ok := p.shapes.Get(op.Operation); ok {
		return known, true
	}
	s := &shape{head: `{"data":{"` + field.Alias + `":`}
	var errs [4]error
	s.received, errs[0] = projection.Compile[model.NotificationReceived](op, field.SelectionSet, needsResolver)
	if field.Name == "inboxChanged" {
		s.updated, errs[1] = projection.Compile[model.NotificationsUpdated](op, field.SelectionSet, needsResolver)
		s.allRead, errs[2] = projection.Compile[model.AllNotificationsRead](op, field.SelectionSet, needsResolver)
		s.restart, errs[3] = projection.Compile[model.InboxReset](op, field.SelectionSet, needsResolver)
	}
	if errors.Join(errs[:]...) != nil {
		return nil, false
	}
	for _, plan := range []*projection.Plan{s.received, s.updated, s.allRead, s.restart} {
		if plan != nil && plan.Varies {
			return s, true // good for these variables only
		}
	}
	return p.shapes.Put(op.Operation, s), true
}

// append writes a change as a whole response; false when the subscription does not hear of such changes.
func (s *shape) append(b []byte, change model.InboxChange) ([]byte, bool) {
	b = append(b, s.head...)
	switch c := change.(type) {
	case *model.NotificationReceived:
		b = s.shared.append(b, s.received, c)
	case *model.NotificationsUpdated:
		b = s.updated.Append(b, c)
	case *model.AllNotificationsRead:
		b = s.allRead.Append(b, c)
	case *model.InboxReset:
		b = s.restart.Append(b, c)
	default:
		return b, false
	}
	return append(b, tail...), true
}
