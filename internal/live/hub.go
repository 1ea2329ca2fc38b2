package live

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

const (
	shardCount = 16
	// replayLimit is how many changes are replayed at most; who is further behind reads the inbox anew.
	replayLimit = 1000
	// queryTimeout bounds every question to the database, so that a stuck one is asked again.
	queryTimeout = 5 * time.Second
)

// Store is what the hub reads from the database. It writes nothing.
type Store interface {
	// Positions are those of people of whom the database knows something else than was seen: nobody's where all is as it was
	// seen, else also of those who are not active. Leaving raises LastSeq. Somebody unknown has an empty inbox.
	Positions(ctx context.Context, seen []model.InboxSeen) ([]model.InboxPosition, error)
	// Changes are what changed in an inbox since a position, in one snapshot.
	Changes(ctx context.Context, userID uuid.UUID, after int64, limit int) (model.InboxChanges, error)
}

// Config is what a hub needs. Fields without a remark are required.
type Config struct {
	// URL names the NATS servers, separated by commas; empty: a server inside the process that listens nowhere.
	URL string
	// Credentials is the path of a NATS credentials file; empty: none.
	Credentials string
	// Epoch is the database's, for cursors.
	Epoch model.Epoch
	Store Store
	// Decorate fills in what a notification does not have from the database: category, importance, URL.
	Decorate func(*model.Notification)
	Logger   *slog.Logger
	Now      func() time.Time
	// Ended is told why a stream ended that its reader did not end, just before its channel is closed; nil: nobody is.
	// The context is that of the subscription.
	Ended func(ctx context.Context, err error)
	// Queue is how many changes wait for one reader of a stream before the rest is left in the database; 0: 32.
	Queue int
	// Readers is how many inboxes are read from the database at the same time; 0: 4.
	Readers int
}

// Hub connects committed changes with subscribers. Its methods may be called by any number of goroutines.
type Hub struct {
	config    Config
	bus       bus
	shards    [shardCount]*shard
	events    *eventCache
	outbox    *outbox
	reads     *queue // entries with a subscriber that must read
	checks    *queue // entries whose position is to be compared soon
	stats     counters
	resync    chan struct{} // NATS came back, or went
	stalls    chan struct{} // a subscriber refused a change
	heard     chan struct{} // a message came while the reconciler was listening
	onWake    atomic.Pointer[func(model.Channel)]
	listening atomic.Bool
	failing   atomic.Bool   // the database did not answer the last question
	round     time.Duration // of the reconciler; tests of everything else make it long

	mu      sync.Mutex // guards the rest: the life of the hub
	started bool
	stopped bool
	cancel  context.CancelFunc
	done    sync.WaitGroup
}

// New makes a hub that Start brings to life.
func New(c Config) (*Hub, error) {
	if c.Store == nil || c.Decorate == nil || c.Logger == nil || c.Now == nil {
		return nil, errors.New("live: Store, Decorate, Logger and Now are required")
	}
	if c.Queue <= 0 {
		c.Queue = 32
	}
	if c.Readers <= 0 {
		c.Readers = 4
	}
	h := &Hub{
		config: c,
		events: newEventCache(c.Decorate),
		outbox: newOutbox(),
		reads:  newQueue(),
		checks: newQueue(),
		round:  round,
		resync: make(chan struct{}, 1),
		stalls: make(chan struct{}, 1),
		heard:  make(chan struct{}, 1),
	}
	for i := range h.shards {
		h.shards[i] = newShard(h)
	}
	h.bus = newNATSBus(c, busEvents{changed: h.linkChanged, overflow: h.overflow, wake: h.woken, workspace: h.workspaceChanged})
	return h, nil
}

// Start connects and begins to work. A NATS server that cannot be reached is no error: the hub polls until it can.
func (h *Hub) Start(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.started || h.stopped {
		return errors.New("live: started or stopped before")
	}
	if err := h.bus.open(); err != nil {
		return err
	}
	h.started = true
	ctx, h.cancel = context.WithCancel(context.WithoutCancel(ctx))
	h.run(ctx, h.reconcile)
	h.run(ctx, h.admit)
	h.run(ctx, h.send)
	for range h.config.Readers {
		h.run(ctx, h.read)
	}
	for _, s := range h.shards {
		h.run(ctx, s.run)
	}
	return nil
}

func (h *Hub) run(ctx context.Context, work func(context.Context)) {
	h.done.Go(func() { work(ctx) })
}

// Stop sends what was published, ends every subscription and waits for all goroutines. ctx bounds only the sending.
// It may be called at any time and more than once.
func (h *Hub) Stop(ctx context.Context) {
	h.mu.Lock()
	cancel, again := h.cancel, h.stopped
	h.stopped = true
	h.mu.Unlock()
	if cancel != nil && !again {
		h.outbox.close()
		select {
		case <-h.outbox.drained:
		case <-ctx.Done():
		}
	}
	if cancel != nil {
		cancel()
	}
	h.done.Wait()
	for _, s := range h.shards {
		s.endAll(errStopped())
	}
	h.bus.close()
}

func (h *Hub) running() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.started && !h.stopped
}

// State says how the hub is doing.
type State string

// The states of a hub. A degraded hub still delivers everything, by polling and therefore up to 2 s later.
const (
	StateOK       State = "ok"
	StateDegraded State = "degraded"
)

// State is degraded while NATS is out of reach or the database does not answer.
func (h *Hub) State() State {
	if !h.bus.connected() || h.failing.Load() {
		return StateDegraded
	}
	return StateOK
}

// shardOf is the shard that a person's changes go through.
func (h *Hub) shardOf(user uuid.UUID) *shard { return h.shards[user[15]%shardCount] }

// linkChanged is told by the bus that the connection came or went.
func (h *Hub) linkChanged() { poke(h.resync) }

// poke puts a token into a channel of capacity one, if there is none.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
