package httpd

import (
	"bytes"
	"context"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// streamOperation is one running operation of an event stream, and where its results go. With an
// id it shares the stream with others; without one the stream is its own and ends with it.
type streamOperation struct {
	stream *eventStream
	caller caller
	id     string
	ctx    context.Context //nolint:containedctx // it is the operation's life, ended by cancel
	cancel context.CancelFunc

	// Guarded by the stream's mutex.
	ended   bool        // nothing may be sent for it any more
	source  FrameSource // nil while the executor runs it
	waiting bool        // the source was refused and waits for Ready
}

var (
	_ outlet    = (*streamOperation)(nil)
	_ FrameSink = (*streamOperation)(nil)
)

func newStreamOperation(ctx context.Context, st *eventStream, c caller, id string) *streamOperation {
	op := &streamOperation{stream: st, caller: c, id: id}
	op.ctx, op.cancel = context.WithCancel(ctx)
	return op
}

// run takes the operation to its end.
func (op *streamOperation) run(params *graphql.RawParams) {
	if attached := op.stream.server.run(op.ctx, op.caller, params, op); !attached {
		op.finish()
	}
}

// appendNext writes one result as an event.
func (op *streamOperation) appendNext(b, result []byte) []byte {
	b = append(b, "event: next\ndata: "...)
	if op.id != "" {
		b = append(appendString(append(b, `{"id":`...), op.id), `,"payload":`...)
	}
	start := len(b)
	b = append(b, result...)
	if bytes.ContainsAny(b[start:], "\r\n") { // in JSON they are space between words, here they end a line
		for i := start; i < len(b); i++ {
			if b[i] == '\r' || b[i] == '\n' {
				b[i] = ' '
			}
		}
	}
	if op.id != "" {
		b = append(b, '}')
	}
	return append(b, "\n\n"...)
}

// appendComplete writes the event that ends the operation. It has a data line, or browsers would
// not see it.
func (op *streamOperation) appendComplete(b []byte) []byte {
	b = append(b, "event: complete\ndata:"...)
	if op.id != "" {
		b = append(appendString(append(b, ` {"id":`...), op.id), '}')
	}
	return append(b, "\n\n"...)
}

// next implements [outlet].
func (op *streamOperation) next(result []byte) bool {
	event := op.appendNext(make([]byte, 0, len(result)+64), result)
	st := op.stream
	st.mu.Lock()
	defer st.mu.Unlock()
	for !op.ended && st.fullLocked(len(event)) {
		st.refused = true
		st.room.Wait()
	}
	if op.ended {
		return false
	}
	st.pushLocked(event)
	return true
}

// fail implements [outlet]. Errors before the first result come as a result too: a browser's
// EventSource shows no other answer to its page.
func (op *streamOperation) fail(errs gqlerror.List) {
	op.finish(op.appendNext(nil, appendErrors(nil, errs)), op.appendComplete(nil))
}

// complete implements [outlet].
func (op *streamOperation) complete() {
	op.finish(op.appendComplete(nil))
}

// finish ends the operation with its last events, unless somebody has ended it before.
func (op *streamOperation) finish(last ...[]byte) {
	st := op.stream
	defer op.cancel()
	st.mu.Lock()
	defer st.mu.Unlock()
	if op.ended {
		return
	}
	op.ended = true
	st.operations = slices.DeleteFunc(st.operations, func(other *streamOperation) bool { return other == op })
	for _, event := range last {
		st.queue = append(st.queue, event...)
	}
	if op.id == "" {
		st.ended = true
	}
	st.wakeLocked()
}

// frames implements [outlet].
func (op *streamOperation) frames(source FrameSource) FrameSink {
	op.stream.mu.Lock()
	defer op.stream.mu.Unlock()
	op.source = source
	return op
}

// Send implements [FrameSink].
func (op *streamOperation) Send(result []byte) bool {
	buffer := op.stream.server.buffers.get()
	defer op.stream.server.buffers.put(buffer)
	buffer.Write(op.appendNext(buffer.AvailableBuffer(), result))
	st := op.stream
	st.mu.Lock()
	defer st.mu.Unlock()
	if op.ended {
		return true // there is nothing to wait for
	}
	if st.fullLocked(buffer.Len()) {
		st.refused, op.waiting = true, true
		return false
	}
	st.pushLocked(buffer.Bytes())
	return true
}

// End implements [FrameSink].
func (op *streamOperation) End(errs gqlerror.List) {
	if len(errs) > 0 {
		op.fail(op.stream.server.engine.finish(op.ctx, errs))
		return
	}
	op.complete()
}
