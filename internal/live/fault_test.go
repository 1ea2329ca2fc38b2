package live

import (
	"context"
	"errors"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/heffl/bff/model"
)

// eventually waits for a condition that nothing signals.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("never: %s", what)
		}
	}
}

// wire is a proxy in front of a NATS server that can go silent without closing anything.
type wire struct {
	listener net.Listener
	mu       sync.Mutex
	silent   bool
	healed   chan struct{}
}

func newWire(t *testing.T, port int) *wire {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{listener: listener}
	var done sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	done.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
			if err != nil {
				_ = near.Close()
				continue
			}
			stop := context.AfterFunc(ctx, func() {
				_ = near.Close()
				_ = far.Close()
			})
			done.Go(func() { w.carry(near, far); stop() })
			done.Go(func() { w.carry(far, near) })
		}
	})
	t.Cleanup(func() {
		w.heal()
		cancel()
		_ = listener.Close()
		done.Wait()
	})
	return w
}

func (w *wire) carry(to, from net.Conn) {
	defer func() {
		_ = to.Close()
		_ = from.Close()
	}()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		w.mu.Lock()
		silent, healed := w.silent, w.healed
		w.mu.Unlock()
		if silent {
			<-healed
			return // what was sent into the silence is lost
		}
		if err != nil {
			return
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

func (w *wire) silence() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.silent, w.healed = true, make(chan struct{})
}

func (w *wire) heal() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.silent {
		w.silent = false
		close(w.healed)
	}
}

// TestPartition takes NATS away from the subscriber's replica while the other one publishes; TestPartitionUnderLoad lets it go silent.
func TestPartition(t *testing.T) {
	t.Parallel()
	t.Run("ServerGone", func(t *testing.T) {
		t.Parallel()
		ns := natsServer(t, -1)
		port := ns.Addr().(*net.TCPAddr).Port
		b := setup(t, 0)
		b.hubs = append(b.hubs, startHub(t, config(b.store, ns.ClientURL())), startHub(t, config(b.store, ns.ClientURL())))
		changes, local := b.follow(t, 0, nil), b.follow(t, 1, nil)
		expect(t, changes, "reset STARTED")
		expect(t, local, "reset STARTED")
		ns.Shutdown()
		ns.WaitForShutdown()
		eventually(t, "degraded", func() bool { return b.hubs[0].State() == StateDegraded })
		began := time.Now()
		b.publish(1, "during")
		expect(t, local, "received during")
		expect(t, changes, "received during")
		if took := time.Since(began); took > hurriedRound+time.Second {
			t.Errorf("polling took %v", took)
		}
		natsServer(t, port)
		eventually(t, "ok again", func() bool { return b.hubs[0].State() == StateOK && b.hubs[1].State() == StateOK })
		b.publish(1, "after")
		expect(t, changes, "received after")
	})
	t.Run("ServerComesLater", func(t *testing.T) {
		t.Parallel()
		first := natsServer(t, -1)
		port := first.Addr().(*net.TCPAddr).Port
		first.Shutdown()
		first.WaitForShutdown()
		b := setup(t, 0)
		b.hubs = append(b.hubs, startHub(t, config(b.store, first.ClientURL())))
		if s := b.hubs[0].State(); s != StateDegraded {
			t.Errorf("state is %s", s)
		}
		changes := b.follow(t, 0, nil)
		expect(t, changes, "reset STARTED")
		natsServer(t, port)
		eventually(t, "ok", func() bool { return b.hubs[0].State() == StateOK })
		b.hubs = append(b.hubs, startHub(t, config(b.store, first.ClientURL())))
		b.publish(1, "a")
		expect(t, changes, "received a")
	})
}

func TestSlowReader(t *testing.T) {
	t.Parallel()
	b := setup(t, 2)
	slow, fast := b.follow(t, 0, nil), b.follow(t, 0, nil)
	expect(t, slow, "reset STARTED")
	expect(t, fast, "reset STARTED")
	received, err := b.hubs[0].NotificationsReceived(t.Context(), b.viewer(), b.cursor())
	if err != nil {
		t.Fatal(err)
	}
	const many = 500
	for i := range many {
		b.publish(1, strconv.Itoa(i))
		expect(t, fast, "received "+strconv.Itoa(i))
	}
	if st := b.hubs[0].Stats(); st.Stalled != 2 {
		t.Errorf("%d are stalled, want 2", st.Stalled)
	}
	if len(slow) > 32 || cap(slow) > 32 {
		t.Errorf("%d changes wait", len(slow))
	}
	for i := range many {
		expect(t, slow, "received "+strconv.Itoa(i))
		if n := receive(t, received); n.Notification.Title() != strconv.Itoa(i) {
			t.Fatalf("got %q", n.Notification.Title())
		}
	}
	b.publish(1, "live")
	expect(t, slow, "received live")
}

func TestSlowReaderFallsTooFarBehind(t *testing.T) {
	t.Parallel()
	ends := make(chan error, 1)
	b := setup(t, 0)
	c := config(b.store, "")
	c.Ended = func(_ context.Context, err error) { ends <- err }
	b.hubs = append(b.hubs, startHub(t, c))
	slow := b.follow(t, 0, nil)
	expect(t, slow, "reset STARTED")
	received, err := b.hubs[0].NotificationsReceived(t.Context(), b.viewer(), b.cursor())
	if err != nil {
		t.Fatal(err)
	}
	for range 1100 {
		b.publish(0, "x")
	}
	eventually(t, "both stalled", func() bool { return b.hubs[0].Stats().Stalled == 2 })
	for {
		switch c := receive(t, slow).(type) {
		case *model.InboxReset:
			if c.Reason != model.InboxResetReasonTooFarBehind {
				t.Errorf("reset %s", c.Reason)
			}
			if c.Cursor != *b.cursor() {
				t.Errorf("goes on at %s", c.Cursor)
			}
		case *model.NotificationReceived:
			continue
		}
		break
	}
	for range received { // until it ends
		continue
	}
	var known *model.Error
	if err := receive(t, ends); !errors.As(err, &known) || known.Code != model.CodeCursorUnusable {
		t.Errorf("ended with %v", err)
	}
	b.publish(0, "live")
	expect(t, slow, "received live")
}
