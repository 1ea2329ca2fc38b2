package delivery

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/heffl/bff/internal/testkit"
	"github.com/heffl/bff/model"
)

// numbers are the events that the person's messages begin with, in the order in which they came.
func (w *world) numbers(t *testing.T, v model.Viewer) (first []int) {
	t.Helper()
	for _, m := range w.zoho.MessagesOf(v.User.Email) {
		_, text, _ := strings.Cut(m.Text, "deal ")
		var n int
		if _, err := fmt.Sscanf(text, "%d", &n); err != nil {
			t.Fatalf("message %q: %v", m.Text, err)
		}
		first = append(first, n)
	}
	return first
}

// TestPace lets two replicas on one database send what comes far too fast for one person.
func TestPace(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, w *world) {
		t.Helper()
		ann, other := w.person(t, "ann"), w.replica(t, func(*Config) {})
		var ids []uuid.UUID
		for range 240 {
			ids = append(ids, w.publish(t, ann, model.ChannelCliq, 1)...)
			w.work(t, w.Workers, other)
			w.clock.pass(500 * time.Millisecond)
		}
		w.clock.pass(time.Minute)
		w.work(t, w.Workers, other)
		messages := w.zoho.MessagesOf("ann@acme.example")
		for i := range messages {
			within := 0
			for _, m := range messages[i:] {
				if m.At.Sub(messages[i].At) < time.Minute {
					within++
				}
			}
			if within > perMinute {
				t.Fatalf("%d messages within a minute", within)
			}
		}
		if len(messages) < perMinute {
			t.Errorf("%d messages in two minutes", len(messages))
		}
		last := 0
		for _, n := range w.numbers(t, ann) {
			if n <= last {
				t.Errorf("event %d came after event %d", n, last)
			}
			last = n
		}
		for i, d := range w.deliveries(t, ann, ids...) {
			if d.Status != model.DeliveryStatusSent || d.Attempts != 1 {
				t.Errorf("delivery %d is %s after %d attempts", i, d.Status, d.Attempts)
			}
		}
	})
}

// TestPaceOfProcesses lets two processes send what comes for several people at ten a second each. However long a time one
// looks at, nobody is sent more than half a minute's messages and one for every three seconds: 40 in any minute.
func TestPaceOfProcesses(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(testing.TB) string{"SQLite": testkit.SQLite, "PostgreSQL": testkit.Postgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorldAt(t, open(t), &clock{})
			var people []model.Viewer
			for i := range 3 {
				people = append(people, w.person(t, fmt.Sprint("person-", i)))
			}
			for _, p := range w.processes(t, 2, workerOrder{Poll: 50 * time.Millisecond}) {
				p.begin(t)
			}
			tick := time.NewTicker(100 * time.Millisecond)
			defer tick.Stop()
			const burst, step = perMinute / 2, 3 * time.Second
			short := func(v model.Viewer) bool { return len(w.zoho.MessagesOf(v.User.Email)) <= burst }
			for from := time.Now(); time.Since(from) < time.Minute && slices.ContainsFunc(people, short); <-tick.C {
				for _, v := range people {
					w.publish(t, v, model.ChannelCliq, 1)
				}
			}
			for _, v := range people {
				messages := w.zoho.MessagesOf(v.User.Email)
				if len(messages) == 0 {
					t.Errorf("%s was sent nothing", v.User.Email)
				}
				for i := range messages {
					for j := i; j < len(messages); j++ {
						// One more, because what is counted here arrives a little later.
						if most := burst + int(messages[j].At.Sub(messages[i].At)/step) + 1; j-i+1 > most {
							t.Fatalf("%s: %d messages within %v", v.User.Email, j-i+1, messages[j].At.Sub(messages[i].At))
						}
					}
				}
				last := 0
				for _, n := range w.numbers(t, v) {
					if n <= last {
						t.Errorf("%s: event %d came after event %d", v.User.Email, n, last)
					}
					last = n
				}
				if c := w.connection(t, v); c.Problem != "" {
					t.Errorf("%s: %s", v.User.Email, c.Problem)
				}
				t.Logf("%s: %d messages", v.User.Email, len(messages))
			}
		})
	}
}

// TestFold shows that what waits is told in order, and in one message when it is much.
func TestFold(t *testing.T) {
	t.Parallel()
	t.Run("TenGoAlone", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		ann := w.person(t, "ann")
		w.publish(t, ann, model.ChannelCliq, foldAbove)
		w.work(t)
		if got := fmt.Sprint(w.numbers(t, ann)); got != "[1 2 3 4 5 6 7 8 9 10]" {
			t.Errorf("told %s", got)
		}
	})
	t.Run("MoreAreOneMessage", func(t *testing.T) {
		t.Parallel()
		eachDatabase(t, func(t *testing.T, w *world) {
			t.Helper()
			ann := w.person(t, "ann")
			ids := w.publish(t, ann, model.ChannelCliq, 25)
			w.work(t)
			if got := fmt.Sprint(w.numbers(t, ann)); got != "[1 2 3 4 5 6 7 8 9 10]" {
				t.Errorf("told %s", got)
			}
			messages := w.zoho.MessagesOf("ann@acme.example")
			last := messages[len(messages)-1].Text
			if !strings.Contains(last, "16 new notifications") || !strings.Contains(last, "and 11 more") {
				t.Errorf("the last one says %q", last)
			}
			for i, d := range w.deliveries(t, ann, ids...) {
				carried := d.Carrier != nil && *d.Carrier == ids[foldAlone]
				if d.Status != model.DeliveryStatusSent || carried != (i > foldAlone) {
					t.Errorf("delivery %d is %s, carried by %v", i, d.Status, d.Carrier)
				}
			}
		})
	})
	t.Run("WithoutTheFirstOneWhenItMayNotGo", func(t *testing.T) {
		t.Parallel()
		eachDatabase(t, func(t *testing.T, w *world) {
			t.Helper()
			ann := w.person(t, "ann")
			ids := w.publish(t, ann, model.ChannelCliq, foldAlone)
			w.kind = "deal.lost"
			ids = append(ids, w.publish(t, ann, model.ChannelCliq, 1)...)
			w.kind = ""
			ids = append(ids, w.publish(t, ann, model.ChannelCliq, 5)...)
			if _, err := w.store.ChangeSettings(t.Context(), model.SettingsChange{
				UserID: ann.User.UUID, Set: []model.Preference{{
					UserID: ann.User.UUID, EventType: "deal.lost", Channel: model.ChannelCliq, Enabled: false,
				}}, Through: model.ThroughPage, ActorID: "ann",
			}, model.NewTime(w.clock.now())); err != nil {
				t.Fatal(err)
			}
			w.work(t)
			if got := fmt.Sprint(w.numbers(t, ann)); got != "[1 2 3 4 5 6 7 8 9 11]" {
				t.Errorf("told %s", got)
			}
			for i, d := range w.deliveries(t, ann, ids...) {
				want := model.DeliveryStatusSent
				if i == foldAlone {
					want = model.DeliveryStatusSkipped
				}
				if carried := d.Carrier != nil && *d.Carrier == ids[foldAlone+1]; d.Status != want || i > foldAlone+1 && !carried {
					t.Errorf("delivery %d is %s, carried by %v", i, d.Status, d.Carrier)
				}
			}
		})
	})
}
