package live

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"pgregory.net/rapid"

	"github.com/heffl/bff/model"
)

// deafBus is a bus that carries nothing.
type deafBus struct{ up bool }

func (deafBus) open() error                                 { return nil }
func (deafBus) close()                                      {}
func (b deafBus) connected() bool                           { return b.up }
func (deafBus) publish(string, []byte) error                { return nil }
func (deafBus) follow(string, chan *nats.Msg) (link, error) { return deafLink{}, nil }
func (deafBus) settle()                                     {}

type deafLink struct{}

func (deafLink) Unsubscribe() error { return nil }

// virtual is a hub in virtual time, without NATS.
func virtual(t *testing.T, up bool, users ...uuid.UUID) (*Hub, *memory) {
	t.Helper()
	h, store := unstarted(t, up, users...)
	if err := h.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return h, store
}

// unstarted is the same before it is started.
func unstarted(t *testing.T, up bool, users ...uuid.UUID) (*Hub, *memory) {
	t.Helper()
	store := newMemory(users...)
	h, err := New(Config{Epoch: testEpoch, Store: store, Decorate: decorate, Logger: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	h.bus = deafBus{up: up}
	return h, store
}

// virtualStream is a virtual hub with one person, who follows their inbox and has heard where it begins.
func virtualStream(t *testing.T) (h *Hub, store *memory, v model.Viewer, changes <-chan model.InboxChange) {
	t.Helper()
	user := uuid.New()
	h, store = virtual(t, true, user)
	v = testViewer(uuid.Nil, user)
	changes, err := h.InboxChanges(t.Context(), v, nil)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, changes, "reset STARTED")
	return h, store, v, changes
}

func TestReconciler(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		up   bool
		most time.Duration
		each time.Duration
	}{
		"TwoSeconds":           {true, round + messagePatience + mostLull, round},
		"OneSecondWithoutNATS": {false, hurriedRound, hurriedRound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				workspace := uuid.New()
				users := make([]uuid.UUID, 40)
				for i := range users {
					users[i] = uuid.New()
				}
				h, store := virtual(t, c.up, users...)
				defer h.Stop(context.Background())
				streams := make([]<-chan model.InboxChange, len(users))
				for i, u := range users {
					var err error
					if streams[i], err = h.InboxChanges(t.Context(), testViewer(workspace, u), nil); err != nil {
						t.Fatal(err)
					}
					expect(t, streams[i], "reset STARTED")
				}
				synctest.Wait()
				before, start := store.asked(), time.Now()
				for range 5 {
					began := time.Now()
					store.arrive(testEvent(workspace, "silent"), users...)
					for _, s := range streams {
						expect(t, s, "received silent")
					}
					if took := time.Since(began); took > c.most {
						t.Errorf("everybody was visited in %v, want %v", took, c.most)
					}
				}
				time.Sleep(10 * c.most)
				synctest.Wait()
				rounds := int(time.Since(start)/c.each) + 1
				if asked := store.asked() - before; asked > 5*len(users)+rounds*shardCount {
					t.Errorf("%d queries in %d rounds", asked, rounds)
				}
			})
		})
	}
	t.Run("AllAtOnceWhenNATSIsBack", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			h, store, v, changes := virtualStream(t)
			defer h.Stop(context.Background())
			began := time.Now()
			store.arrive(testEvent(uuid.Nil, "missed"), v.User.UUID)
			h.linkChanged()
			expect(t, changes, "received missed")
			if took := time.Since(began); took > 0 {
				t.Errorf("took %v", took)
			}
		})
	})
	t.Run("OneQueryForEachSlice", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			users := make([]uuid.UUID, 3*shardCount*sliceSize)
			for i := range users {
				users[i] = uuid.New()
			}
			h, store := virtual(t, true, users...)
			defer h.Stop(context.Background())
			for _, u := range users {
				if _, err := h.InboxChanges(t.Context(), testViewer(uuid.Nil, u), nil); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(2 * round) // how many slices there are is decided once a round
			synctest.Wait()
			before := store.asked()
			time.Sleep(10 * round)
			synctest.Wait()
			if asked, want := store.asked()-before, 10*shardCount*3; asked != want {
				t.Errorf("%d queries in ten rounds, want %d", asked, want)
			}
		})
	})
	t.Run("EndsTheStreamsOfTheInactive", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			user := uuid.New()
			h, store := virtual(t, true, user)
			defer h.Stop(context.Background())
			v := testViewer(uuid.New(), user)
			changes, _ := h.InboxChanges(t.Context(), v, nil)
			received, _ := h.NotificationsReceived(t.Context(), v, nil)
			viewers, _ := h.ViewerChanges(t.Context(), v)
			expect(t, changes, "reset STARTED")
			store.leave(user)
			began := time.Now()
			ended(t, changes)
			ended(t, received)
			ended(t, viewers)
			if took := time.Since(began); took > round+mostLull {
				t.Errorf("took %v", took)
			}
			v.User.Active = false
			if _, err := h.InboxChanges(t.Context(), v, nil); err == nil {
				t.Error("an inactive person may subscribe")
			}
		})
	})
}

// TestLeavingIsFound has somebody leave of whom only the inbox is followed, while the stream is quiet and while it reads
// the database, and tells nobody.
func TestLeavingIsFound(t *testing.T) {
	t.Parallel()
	for name, reading := range map[string]bool{"Quiet": false, "WhileItReads": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h, store, v, changes := virtualStream(t)
				defer h.Stop(context.Background())
				if reading {
					store.onChanges = store.leave
					store.arrive(testEvent(uuid.Nil, "a"), v.User.UUID)
				} else {
					store.leave(v.User.UUID)
				}
				began := time.Now()
				ended(t, changes)
				if took := time.Since(began); took > round+messagePatience+mostLull {
					t.Errorf("took %v", took)
				}
			})
		})
	}
}

func TestStopHandsOutWhatWasPublished(t *testing.T) {
	t.Parallel()
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			h, store, v, changes := virtualStream(t)
			synctest.Wait()
			for _, title := range []string{"a", "b", "c"} {
				event := testEvent(uuid.Nil, title)
				h.Arrived(t.Context(), event, store.arrive(event, v.User.UUID))
			}
			h.Stop(t.Context())
			expect(t, changes, "received a", "received b", "received c")
			ended(t, changes)
		})
	}
}

func TestDeactivatedEndsStreamsAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t, 2)
	changes := b.follow(t, 0, nil)
	expect(t, changes, "reset STARTED")
	b.store.leave(b.user)
	b.hubs[1].Deactivated([]uuid.UUID{b.user})
	ended(t, changes)
}

func (m *memory) asked() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.queries
}

// TestQueueOrder shows that nothing is lost or doubled between those who add and those who take.
func TestQueueOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		q := newQueue()
		var added, taken []*entry
		for range rapid.IntRange(1, 50).Draw(t, "steps") {
			if len(added) > len(taken) && rapid.Bool().Draw(t, "take") {
				taken = append(taken, q.take(context.Background(), rapid.IntRange(1, 5).Draw(t, "limit"))...)
				continue
			}
			e := new(entry)
			added = append(added, e)
			q.add(e)
		}
		for len(taken) < len(added) {
			taken = append(taken, q.take(context.Background(), 3)...)
		}
		for i := range added {
			if taken[i] != added[i] {
				t.Fatalf("place %d has another entry", i)
			}
		}
	})
}
