package frames

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/heffl/bff/internal/httpd"
	"github.com/heffl/bff/internal/live"
	"github.com/heffl/bff/model"
)

// source is one subscription: what the hub pushes goes to the transport's sink.
type source struct {
	provider *Provider
	shape    *shape
	viewer   model.Viewer
	after    *model.Cursor
	received bool

	ctx  context.Context //nolint:containedctx // the subscription's life; errors are presented with it
	sink httpd.FrameSink
	// room: the sink takes results again after it refused one.
	room atomic.Bool
}

var _ live.Sink = (*source)(nil)

// Attach begins the stream.
func (s *source) Attach(ctx context.Context, sink httpd.FrameSink) {
	s.ctx, s.sink = ctx, sink
	attach := s.provider.config.Hub.AttachInbox
	if s.received {
		attach = s.provider.config.Hub.AttachReceived
	}
	attachment, err := attach(s.viewer, s.after, s)
	if err != nil {
		s.End(err)
		return
	}
	context.AfterFunc(ctx, attachment.Close)
}

// Ready notes that the sink takes results again.
func (s *source) Ready() { s.room.Store(true) }

// buffers are what results are rendered in; the sink keeps none.
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 1024); return &b }}

// Push renders a change and offers it to the sink.
func (s *source) Push(change model.InboxChange) bool {
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	var known bool
	if *buffer, known = s.shape.append((*buffer)[:0], change); !known {
		return true
	}
	s.room.Store(false)
	return s.sink.Send(*buffer)
}

// Room reports whether the sink takes results again.
func (s *source) Room() bool { return s.room.Load() }

// End ends the stream.
func (s *source) End(err error) {
	if err == nil {
		s.sink.End(nil)
		return
	}
	errs := gqlerror.List{}
	if presented := s.provider.config.Present(s.ctx, err); presented != nil {
		errs = append(errs, presented)
	}
	s.sink.End(errs)
}
