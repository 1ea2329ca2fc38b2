package resolvers

import (
	"context"
	"fmt"
	"sync"

	"github.com/google/uuid"

	"github.com/heffl/bff/internal/auth"
	"github.com/heffl/bff/model"
)

// Users is what the resolvers need of the directory.
type Users interface {
	// Admit finds the person a token speaks for and makes them when they are new.
	Admit(ctx context.Context, c model.Claims, now model.Time) (model.Viewer, error)
	ViewerByID(ctx context.Context, userID uuid.UUID) (model.Viewer, bool, error)
	SyncUsers(ctx context.Context, workspaces []model.SyncedWorkspace, users []model.SyncedUser, now model.Time) (synced int, deactivated []uuid.UUID, err error)
	WorkspaceByExternalID(ctx context.Context, externalID string) (model.Workspace, bool, error)
}

type viewerKey struct{}

// Admit finds the person behind a verified token and puts them into the context. A service token belongs to
// nobody: its context is answered as it is. A person who was deactivated is UNAUTHENTICATED.
func (r *Resolver) Admit(ctx context.Context, id auth.Identity) (context.Context, error) {
	if id.Service() {
		return ctx, nil
	}
	v, err := r.Users.Admit(ctx, model.Claims{
		UserID: id.UserExternalID, WorkspaceID: id.WorkspaceExternalID, WorkspaceName: id.WorkspaceName, Name: id.Name, Email: id.Email,
	}, r.now())
	if err != nil {
		return ctx, fmt.Errorf("admit user: %w", err)
	}
	if !v.User.Active {
		return ctx, model.Errorf(model.CodeUnauthenticated, "This account was deactivated.")
	}
	return context.WithValue(ctx, viewerKey{}, &v), nil
}

// viewerFrom is the person who asks; false for anonymous requests and for services.
func viewerFrom(ctx context.Context) (*model.Viewer, bool) {
	v, ok := ctx.Value(viewerKey{}).(*model.Viewer)
	return v, ok
}

// Subscriber is the person who asks, if they may subscribe to their inbox: what @allow(scope: USER) lets through.
func (r *Resolver) Subscriber(ctx context.Context) (model.Viewer, bool) {
	v, ok := viewerFrom(ctx)
	if !ok {
		return model.Viewer{}, false
	}
	return *v, true
}

// mustViewer is the person who asks. Fields below @allow(scope: USER) run only when there is one.
func mustViewer(ctx context.Context) (*model.Viewer, error) {
	v, ok := viewerFrom(ctx)
	if !ok {
		return nil, model.Errorf(model.CodeUnauthenticated, "Sign in first.")
	}
	return v, nil
}

// answer is a copy of v for one answer: its fields share one reading of the settings.
func (r *Resolver) answer(ctx context.Context, v model.Viewer) *model.Viewer {
	v.Found = nil
	v.Settings = sync.OnceValues(func() (model.SettingsSnapshot, error) { return r.Settings.Settings(ctx, v.User.UUID) })
	return &v
}

// snapshot is what decides about the person's settings, shared with the other fields of the answer.
func (r *Resolver) snapshot(ctx context.Context, v *model.Viewer) (model.SettingsSnapshot, error) {
	if v.Settings != nil {
		return v.Settings()
	}
	return r.Settings.Settings(ctx, v.User.UUID)
}

// Viewer is the person who asks.
func (r queryResolver) Viewer(ctx context.Context) (*model.Viewer, error) {
	v, err := mustViewer(ctx)
	if err != nil {
		return nil, err
	}
	answer := r.answer(ctx, *v)
	answer.Found = v.Found // a query changes nothing
	return answer, nil
}

// Integrations are all providers, connected or not.
func (r viewerResolver) Integrations(ctx context.Context, v *model.Viewer) ([]model.Integration, error) {
	cliq, err := r.Cliq(ctx, v)
	if err != nil {
		return nil, err
	}
	return []model.Integration{cliq}, nil
}

// Cliq is the person's connection to Zoho Cliq.
func (r viewerResolver) Cliq(ctx context.Context, v *model.Viewer) (*model.CliqIntegration, error) {
	snapshot, err := r.snapshot(ctx, v)
	if err != nil {
		return nil, err
	}
	return r.integration(snapshot.Connection), nil
}

// NotificationSettings is the whole settings page.
func (r viewerResolver) NotificationSettings(ctx context.Context, v *model.Viewer) (*model.NotificationSettings, error) {
	snapshot, err := r.snapshot(ctx, v)
	if err != nil {
		return nil, err
	}
	return r.settingsOf(snapshot), nil
}

// Inbox is the person's inbox; its cursor is read before any list of the same answer.
func (r viewerResolver) Inbox(ctx context.Context, v *model.Viewer) (*model.Inbox, error) {
	if v.Found != nil {
		return r.Inboxes.Located(*v.Found), nil
	}
	return r.Inboxes.Inbox(ctx, v.User.UUID)
}
