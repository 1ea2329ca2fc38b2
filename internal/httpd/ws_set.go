package httpd

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	// Every socket is looked after twice a second, a part of them at a time: all at once, ten thousand of them keep a
	// processor busy for longer than a message is under way.
	sweepEvery = 500 * time.Millisecond
	sweepParts = 20
	// A shutdown ends a hundred streams a second, and takes no longer than five seconds for all of them: their clients
	// come back at once, and not all to the next replica in the same moment.
	drainEach, drainMost = 10 * time.Millisecond, 5 * time.Second
)

// drainSpread is how long a shutdown takes to end so many streams.
func drainSpread(n int) time.Duration { return min(time.Duration(n)*drainEach, drainMost) }

// socketSet knows all WebSockets. One goroutine looks after the time limits of all of them, while
// there are any: timers of their own would cost each connection memory.
type socketSet struct {
	server *Server

	mu     sync.Mutex // guards the fields below
	parts  [sweepParts]map[*socket]struct{}
	count  int
	turn   int           // the part that the next socket goes to
	empty  chan struct{} // closed when the last one has gone; nil while there is none
	closed bool
}

func newSocketSet(s *Server) *socketSet {
	set := &socketSet{server: s}
	for i := range set.parts {
		set.parts[i] = make(map[*socket]struct{})
	}
	return set
}

// start begins to read from a socket.
func (set *socketSet) start(c *socket) {
	set.mu.Lock()
	defer set.mu.Unlock()
	set.turn = (set.turn + 1) % sweepParts
	c.part = set.turn
	set.parts[c.part][c] = struct{}{}
	set.count++
	set.server.work.Go(c.read)
	if set.empty == nil {
		empty := make(chan struct{})
		set.empty = empty
		set.server.work.Go(func() { set.sweepAll(empty) })
	}
	if set.closed { // it came while the server began to stop
		c.close(closeRestart, "Service restart")
	}
}

func (set *socketSet) remove(c *socket) {
	set.mu.Lock()
	defer set.mu.Unlock()
	if _, ok := set.parts[c.part][c]; !ok {
		return
	}
	delete(set.parts[c.part], c)
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
	for _, part := range set.parts {
		all = appendKeys(all, part)
	}
	return all
}

// part is some of the sockets, in the memory of the part before.
func (set *socketSet) part(i int, into []*socket) []*socket {
	set.mu.Lock()
	defer set.mu.Unlock()
	return appendKeys(into[:0], set.parts[i])
}

func appendKeys(list []*socket, set map[*socket]struct{}) []*socket {
	for c := range set {
		list = append(list, c)
	}
	return list
}

// sweepAll runs while there are sockets.
func (set *socketSet) sweepAll(empty <-chan struct{}) {
	ticker := time.NewTicker(sweepEvery / sweepParts)
	defer ticker.Stop()
	var some []*socket
	for i := 0; ; i = (i + 1) % sweepParts {
		select {
		case <-ticker.C:
		case <-empty:
			return
		}
		some = set.part(i, some)
		now := set.server.cfg.Now()
		for _, c := range some {
			c.sweep(now)
		}
		clear(some) // what has gone meanwhile is not kept
	}
}

// sweep enforces what time does to a socket.
func (c *socket) sweep(now time.Time) {
	since := func(nanos int64) time.Duration { return time.Duration(now.UnixNano() - nanos) }
	limits := c.server.cfg.Limits
	began, pinged, end := c.began.Load(), c.pinged.Load(), c.expires.Load()
	switch {
	case end != 0 && now.UnixNano() >= end:
		c.close(closeForbidden, "Forbidden")
	case !c.ready.Load() && since(c.opened) >= limits.Init:
		c.close(closeInitTimeout, "Connection initialisation timeout")
	case pinged != 0 && since(pinged) >= pongTime, began != 0 && since(began) >= messageTime:
		c.abort()
	case pinged == 0 && since(c.heard.Load()) >= limits.Ping:
		c.pinged.Store(now.UnixNano())
		c.mu.Lock()
		c.sendLocked(appendFrameHeader(nil, opPing, 0))
	}
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
