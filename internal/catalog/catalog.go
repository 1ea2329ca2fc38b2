package catalog

import (
	_ "embed" // catalog.json is part of the program
	"fmt"

	"github.com/heffl/bff/model"
)

//go:embed catalog.json
var embedded []byte

// Catalog is every event type. It never changes after Load and may be used by any number of goroutines.
type Catalog struct {
	categories []Category
	types      []*EventType
	byType     map[string]*EventType
}

// Category is a group of event types, as the settings page shows them.
type Category struct {
	Key    string // "DEALS"
	Label  string
	Events []*EventType
}

// EventType is one kind of event.
type EventType struct {
	// Index is the place of the type in Types.
	Index       int
	Type        string // "deal.won"
	Category    string // key of the category
	Label       string
	Description string
	Importance  model.Importance
	// Defaults say, by channel number, whether the channel is on for people who never chose.
	Defaults [len(model.Channels)]bool
	// Locked are the channels that nobody can turn off; LockedReason says why, empty when there are none.
	Locked       []model.Channel
	LockedReason string
	// Recipients says in words whom the publishing service names as recipients.
	Recipients string
	// NeedsActor: somebody did it, and the event must say who.
	NeedsActor bool
	// Fields are what the data of an event of this type may hold.
	Fields []Field

	fieldAt map[string]int
	texts   texts
}

// Field is one fact in the data of an event.
type Field struct {
	Name     string
	Kind     Kind
	Required bool
}

// Load reads the catalog that is built into the program. An error names everything that is wrong with the file.
func Load() (*Catalog, error) {
	c, err := parse(embedded)
	if err != nil {
		return nil, fmt.Errorf("read catalog.json: %w", err)
	}
	return c, nil
}

// Event is the event type of that name, for example "deal.won".
func (c *Catalog) Event(eventType string) (*EventType, bool) {
	et, ok := c.byType[eventType]
	return et, ok
}

// Categories are all categories in the order of the settings page, each with its event types in order.
// The slice is shared: do not write to it.
func (c *Catalog) Categories() []Category { return c.categories }

// Category is the category with that key.
func (c *Catalog) Category(key string) (Category, bool) {
	for _, category := range c.categories {
		if category.Key == key {
			return category, true
		}
	}
	return Category{}, false
}

// Types are all event types in the order of the settings page. The slice is shared: do not write to it.
func (c *Catalog) Types() []*EventType { return c.types }

// TypesIn are the names of the event types of one category; nil when there is no such category.
func (c *Catalog) TypesIn(category string) []string {
	found, ok := c.Category(category)
	if !ok {
		return nil
	}
	names := make([]string, len(found.Events))
	for i, et := range found.Events {
		names[i] = et.Type
	}
	return names
}

// EmailSubject is the subject line of an e-mail about a stored event.
func (c *Catalog) EmailSubject(e *model.Event) string {
	et, ok := c.byType[e.Type]
	if !ok || et.texts.emailSubject == nil {
		return fit([]piece{{text: e.Title, value: true}}, maxSubject)
	}
	return et.Render(Facts{
		EventID: e.ID(), OccurredAt: e.OccurredAt, ActorID: e.ActorID, ActorName: e.ActorName, Data: e.Data,
	}).EmailSubject
}
