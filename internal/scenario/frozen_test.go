package scenario

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
)

// numbers are what one person was told, and when.
type numbers struct {
	mu     sync.Mutex
	person *person
	times  map[int][]time.Time // guarded by mu, like cursor
	cursor string
}

// follow reads a stream on one replica, and goes on from the last cursor when it ends, until ctx does.
func (n *numbers) follow(ctx context.Context, t *testing.T, on *person) {
	t.Helper()
	for ctx.Err() == nil {
		n.mu.Lock()
		variables := map[string]any{}
		if n.cursor != "" {
			variables["after"] = n.cursor
		}
		n.mu.Unlock()
		stream := on.subscribe(t, inboxSubscription, variables) //nolint:contextcheck // it has the test's
		stop := context.AfterFunc(ctx, stream.close)
		for got := range stream.results {
			n.take(t, got)
		}
		stop()
	}
}

func (n *numbers) take(t *testing.T, got arrived) {
	t.Helper()
	var told change
	if err := json.Unmarshal(got.data, &told); err != nil {
		t.Error(err)
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cursor = told.Cursor
	switch {
	case told.Notification != nil:
		number := numberOf(t, told.Notification.Title)
		n.times[number] = append(n.times[number], got.at)
	case told.Reason != "STARTED":
		t.Errorf("%s was told %+v", n.person.id, told)
	}
}

func (n *numbers) count() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.times)
}

// sender publishes numbered events one after another through one replica, each until it is accepted.
type sender struct {
	*person
	first, step int
	pause       time.Duration
	sent        map[int]time.Time // when it was first tried
	refused     int
}

func (s *sender) run(t *testing.T, stop <-chan struct{}, to []string) {
	t.Helper()
	tick := time.NewTicker(s.pause)
	defer tick.Stop()
	for number := s.first; ; number += s.step {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		s.sent[number] = time.Now()
		for {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			_, err := s.try(ctx, publishMutation, numbered(number, to))
			cancel()
			if err == nil {
				break
			}
			if s.refused++; time.Since(s.sent[number]) > 3*time.Minute {
				t.Errorf("event %d is never accepted: %v", number, err)
				return
			}
			<-tick.C
		}
	}
}

// expectSilence waits until the process really stands still: on a busy machine its threads stop one after another.
func (s *server) expectSilence(t *testing.T) {
	t.Helper()
	eventually(t, "the process answers nothing any more", waitLong, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/healthz", nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := s.http.Do(request)
		if err == nil {
			_ = response.Body.Close()
		}
		return err != nil
	})
}

// TestFrozenLeader shows D12: one replica is frozen, in the middle of its work, while both get events for everybody. The
// other one goes on delivering, also to those who come over from the frozen one; when it thaws, everybody has everything
// once. What leaves the house: see mailing.
func TestFrozenLeader(t *testing.T) {
	t.Parallel()
	frozen := 5 * time.Second // shorter than any lease: it goes on where it was
	if *full {
		frozen = time.Minute // and longer: others have taken over
	}
	abroad := newMailing(t)
	both := abroad.replicas(t, natsServer(t, -1).ClientURL())
	var to []string
	for i := range 12 {
		to = append(to, fmt.Sprint("u-", i))
	}
	ctx, end := context.WithCancel(t.Context())
	var reading, sending sync.WaitGroup
	defer reading.Wait()
	defer end()
	people := make([]*numbers, len(to))
	follow := func(i, replica int) {
		on := both[replica].bearer(t, to[i]) //nolint:contextcheck // it has the test's
		people[i] = &numbers{person: on, times: make(map[int][]time.Time)}
		reading.Go(func() { people[i].follow(ctx, t, on) })
		eventually(t, "the stream has begun", waitLong, func() bool {
			people[i].mu.Lock()
			defer people[i].mu.Unlock()
			return people[i].cursor != ""
		})
	}
	for i := range to {
		follow(i, i%2)
	}
	stop := make(chan struct{})
	senders := make([]*sender, 2)
	for i := range senders {
		senders[i] = &sender{
			person: both[i].bearer(t, "u_ada", "events:write"), first: i, step: 2, pause: 80 * time.Millisecond, sent: make(map[int]time.Time),
		}
		sending.Go(func() { senders[i].run(t, stop, to) })
	}
	eventually(t, "everybody is told", waitLong, func() bool {
		return !slices.ContainsFunc(people, func(n *numbers) bool { return n.count() < 10 })
	})
	abroad.occupy(t, both[0])

	leader := both[0].cmd.Process
	if err := leader.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = leader.Signal(syscall.SIGCONT) }()
	both[0].expectSilence(t)
	from := time.Now()
	abroad.begin(t, both[1])
	// Some of its people see that nothing comes any more, and go on at the other one from where they were.
	var moved []*numbers
	for i := 0; i < len(to); i += 4 {
		old := people[i]
		old.mu.Lock()
		over := &numbers{person: both[1].bearer(t, to[i]), times: make(map[int][]time.Time), cursor: old.cursor}
		for number, times := range old.times {
			over.times[number] = slices.Clone(times)
		}
		old.mu.Unlock()
		moved = append(moved, over)
		reading.Go(func() { over.follow(ctx, t, over.person) })
	}
	<-time.After(frozen)
	abroad.end()
	until := time.Now()
	if err := leader.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the frozen one goes on", waitLong, func() bool { code, _, _ := both[0].readiness(t); return code == 200 })
	<-time.After(time.Second)
	close(stop)
	sending.Wait()

	total := len(senders[0].sent) + len(senders[1].sent)
	var took []time.Duration
	for i, n := range append(slices.Clone(people), moved...) {
		eventually(t, n.person.id+" has everything", waitLong, func() bool { return n.count() == total })
		n.mu.Lock()
		for number, times := range n.times {
			if len(times) != 1 {
				t.Errorf("%s was told %d of number %d", n.person.id, len(times), number)
			}
			sent := senders[number%2].sent[number]
			if number%2 == 1 && (i%2 == 1 || i >= len(people)) && sent.After(from) && sent.Before(until) {
				took = append(took, times[0].Sub(sent))
			}
		}
		n.mu.Unlock()
	}
	for _, n := range people {
		if box := both[1].bearer(t, n.person.id).inbox(t); box.UnreadCount != total {
			t.Errorf("%s has %d unread, want %d", n.person.id, box.UnreadCount, total)
		}
	}
	if len(took) == 0 {
		t.Fatal("nothing was sent in the meantime")
	}
	slices.Sort(took)
	p99 := took[len(took)*99/100]
	t.Logf("%d events to %d people, one of two replicas frozen for %v: 0 lost, 0 twice; %d told meanwhile, p50 %v, p99 %v, slowest %v; %d tries were refused",
		total, len(to), frozen, len(took), took[len(took)/2].Round(time.Millisecond), p99.Round(time.Millisecond),
		took[len(took)-1].Round(time.Millisecond), senders[0].refused+senders[1].refused)
	if p99 > 5*time.Second {
		t.Errorf("p99 was %v", p99)
	}
	abroad.check(t, both[1], until)
}
