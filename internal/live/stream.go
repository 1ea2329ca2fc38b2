package live

import (
	"context"
	"sync"

	"github.com/heffl/bff/model"
)

// stream is a sink with a channel behind it, for readers with a goroutine of their own. Its queue is the channel's:
// when it is full the rest stays in the database until the reader has taken half of it.
type stream[T any] struct {
	changes chan T
	// begun is closed when the first comparison with the inbox is over. A stream that ended then has err set.
	begun chan struct{}
	once  sync.Once
	// failed is why the stream ended before it began.
	failed error
	// awaited: who opens the stream waits for the beginning and is told of failed there.
	awaited bool
	ended   func(error)
}

// Push puts a change into the channel; of a lent one, its own.
func (s *stream[T]) Push(change model.InboxChange) bool {
	if lent, ok := change.(*model.NotificationReceived); ok {
		own := *lent
		change = &own
	}
	item, ok := change.(T)
	if !ok {
		return true
	}
	select {
	case s.changes <- item:
		return true
	default:
		return false
	}
}

// Room reports whether half of the channel is free.
func (s *stream[T]) Room() bool { return len(s.changes) <= cap(s.changes)/2 }

// End closes the channel.
func (s *stream[T]) End(err error) {
	told := false
	s.once.Do(func() {
		s.failed, told = err, s.awaited
		close(s.begun)
	})
	if err != nil && s.ended != nil && !told {
		s.ended(err)
	}
	close(s.changes)
}

func (s *stream[T]) begin() { s.once.Do(func() { close(s.begun) }) }

func newStream[T any](ctx context.Context, h *Hub) *stream[T] {
	s := &stream[T]{changes: make(chan T, h.config.Queue), begun: make(chan struct{})}
	if h.config.Ended != nil {
		s.ended = func(err error) { h.config.Ended(ctx, err) }
	}
	return s
}

// InboxChanges streams everything that changes in the viewer's inbox, beginning behind `after`, or now. The channel
// is closed when ctx ends, when the viewer is deactivated and when the hub stops.
func (h *Hub) InboxChanges(ctx context.Context, v model.Viewer, after *model.Cursor) (<-chan model.InboxChange, error) {
	s := newStream[model.InboxChange](ctx, h)
	a, err := h.attach(v, h.subscriber(v, followsInbox, after, s))
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, a.Close)
	return s.changes, nil
}

// NotificationsReceived streams the viewer's new notifications, beginning behind `after`, or now. A cursor that cannot
// be used is a *model.Error with CURSOR_UNUSABLE at once; when the stream cannot go on later, its channel is closed
// after Config.Ended was told the same.
func (h *Hub) NotificationsReceived(ctx context.Context, v model.Viewer, after *model.Cursor) (<-chan *model.NotificationReceived, error) {
	s := newStream[*model.NotificationReceived](ctx, h)
	sub := h.subscriber(v, followsReceived, after, s)
	sub.begun, s.awaited = s.begin, after != nil
	a, err := h.attach(v, sub)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, a.Close)
	if s.awaited {
		select {
		case <-s.begun:
			if s.failed != nil {
				return nil, s.failed
			}
		case <-ctx.Done():
		}
	}
	return s.changes, nil
}

// ViewerChanges ticks when the viewer's settings, policy or integration changed: at most every 750 ms, and whoever is
// slow finds one tick for all that happened. It returns when nothing can be missed any more: who then reads the
// viewer, and again at every tick, always ends with the newest.
func (h *Hub) ViewerChanges(ctx context.Context, v model.Viewer) (<-chan struct{}, error) {
	s := &ticks{ticks: make(chan struct{}, 1), begun: make(chan struct{})}
	if h.config.Ended != nil {
		s.ended = func(err error) { h.config.Ended(ctx, err) }
	}
	a, err := h.AttachViewer(v, s)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, a.Close)
	select {
	case <-s.begun:
	case <-ctx.Done():
	}
	return s.ticks, nil
}

// ticks is a ViewerSink with a channel behind it. The first Changed is the beginning.
type ticks struct {
	ticks chan struct{}
	begun chan struct{}
	once  sync.Once
	ended func(error)
}

// Changed puts a tick into the channel, unless one is there already.
func (t *ticks) Changed() {
	first := false
	t.once.Do(func() {
		first = true
		close(t.begun)
	})
	if !first {
		poke(t.ticks)
	}
}

// End closes the channel.
func (t *ticks) End(err error) {
	t.once.Do(func() { close(t.begun) })
	if err != nil && t.ended != nil {
		t.ended(err)
	}
	close(t.ticks)
}
