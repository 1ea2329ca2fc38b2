package model

import (
	"context"
	"errors"
	"io"

	"github.com/heffl/bff/model/projection"
)

// The long lists of an answer. What is in them is plain data when they are answered, so they are rendered as a whole:
// without a goroutine for every element and without collecting the fields of every object anew.

// EventCategories are the categories of a settings page.
type EventCategories []EventCategory

// NotificationEdges are the edges of a page of notifications. Their notifications have Outcomes when `channels` is selected.
type NotificationEdges []NotificationEdge

// NotificationNodes are the notifications of a page, with Outcomes when `channels` is selected.
type NotificationNodes []Notification

// MarshalGQLContext writes the list as the selection of the field wants it.
func (l EventCategories) MarshalGQLContext(ctx context.Context, w io.Writer) error {
	return projection.Marshal(ctx, w, &l)
}

// MarshalGQLContext writes the list as the selection of the field wants it.
func (l NotificationEdges) MarshalGQLContext(ctx context.Context, w io.Writer) error {
	return projection.Marshal(ctx, w, &l)
}

// MarshalGQLContext writes the list as the selection of the field wants it.
func (l NotificationNodes) MarshalGQLContext(ctx context.Context, w io.Writer) error {
	return projection.Marshal(ctx, w, &l)
}

// errOutput is what the generator wants of a type that it marshals; these never are inputs.
var errOutput = errors.New("this is no input")

// UnmarshalGQLContext refuses: the type is no input.
func (l *EventCategories) UnmarshalGQLContext(context.Context, any) error { return errOutput }

// UnmarshalGQLContext refuses: the type is no input.
func (l *NotificationEdges) UnmarshalGQLContext(context.Context, any) error { return errOutput }

// UnmarshalGQLContext refuses: the type is no input.
func (l *NotificationNodes) UnmarshalGQLContext(context.Context, any) error { return errOutput }

// NotificationConnection is one page of notifications.
type NotificationConnection struct {
	Edges    NotificationEdges
	Nodes    NotificationNodes
	PageInfo PageInfo
}

// NotificationSettings is the whole settings page of a person.
type NotificationSettings struct {
	ID         string
	Revision   int32 // counts the person's own changes
	Channels   []ChannelSetting
	Categories EventCategories
}

// IsNode marks a thing that node(id:) finds.
func (NotificationSettings) IsNode() {}
