package catalog

import (
	"cmp"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/heffl/bff/model"
)

// The limits of rendered text, in characters.
const (
	maxTitle     = 300
	maxSubject   = 200
	maxBody      = 4000
	maxSubjectID = 128
	// minValue is what a value keeps when a line is too long and others can still give.
	minValue = 40
)

// missing stands for a value that Validate would have insisted on.
const missing = "…"

// Facts are one event, checked by Validate.
type Facts struct {
	EventID       string
	OccurredAt    model.Time
	WorkspaceID   string
	WorkspaceName string
	// ActorID and ActorName are empty when it is nobody's doing.
	ActorID   string
	ActorName string
	// AppURL is the origin of the app, without a slash at the end; the common field url begins with it.
	AppURL string
	Data   model.JSONObject
}

// Rendered is an event in words: plain text, never to be taken for HTML or Markdown.
type Rendered struct {
	// Title is one line of at most 300 characters.
	Title string
	// Body has at most 4,000 characters and may have line breaks; empty: none.
	Body string
	// CliqText is one line for a chat message; empty: the title is used.
	CliqText string
	// EmailSubject is one line of at most 200 characters.
	EmailSubject string
	// Path is the link into the app: it begins with exactly one slash and never leaves the app's origin.
	Path string
	// SubjectType and SubjectID name the record it is about.
	SubjectType string
	SubjectID   string
}

// Render puts an event into words. Whatever does not fit its field's kind is treated as missing, so that even
// an event that Validate would refuse becomes clean text and a clean link.
func (et *EventType) Render(f Facts) Rendered {
	v := make(values, fieldsFrom+len(et.Fields))
	v[commonEventID], v[commonEventType] = f.EventID, et.Type
	if !f.OccurredAt.IsZero() {
		v[commonOccurredAt] = f.OccurredAt.Std().Format(timeLayout)
	}
	v[commonWorkspaceID] = clean(f.WorkspaceID, false)
	v[commonWorkspaceName] = cmp.Or(clean(f.WorkspaceName, false), v[commonWorkspaceID])
	v[commonActorID] = clean(f.ActorID, false)
	v[commonActorName] = cmp.Or(clean(f.ActorName, false), v[commonActorID])
	for i, field := range et.Fields {
		v[fieldsFrom+i] = field.shown(f.Data, false)
	}
	path := et.path(f.Data)
	v[commonURL] = f.AppURL + path

	r := Rendered{Path: path}
	r.Title = cmp.Or(fit(v.fill(et.texts.title), maxTitle), et.Label)
	v[commonTitle] = r.Title
	r.Body = et.body(v, f.Data)
	if et.texts.cliq != nil {
		r.CliqText = fit(v.fill(et.texts.cliq), maxTitle)
	}
	r.EmailSubject = fit([]piece{{text: r.Title, value: true}}, maxSubject)
	if et.texts.emailSubject != nil {
		r.EmailSubject = cmp.Or(fit(v.fill(et.texts.emailSubject), maxSubject), r.EmailSubject)
	}
	r.SubjectType = firstRunes(join(v.fill(et.texts.subjectType)), maxSubjectID)
	r.SubjectID = firstRunes(et.subjectID(v, f.Data), maxSubjectID)
	return r
}

// shown is the field's value as text, with its line breaks if wanted; empty when it is missing or wrong.
func (f *Field) shown(data model.JSONObject, breaks bool) string {
	v := data[f.Name]
	if v == nil {
		return ""
	}
	s, problem := f.Kind.read(v)
	if problem != "" {
		return ""
	}
	return clean(s, breaks)
}

// values are all values of one event: the common fields, then those of the event type; empty: missing.
type values []string

// piece is a stretch of rendered text; only the value of a placeholder may be shortened.
type piece struct {
	text  string
	value bool
}

// fill puts values into a template.
func (v values) fill(t *template) []piece {
	pieces := make([]piece, 0, 12)
	for _, s := range t.segments {
		if s.optional && !v.complete(s.parts) {
			continue
		}
		for _, p := range s.parts {
			text := p.literal
			if p.sources != nil {
				text = cmp.Or(v.first(p.sources), missing)
				switch {
				case p.one == "", text == missing:
				case text == "1":
					text += " " + p.one
				default:
					text += " " + p.many
				}
			} else if n := len(pieces); n > 0 && text[0] == '.' && endsSentence(pieces[n-1].text) {
				text = text[1:] // "It broke.. Reconnect"
			}
			pieces = append(pieces, piece{text: text, value: p.flexible})
		}
	}
	return pieces
}

func (v values) complete(parts []part) bool {
	for _, p := range parts {
		if p.sources != nil && v.first(p.sources) == "" {
			return false
		}
	}
	return true
}

func (v values) completeLine(t *template) bool {
	for _, s := range t.segments {
		if !s.optional && !v.complete(s.parts) {
			return false
		}
	}
	return true
}

func (v values) first(sources []int) string {
	for _, s := range sources {
		if v[s] != "" {
			return v[s]
		}
	}
	return ""
}

func endsSentence(s string) bool {
	last, _ := utf8.DecodeLastRuneInString(s)
	return strings.ContainsRune(".!?…", last)
}

func (et *EventType) body(v values, data model.JSONObject) string {
	var lines []string
	for _, line := range et.texts.body {
		var text string
		if line.field >= 0 {
			text = et.Fields[line.field].shown(data, true)
			if line.inTitle && strings.Contains(v[commonTitle], text) {
				continue
			}
		} else if v.completeLine(line.template) {
			text = join(v.fill(line.template))
		}
		if text != "" {
			lines = append(lines, text)
		}
	}
	return shorten(strings.Join(lines, "\n"), maxBody)
}

// subjectID is the id of the record as it was given, byte for byte: ids are for programs.
func (et *EventType) subjectID(v values, data model.JSONObject) string {
	p := et.texts.subjectID.segments[0].parts[0]
	for _, source := range p.sources {
		if source >= fieldsFrom && et.Fields[source-fieldsFrom].Kind == KindID {
			if id, problem := KindID.read(data[et.Fields[source-fieldsFrom].Name]); problem == "" {
				return id
			}
		} else if v[source] != "" {
			return v[source]
		}
	}
	return p.literal
}

// path fills in the link. Load made sure that only ids, paths and routes stand in it.
func (et *EventType) path(data model.JSONObject) string {
	var b strings.Builder
	query := false
	for _, p := range et.texts.link.segments[0].parts {
		if p.sources == nil {
			b.WriteString(p.literal)
			query = query || strings.Contains(p.literal, "?")
			continue
		}
		f := &et.Fields[p.sources[0]-fieldsFrom]
		value, problem := f.Kind.read(data[f.Name])
		switch {
		case problem != "":
			return "/"
		case f.Kind != KindID:
			b.WriteString(value)
		case query:
			b.WriteString(url.QueryEscape(value))
		default:
			b.WriteString(url.PathEscape(value))
		}
	}
	return b.String()
}
