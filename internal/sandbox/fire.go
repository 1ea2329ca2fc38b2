package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// fireReport is the latest event fired from a page.
type fireReport struct {
	Label   string
	Request FireRequest
	Result  FireResult
}

// fireView is the form that fires an event, and what became of the last one.
type fireView struct {
	Categories []fireCategory
	Selected   EventForm
	Fields     []fireField
	Users      []DemoUser
	// Recipient and Actor are chosen in advance: two different people, because nobody is told of their own doing.
	Recipient string
	Actor     string
	Report    *fireReport
}

type fireCategory struct {
	Name   string
	Events []EventForm
}

type fireField struct {
	FormField

	Input string // the type of the input element
}

// fireView is nil when the application handed over nothing to fire with.
func (s *Sandbox) fireView(r *http.Request) *fireView {
	if s.cfg.Fire == nil || len(s.cfg.Catalog) == 0 {
		return nil
	}
	view := &fireView{Selected: s.cfg.Catalog[0]}
	if s.cfg.Users != nil {
		view.Users = s.cfg.Users(r.Context())
	}
	for _, event := range s.cfg.Catalog {
		if event.Type == r.URL.Query().Get("event") {
			view.Selected = event
		}
		i := slices.IndexFunc(view.Categories, func(c fireCategory) bool { return c.Name == event.Category })
		if i < 0 {
			view.Categories = append(view.Categories, fireCategory{Name: event.Category})
			i = len(view.Categories) - 1
		}
		view.Categories[i].Events = append(view.Categories[i].Events, event)
	}
	for _, field := range view.Selected.Fields {
		input := map[string]string{"integer": "number", "date": "date"}[field.Kind]
		if input == "" {
			input = "text"
		}
		view.Fields = append(view.Fields, fireField{field, input})
	}
	if len(view.Users) > 0 {
		view.Recipient = view.Users[0].ID
	}
	if len(view.Users) > 1 {
		view.Actor = view.Users[1].ID
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	view.Report = s.lastFire
	return view
}

func (s *Sandbox) postFire(w http.ResponseWriter, r *http.Request) {
	form, ok := s.form(w, r)
	if !ok {
		return
	}
	request := FireRequest{
		Type: form.Get("event"), ActorID: form.Get("actor"), Recipients: form["recipient"], Fields: make(map[string]string),
	}
	for name, values := range form {
		if field, ok := strings.CutPrefix(name, "field."); ok && values[0] != "" {
			request.Fields[field] = values[0]
		}
	}
	if len(request.Recipients) == 0 {
		s.notice(w, r, "Choose at least one recipient.")
		return
	}
	if s.cfg.Users != nil {
		for _, user := range s.cfg.Users(r.Context()) {
			if user.ID == request.Recipients[0] {
				request.WorkspaceID = user.WorkspaceID
			}
		}
	}
	if _, err := s.fire(r.Context(), request); err != nil {
		s.notice(w, r, fireText(err))
		return
	}
	s.pages.redirect(w, r, s.cfg.Prefix+"/?event="+request.Type+"#fire")
}

var (
	errNothingToFire = errors.New("the application offers no events to fire")
	errUnknownEvent  = errors.New("there is no such event type")
)

// fire hands a request to the application and remembers what came of it.
func (s *Sandbox) fire(ctx context.Context, request FireRequest) (FireResult, error) {
	if s.cfg.Fire == nil {
		return FireResult{}, errNothingToFire
	}
	i := slices.IndexFunc(s.cfg.Catalog, func(e EventForm) bool { return e.Type == request.Type })
	if i < 0 {
		return FireResult{}, errUnknownEvent
	}
	result, err := s.cfg.Fire(ctx, request)
	if err != nil {
		s.cfg.Logger.ErrorContext(ctx, "firing an event failed", "event_type", request.Type, "error", err)
		return FireResult{}, fmt.Errorf("fire event: %w", err)
	}
	s.mu.Lock()
	s.lastFire = &fireReport{Label: s.cfg.Catalog[i].Label, Request: request, Result: result}
	s.mu.Unlock()
	s.changed.raise()
	return result, nil
}

// fireText is what may be shown of an error: the application's own stays in the log.
func fireText(err error) string {
	if errors.Is(err, errNothingToFire) || errors.Is(err, errUnknownEvent) {
		return err.Error()
	}
	return "the event could not be published; the log of the server says why"
}
