package inbox

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

const (
	defaultPage = 20
	maxPage     = 100
)

// Page is one page of the person's notifications, newest first. Arguments that make no sense are BAD_USER_INPUT.
func (s *Service) Page(ctx context.Context, userID uuid.UUID, args model.PageArgs) (*model.NotificationConnection, error) {
	query, limit, err := s.query(userID, args)
	if err != nil {
		return nil, err
	}
	page, err := s.config.Store.InboxPage(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("read page: %w", err)
	}
	rows, more := page.Notifications, page.More
	if len(rows) > limit { // of an empty page only `more` is of interest
		rows, more = nil, true
	}
	s.decorate(rows)
	if args.Outcomes {
		for i := range rows { // the first call reads what all of them need
			if rows[i].Outcomes, err = s.Outcomes(ctx, &rows[i]); err != nil {
				return nil, err
			}
		}
	}
	connection := &model.NotificationConnection{Nodes: rows, Edges: make([]model.NotificationEdge, len(rows))}
	if rows == nil {
		connection.Nodes = []model.Notification{}
	}
	for i := range rows {
		connection.Edges[i] = model.NotificationEdge{Cursor: encodePosition(positionOf(&rows[i], query.OutOfInbox), query.OutOfInbox), Node: rows[i]}
	}
	if n := len(rows); n > 0 {
		connection.PageInfo.StartCursor, connection.PageInfo.EndCursor = &connection.Edges[0].Cursor, &connection.Edges[n-1].Cursor
	}
	other := false
	if !args.OneWay {
		if other, err = s.otherWay(ctx, query, rows); err != nil {
			return nil, err
		}
	}
	connection.PageInfo.HasNextPage, connection.PageInfo.HasPreviousPage = more, other
	if query.Backward {
		connection.PageInfo.HasNextPage, connection.PageInfo.HasPreviousPage = other, more
	}
	return connection, nil
}

// otherWay reports whether there is something on the side that the page was not read towards.
func (s *Service) otherWay(ctx context.Context, q model.InboxQuery, rows []model.Notification) (bool, error) {
	start := q.After
	if q.Backward {
		start = q.Before
	}
	if start == nil {
		return false, nil // the page begins at the end of the list
	}
	edge := shifted(*start, q.Backward, q.OutOfInbox) // where nothing was found, what was named counts too
	if n := len(rows); n > 0 {
		edge = positionOf(&rows[0], q.OutOfInbox)
		if q.Backward {
			edge = positionOf(&rows[n-1], q.OutOfInbox)
		}
	}
	q.Limit, q.Backward = 1, !q.Backward
	q.After, q.Before = nil, &edge
	if !q.Backward {
		q.After, q.Before = &edge, nil
	}
	page, err := s.config.Store.InboxPage(ctx, q)
	if err != nil {
		return false, fmt.Errorf("look beyond page: %w", err)
	}
	return len(page.Notifications) > 0, nil
}

// query checks the arguments. limit may be 0, which no query has.
func (s *Service) query(userID uuid.UUID, args model.PageArgs) (q model.InboxQuery, limit int, err error) {
	q = model.InboxQuery{UserID: userID}
	limit = defaultPage
	switch {
	case args.First != nil && args.Last != nil:
		return q, 0, model.Errorf(model.CodeBadUserInput, "Give either first or last, not both.")
	case args.First != nil:
		limit, err = size("first", *args.First)
	case args.Last != nil:
		q.Backward = true
		limit, err = size("last", *args.Last)
	}
	if err != nil {
		return q, 0, err
	}
	q.Limit = max(1, limit)
	if err := s.filter(&q, args.Filter); err != nil {
		return q, 0, err
	}
	if q.After, err = position("after", args.After, q.OutOfInbox); err != nil {
		return q, 0, err
	}
	q.Before, err = position("before", args.Before, q.OutOfInbox)
	return q, limit, err
}

func size(name string, n int32) (int, error) {
	if n < 0 || n > maxPage {
		return 0, model.Errorf(model.CodeBadUserInput, "%s must be between 0 and %d.", name, maxPage)
	}
	return int(n), nil
}

func position(name string, cursor *string, outOfInbox bool) (*model.PagePosition, error) {
	if cursor == nil {
		return nil, nil //nolint:nilnil // no cursor is no error
	}
	p, ok := decodePosition(*cursor, outOfInbox)
	if !ok {
		return nil, model.Errorf(model.CodeBadUserInput, "%s must be a cursor of an edge of the same list.", name)
	}
	return &p, nil
}

// filter turns the filter into a query. Absent and null mean the same.
func (s *Service) filter(q *model.InboxQuery, f *model.NotificationFilter) error {
	unarchived := false
	if f == nil {
		q.Archived = &unarchived
		return nil
	}
	if inApp := f.InApp.Value(); inApp != nil {
		q.OutOfInbox = !*inApp
	}
	q.Read, q.Archived = f.Read.Value(), f.Archived.Value()
	if q.Archived == nil && !q.OutOfInbox {
		q.Archived = &unarchived
	}
	types, categories := f.EventTypes.Value(), f.Categories.Value()
	for _, t := range types {
		if _, _, ok := s.config.Catalog.EventMeta(t); !ok {
			return model.Errorf(model.CodeBadUserInput, "filter.eventTypes has an event type that does not exist: %s.", quoted(t))
		}
	}
	if types != nil {
		q.EventTypes = distinct(types)
	}
	if categories == nil {
		return nil
	}
	within := make([]string, 0, len(categories))
	for _, c := range distinct(categories) {
		of := s.config.Catalog.TypesIn(c)
		if len(of) == 0 {
			return model.Errorf(model.CodeBadUserInput, "filter.categories has a category that does not exist: %s.", quoted(c))
		}
		within = append(within, of...)
	}
	if types == nil {
		q.EventTypes = within
	} else {
		q.EventTypes = slices.DeleteFunc(q.EventTypes, func(t string) bool { return !slices.Contains(within, t) })
	}
	return nil
}

// distinct is never nil.
func distinct(all []string) []string {
	once := append(make([]string, 0, len(all)), all...)
	slices.Sort(once)
	return slices.Compact(once)
}

// quoted echoes a little of what was asked.
func quoted(s string) string {
	const most = 64
	if len(s) > most {
		s = s[:most] + "…"
	}
	return fmt.Sprintf("%q", s)
}
