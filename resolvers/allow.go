package resolvers

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"github.com/heffl/bff/internal/auth"
	"github.com/heffl/bff/model"
)

// Allow is the directive @allow: it lets a root field run only for those it is meant for. A test fails on a root
// field without it.
func (r *Resolver) Allow(ctx context.Context, _ any, next graphql.Resolver, scope model.Scope) (any, error) {
	if scope == model.ScopePublic {
		return next(ctx)
	}
	id, ok := auth.From(ctx)
	if !ok {
		return nil, model.Errorf(model.CodeUnauthenticated, "Sign in: this needs a token in the Authorization header, the session cookie or connection_init.")
	}
	switch scope {
	case model.ScopePublic:
	case model.ScopeUser, model.ScopeAdmin:
		if _, isPerson := viewerFrom(ctx); !isPerson {
			return nil, model.Errorf(model.CodeForbidden, "This is for people: the token names no workspace that its user belongs to (claim wid).")
		}
		if scope == model.ScopeAdmin && !id.Has(auth.ScopeAdmin) {
			return nil, missingScope(auth.ScopeAdmin)
		}
	case model.ScopeEventsWrite:
		if !id.Has(auth.ScopeEventsWrite) {
			return nil, missingScope(auth.ScopeEventsWrite)
		}
	case model.ScopeUsersWrite:
		if !id.Has(auth.ScopeUsersWrite) {
			return nil, missingScope(auth.ScopeUsersWrite)
		}
	}
	return next(ctx)
}

func missingScope(scope auth.Scope) error {
	return model.Errorf(model.CodeForbidden, "This needs a token with the scope %s.", string(scope))
}

// workspaceFor is Heffl's id of the workspace that a writing token means: its own, or the one it names when it
// serves several. field is the path of the workspaceId in the input.
func workspaceFor(ctx context.Context, asked *string, field []string) (string, error) {
	id, ok := auth.From(ctx)
	if !ok {
		return "", model.Errorf(model.CodeUnauthenticated, "Sign in first.")
	}
	if asked == nil {
		if id.Service() {
			return "", model.UserErrorf(model.UserErrorCodeMissingField, field, "This token serves several workspaces: say which one is meant.")
		}
		return id.WorkspaceExternalID, nil
	}
	if !model.ValidExternalID(*asked) {
		return "", model.UserErrorf(model.UserErrorCodeUnknownWorkspace, field, "A workspace id has 1 to 128 characters and no control characters.")
	}
	if !id.MayUse(*asked) {
		return "", model.Errorf(model.CodeForbidden, "The token does not serve the workspace that the input names.")
	}
	return *asked, nil
}
