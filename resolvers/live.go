package resolvers

import (
	"context"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

// Live is what the resolvers need of the live hub. Its channels end when the context does, when the person is
// deactivated, or when the stream cannot go on; a stream that cannot begin answers an error.
type Live interface {
	InboxChanges(ctx context.Context, v model.Viewer, after *model.Cursor) (<-chan model.InboxChange, error)
	NotificationsReceived(ctx context.Context, v model.Viewer, after *model.Cursor) (<-chan *model.NotificationReceived, error)
	// ViewerChanges ticks when the person's settings, policy or integration changed, at most every 750 ms.
	ViewerChanges(ctx context.Context, v model.Viewer) (<-chan struct{}, error)
	// ViewerChanged tells every replica that a person's settings or integration changed. It never waits.
	ViewerChanged(userID uuid.UUID)
	// PolicyChanged tells everybody in the workspace that its rules changed. It never waits.
	PolicyChanged(workspaceID uuid.UUID)
	// Deactivated ends the streams of people on every replica. It never waits.
	Deactivated(userIDs []uuid.UUID)
}

// InboxChanged brings the viewer's inbox up to date and keeps it so.
func (r subscriptionResolver) InboxChanged(ctx context.Context, after *model.Cursor) (<-chan model.InboxChange, error) {
	v, err := mustViewer(ctx)
	if err != nil {
		return nil, err
	}
	return r.Live.InboxChanges(ctx, *v, after)
}

// NotificationReceived streams new in-app notifications only.
func (r subscriptionResolver) NotificationReceived(ctx context.Context, after *model.Cursor) (<-chan *model.NotificationReceived, error) {
	v, err := mustViewer(ctx)
	if err != nil {
		return nil, err
	}
	return r.Live.NotificationsReceived(ctx, *v, after)
}

// ViewerChanged streams the viewer as they are at once, then after every change.
func (r subscriptionResolver) ViewerChanged(ctx context.Context) (<-chan *model.Viewer, error) {
	v, err := mustViewer(ctx)
	if err != nil {
		return nil, err
	}
	ticks, err := r.Live.ViewerChanges(ctx, *v)
	if err != nil {
		return nil, err
	}
	out := make(chan *model.Viewer)
	go func() {
		defer close(out)
		// The first answer needs no tick: a subscriber sees how things are at once.
		for ok := true; ok; {
			current, found, err := r.Users.ViewerByID(ctx, v.User.UUID)
			if err != nil || !found || !current.User.Active {
				return
			}
			select {
			case out <- r.answer(ctx, current):
			case <-ctx.Done():
				return
			}
			select {
			case _, ok = <-ticks:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, nil
}
