package httpd

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	sweepEvery = 500 * time.Millisecond
	// drainSpread is how long a shutdown takes to close all sockets, so that not all clients come to
	// the next replica in the same moment.
	drainSpread = time.Second
)

// socketSet knows all WebSockets. One goroutine looks after the time limits of all of them, while
// there are any: timers of their own would cost each connection memory.
type socketSet struct {
	server *Server

	mu     sync.Mutex // guards the fields below
	open   map[*socket]struct{}
	empty  chan struct{} // closed when the last one has gone; nil while there is none
	closed bool
}

func newSocketSet(s *Server) *socketSet {
	return &socketSet{server: s, open: make(map[*socket]struct{})}
}

// start begins to read from a socket.
func (set *socketSet) start(c *socket) {
	set.mu.Lock()
	defer set.mu.Unlock()
	set.open[c] = struct{}{}
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
	if delete(set.open, c); len(set.open) == 0 && set.empty != nil {
		close(set.empty)
		set.empty = nil
	}
}

func (set *socketSet) len() int {
	set.mu.Lock()
	defer set.mu.Unlock()
	return len(set.open)
}

func (set *socketSet) list() []*socket {
	set.mu.Lock()
	defer set.mu.Unlock()
	all := make([]*socket, 0, len(set.open))
	for c := range set.open {
		all = append(all, c)
	}
	return all
}

// sweepAll runs while there are sockets.
func (set *socketSet) sweepAll(empty <-chan struct{}) {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-empty:
			return
		}
		for _, c := range set.list() {
			c.sweep(set.server.cfg.Now())
		}
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

// close closes all sockets, at random moments within the spread, and returns when they are gone.
// When ctx is done the rest is cut.
func (set *socketSet) close(ctx context.Context) {
	set.mu.Lock()
	set.closed = true
	set.mu.Unlock()
	all := set.list()
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] }) //nolint:gosec // order only
	slot := drainSpread / time.Duration(len(all)+1)
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
