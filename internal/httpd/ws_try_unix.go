//go:build unix

package httpd

import (
	"errors"
	"io"
	"sync"
	"syscall"
)

// attempt is one write that does not wait. It is pooled with its closure, because a burst to ten
// thousand sockets makes ten thousand of them.
type attempt struct {
	frame []byte
	n     int
	err   error
	write func(fd uintptr) bool
}

var attempts = sync.Pool{New: func() any {
	a := new(attempt)
	a.write = func(fd uintptr) bool {
		for {
			a.n, a.err = syscall.Write(int(fd), a.frame)
			if !errors.Is(a.err, syscall.EINTR) {
				return true
			}
		}
	}
	return a
}}

// try writes as much of the frame as the kernel takes at once.
func (c *socket) try(frame []byte) (int, error) {
	if c.raw == nil {
		return 0, nil
	}
	a := attempts.Get().(*attempt) //nolint:forcetypeassert // it holds nothing else
	defer attempts.Put(a)
	a.frame, a.n, a.err = frame, 0, nil
	err := c.raw.Write(a.write)
	n, failure := max(a.n, 0), a.err
	a.frame, a.err = nil, nil
	switch {
	case err != nil:
		return n, err //nolint:wrapcheck // the connection is dropped, whatever it says
	case errors.Is(failure, syscall.EAGAIN):
		return 0, nil
	default:
		return n, failure
	}
}

// await returns when the peer has sent something. A read through the connection's own method would
// hold its goroutine at twice the stack: ten thousand idle subscribers feel that.
func (c *socket) await() error {
	switch {
	case len(c.early) > 0:
	case c.raw == nil:
		n, err := c.nc.Read(c.first[:])
		if err != nil {
			return err //nolint:wrapcheck // it only ends the connection
		}
		c.early = c.first[:n]
	default:
		var n int
		var failure error
		err := c.raw.Read(func(fd uintptr) bool {
			for {
				n, failure = syscall.Read(int(fd), c.first[:])
				if !errors.Is(failure, syscall.EINTR) {
					return !errors.Is(failure, syscall.EAGAIN)
				}
			}
		})
		switch {
		case err != nil:
			return err //nolint:wrapcheck // it only ends the connection
		case failure != nil:
			return failure
		case n == 0:
			return io.EOF
		}
		c.early = c.first[:n]
	}
	c.began.Store(c.server.cfg.Now().UnixNano())
	return nil
}
