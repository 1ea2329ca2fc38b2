package catalog

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/heffl/bff/model"
)

const (
	maxData = 16 << 10
	// maxProblems bounds the answer to an input that is wrong all over.
	maxProblems = 20
)

// FieldError is something wrong with the data of an event, or with its having no actor.
type FieldError struct {
	// Path is the input field, outermost first, seen from the event's input: ["data", "dealId"].
	Path []string
	// Code is MISSING_FIELD or INVALID_FIELD.
	Code    model.UserErrorCode
	Message string
}

// Validate checks what a publisher sent: every required field is there, every field is of its kind, nothing is there that
// the event type does not know, and all of it is at most 16 KiB. Whether the actor is well-formed is the caller's to say;
// here counts whether there is one. No error: the event can be rendered.
func (et *EventType) Validate(data model.JSONObject, hasActor bool) []FieldError {
	var p problems
	if et.NeedsActor && !hasActor {
		p.add(model.UserErrorCodeMissingField, []string{"actor"}, "%s needs an actor: say who did it.", et.Type)
	}
	if size(data) > maxData {
		p.add(model.UserErrorCodeInvalidField, []string{"data"}, "The data must not be larger than 16 KiB.")
		return p
	}
	known := 0
	for i := range et.Fields {
		f := &et.Fields[i]
		v, given := data[f.Name]
		if given {
			known++
		}
		if f.Kind.absent(v) {
			if f.Required {
				p.add(model.UserErrorCodeMissingField, []string{"data", f.Name}, "%s is required for %s.", f.Name, et.Type)
			}
			continue
		}
		if _, problem := f.Kind.read(v); problem != "" {
			p.add(model.UserErrorCodeInvalidField, []string{"data", f.Name}, "%s must %s.", f.Name, problem)
		}
	}
	if known < len(data) {
		for _, name := range slices.Sorted(maps.Keys(data)) {
			if _, ok := et.fieldAt[name]; !ok {
				p.add(model.UserErrorCodeInvalidField, []string{"data", shorten(name, 60)},
					"%s has no field %q. Its fields are %s.", et.Type, shorten(name, 60), et.fieldNames())
			}
		}
	}
	return p
}

func (et *EventType) fieldNames() string {
	names := make([]string, len(et.Fields))
	for i, f := range et.Fields {
		names[i] = f.Name
	}
	return strings.Join(names, ", ")
}

// size is about how many bytes of JSON the data are. What is nested does not count: no field holds such a
// thing, so it is refused whatever its size.
func size(data model.JSONObject) int {
	n := 0
	for name, v := range data {
		n += len(name) + 8
		if s, ok := v.(string); ok {
			n += len(s)
		}
	}
	return n
}

type problems []FieldError

func (p *problems) add(code model.UserErrorCode, path []string, format string, args ...any) {
	if len(*p) == maxProblems {
		return
	}
	for i, s := range path {
		if !utf8.ValidString(s) {
			path[i] = strings.ToValidUTF8(s, "�")
		}
	}
	*p = append(*p, FieldError{Path: path, Code: code, Message: fmt.Sprintf(format, args...)})
}
