package catalog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"

	"github.com/heffl/bff/model"
)

// source is catalog.json as it is written.
type source struct {
	Categories []struct {
		Key   string `json:"key"`
		Label string `json:"label"`
	} `json:"categories"`
	Events []eventSource `json:"events"`
}

type eventSource struct {
	Type        string `json:"type"`
	Category    string `json:"category"`
	Label       string `json:"label"`
	Description string `json:"description"`
	Important   bool   `json:"important"`
	Defaults    struct {
		InApp bool `json:"inApp"`
		Email bool `json:"email"`
		Cliq  bool `json:"cliq"`
	} `json:"defaults"`
	Locked       []model.Channel `json:"locked"`
	LockedReason string          `json:"lockedReason"`
	Recipients   string          `json:"recipients"`
	NeedsActor   bool            `json:"needsActor"`
	Fields       []struct {
		Name     string `json:"name"`
		Kind     Kind   `json:"kind"`
		Required bool   `json:"required"`
	} `json:"fields"`
	Title        string   `json:"title"`
	Body         []string `json:"body"`
	Cliq         string   `json:"cliq"`
	EmailSubject string   `json:"emailSubject"`
	Link         string   `json:"link"`
	Subject      struct {
		Type string `json:"type"`
		ID   string `json:"id"`
	} `json:"subject"`
}

var (
	categoryKey = regexp.MustCompile(`^[A-Z][A-Z_]*$`)
	typeName    = regexp.MustCompile(`^[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*$`)
	fieldName   = regexp.MustCompile(`^[a-z][A-Za-z0-9]*$`)
)

func parse(raw []byte) (*Catalog, error) {
	var src source
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&src); err != nil {
		return nil, fmt.Errorf("decode: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("decode: something follows the object")
	}
	c := &Catalog{byType: make(map[string]*EventType, len(src.Events))}
	var problems []error
	complain := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	for _, category := range src.Categories {
		if !categoryKey.MatchString(category.Key) || category.Label == "" {
			complain("category %q: needs a key in capitals and a label", category.Key)
		}
		if _, ok := c.Category(category.Key); ok {
			complain("category %q: is there twice", category.Key)
		}
		c.categories = append(c.categories, Category{Key: category.Key, Label: category.Label})
	}
	for i := range src.Events {
		et, err := src.Events[i].eventType()
		if err != nil {
			complain("event type %q: %w", src.Events[i].Type, err)
		}
		if _, ok := c.byType[et.Type]; ok {
			complain("event type %q: is there twice", et.Type)
			continue
		}
		c.byType[et.Type] = et
		at := slices.IndexFunc(c.categories, func(category Category) bool { return category.Key == et.Category })
		if at < 0 {
			complain("event type %q: there is no category %q", et.Type, et.Category)
			continue
		}
		c.categories[at].Events = append(c.categories[at].Events, et)
	}
	for _, category := range c.categories {
		if len(category.Events) == 0 {
			complain("category %q: has no event types", category.Key)
		}
		for _, et := range category.Events {
			et.Index = len(c.types)
			c.types = append(c.types, et)
		}
	}
	if len(c.types) == 0 {
		complain("there are no event types")
	}
	return c, errors.Join(problems...)
}

// eventType checks one entry. It answers what it could make of it even with an error, so that everything
// that is wrong with the file is told at once.
func (s *eventSource) eventType() (*EventType, error) {
	et := &EventType{
		Type: s.Type, Category: s.Category, Label: s.Label, Description: s.Description, Importance: model.ImportanceNoisy,
		Defaults:     [...]bool{s.Defaults.InApp, s.Defaults.Email, s.Defaults.Cliq},
		LockedReason: s.LockedReason, Recipients: s.Recipients, NeedsActor: s.NeedsActor,
		fieldAt: make(map[string]int, len(s.Fields)),
	}
	if s.Important {
		et.Importance = model.ImportanceImportant
	}
	var problems []error
	complain := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if !typeName.MatchString(s.Type) || len(s.Type) > longestType {
		complain(`the name must look like "deal.won"`)
	}
	if s.Label == "" || s.Description == "" || s.Recipients == "" {
		complain("label, description and recipients must be given")
	}
	for _, ch := range s.Locked {
		switch {
		case !et.Defaults[ch.Number()]:
			complain("locked: %s is off by default", ch)
		case slices.Contains(et.Locked, ch):
			complain("locked: %s is there twice", ch)
		default:
			et.Locked = append(et.Locked, ch)
		}
	}
	if (len(s.Locked) > 0) != (s.LockedReason != "") {
		complain("lockedReason must be given with locked, and only then")
	}
	for _, f := range s.Fields {
		switch {
		case !fieldName.MatchString(f.Name):
			complain("field %q: the name must be in camel case", f.Name)
		case slices.Contains(commonNames[:], f.Name):
			complain("field %q: the name is taken by a common field", f.Name)
		case !f.Kind.valid():
			complain("field %q: there is no kind %q", f.Name, f.Kind)
		}
		if _, ok := et.fieldAt[f.Name]; ok {
			complain("field %q: is there twice", f.Name)
			continue
		}
		et.fieldAt[f.Name] = len(et.Fields)
		et.Fields = append(et.Fields, Field(f))
	}
	problems = append(problems, et.compile(s)...)
	return et, errors.Join(problems...)
}
