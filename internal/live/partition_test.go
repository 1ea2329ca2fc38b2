package live

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

// crowd are people who follow their inboxes on one replica while another one sends to them.
type crowd struct {
	*bundle
	users   []uuid.UUID
	streams []<-chan model.InboxChange
}

func gather(t *testing.T, b *bundle, n int) *crowd {
	t.Helper()
	c := &crowd{bundle: b}
	for range n {
		user := uuid.New()
		b.store.mu.Lock()
		b.store.people[user] = newMemory(user).people[user]
		b.store.mu.Unlock()
		changes, err := b.hubs[0].InboxChanges(t.Context(), testViewer(b.workspace, user), nil)
		if err != nil {
			t.Fatal(err)
		}
		expect(t, changes, "reset STARTED")
		c.users, c.streams = append(c.users, user), append(c.streams, changes)
	}
	return c
}

// load sends so many events a second, each to one person in turn, until stop is closed, and answers how many each got.
func (c *crowd) load(perSecond int, stop <-chan struct{}) []int64 {
	sent := make([]int64, len(c.users))
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for next := 0; ; {
		select {
		case <-stop:
			return sent
		case <-tick.C:
		}
		for range perSecond / 100 {
			i := next % len(c.users)
			next++
			sent[i]++
			event := testEvent(c.workspace, strconv.FormatInt(time.Now().UnixNano(), 10))
			c.hubs[1].Arrived(context.Background(), event, c.store.arrive(event, c.users[i]))
		}
	}
}

// follow reads one stream until it is told to expect no more than so many, and demands every number once and in order. It
// answers the longest time between an arrival and its telling, before and after a moment.
func (c *crowd) follow(t *testing.T, i int, healed *moment, total <-chan int64) (worst, worstAfter time.Duration) {
	t.Helper()
	seq, want := int64(0), int64(-1)
	for want < 0 || seq < want {
		select {
		case change, ok := <-c.streams[i]:
			received, is := change.(*model.NotificationReceived)
			if !ok || !is {
				t.Errorf("person %d was told %v", i, change)
				return worst, worstAfter
			}
			if seq++; received.Notification.Seq != seq {
				t.Errorf("person %d was told %d where %d was due", i, received.Notification.Seq, seq)
				return worst, worstAfter
			}
			var nanos int64
			if _, err := fmt.Sscan(received.Notification.Title(), &nanos); err != nil {
				t.Error(err)
			}
			sent := time.Unix(0, nanos)
			worst = max(worst, time.Since(sent))
			if at := healed.get(); !at.IsZero() && sent.Before(at) {
				worstAfter = max(worstAfter, time.Since(at))
			}
		case want = <-total:
			total = nil
		case <-time.After(patience):
			t.Errorf("person %d got %d of %d", i, seq, want)
			return worst, worstAfter
		}
	}
	return worst, worstAfter
}

// moment is when something happened, once it did.
type moment struct {
	mu sync.Mutex
	at time.Time
}

func (m *moment) set() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.at = time.Now()
}

func (m *moment) get() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.at
}

// TestPartitionUnderLoad shows D6: NATS goes silent without closing anything, or goes altogether, while events keep coming. Nobody
// misses anything, what came meanwhile is told by polling within 5 s, and everybody is up to date 2 s after it is back.
func TestPartitionUnderLoad(t *testing.T) {
	t.Parallel()
	people, perSecond, outage := 100, 300, 2*time.Second
	if *full {
		people, perSecond, outage = 200, 1000, 15*time.Second
	}
	run := func(t *testing.T, b *bundle, fail, heal func()) {
		t.Helper()
		c := gather(t, b, people)
		stop, healed := make(chan struct{}), &moment{}
		totals := make([]chan int64, people)
		var readers, sender sync.WaitGroup
		worst, late := make([]time.Duration, people), make([]time.Duration, people)
		for i := range people {
			totals[i] = make(chan int64, 1)
			readers.Go(func() { worst[i], late[i] = c.follow(t, i, healed, totals[i]) })
		}
		var sent []int64
		sender.Go(func() { sent = c.load(perSecond, stop) })
		wait := func(d time.Duration) { <-time.After(d) }
		wait(outage / 4)
		fail()
		wait(outage)
		eventually(t, "degraded", func() bool { return b.hubs[0].State() == StateDegraded })
		heal()
		healed.set()
		eventually(t, "ok again", func() bool { return b.hubs[0].State() == StateOK })
		reconnected := time.Since(healed.get())
		wait(outage / 4)
		close(stop)
		sender.Wait()
		all := int64(0)
		for i, n := range sent {
			all += n
			totals[i] <- n
		}
		readers.Wait()
		var slowest, latest time.Duration
		for i := range people {
			slowest, latest = max(slowest, worst[i]), max(latest, late[i])
		}
		t.Logf("%d events to %d people, 0 missed; slowest %v, all caught up %v after healing, connected again after %v",
			all, people, slowest.Round(time.Millisecond), latest.Round(time.Millisecond), reconnected.Round(time.Millisecond))
		if slowest > 5*time.Second {
			t.Errorf("the slowest took %v", slowest)
		}
		if latest > 2*time.Second {
			t.Errorf("caught up %v after healing", latest)
		}
	}
	t.Run("Silent", func(t *testing.T) {
		t.Parallel()
		ns := natsServer(t, -1)
		w := newWire(t, ns.Addr().(*net.TCPAddr).Port)
		b := setup(t, 0)
		b.hubs = append(b.hubs, startHub(t, config(b.store, "nats://"+w.listener.Addr().String())), startHub(t, config(b.store, ns.ClientURL())))
		run(t, b, w.silence, w.heal)
	})
	t.Run("ServerGone", func(t *testing.T) {
		t.Parallel()
		ns := natsServer(t, -1)
		port := ns.Addr().(*net.TCPAddr).Port
		b := setup(t, 0)
		b.hubs = append(b.hubs, startHub(t, config(b.store, ns.ClientURL())), startHub(t, config(b.store, ns.ClientURL())))
		run(t, b, func() {
			ns.Shutdown()
			ns.WaitForShutdown()
		}, func() { natsServer(t, port) })
	})
}
