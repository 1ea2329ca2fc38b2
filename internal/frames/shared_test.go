package frames

import (
	"fmt"
	"sync"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/heffl/bff/model"
	"github.com/heffl/bff/model/projection"
)

// TestSharedByEvent has many people receive events at the same time, by one selection: each is told what is theirs, whether
// the event is met for the first time or known, and whether another one has taken its place.
func TestSharedByEvent(t *testing.T) {
	t.Parallel()
	doc, err := parser.ParseQuery(&ast.Source{Input: `{cursor unreadCount notification{id title createdAt readAt}}`})
	if err != nil {
		t.Fatal(err)
	}
	op := &graphql.OperationContext{Doc: doc, Operation: doc.Operations[0]}
	plan, err := projection.Compile[model.NotificationReceived](op, doc.Operations[0].SelectionSet)
	if err != nil {
		t.Fatal(err)
	}
	events := make([]*model.Event, 3*recentEvents) // more than are remembered
	for i := range events {
		events[i] = &model.Event{UUID: model.NewID(), Title: fmt.Sprint("Event ", i)}
	}
	var texts sharedTexts
	var people sync.WaitGroup
	for person := range 4 {
		people.Go(func() {
			for i := range 40 * len(events) {
				c := &model.NotificationReceived{
					Cursor: model.Cursor(fmt.Sprint(person, "-", i)), UnreadCount: int32(i),
					Notification: model.Notification{UUID: model.NewID(), Event: events[(i/3+person)%len(events)]},
				}
				if got, want := string(texts.append(nil, plan, c)), string(plan.Append(nil, c)); got != want {
					t.Errorf("got  %s\nwant %s", got, want)
				}
			}
		})
	}
	people.Wait()
	rendered := 0
	for i := range texts.recent {
		if known := texts.recent[i].Load(); known != nil && known.texts != nil {
			rendered++
		}
	}
	if rendered == 0 {
		t.Error("nothing was shared")
	}
	if got := texts.append(nil, plan, &model.NotificationReceived{Notification: model.Notification{Event: &model.Event{Title: "alone"}}}); len(got) == 0 {
		t.Error("an event that comes once is not written")
	}
}
