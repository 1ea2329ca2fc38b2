package httpd

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	// The set is a wheel that goes on by a slot every wheelStep. Sockets whose slot it is are looked at, and put into the
	// slot of the moment when there may be something to do for them next, but one that is less than a turn away. As a turn
	// is shorter than messageTime, a message that begins after a look is still looked at in time.
	// The step is short, so that few sockets are asked for a sign at once: their answers come at once, too, and what is
	// pushed meanwhile waits behind them.
	wheelStep  = 5 * time.Millisecond
	wheelSlots = 1000
	// A shutdown ends a hundred streams a second, and takes no longer than five seconds for all of them: their clients
	// come back at once, and not all to the next replica in the same moment.
	drainEach, drainMost = 10 * time.Millisecond, 5 * time.Second
)

// turnTime is how long nothing is looked at at most. It does not compile when a limit that may begin after a look is shorter.
const turnTime = wheelSlots * wheelStep

const _, _ = uint64(messageTime - turnTime), uint64(pongTime - turnTime)

// drainSpread is how long a shutdown takes to end so many streams.
func drainSpread(n int) time.Duration { return min(time.Duration(n)*drainEach, drainMost) }

// socketSet knows all WebSockets. One goroutine looks after the time limits of all of them, while
// there are any: timers of their own would cost each connection memory.
type socketSet struct {
	server *Server

	mu     sync.Mutex // guards the fields below, and the slot of each socket
	slots  [wheelSlots]map[*socket]struct{}
	turn   int // the slot that was looked at last
	count  int
	empty  chan struct{} // closed when the last one has gone; nil while there is none
	closed bool
}

func newSocketSet(s *Server) *socketSet {
	set := &socketSet{server: s}
	for i := range set.slots {
		set.slots[i] = make(map[*socket]struct{})
	}
	return set
}

// start begins to read from a socket.
func (set *socketSet) start(c *socket) {
	set.mu.Lock()
	defer set.mu.Unlock()
	set.placeLocked(c, set.server.cfg.Limits.Init)
	set.count++
	set.server.work.Go(c.read)
	if set.empty == nil {
		empty := make(chan struct{})
		set.empty = empty
		set.server.work.Go(func() { set.lookAfter(empty) })
	}
	if set.closed { // it came while the server began to stop
		c.close(closeRestart, "Service restart")
	}
}

// stepsTo is by how many slots the wheel goes on in some time, but less than a turn.
func stepsTo(after time.Duration) int {
	return int(min(max(1, (after+wheelStep-1)/wheelStep), wheelSlots-1))
}

// placeLocked has the socket looked at after some time, or after a turn if that is sooner.
func (set *socketSet) placeLocked(c *socket, after time.Duration) {
	c.slot = (set.turn + stepsTo(after)) % wheelSlots
	set.slots[c.slot][c] = struct{}{}
}

// hasten has a socket of the set looked at after some time if that is sooner than it would be. One that is being looked at
// would be a turn later, for all that is known.
func (set *socketSet) hasten(c *socket, after time.Duration) {
	set.mu.Lock()
	defer set.mu.Unlock()
	if left := (c.slot-set.turn-1+wheelSlots)%wheelSlots + 1; stepsTo(after) < left {
		delete(set.slots[c.slot], c)
		set.placeLocked(c, after)
	}
}

func (set *socketSet) remove(c *socket) {
	set.mu.Lock()
	defer set.mu.Unlock()
	if _, ok := set.slots[c.slot][c]; !ok {
		return
	}
	delete(set.slots[c.slot], c)
	if set.count--; set.count == 0 {
		close(set.empty)
		set.empty = nil
	}
}

func (set *socketSet) len() int {
	set.mu.Lock()
	defer set.mu.Unlock()
	return set.count
}

func (set *socketSet) list() []*socket {
	set.mu.Lock()
	defer set.mu.Unlock()
	all := make([]*socket, 0, set.count)
	for _, slot := range set.slots {
		all = appendKeys(all, slot)
	}
	return all
}

func appendKeys(list []*socket, set map[*socket]struct{}) []*socket {
	for c := range set {
		list = append(list, c)
	}
	return list
}

// lookAfter turns the wheel while there are sockets. A ticker leaves out what nobody was there to take, so the steps are
// counted by its time.
func (set *socketSet) lookAfter(empty <-chan struct{}) {
	ticker := time.NewTicker(wheelStep)
	defer ticker.Stop()
	var due []*socket
	var last time.Time
	for {
		select {
		case tick := <-ticker.C:
			steps := 1
			if !last.IsZero() {
				steps = stepsTo(tick.Sub(last) - wheelStep/2)
			}
			last = tick
			for range steps {
				due = set.step(due)
			}
		case <-empty:
			return
		}
	}
}

// step goes on by a slot, looks at its sockets and puts them where they belong next. It works in the memory of due.
func (set *socketSet) step(due []*socket) []*socket {
	set.mu.Lock()
	set.turn = (set.turn + 1) % wheelSlots
	slot := set.slots[set.turn]
	due = appendKeys(due[:0], slot)
	set.mu.Unlock()
	now := set.server.cfg.Now()
	for _, c := range due {
		next := c.look(now)
		set.mu.Lock()
		// One that was hastened meanwhile, or has gone, is where it belongs.
		if _, here := slot[c]; here {
			delete(slot, c)
			set.placeLocked(c, next)
		}
		set.mu.Unlock()
	}
	clear(due) // what has gone meanwhile is not kept
	return due
}

// look enforces what time does to a socket, and tells after how long there may be something to do again.
func (c *socket) look(now time.Time) (next time.Duration) {
	next = turnTime
	// over reports whether a time limit is; else it has a say in when to look again.
	over := func(from int64, limit time.Duration) bool {
		left := time.Duration(from-now.UnixNano()) + limit
		if left > 0 {
			next = min(next, left)
		}
		return left <= 0
	}
	limits := &c.server.cfg.Limits
	began, pinged, end := c.began.Load(), c.pinged.Load(), c.expires.Load()
	switch {
	case end != 0 && over(end, 0):
		c.close(closeForbidden, "Forbidden")
	case !c.ready.Load() && over(c.opened, limits.Init):
		c.close(closeInitTimeout, "Connection initialisation timeout")
	case pinged != 0 && over(pinged, pongTime), began != 0 && over(began, messageTime):
		c.abort()
	case pinged == 0 && over(c.heard.Load(), c.silence):
		c.pinged.Store(now.UnixNano())
		c.mu.Lock()
		c.sendLocked(appendFrameHeader(nil, opPing, 0))
	}
	return next
}

// close closes all sockets, in random order over the spread, and returns when they are gone. When ctx is done the rest
// is cut.
func (set *socketSet) close(ctx context.Context, spread time.Duration) {
	set.mu.Lock()
	set.closed = true
	set.mu.Unlock()
	all := set.list()
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] }) //nolint:gosec // order only
	slot := spread / time.Duration(len(all)+1)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for _, c := range all {
		select {
		case <-timer.C:
			timer.Reset(slot)
		case <-ctx.Done():
		}
		c.close(closeRestart, "Service restart")
	}
	for set.len() > 0 {
		timer.Reset(slot + time.Millisecond)
		select {
		case <-timer.C:
		case <-ctx.Done():
			for _, c := range set.list() {
				c.abort()
			}
			return
		}
	}
}
