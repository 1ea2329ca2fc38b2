package httpd

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unicode/utf8"
)

const (
	lingerTime = time.Second // for the peer to read our close frame
	// pingSpread is the part of Limits.Ping that is not the same for every socket. Ten thousand clients that came back
	// together after a deployment would else be asked together for as long as they stay, and answer together.
	pingSpread = 0.4
	// pongTime is how long after a ping a sign of the peer may take, messageTime how long a message
	// may take from its first byte to its last.
	pongTime    = 15 * time.Second
	messageTime = 8 * time.Second
)

// socket is one WebSocket. It has one goroutine, the reader; operations that the executor runs have
// one each, those that a FrameSource feeds have none.
type socket struct {
	server *Server
	nc     net.Conn
	raw    syscall.RawConn // nil where a write cannot be tried
	facts  *requestFacts
	token  string // of the upgrade request; connection_init may bring another
	early  []byte // read ahead: by net/http before the upgrade, or by await
	first  [6]byte

	silence time.Duration // after which the peer is asked for a sign

	// Read by look, in nanoseconds of the server's clock.
	opened  int64
	heard   atomic.Int64 // when the last frame came
	began   atomic.Int64 // when the message that is being read began; 0 if none
	pinged  atomic.Int64 // when the last ping went out that nothing has answered; 0 if none
	expires atomic.Int64 // when the token runs out; 0 if anonymous or not initialised
	ready   atomic.Bool  // connection_init was accepted

	slot int // of the set, which guards it

	caller  caller // set before ready, by the reader
	limited string // the quota's key
	limit   int    // bytes of a message

	mu         sync.Mutex // guards the fields below
	room       sync.Cond  // on mu: there is room in the queue, or an operation has ended
	write      writeState
	operations []*socketOperation
}

func newSocket(s *Server, nc net.Conn, early []byte, facts *requestFacts) *socket {
	c := &socket{
		server: s, nc: nc, early: early, facts: facts.forOperation(false),
		opened: s.cfg.Now().UnixNano(), limit: int(s.cfg.Limits.Body),
	}
	c.heard.Store(c.opened)
	c.silence = s.cfg.Limits.Ping - time.Duration(rand.Float64()*pingSpread*float64(s.cfg.Limits.Ping)) //nolint:gosec // no secret
	c.room.L = &c.mu
	if sc, ok := nc.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			c.raw = raw
		}
	}
	return c
}

// read is the connection's goroutine, from the handshake to the end of everything.
func (c *socket) read() {
	err := c.messages()
	var violation *closeError
	var farewell *peerClosedError
	switch {
	case errors.As(err, &violation):
		c.close(violation.code, violation.reason)
	case errors.As(err, &farewell):
		c.close(farewell.code, "") // it gets its own code back
	}
	c.linger()
	c.abort()
	if c.ready.Load() {
		c.server.connections.release(c.limited)
	} else {
		c.server.pending.release(c.facts.client)
	}
	c.server.sockets.remove(c)
}

// linger throws away what the peer still sends until it has closed as well, or was given its time.
// It does nothing on a connection that is broken.
func (c *socket) linger() {
	var waste [512]byte
	for {
		if _, err := c.nc.Read(waste[:]); err != nil {
			return
		}
	}
}

// Read implements [io.Reader] for the frame layer: what came too early, then the connection.
func (c *socket) Read(b []byte) (int, error) {
	if len(c.early) > 0 {
		n := copy(b, c.early)
		if c.early = c.early[n:]; len(c.early) == 0 {
			c.early = nil
		}
		return n, nil
	}
	return c.nc.Read(b) //nolint:wrapcheck // a reader passes on what it wraps
}

// messages reads until the connection ends and answers why.
func (c *socket) messages() error {
	scratch := make([]byte, maxFrameHeader)
	for {
		// Nearly all of its life a connection waits here, on as little stack as possible.
		if err := c.await(); err != nil {
			return err
		}
		text, whole, err := c.message(scratch)
		if err == nil && whole {
			err = c.handle(text)
		}
		if err != nil {
			return err
		}
	}
}

// message reads one text message and serves control frames in between; a control frame alone is
// not whole. An idle connection holds no buffer: one is made when a message begins and dropped with it.
func (c *socket) message(scratch []byte) (text []byte, whole bool, err error) {
	defer c.began.Store(0)
	fragmented := false
	for {
		h, err := readFrameHeader(c, scratch, c.limit-len(text))
		if err != nil {
			return nil, false, err
		}
		c.heard.Store(c.server.cfg.Now().UnixNano())
		c.pinged.Store(0)
		switch {
		case h.op >= opClose:
			if err := c.control(h); err != nil || !fragmented {
				return nil, false, err
			}
			continue
		case h.op == opBinary:
			return nil, false, &closeError{closeBadMessage, "Only text messages are understood"}
		case (h.op == opContinuation) != fragmented:
			return nil, false, &closeError{closeProtocol, "Frame out of order"}
		}
		start := len(text)
		text = slices.Grow(text, h.length)[:start+h.length]
		if _, err := io.ReadFull(c, text[start:]); err != nil {
			return nil, false, err //nolint:wrapcheck // nobody is left to read it
		}
		unmask(text[start:], h.mask)
		if fragmented = !h.fin; fragmented {
			continue
		}
		if !utf8.Valid(text) {
			return nil, false, &closeError{closeNotUTF8, "Message is not UTF-8"}
		}
		return text, true, nil
	}
}

// control serves a ping, a pong or a close frame.
func (c *socket) control(h frameHeader) error {
	payload := make([]byte, h.length) // of most pongs: nothing
	if _, err := io.ReadFull(c, payload); err != nil {
		return err //nolint:wrapcheck // nobody is left to read it
	}
	unmask(payload, h.mask)
	switch h.op {
	case opClose:
		return checkClose(payload)
	case opPing:
		return c.reply(append(appendFrameHeader(nil, opPong, len(payload)), payload...))
	default:
		return nil
	}
}

// reply sends a frame that answers the peer. One that floods us with questions and reads no answer
// is not worth keeping.
func (c *socket) reply(frame []byte) error {
	c.mu.Lock()
	switch c.sendLocked(frame) {
	case sentFull:
		c.abort()
		return net.ErrClosed
	case sentGone:
		return net.ErrClosed
	default:
		return nil
	}
}

// replyText sends a message that answers the peer.
func (c *socket) replyText(message string) error {
	return c.reply(append(appendFrameHeader(make([]byte, 0, maxFrameHeader+len(message)), opText, len(message)), message...))
}

// operationContext is the root of an operation's context: it lives as long as the connection.
func (c *socket) operationContext() (context.Context, context.CancelFunc) {
	return context.WithCancel(withFacts(context.Background(), c.facts.forOperation(true)))
}
