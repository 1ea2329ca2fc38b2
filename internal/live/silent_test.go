package live

import (
	"net"
	"testing"
	"time"

	"github.com/google/uuid"
)

// mute is a NATS server that takes connections and never says a word, as one behind a broken network does. Clients try
// again and again, and each attempt takes as long as they have patience.
func mute(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		var open []net.Conn
		defer func() {
			for _, conn := range open {
				_ = conn.Close()
			}
		}()
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			open = append(open, conn)
		}
	}()
	t.Cleanup(func() { _ = listener.Close(); <-done })
	return "nats://" + listener.Addr().String()
}

// TestMuteNATS shows D6 where attempts to connect hang: whatever is committed, by this replica or by others, still arrives
// within 2 s, whoever comes is let in, and the hub says at once that it is degraded.
func TestMuteNATS(t *testing.T) {
	t.Parallel()
	b := setup(t, 0)
	users := make([]uuid.UUID, 8)
	for i := range users {
		users[i] = uuid.New()
	}
	b.store = newMemory(append(users, b.user)...)
	h := startHub(t, config(b.store, mute(t)))
	b.hubs = append(b.hubs, h)
	promptly := func(what string, do func()) {
		t.Helper()
		begin := time.Now()
		do()
		if took := time.Since(begin); took > 2*time.Second {
			t.Errorf("%s took %v", what, took.Round(time.Millisecond))
		}
	}
	for _, user := range users {
		promptly("somebody who comes", func() {
			changes, err := h.InboxChanges(t.Context(), testViewer(b.workspace, user), nil)
			if err != nil {
				t.Fatal(err)
			}
			expect(t, changes, "reset STARTED")
			b.store.arrive(testEvent(b.workspace, "theirs"), user)
			expect(t, changes, "received theirs")
		})
	}
	own := b.follow(t, 0, nil)
	expect(t, own, "reset STARTED")
	for range 20 {
		promptly("an event of this replica", func() {
			b.publish(0, "ours")
			expect(t, own, "received ours")
		})
	}
	promptly("the state", func() {
		if s := h.State(); s != StateDegraded {
			t.Errorf("state is %s", s)
		}
	})
}

// TestFollowedAfterwards shows that whoever came while NATS was gone hears messages as soon as it is back, without the
// reconciler.
func TestFollowedAfterwards(t *testing.T) {
	t.Parallel()
	ns := natsServer(t, -1)
	port, url := ns.Addr().(*net.TCPAddr).Port, ns.ClientURL()
	b := setup(t, 0)
	b.hubs = append(b.hubs, startHub(t, config(b.store, url), seldom), startHub(t, config(b.store, url), seldom))
	state := func(want State) {
		t.Helper()
		for _, h := range b.hubs {
			eventually(t, string(want), func() bool { return h.State() == want })
		}
	}
	state(StateOK)
	ns.Shutdown()
	ns.WaitForShutdown()
	state(StateDegraded)
	changes := b.follow(t, 0, nil)
	expect(t, changes, "reset STARTED")
	natsServer(t, port)
	state(StateOK)
	s := b.hubs[0].shardOf(b.user)
	eventually(t, "followed", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return !s.entries[b.user].deaf
	})
	b.hubs[0].bus.settle()
	b.publish(1, "a", "b")
	expect(t, changes, "received a", "received b")
}
