package httpd

// Writing to a socket never takes a goroutine while the peer keeps up: whoever has a frame tries to
// hand it to the kernel without waiting. Only what the kernel does not take is queued and written,
// with a deadline, by a goroutine that lives as long as there is a queue.
//
// Goroutines are started with c.mu held, while the connection is not dead: the reader's cleanup
// needs the lock too, so the server never waits for its goroutines while new ones begin.

// sent is what became of a frame.
type sent int

const (
	sentOK   sent = iota
	sentFull      // the queue is full: not taken
	sentGone      // the connection is closed: not taken
)

// writeState is guarded by the socket's mutex.
type writeState struct {
	queue   []byte // frames the kernel has not taken
	begun   int    // bytes at the head of queue that belong to a frame of which some was sent
	busy    bool   // somebody writes: everybody else queues
	closed  bool   // a close frame is queued or sent, or the connection is dead: nothing follows
	refused bool   // somebody was told that the queue is full and waits to hear otherwise
}

// sendLocked takes a frame. It is called with c.mu held and releases it. The frame is copied if it
// has to wait.
func (c *socket) sendLocked(frame []byte) sent {
	if c.write.closed {
		c.mu.Unlock()
		return sentGone
	}
	if c.write.busy {
		defer c.mu.Unlock()
		if len(c.write.queue)+len(frame) > c.server.cfg.Limits.Queue && len(c.write.queue) > 0 {
			c.write.refused = true
			return sentFull
		}
		c.write.queue = append(c.write.queue, frame...)
		return sentOK
	}
	c.write.busy = true
	c.mu.Unlock()
	n, err := c.try(frame)
	c.mu.Lock()
	if err != nil {
		c.write.closed, c.write.queue = true, nil
		c.mu.Unlock()
		c.abort()
		return sentGone
	}
	if n < len(frame) {
		rest := append(make([]byte, 0, len(frame)-n+len(c.write.queue)), frame[n:]...)
		c.write.queue = append(rest, c.write.queue...)
		if n > 0 {
			c.write.begun = len(frame) - n
		}
	}
	c.settleLocked()
	return sentOK
}

// settleLocked ends a writer's turn: it hands a queue to a goroutine or notes that nobody writes
// any more. It is called with c.mu held by the one who set busy, and releases it.
func (c *socket) settleLocked() {
	if len(c.write.queue) > 0 {
		c.server.work.Go(c.flush)
		c.mu.Unlock()
		return
	}
	c.write.busy = false
	c.mu.Unlock()
}

// writeChunk is what a peer must take within one deadline.
const writeChunk = 32 << 10

// flush writes the queue until it is empty.
func (c *socket) flush() {
	for {
		c.mu.Lock()
		batch := c.write.queue
		c.write.queue, c.write.begun = nil, 0
		if len(batch) == 0 {
			c.write.busy = false
			ending := c.write.closed
			c.wakeLocked()
			c.mu.Unlock()
			if ending {
				c.halfClose()
			}
			return
		}
		c.mu.Unlock()
		for len(batch) > 0 {
			chunk := batch[:min(len(batch), writeChunk)]
			if err := c.writeDeadlined(chunk); err != nil {
				c.abort()
				return
			}
			batch = batch[len(chunk):]
		}
	}
}

// wakeLocked tells everybody who was refused that there is room. It is called with c.mu held.
func (c *socket) wakeLocked() {
	c.room.Broadcast()
	if !c.write.refused {
		return
	}
	c.write.refused = false
	for _, op := range c.operations {
		if op.source != nil && op.waiting {
			op.waiting = false
			c.server.work.Go(op.source.Ready)
		}
	}
}

// close sends a close frame as the last one. What waits is dropped, but for the rest of a frame
// that has begun; operations end at once. Only the first call counts.
func (c *socket) close(code int, reason string) {
	c.mu.Lock()
	if c.write.closed {
		c.mu.Unlock()
		return
	}
	c.write.closed = true
	c.write.queue = appendClose(c.write.queue[:c.write.begun], code, reason)
	c.endLocked()
	if c.write.busy {
		c.mu.Unlock() // whoever writes goes on with the queue
		return
	}
	c.write.busy = true
	c.server.work.Go(c.flush)
	c.mu.Unlock()
}

// abort drops the connection as it is. The reader notices and cleans up.
func (c *socket) abort() {
	c.mu.Lock()
	c.write.closed = true
	c.write.queue, c.write.begun = nil, 0
	c.endLocked()
	c.mu.Unlock()
	_ = c.nc.Close()
}

// halfClose ends our direction after the close frame. The reader goes on for a moment, so that the
// peer's unread bytes do not reset the connection before it has read why.
func (c *socket) halfClose() {
	if err := c.nc.SetReadDeadline(c.server.cfg.Now().Add(lingerTime)); err != nil {
		_ = c.nc.Close()
		return
	}
	if half, ok := c.nc.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
}
