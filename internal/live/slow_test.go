package live

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

// TestSlowReadersCostNobodyElse lets one person read everything at once while other tabs of theirs, and other people in the
// same shard, read nothing at all: the one is told every event directly, the database is not asked for anybody, and what
// waits for the others stays bounded.
func TestSlowReadersCostNobodyElse(t *testing.T) {
	t.Parallel()
	const tabs, others, events = 50, 50, 300
	b := setup(t, 0)
	b.hubs = append(b.hubs, startHub(t, config(b.store, ""), seldom))
	hub := b.hubs[0]
	everybody := []uuid.UUID{b.user}
	var slow []<-chan model.InboxChange
	attend := func(user uuid.UUID) {
		changes, err := hub.InboxChanges(t.Context(), testViewer(b.workspace, user), nil)
		if err != nil {
			t.Fatal(err)
		}
		expect(t, changes, "reset STARTED")
		slow = append(slow, changes)
	}
	for range tabs {
		attend(b.user)
	}
	for range others {
		user := uuid.New()
		user[15] = b.user[15] // in the same shard
		b.store.mu.Lock()
		b.store.people[user] = newMemory(user).people[user]
		b.store.mu.Unlock()
		everybody = append(everybody, user)
		attend(user)
	}
	fast := b.follow(t, 0, nil)
	expect(t, fast, "reset STARTED")

	publish := func(title string) (waited, took time.Duration) {
		event := testEvent(b.workspace, title)
		entries := b.store.arrive(event, everybody...)
		begin := time.Now()
		hub.Arrived(t.Context(), event, entries)
		waited = time.Since(begin)
		expect(t, fast, "received "+title)
		return waited, time.Since(begin)
	}
	for i := range 40 { // fills the queues of those who do not read
		publish(strconv.Itoa(i))
	}
	eventually(t, "they are stalled", func() bool { return hub.Stats().Stalled == tabs+others })
	asked := b.store.asked()
	var waits, delays []time.Duration
	for i := range events {
		waited, took := publish("x" + strconv.Itoa(i))
		waits, delays = append(waits, waited), append(delays, took)
	}
	if n := b.store.asked() - asked; n != 0 {
		t.Errorf("the database was asked %d times", n)
	}
	if st := hub.Stats(); st.Gaps != 0 || st.Overflows != 0 || st.Stalls != tabs+others {
		t.Errorf("stats: %+v", st)
	}
	for _, changes := range slow {
		if len(changes) > hub.config.Queue {
			t.Errorf("%d changes wait", len(changes))
		}
	}
	slices.Sort(waits)
	slices.Sort(delays)
	t.Logf("%d readers stalled, %d events: publisher waits p99 %v, told after p50 %v, p99 %v",
		tabs+others, events, waits[events*99/100], delays[events/2], delays[events*99/100])
	if p99 := delays[events*99/100]; p99 > 5*time.Second {
		t.Errorf("p99 was %v", p99)
	}
}
