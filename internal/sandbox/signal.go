package sandbox

import (
	"context"
	"sync"
)

// signal tells any number of waiters that something changed.
type signal struct {
	mu sync.Mutex
	ch chan struct{} // guarded by mu; closed and replaced by raise
	n  uint64        // guarded by mu; how often raise was called
}

// next returns a channel that is closed by the next raise.
func (s *signal) next() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch == nil {
		s.ch = make(chan struct{})
	}
	return s.ch
}

func (s *signal) raise() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n++
	if s.ch != nil {
		close(s.ch)
		s.ch = nil
	}
}

func (s *signal) count() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n
}

// await returns when done does, or with the context's error. It looks again after every raise.
func (s *signal) await(ctx context.Context, done func() bool) error {
	for {
		next := s.next()
		if done() {
			return nil
		}
		select {
		case <-next:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
