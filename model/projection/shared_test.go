package projection_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/heffl/bff/model"
	"github.com/heffl/bff/model/projection"
)

// received is an event as one person has it.
func received(event *model.Event, person int) *model.NotificationReceived {
	at := model.NewTime(time.Date(2026, 1, person+1, 3, 4, 5, 0, time.UTC))
	n := &model.NotificationReceived{Cursor: model.Cursor(fmt.Sprintf("cursor-%d", person)), UnreadCount: int32(person) + 7000, Notification: model.Notification{
		UUID: model.NewID(), UserID: model.NewID(), CreatedAt: at, Seq: int64(person), URL: "http://app/x", Category: "DEALS", Importance: "HIGH", Event: event,
	}}
	if person > 1 {
		n.Notification.ReadAt = &at
	}
	return n
}

// TestSharedTexts renders an event to one person and uses what it shares for others: they read what is theirs, and what is
// kept for others holds nothing of the first.
func TestSharedTexts(t *testing.T) {
	t.Parallel()
	event := &model.Event{
		UUID: model.NewID(), Type: "deal.won", Title: "Ü \"won\"\n", Body: "for\tall", Path: "/x", ActorID: "u", ActorName: "Ada", SubjectType: "deal", SubjectID: "d",
	}
	fields := []string{
		"id", "eventType", "title", "body", "url", "path", "createdAt", "readAt", "archivedAt", "subject{type id}", "actor{id n:name}", "category", "importance",
		"a:title", "b:id", "__typename", "...on Node{c:id d:title}",
	}
	random := rand.New(rand.NewPCG(3, 4)) // the same selections each time
	shared := 0
	for range 500 {
		random.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
		inner := strings.Join(fields[:1+random.IntN(len(fields))], " ")
		outer := []string{"cursor", "unreadCount", "notification{" + inner + "}", "__typename"}
		random.Shuffle(len(outer), func(i, j int) { outer[i], outer[j] = outer[j], outer[i] })
		op, sel := operation(t, "{"+strings.Join(outer, " ")+"}", nil)
		plan, err := projection.Compile[model.NotificationReceived](op, sel)
		if err != nil {
			t.Fatal(err)
		}
		first := received(event, 0)
		texts := plan.Share(first)
		if texts == nil {
			continue
		}
		shared++
		kept := strings.Join(texts, "")
		for _, own := range []string{first.Notification.ID(), string(first.Cursor), "7000", first.Notification.CreatedAt.String()} {
			if strings.Contains(kept, own) {
				t.Fatalf("%s is kept for others in %s", own, kept)
			}
		}
		for person := range 3 {
			own := received(event, person)
			if got, want := plan.AppendShared(nil, texts, own), plan.Append(nil, own); !bytes.Equal(got, want) {
				t.Fatalf("got  %s\nwant %s", got, want)
			}
		}
	}
	if shared < 400 {
		t.Errorf("%d of 500 selections share something", shared)
	}
}

// BenchmarkReceived writes one event to one more person: all of it, or what is theirs into what was written before.
func BenchmarkReceived(b *testing.B) {
	event := &model.Event{UUID: model.NewID(), Type: "deal.won", Title: "Deal 7 was won by the Northwind team", Path: "/deals/7"}
	own := received(event, 1)
	op, sel := operation(b, `{...on NotificationReceived{cursor unreadCount notification{id eventType title url createdAt}}}`, nil)
	plan, err := projection.Compile[model.NotificationReceived](op, sel)
	if err != nil {
		b.Fatal(err)
	}
	buffer := make([]byte, 0, 1024)
	b.Run("whole", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			buffer = plan.Append(buffer[:0], own)
		}
	})
	texts := plan.Share(own)
	b.Run("shared", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			buffer = plan.AppendShared(buffer[:0], texts, own)
		}
	})
}
