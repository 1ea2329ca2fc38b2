package httpd

import (
	"context"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"
)

// keepAlive is how often a silent stream says something, so that proxies do not take it for dead.
const keepAlive = 12 * time.Second

// eventStream is one answer of Server-Sent Events. Operations put events into its queue; the
// handler's goroutine is the only one that writes, because nobody may touch an answer whose
// handler has returned.
type eventStream struct {
	server *Server
	caller caller
	wake   chan struct{} // holds one: there is something to write, or to end

	mu         sync.Mutex // guards the fields below
	room       sync.Cond  // on mu: there is room in the queue, or an operation has ended
	queue      []byte
	refused    bool // somebody waits for room
	ended      bool // nothing is taken any more; what is queued is still written
	operations []*streamOperation
}

func newEventStream(s *Server, c caller) *eventStream {
	st := &eventStream{server: s, caller: c, wake: make(chan struct{}, 1)}
	st.room.L = &st.mu
	return st
}

// serve writes events until the client leaves, the token runs out, the server stops or the stream
// has ended and all of it is written.
func (st *eventStream) serve(ctx context.Context, w http.ResponseWriter) {
	defer st.end()
	control := http.NewResponseController(w)
	if err := control.SetReadDeadline(time.Time{}); err != nil { // the server's would end the stream
		return
	}
	header := w.Header()
	header.Set("Content-Type", mediaEvents+"; charset=utf-8")
	header.Set("Cache-Control", "no-cache, no-store, no-transform")
	header.Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	if st.write(w, control, []byte(":\n\n")) != nil { // the client sees at once that it is open
		return
	}
	ticker := time.NewTicker(keepAlive)
	defer ticker.Stop()
	var expiry <-chan time.Time
	if !st.caller.anonymous {
		timer := time.NewTimer(st.caller.ExpiresAt.Sub(st.server.cfg.Now()))
		defer timer.Stop()
		expiry = timer.C
	}
	stop, leave := st.server.streams.stop, (<-chan time.Time)(nil)
	for {
		var silent bool
		select {
		case <-st.wake:
		case <-ticker.C:
			silent = true
		case <-expiry:
			return
		case <-ctx.Done():
			return
		case <-stop:
			timer := time.NewTimer(time.Duration(rand.Float64() * float64(st.server.streams.spread))) //nolint:gosec // for a moment only
			defer timer.Stop()
			stop, leave = nil, timer.C
			continue
		case <-leave:
			return
		}
		batch, ended := st.take()
		if silent && len(batch) == 0 {
			batch = []byte(":\n\n")
		}
		if st.caller.expired(st.server.cfg.Now()) || st.write(w, control, batch) != nil || ended {
			return
		}
	}
}

// write sends bytes within the deadline.
func (st *eventStream) write(w http.ResponseWriter, control *http.ResponseController, b []byte) error {
	for len(b) > 0 {
		if err := control.SetWriteDeadline(st.server.cfg.Now().Add(st.server.cfg.Limits.Write)); err != nil {
			return err //nolint:wrapcheck // it only ends the stream
		}
		chunk := b[:min(len(b), writeChunk)]
		if _, err := w.Write(chunk); err != nil {
			return err //nolint:wrapcheck // as above
		}
		if err := control.Flush(); err != nil {
			return err //nolint:wrapcheck // as above
		}
		b = b[len(chunk):]
	}
	return nil
}

// take empties the queue and tells everybody who waits for room.
func (st *eventStream) take() (batch []byte, ended bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	batch, st.queue = st.queue, nil
	if st.refused {
		st.refused = false
		st.room.Broadcast()
		for _, op := range st.operations {
			if op.source != nil && op.waiting {
				op.waiting = false
				st.server.work.Go(op.source.Ready)
			}
		}
	}
	return batch, st.ended
}

// pushLocked queues an event. It is called with st.mu held.
func (st *eventStream) pushLocked(event []byte) {
	st.queue = append(st.queue, event...)
	st.wakeLocked()
}

func (st *eventStream) wakeLocked() {
	select {
	case st.wake <- struct{}{}:
	default: // it is awake
	}
}

func (st *eventStream) fullLocked(more int) bool {
	return len(st.queue) > 0 && len(st.queue)+more > st.server.cfg.Limits.Queue
}

// end ends all operations.
func (st *eventStream) end() {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.ended = true
	for _, op := range st.operations {
		op.ended = true
		op.cancel()
	}
	st.operations = nil
	st.room.Broadcast()
	st.wakeLocked()
}

// stopOperation ends one operation because the client wants no more of it.
func (st *eventStream) stopOperation(id string) {
	st.mu.Lock()
	defer st.mu.Unlock()
	for i, op := range st.operations {
		if op.id == id {
			st.operations = slices.Delete(st.operations, i, i+1)
			op.ended = true
			op.cancel()
			st.room.Broadcast()
			return
		}
	}
}
