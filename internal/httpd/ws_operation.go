package httpd

import (
	"context"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// socketOperation is one running operation of a WebSocket, and where its results go.
type socketOperation struct {
	conn   *socket
	id     string
	prefix []byte          // of its `next` messages
	ctx    context.Context //nolint:containedctx // it is the operation's life, ended by cancel
	cancel context.CancelFunc

	// Guarded by the socket's mutex.
	ended   bool        // nothing may be sent for it any more
	source  FrameSource // nil while the executor runs it
	waiting bool        // the source was refused and waits for Ready
}

var (
	_ outlet    = (*socketOperation)(nil)
	_ FrameSink = (*socketOperation)(nil)
)

func newSocketOperation(c *socket, id string) *socketOperation {
	op := &socketOperation{conn: c, id: id}
	op.ctx, op.cancel = c.operationContext()
	op.prefix = op.head("next")
	return op
}

// head is the begin of a message of the operation, up to its payload.
func (op *socketOperation) head(kind string) []byte {
	b := make([]byte, 0, len(op.id)+len(kind)+32)
	b = appendString(append(b, `{"id":`...), op.id)
	return append(append(append(b, `,"type":"`...), kind...), `","payload":`...)
}

// frame is a whole message with a payload.
func (op *socketOperation) frame(kind string, payload func([]byte) []byte) []byte {
	text := append(payload(op.head(kind)), '}')
	return append(appendFrameHeader(make([]byte, 0, maxFrameHeader+len(text)), opText, len(text)), text...)
}

// run takes the operation to its end.
func (op *socketOperation) run(params *graphql.RawParams) {
	if attached := op.conn.server.run(op.ctx, op.conn.caller, params, op); !attached {
		op.finish(nil)
	}
}

// next implements [outlet].
func (op *socketOperation) next(result []byte) bool {
	c := op.conn
	buffer := c.server.buffers.get()
	defer c.server.buffers.put(buffer)
	buffer.Write(op.appendNext(buffer.AvailableBuffer(), result))
	for {
		c.mu.Lock()
		if !c.mayDeliverLocked(op) {
			return false
		}
		switch c.sendLocked(buffer.Bytes()) {
		case sentOK:
			return true
		case sentGone:
			return false
		case sentFull:
		}
		c.mu.Lock()
		for c.write.refused && !op.ended && !c.write.closed {
			c.room.Wait()
		}
		c.mu.Unlock()
	}
}

func (op *socketOperation) appendNext(b, result []byte) []byte {
	b = appendFrameHeader(b, opText, len(op.prefix)+len(result)+1)
	b = append(b, op.prefix...)
	b = append(b, result...)
	return append(b, '}')
}

// mayDeliverLocked reports whether a result may go out for the operation. Not one does after the
// token has run out: the set looks a moment later. It is called with c.mu held, and releases it
// if the answer is no.
func (c *socket) mayDeliverLocked(op *socketOperation) bool {
	if op.ended || c.write.closed {
		c.mu.Unlock()
		return false
	}
	if end := c.expires.Load(); end != 0 && c.server.cfg.Now().UnixNano() >= end {
		c.mu.Unlock()
		c.close(closeForbidden, "Forbidden")
		return false
	}
	return true
}

// fail implements [outlet].
func (op *socketOperation) fail(errs gqlerror.List) {
	op.finish(op.frame("error", func(b []byte) []byte { return appendJSON(b, errs) }))
}

// complete implements [outlet].
func (op *socketOperation) complete() {
	text := append(appendString([]byte(`{"id":`), op.id), `,"type":"complete"}`...)
	op.finish(append(appendFrameHeader(nil, opText, len(text)), text...))
}

// finish ends the operation, with a last message unless somebody has ended it before. The id is free
// as soon as the message is on its way. It goes into a full queue as well, because nobody should wait
// to end; a peer that begins operation after operation and reads nothing is cut off.
func (op *socketOperation) finish(last []byte) {
	c := op.conn
	defer op.cancel()
	c.mu.Lock()
	if op.ended {
		c.mu.Unlock()
		return
	}
	op.ended = true
	c.operations = slices.DeleteFunc(c.operations, func(other *socketOperation) bool { return other == op })
	if last == nil || c.write.closed {
		c.mu.Unlock()
		return
	}
	if !c.write.busy {
		c.sendLocked(last)
		return
	}
	flooded := len(c.write.queue) > 2*c.server.cfg.Limits.Queue
	c.write.queue = append(c.write.queue, last...)
	c.mu.Unlock()
	if flooded {
		c.abort()
	}
}

// frames implements [outlet].
func (op *socketOperation) frames(source FrameSource) FrameSink {
	op.conn.mu.Lock()
	defer op.conn.mu.Unlock()
	op.source = source
	return op
}

// Send implements [FrameSink].
func (op *socketOperation) Send(result []byte) bool {
	c := op.conn
	buffer := c.server.buffers.get()
	defer c.server.buffers.put(buffer)
	buffer.Write(op.appendNext(buffer.AvailableBuffer(), result))
	c.mu.Lock()
	if !c.mayDeliverLocked(op) {
		return true // there is nothing to wait for
	}
	if c.write.busy && len(c.write.queue) > 0 && len(c.write.queue)+buffer.Len() > c.server.cfg.Limits.Queue {
		c.write.refused, op.waiting = true, true
		c.mu.Unlock()
		return false
	}
	c.sendLocked(buffer.Bytes())
	return true
}

// End implements [FrameSink].
func (op *socketOperation) End(errs gqlerror.List) {
	if len(errs) > 0 {
		op.fail(op.conn.server.engine.finish(op.ctx, errs))
		return
	}
	op.complete()
}

// stop ends an operation because the client wants no more of it.
func (c *socket) stop(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, op := range c.operations {
		if op.id == id {
			c.operations = slices.Delete(c.operations, i, i+1)
			op.ended = true
			op.cancel()
			c.room.Broadcast()
			return
		}
	}
}

// endLocked ends all operations with the connection. It is called with c.mu held.
func (c *socket) endLocked() {
	for _, op := range c.operations {
		op.ended = true
		op.cancel()
	}
	c.operations = nil
	c.room.Broadcast()
}
