package app

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/heffl/bff/internal/auth"
	"github.com/heffl/bff/internal/sandbox"
	"github.com/heffl/bff/model"
)

// The client that the sandbox accepts. It opens nothing but the sandbox.
const (
	sandboxPrefix       = "/sandbox"
	sandboxClientID     = "1000.SANDBOX"
	sandboxClientSecret = "sandbox-secret"
)

// demoWorkspace is the workspace that development begins with.
var demoWorkspace = model.SyncedWorkspace{ExternalID: "acme", Name: "Acme Trading"}

// demoUsers are its people. The first one may do everything.
var demoUsers = []model.SyncedUser{
	{WorkspaceID: "acme", ExternalID: "u_ada", Name: "Ada Lovelace", Email: "ada@acme.test", TimeZone: "Europe/London", Active: true},
	{WorkspaceID: "acme", ExternalID: "u_grace", Name: "Grace Hopper", Email: "grace@acme.test", TimeZone: "Asia/Dubai", Active: true},
}

// development is what only development has.
type development struct {
	sandbox    *sandbox.Sandbox
	sandboxURL string
	mail       *sandbox.Mail
	key        []byte // signs tokens; nil when tokens are somebody else's
}

// startDevelopment makes the demo users and starts the stand-ins. Production has none of it.
func (a *App) startDevelopment(ctx context.Context) error {
	if a.config.Production {
		return nil
	}
	if _, _, err := a.store.SyncUsers(ctx, []model.SyncedWorkspace{demoWorkspace}, demoUsers, model.NewTime(a.now())); err != nil {
		return fmt.Errorf("make the demo users: %w", err)
	}
	d := &development{sandboxURL: a.public.String() + sandboxPrefix}
	var err error
	if a.config.JWKSURL == nil {
		if d.key, err = auth.LoadOrCreateKey(a.config.DataDir); err != nil {
			return fmt.Errorf("load the signing key: %w", err)
		}
	}
	if d.mail, err = sandbox.NewMail(sandbox.MailConfig{Now: a.now, Logger: a.logger}); err != nil { //nolint:contextcheck // it lives until Close
		return fmt.Errorf("start the mailbox: %w", err)
	}
	a.onStop(func(context.Context) { _ = d.mail.Close() })
	d.sandbox, err = sandbox.New(sandbox.Config{
		BaseURL: func() string { return d.sandboxURL }, Prefix: sandboxPrefix,
		Clients:      []sandbox.Client{{ID: sandboxClientID, Secret: sandboxClientSecret}},
		RedirectURIs: []string{a.public.String() + callbackPath}, Mail: d.mail, Now: a.now, Logger: a.logger,
		Catalog: a.eventForms(), Users: func(context.Context) []sandbox.DemoUser { return demoPeople() }, Fire: a.fire,
	})
	if err != nil {
		return fmt.Errorf("start the sandbox: %w", err)
	}
	a.onStop(func(context.Context) { d.sandbox.Close() })
	a.development = d
	return nil
}

// demoIdentity is what a token of a demo user says. Somebody unknown becomes a new user of the same workspace.
func demoIdentity(userID string, scopes []auth.Scope, expires time.Time) auth.Identity {
	id := auth.Identity{UserExternalID: userID, WorkspaceExternalID: demoWorkspace.ExternalID, WorkspaceName: demoWorkspace.Name, Scopes: scopes, ExpiresAt: expires}
	for _, u := range demoUsers {
		if u.ExternalID == userID {
			id.Name, id.Email = u.Name, u.Email
		}
	}
	return id
}

// demoToken is one entry of /playground/users.json.
type demoToken struct {
	ID        string       `json:"id"`
	Name      string       `json:"name"`
	Workspace string       `json:"workspace"`
	Scopes    []auth.Scope `json:"scopes"`
	Token     string       `json:"token"`
}

// playgroundUsers answers fresh tokens of the demo users, for the user pickers of the pages.
func (a *App) playgroundUsers() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		users := make([]demoToken, 0, len(demoUsers))
		for i, u := range demoUsers {
			scopes := []auth.Scope{}
			if i == 0 {
				scopes = []auth.Scope{auth.ScopeAdmin, auth.ScopeEventsWrite, auth.ScopeUsersWrite}
			}
			token, err := auth.Mint(a.development.key, demoIdentity(u.ExternalID, scopes, a.now().Add(12*time.Hour)), a.now())
			if err != nil {
				a.logger.ErrorContext(r.Context(), "demo token cannot be made", slog.Any("error", err))
				w.WriteHeader(http.StatusInternalServerError)
				return
			}
			users = append(users, demoToken{ID: u.ExternalID, Name: u.Name, Workspace: demoWorkspace.Name, Scopes: scopes, Token: token})
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		_ = json.NewEncoder(w).Encode(users)
	})
}

func demoPeople() []sandbox.DemoUser {
	people := make([]sandbox.DemoUser, 0, len(demoUsers))
	for _, u := range demoUsers {
		people = append(people, sandbox.DemoUser{ID: u.ExternalID, Name: u.Name, Email: u.Email, WorkspaceID: demoWorkspace.ExternalID, WorkspaceName: demoWorkspace.Name})
	}
	return people
}
