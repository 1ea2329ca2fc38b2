package inbox

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

// maxIDs is how many notifications one change names at most.
const maxIDs = 1000

// Store keeps inboxes. Its changes are transactions of their own, counted by the inbox.
type Store interface {
	Inbox(ctx context.Context, userID uuid.UUID) (model.Inbox, error)
	InboxPage(ctx context.Context, q model.InboxQuery) (model.InboxPage, error)
	// NotificationsByID keeps the order of the ids and leaves out what the person does not have.
	NotificationsByID(ctx context.Context, userID uuid.UUID, ids []uuid.UUID) ([]model.Notification, error)
	SetRead(ctx context.Context, userID uuid.UUID, ids []uuid.UUID, read bool, now model.Time) (model.InboxUpdate, error)
	SetArchived(ctx context.Context, userID uuid.UUID, ids []uuid.UUID, archived bool, now model.Time) (model.InboxUpdate, error)
	MarkAllRead(ctx context.Context, userID uuid.UUID, upTo int64, now model.Time) (model.InboxMarkResult, error)
	Deliveries(ctx context.Context, userID uuid.UUID, notificationIDs []uuid.UUID) ([]model.Delivery, error)
}

// Publisher tells the person's other devices about a change that was committed. It neither waits nor fails.
type Publisher interface {
	// Changed: the change with this number altered notifications.
	Changed(ctx context.Context, inbox model.Inbox, seq int64)
	// Marked: everything up to a position was read.
	Marked(ctx context.Context, inbox model.Inbox, mark model.InboxMark)
}

// Catalog knows the event types.
type Catalog interface {
	// EventMeta is the category and the importance of an event type.
	EventMeta(eventType string) (category string, importance model.Importance, ok bool)
	// TypesIn are the event types of a category; none when there is no such category.
	TypesIn(category string) []string
}

// Config is what the service needs. Every field is required.
type Config struct {
	Store     Store
	Publisher Publisher
	Catalog   Catalog
	Epoch     model.Epoch
	// AppURL is where the app lives, without a slash at the end: notifications link into it.
	AppURL string
	Now    func() time.Time
}

// Service is the inbox of everybody. Its methods may be called by any number of goroutines.
type Service struct{ config Config }

// New makes a service.
func New(c Config) (*Service, error) {
	if c.Store == nil || c.Publisher == nil || c.Catalog == nil || c.AppURL == "" || c.Now == nil {
		return nil, errors.New("inbox: Store, Publisher, Catalog, AppURL and Now are required")
	}
	c.AppURL = strings.TrimRight(c.AppURL, "/")
	return &Service{config: c}, nil
}

// Inbox is the person's inbox. Whatever is listed after it is at least as new as its cursor.
func (s *Service) Inbox(ctx context.Context, userID uuid.UUID) (*model.Inbox, error) {
	inbox, err := s.config.Store.Inbox(ctx, userID)
	if err != nil {
		return nil, fmt.Errorf("read inbox: %w", err)
	}
	s.point(&inbox, userID)
	return &inbox, nil
}

// Located is an inbox that was read together with its owner, with its cursor.
func (s *Service) Located(inbox model.Inbox) *model.Inbox {
	s.point(&inbox, inbox.UserID)
	return &inbox
}

// point fills in what an inbox does not have from the database.
func (s *Service) point(inbox *model.Inbox, userID uuid.UUID) {
	inbox.UserID = userID
	inbox.Cursor = model.NewCursor(s.config.Epoch, userID, inbox.LastSeq)
}

// Notifications are those of the ids that the person has, in the order asked.
func (s *Service) Notifications(ctx context.Context, userID uuid.UUID, ids []uuid.UUID) ([]model.Notification, error) {
	found, err := s.config.Store.NotificationsByID(ctx, userID, ids)
	if err != nil {
		return nil, fmt.Errorf("read notifications: %w", err)
	}
	s.decorate(found)
	return found, nil
}

// SetRead marks notifications read or unread. What can be done is done; each id that names nothing of this person is
// a user error.
func (s *Service) SetRead(ctx context.Context, userID uuid.UUID, ids []string, read bool) (model.InboxResult, []model.UserError, error) {
	return s.change(ctx, userID, ids, func(known []uuid.UUID, now model.Time) (model.InboxUpdate, error) {
		return s.config.Store.SetRead(ctx, userID, known, read, now)
	})
}

// SetArchived takes notifications out of the list or brings them back, under the rules of SetRead.
func (s *Service) SetArchived(ctx context.Context, userID uuid.UUID, ids []string, archived bool) (model.InboxResult, []model.UserError, error) {
	return s.change(ctx, userID, ids, func(known []uuid.UUID, now model.Time) (model.InboxUpdate, error) {
		return s.config.Store.SetArchived(ctx, userID, known, archived, now)
	})
}

func (s *Service) change(
	ctx context.Context, userID uuid.UUID, ids []string, do func([]uuid.UUID, model.Time) (model.InboxUpdate, error),
) (model.InboxResult, []model.UserError, error) {
	if len(ids) > maxIDs {
		inbox, err := s.Inbox(ctx, userID)
		if err != nil {
			return model.InboxResult{}, nil, err
		}
		problem := model.UserErrorf(model.UserErrorCodeTooMany, []string{"input", "ids"}, "At most %d notifications can be changed at once, these are %d.", maxIDs, len(ids))
		return model.InboxResult{Inbox: *inbox, Notifications: []model.Notification{}}, []model.UserError{*problem}, nil
	}
	known := make([]uuid.UUID, 0, len(ids))
	seen := make(map[uuid.UUID]bool, len(ids))
	for _, id := range ids {
		if u, ok := model.ParseIDOf(model.KindNotification, id); ok && !seen[u] {
			seen[u] = true
			known = append(known, u)
		}
	}
	update, err := do(known, model.NewTime(s.config.Now()))
	if err != nil {
		return model.InboxResult{}, nil, fmt.Errorf("change notifications: %w", err)
	}
	s.point(&update.Inbox, userID)
	if update.Seq > 0 {
		s.config.Publisher.Changed(ctx, update.Inbox, update.Seq)
	}
	for _, u := range update.Missing {
		seen[u] = false
	}
	var problems []model.UserError
	for i, id := range ids {
		if u, ok := model.ParseIDOf(model.KindNotification, id); !ok || !seen[u] {
			field := []string{"input", "ids", strconv.Itoa(i)}
			problems = append(problems, *model.UserErrorf(model.UserErrorCodeNotFound, field, "There is no such notification."))
		}
	}
	if update.Notifications == nil {
		update.Notifications = []model.Notification{}
	}
	s.decorate(update.Notifications)
	return model.InboxResult{Inbox: update.Inbox, Notifications: update.Notifications}, problems, nil
}

// MarkAllRead marks everything read that came up to a cursor, and nothing that came after.
func (s *Service) MarkAllRead(ctx context.Context, userID uuid.UUID, upTo model.Cursor) (model.MarkAllResult, []model.UserError, error) {
	position, ok := upTo.Position(s.config.Epoch, userID)
	inbox, err := s.Inbox(ctx, userID)
	if err != nil {
		return model.MarkAllResult{}, nil, err
	}
	if !ok || position > inbox.LastSeq {
		problem := model.UserErrorf(model.UserErrorCodeInvalidCursor, []string{"input", "upTo"}, "This is no cursor of your inbox. Read the inbox again and use its cursor.")
		return model.MarkAllResult{Inbox: *inbox, UpTo: inbox.Cursor}, []model.UserError{*problem}, nil
	}
	result, err := s.config.Store.MarkAllRead(ctx, userID, position, model.NewTime(s.config.Now()))
	if err != nil {
		return model.MarkAllResult{}, nil, fmt.Errorf("mark all read: %w", err)
	}
	s.point(&result.Inbox, userID)
	out := model.MarkAllResult{
		Inbox: result.Inbox, UpTo: model.NewCursor(s.config.Epoch, userID, position), Changed: result.Changed,
	}
	if result.Seq > 0 {
		out.ReadAt = result.ReadAt.Ptr()
		s.config.Publisher.Marked(ctx, result.Inbox, model.InboxMark{UserID: userID, Seq: result.Seq, UpTo: position, ReadAt: result.ReadAt})
	}
	return out, nil, nil
}

// Decorate fills in what a notification does not have from the database: category, importance and absolute link. An
// event type that left the catalog keeps its notifications, without a category.
func (s *Service) Decorate(n *model.Notification) {
	n.Category, n.Importance, _ = s.config.Catalog.EventMeta(n.Event.Type)
	if n.Importance == "" {
		n.Importance = model.ImportanceNoisy
	}
	n.URL = s.config.AppURL + n.Event.Path
}

func (s *Service) decorate(notifications []model.Notification) {
	for i := range notifications {
		s.Decorate(&notifications[i])
	}
	model.Together(notifications)
}
