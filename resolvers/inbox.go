package resolvers

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"

	"github.com/heffl/bff/model"
	"github.com/heffl/bff/model/projection"
)

// Inboxes is what the resolvers need of the inboxes. Errors that the caller can mend are model.UserErrors.
type Inboxes interface {
	Inbox(ctx context.Context, userID uuid.UUID) (*model.Inbox, error)
	// Located gives an inbox that was read together with its owner its cursor.
	Located(inbox model.Inbox) *model.Inbox
	Page(ctx context.Context, userID uuid.UUID, args model.PageArgs) (*model.NotificationConnection, error)
	// SetRead and SetArchived do what they can: missing ids come back as user errors beside the result.
	SetRead(ctx context.Context, userID uuid.UUID, ids []string, read bool) (model.InboxResult, []model.UserError, error)
	SetArchived(ctx context.Context, userID uuid.UUID, ids []string, archived bool) (model.InboxResult, []model.UserError, error)
	MarkAllRead(ctx context.Context, userID uuid.UUID, upTo model.Cursor) (model.MarkAllResult, []model.UserError, error)
	// Notifications are those of the ids that the person has, in the order asked.
	Notifications(ctx context.Context, userID uuid.UUID, ids []uuid.UUID) ([]model.Notification, error)
	// Outcomes says what happened on every channel; those of one page are read together.
	Outcomes(ctx context.Context, n *model.Notification) ([]model.ChannelOutcome, error)
}

// Notifications is one page of the inbox.
func (r inboxResolver) Notifications(ctx context.Context, inbox *model.Inbox, first *int32, after *string, last *int32, before *string, filter *model.NotificationFilter) (*model.NotificationConnection, error) {
	selected := selection(ctx)
	beyond := "hasPreviousPage"
	if last != nil {
		beyond = "hasNextPage"
	}
	return r.Inboxes.Page(ctx, inbox.UserID, model.PageArgs{
		First: first, After: after, Last: last, Before: before, Filter: filter, OneWay: !selected(beyond), Outcomes: selected("channels"),
	})
}

// selection answers whether a field is selected anywhere below the one that is being answered.
func selection(ctx context.Context) func(name string) bool {
	op, field := graphql.GetOperationContext(ctx), graphql.GetFieldContext(ctx)
	return func(name string) bool { return projection.Selects(op, field.Field.Selections, name) }
}

// Channels is what happened to the notification on every channel, and why.
func (r notificationResolver) Channels(ctx context.Context, n *model.Notification) ([]model.ChannelOutcome, error) {
	return r.Inboxes.Outcomes(ctx, n)
}

// changeInbox runs one change of read or archive state for the viewer.
func (r *Resolver) changeInbox(ctx context.Context, change func(userID uuid.UUID) (model.InboxResult, []model.UserError, error)) (*model.Viewer, model.InboxResult, []model.UserError, error) {
	v, err := mustViewer(ctx)
	if err != nil {
		return nil, model.InboxResult{}, nil, err
	}
	result, problems, err := change(v.User.UUID)
	if problems == nil {
		problems = []model.UserError{}
	}
	return r.answer(ctx, *v), result, problems, err
}

// MarkNotificationsRead marks notifications read.
func (r mutationResolver) MarkNotificationsRead(ctx context.Context, in model.MarkNotificationsReadInput) (*model.MarkNotificationsReadPayload, error) {
	v, out, problems, err := r.changeInbox(ctx, func(user uuid.UUID) (model.InboxResult, []model.UserError, error) {
		return r.Inboxes.SetRead(ctx, user, in.Ids, true)
	})
	if err != nil {
		return nil, err
	}
	return &model.MarkNotificationsReadPayload{Inbox: out.Inbox, Notifications: out.Notifications, Viewer: *v, UserErrors: problems}, nil
}

// MarkNotificationsUnread marks notifications unread.
func (r mutationResolver) MarkNotificationsUnread(ctx context.Context, in model.MarkNotificationsUnreadInput) (*model.MarkNotificationsUnreadPayload, error) {
	v, out, problems, err := r.changeInbox(ctx, func(user uuid.UUID) (model.InboxResult, []model.UserError, error) {
		return r.Inboxes.SetRead(ctx, user, in.Ids, false)
	})
	if err != nil {
		return nil, err
	}
	return &model.MarkNotificationsUnreadPayload{Inbox: out.Inbox, Notifications: out.Notifications, Viewer: *v, UserErrors: problems}, nil
}

// ArchiveNotifications takes notifications out of the list.
func (r mutationResolver) ArchiveNotifications(ctx context.Context, in model.ArchiveNotificationsInput) (*model.ArchiveNotificationsPayload, error) {
	v, out, problems, err := r.changeInbox(ctx, func(user uuid.UUID) (model.InboxResult, []model.UserError, error) {
		return r.Inboxes.SetArchived(ctx, user, in.Ids, true)
	})
	if err != nil {
		return nil, err
	}
	return &model.ArchiveNotificationsPayload{Inbox: out.Inbox, Notifications: out.Notifications, Viewer: *v, UserErrors: problems}, nil
}

// UnarchiveNotifications brings notifications back into the list.
func (r mutationResolver) UnarchiveNotifications(ctx context.Context, in model.UnarchiveNotificationsInput) (*model.UnarchiveNotificationsPayload, error) {
	v, out, problems, err := r.changeInbox(ctx, func(user uuid.UUID) (model.InboxResult, []model.UserError, error) {
		return r.Inboxes.SetArchived(ctx, user, in.Ids, false)
	})
	if err != nil {
		return nil, err
	}
	return &model.UnarchiveNotificationsPayload{Inbox: out.Inbox, Notifications: out.Notifications, Viewer: *v, UserErrors: problems}, nil
}

// MarkAllNotificationsRead marks everything up to a cursor read, and nothing that came after.
func (r mutationResolver) MarkAllNotificationsRead(ctx context.Context, in model.MarkAllNotificationsReadInput) (*model.MarkAllNotificationsReadPayload, error) {
	v, err := mustViewer(ctx)
	if err != nil {
		return nil, err
	}
	out, problems, err := r.Inboxes.MarkAllRead(ctx, v.User.UUID, in.UpTo)
	if err != nil {
		return nil, err
	}
	if problems == nil {
		problems = []model.UserError{}
	}
	return &model.MarkAllNotificationsReadPayload{
		Inbox: out.Inbox, UpTo: out.UpTo, ReadAt: out.ReadAt, ChangedCount: out.Changed, Viewer: *r.answer(ctx, *v), UserErrors: problems,
	}, nil
}
