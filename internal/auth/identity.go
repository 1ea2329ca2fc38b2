package auth

import (
	"context"
	"slices"
	"time"
)

// Scope is a permission a token carries beyond being somebody.
type Scope string

// The scopes this server knows; others in a token are ignored.
const (
	ScopeAdmin       Scope = "admin"
	ScopeEventsWrite Scope = "events:write"
	ScopeUsersWrite  Scope = "users:write"
)

// Identity is what a verified token says. It names people and workspaces by Heffl's own ids.
type Identity struct {
	UserExternalID      string
	WorkspaceExternalID string // empty for a token that serves several workspaces
	WorkspaceName       string
	WorkspaceIDs        []string // the workspaces of a service token that names them
	AllWorkspaces       bool     // a service token for every workspace
	Name                string
	Email               string
	Scopes              []Scope
	ExpiresAt           time.Time
}

// Has reports whether the token carries the scope.
func (id Identity) Has(scope Scope) bool {
	return slices.Contains(id.Scopes, scope)
}

// Service reports whether the token belongs to one of Heffl's services and not to a person:
// it names workspaces it may write to but no workspace it lives in.
func (id Identity) Service() bool {
	return id.WorkspaceExternalID == ""
}

// MayUse reports whether the token may act in a workspace.
func (id Identity) MayUse(workspaceExternalID string) bool {
	if !id.Service() {
		return id.WorkspaceExternalID == workspaceExternalID
	}
	return id.AllWorkspaces || slices.Contains(id.WorkspaceIDs, workspaceExternalID)
}

// Same reports whether two tokens speak for the same user of the same workspace.
func (id Identity) Same(other Identity) bool {
	return id.UserExternalID == other.UserExternalID && id.WorkspaceExternalID == other.WorkspaceExternalID
}

type contextKey struct{}

// With puts the identity into the context.
func With(ctx context.Context, id Identity) context.Context {
	return context.WithValue(ctx, contextKey{}, &id)
}

// From gets the identity from the context; false is an anonymous request.
func From(ctx context.Context) (Identity, bool) {
	id, ok := ctx.Value(contextKey{}).(*Identity)
	if !ok {
		return Identity{}, false
	}
	return *id, true
}
