package catalog

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// The common fields, as places in values. The fields of the event type follow them.
const (
	commonEventID = iota
	commonEventType
	commonOccurredAt
	commonWorkspaceID
	commonWorkspaceName
	commonActorID
	commonActorName
	commonURL
	commonTitle
	fieldsFrom
)

var commonNames = [fieldsFrom]string{
	"eventId", "eventType", "occurredAt", "workspaceId", "workspaceName", "actorId", "actorName", "url", "title",
}

// texts are the templates of one event type.
type texts struct {
	title        *template
	body         []bodyLine
	cliq         *template // nil: the title
	emailSubject *template // nil: the title
	link         *template
	subjectType  *template
	subjectID    *template
}

// bodyLine is one line of a body.
type bodyLine struct {
	template *template
	// field is the one field that the line shows and nothing else, with its line breaks; -1 for any other line.
	field int
	// inTitle: the title shows that field too.
	inTitle bool
}

var literalType = regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)

// compile takes the templates of an event type apart; et must have its fields already.
func (et *EventType) compile(s *eventSource) (problems []error) {
	// An e-mail's subject is rendered from the stored event, which does not know names of workspaces or links.
	stored := []int{commonEventID, commonEventType, commonOccurredAt, commonActorID, commonActorName}
	everything := slices.Concat(stored, []int{commonWorkspaceID, commonWorkspaceName, commonURL})
	prose := scope{et: et, common: everything}
	parse := func(what, text string, in scope) *template {
		t, err := in.parse(text)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", what, err))
			return &template{}
		}
		return t
	}
	et.texts.title = parse("title", s.Title, prose)
	for i, text := range s.Body {
		t, err := scope{et: et, common: everything, line: true}.parse(text)
		if err != nil {
			problems = append(problems, fmt.Errorf("body, line %d: %w", i+1, err))
			continue
		}
		line := bodyLine{template: t, field: -1}
		if source, ok := t.only(); ok && source >= fieldsFrom && et.Fields[source-fieldsFrom].Kind == KindText {
			line.field, line.inTitle = source-fieldsFrom, et.texts.title.uses(source)
		}
		et.texts.body = append(et.texts.body, line)
	}
	if s.Cliq != "" {
		et.texts.cliq = parse("cliq", s.Cliq, scope{et: et, common: slices.Concat(everything, []int{commonTitle})})
	}
	if s.EmailSubject != "" {
		et.texts.emailSubject = parse("emailSubject", s.EmailSubject, scope{et: et, common: stored})
	}
	et.texts.subjectType = parse("subject type", s.Subject.Type, scope{et: et})
	if !strings.ContainsAny(s.Subject.Type, "{[") && !literalType.MatchString(s.Subject.Type) {
		problems = append(problems, errors.New("subject type: must be a word in small letters"))
	}
	et.texts.subjectID = parse("subject id", s.Subject.ID, scope{et: et, common: stored})
	if len(et.texts.subjectID.segments) == 1 && len(et.texts.subjectID.segments[0].parts) != 1 {
		problems = append(problems, errors.New("subject id: must be one placeholder, or a word"))
	}
	et.texts.link = parse("link", s.Link, scope{et: et})
	if err := et.checkLink(et.texts.link, s.Link); err != nil {
		problems = append(problems, fmt.Errorf("link: %w", err))
	}
	return problems
}

// checkLink makes sure that no value can lead the link out of the app.
func (et *EventType) checkLink(t *template, text string) error {
	if !strings.HasPrefix(text, "/") || strings.HasPrefix(text, "//") {
		return errors.New("must begin with one slash")
	}
	if len(t.segments) > 1 || strings.Contains(text, "[") {
		return errors.New("must not have brackets")
	}
	if len(t.segments) == 0 {
		return nil // did not parse, which was told already
	}
	parts, query := t.segments[0].parts, false
	for i, p := range parts {
		if p.sources == nil {
			query = query || strings.Contains(p.literal, "?")
			continue
		}
		if len(p.sources) > 1 || p.one != "" {
			return errors.New("a placeholder must be one plain field")
		}
		f := et.Fields[p.sources[0]-fieldsFrom]
		switch {
		case f.Kind == KindID:
		case f.Kind == KindPath && !query:
		case f.Kind == KindRoute && !query && i == len(parts)-1 && i == 1 && parts[0].literal == "/":
		default:
			return fmt.Errorf("{%s} of kind %s cannot stand here", f.Name, f.Kind)
		}
	}
	return nil
}
