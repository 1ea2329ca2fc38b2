package resolvers

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/heffl/bff/internal/mail"
	"github.com/heffl/bff/model"
)

// Limits of syncUsers.
const (
	maxUsers      = 1000
	maxWorkspaces = 1000
	maxName       = 200
)

// SyncUsers takes over people and workspaces from Heffl's directory: all of them or none.
func (r mutationResolver) SyncUsers(ctx context.Context, in model.SyncUsersInput) (*model.SyncUsersPayload, error) {
	workspaces, users, err := r.planSync(ctx, in)
	problems, err := userErrors(err)
	if err != nil {
		return nil, err
	}
	if len(problems) > 0 {
		return &model.SyncUsersPayload{UserErrors: problems}, nil
	}
	synced, deactivated, err := r.Users.SyncUsers(ctx, workspaces, users, r.now())
	if err != nil {
		return nil, err
	}
	if len(deactivated) > 0 {
		r.Live.Deactivated(deactivated)
	}
	return &model.SyncUsersPayload{Synced: int32(synced), UserErrors: problems}, nil //nolint:gosec // at most maxUsers
}

func (r *Resolver) planSync(ctx context.Context, in model.SyncUsersInput) ([]model.SyncedWorkspace, []model.SyncedUser, error) {
	if len(in.Users) > maxUsers {
		return nil, nil, model.UserErrorf(model.UserErrorCodeTooMany, []string{"input", "users"}, "At most %d users fit into one request.", maxUsers)
	}
	workspaceInputs := in.Workspaces.Value()
	if len(workspaceInputs) > maxWorkspaces {
		return nil, nil, model.UserErrorf(model.UserErrorCodeTooMany, []string{"input", "workspaces"}, "At most %d workspaces fit into one request.", maxWorkspaces)
	}
	var problems model.UserErrors
	workspaces := make([]model.SyncedWorkspace, 0, len(workspaceInputs))
	for i, w := range workspaceInputs {
		path := []string{"input", "workspaces", strconv.Itoa(i)}
		if _, err := workspaceFor(ctx, &w.ID, append(path, "id")); err != nil {
			if problems, err = collect(problems, err); err != nil {
				return nil, nil, err
			}
			continue
		}
		if problem := checkName(w.Name, append(path, "name")); problem != nil {
			problems = append(problems, *problem)
		}
		workspaces = append(workspaces, model.SyncedWorkspace{ExternalID: w.ID, Name: w.Name})
	}
	users := make([]model.SyncedUser, 0, len(in.Users))
	seen := map[[2]string]bool{}
	for i := range in.Users {
		path := []string{"input", "users", strconv.Itoa(i)}
		user, found, err := r.planUser(ctx, &in.Users[i], path)
		if err != nil {
			return nil, nil, err
		}
		key := [2]string{user.WorkspaceID, user.ExternalID}
		if seen[key] {
			found = append(found, *model.UserErrorf(model.UserErrorCodeContradictoryChanges, append(path, "id"), "The same user is in the list twice."))
		}
		seen[key] = true
		problems = append(problems, found...)
		users = append(users, user)
	}
	if len(problems) > 0 {
		return nil, nil, problems
	}
	return workspaces, users, nil
}

// planUser checks one person; problems are the caller's, err is not.
func (r *Resolver) planUser(ctx context.Context, in *model.UserInput, path []string) (model.SyncedUser, model.UserErrors, error) {
	var problems model.UserErrors
	workspace, err := workspaceFor(ctx, in.WorkspaceID.Value(), append(path, "workspaceId"))
	if err != nil {
		if problems, err = collect(problems, err); err != nil {
			return model.SyncedUser{}, nil, err
		}
	}
	user := model.SyncedUser{WorkspaceID: workspace, ExternalID: in.ID, Name: in.Name, Active: true}
	if active := in.Active.Value(); active != nil {
		user.Active = *active
	}
	if !model.ValidExternalID(in.ID) {
		problems = append(problems, *model.UserErrorf(model.UserErrorCodeInvalidField, append(path, "id"), "A user id has 1 to 128 characters and no control characters."))
	}
	if problem := checkName(in.Name, append(path, "name")); problem != nil {
		problems = append(problems, *problem)
	}
	if email := in.Email.Value(); email != nil && *email != "" {
		if !mail.Usable(*email) {
			problems = append(problems, *model.UserErrorf(model.UserErrorCodeInvalidField, append(path, "email"), "This is no e-mail address that mail can be sent to."))
		}
		user.Email = *email
	}
	if zone := in.TimeZone.Value(); zone != nil && *zone != "" {
		if _, err := time.LoadLocation(*zone); err != nil || *zone == "Local" {
			problems = append(problems, *model.UserErrorf(model.UserErrorCodeInvalidField, append(path, "timeZone"), "This is no IANA time zone; one looks like Asia/Dubai."))
		}
		user.TimeZone = *zone
	}
	return user, problems, nil
}

// collect adds what the caller can mend to problems and answers anything else as an error.
func collect(problems model.UserErrors, err error) (model.UserErrors, error) {
	found, err := userErrors(err)
	return append(problems, found...), err
}

func checkName(name string, path []string) *model.UserError {
	if strings.TrimSpace(name) == "" || !model.ValidText(name, maxName) {
		return model.UserErrorf(model.UserErrorCodeInvalidField, path, "A name has 1 to %d characters and no control characters.", maxName)
	}
	return nil
}
