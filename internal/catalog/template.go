package catalog

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// template is a text with placeholders, taken apart once. Values are put in as they are: nothing in a value
// is ever read as a placeholder.
type template struct{ segments []segment }

// segment is a stretch of a template. An optional one is left out when one of its placeholders has no value.
type segment struct {
	optional bool
	parts    []part
}

// part is literal text, or a placeholder when it has sources.
type part struct {
	literal string
	// sources are places in values; the first one with a value counts.
	sources []int
	// one and many are the words that follow a number; empty: none.
	one, many string
	// flexible: the value is prose of any length and may be shortened to make a line fit.
	flexible bool
}

// scope is what the placeholders of one template may name.
type scope struct {
	et *EventType
	// common are the common fields that the template may use.
	common []int
	// line: the text is left out as a whole when a placeholder has no value.
	line bool
}

// parse takes a template apart and checks that every placeholder that must have a value is sure to have one.
func (s scope) parse(text string) (*template, error) {
	if strings.TrimSpace(text) != text || text == "" {
		return nil, errors.New("must neither be empty nor begin or end with a space")
	}
	if strings.Contains(text, "  ") || clean(text, false) != text {
		return nil, errors.New("must be one line without double spaces or invisible characters")
	}
	t := &template{}
	current := segment{}
	flush := func() error {
		defer func() { current = segment{} }()
		if len(current.parts) == 0 && !current.optional {
			return nil
		}
		if current.optional && !slices.ContainsFunc(current.parts, func(p part) bool { return !s.certain(p) }) {
			return errors.New("brackets without a placeholder that can be missing")
		}
		t.segments = append(t.segments, current)
		return nil
	}
	for text != "" {
		at := strings.IndexAny(text, "{}[]")
		if at < 0 {
			at = len(text)
		}
		if at > 0 {
			current.parts = append(current.parts, part{literal: text[:at]})
			text = text[at:]
			continue
		}
		switch text[0] {
		case '{':
			inside, rest, ok := strings.Cut(text[1:], "}")
			if !ok {
				return nil, errors.New("a brace is never closed")
			}
			p, err := s.placeholder(inside)
			if err != nil {
				return nil, err
			}
			if !current.optional && !s.line && !s.certain(p) {
				return nil, fmt.Errorf("{%s} can be missing and does not stand in brackets", inside)
			}
			current.parts = append(current.parts, p)
			text = rest
			continue
		case '[':
			if current.optional {
				return nil, errors.New("brackets inside brackets")
			}
			if err := flush(); err != nil {
				return nil, err
			}
			current.optional = true
		case ']':
			if !current.optional {
				return nil, errors.New("a bracket is closed that was never opened")
			}
			if err := flush(); err != nil {
				return nil, err
			}
		default:
			return nil, errors.New("a brace is closed that was never opened")
		}
		text = text[1:]
	}
	if current.optional {
		return nil, errors.New("a bracket is never closed")
	}
	return t, flush()
}

// placeholder reads what stands between braces.
func (s scope) placeholder(inside string) (part, error) {
	names, words, counted := strings.Cut(inside, "|")
	var p part
	if counted {
		one, many, ok := strings.Cut(words, "|")
		if !ok || one == "" || many == "" || strings.Contains(many, "|") {
			return part{}, fmt.Errorf("{%s} must look like {days|day|days}", inside)
		}
		p.one, p.many = one, many
	}
	for name := range strings.SplitSeq(names, "??") {
		if slices.ContainsFunc(p.sources, s.always) {
			return part{}, fmt.Errorf("{%s}: what stands before %q is never missing", inside, name)
		}
		source, kind, err := s.lookUp(name)
		if err != nil {
			return part{}, err
		}
		if counted && kind != KindInteger {
			return part{}, fmt.Errorf("{%s} counts something that is no integer", inside)
		}
		p.sources = append(p.sources, source)
		p.flexible = kind == KindText
	}
	return p, nil
}

func (s scope) lookUp(name string) (source int, kind Kind, err error) {
	if i, ok := s.et.fieldAt[name]; ok {
		return fieldsFrom + i, s.et.Fields[i].Kind, nil
	}
	i := slices.Index(commonNames[:], name)
	if i < 0 {
		return 0, "", fmt.Errorf("{%s} is neither a field of this event type nor a common field", name)
	}
	if !slices.Contains(s.common, i) {
		return 0, "", fmt.Errorf("{%s} cannot be used here", name)
	}
	switch i {
	case commonActorName, commonWorkspaceName, commonTitle:
		return i, KindText, nil
	}
	return i, KindID, nil
}

// always reports whether the source has a value in every valid event.
func (s scope) always(source int) bool {
	switch {
	case source >= fieldsFrom:
		return s.et.Fields[source-fieldsFrom].Required
	case source == commonActorID || source == commonActorName:
		return s.et.NeedsActor
	}
	return true
}

func (s scope) certain(p part) bool {
	return p.sources == nil || slices.ContainsFunc(p.sources, s.always)
}

// uses reports whether a placeholder of the template names the source.
func (t *template) uses(source int) bool {
	for _, seg := range t.segments {
		for _, p := range seg.parts {
			if slices.Contains(p.sources, source) {
				return true
			}
		}
	}
	return false
}

// only is the source of a template that is one placeholder and nothing else.
func (t *template) only() (source int, ok bool) {
	if len(t.segments) != 1 || len(t.segments[0].parts) != 1 || len(t.segments[0].parts[0].sources) != 1 {
		return 0, false
	}
	return t.segments[0].parts[0].sources[0], true
}
