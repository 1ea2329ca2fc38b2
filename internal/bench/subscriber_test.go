package bench

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// audience are subscribers of one program, each on a connection of its own.
type audience struct {
	conns []net.Conn
	// got counts the events that have arrived; sent is when the latest ones went out, for latencies.
	got    atomic.Int64
	fault  atomic.Pointer[error]
	closed atomic.Bool

	mu        sync.Mutex // guards latencies
	measuring atomic.Bool
	latencies []time.Duration
	// sent says when the event with a number of a person was sent.
	sent [people]atomic.Int64
}

var opening = "GET /graphql HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"

// subscribe connects everybody and returns when each has the first frame.
func (w *world) subscribe(b *testing.B, address string) *audience {
	b.Helper()
	a := &audience{conns: make([]net.Conn, people)}
	var group sync.WaitGroup
	var next atomic.Int64
	for range connections {
		group.Go(func() {
			for {
				person := int(next.Add(1) - 1)
				if person >= people || a.fault.Load() != nil {
					return
				}
				if err := a.join(address, person, w.tokens[person]); err != nil {
					err = fmt.Errorf("subscribe %d: %w", person, err)
					a.fault.CompareAndSwap(nil, &err)
				}
			}
		})
	}
	group.Wait()
	a.check(b)
	b.Cleanup(a.leave)
	return a
}

func (a *audience) leave() {
	a.closed.Store(true)
	for _, c := range a.conns {
		if c != nil {
			_ = c.Close()
		}
	}
}

func (a *audience) check(b *testing.B) {
	b.Helper()
	if err := a.fault.Load(); err != nil {
		b.Fatal(*err)
	}
}

// join is one connection, up to its first frame.
func (a *audience) join(address string, person int, token string) error {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	a.conns[person] = conn
	r := &frameReader{conn: conn, buffer: make([]byte, 0, 768)}
	if _, err := io.WriteString(conn, opening); err != nil {
		return err
	}
	if err := r.handshake(); err != nil {
		return err
	}
	if err := send(conn, `{"type":"connection_init","payload":{"authorization":"Bearer `+token+`"}}`); err != nil {
		return err
	}
	ack, err := r.next()
	if err != nil || !bytes.Contains(ack, []byte(`"connection_ack"`)) {
		return fmt.Errorf("no ack but %s: %w", ack, err)
	}
	if err := send(conn, `{"id":"1","type":"subscribe","payload":`+Body(Changes)+`}`); err != nil {
		return err
	}
	first, err := r.next()
	if err != nil || !bytes.Contains(first, []byte(`"next"`)) || !bytes.Contains(first, []byte(`{"inboxChanged":{}}`)) {
		return fmt.Errorf("not the first frame but %s: %w", first, err)
	}
	go a.listen(r, person)
	return nil
}

// listen counts what arrives and checks that it is what was sent to this person.
func (a *audience) listen(r *frameReader, person int) {
	for {
		text, err := r.next()
		if err != nil {
			if !a.closed.Load() {
				err = fmt.Errorf("person %d: %w", person, err)
				a.fault.CompareAndSwap(nil, &err)
			}
			return
		}
		if !bytes.Contains(text, []byte(`"inboxChanged":{"cursor":"`)) || !bytes.HasSuffix(text, []byte(`}}}}}`)) {
			err := fmt.Errorf("person %d got %s", person, text)
			a.fault.CompareAndSwap(nil, &err)
			return
		}
		if a.measuring.Load() {
			took := time.Since(started) - time.Duration(a.sent[person].Load())
			a.mu.Lock()
			a.latencies = append(a.latencies, took)
			a.mu.Unlock()
		}
		a.got.Add(1)
	}
}

// started is what moments are counted from.
var started = time.Now()

// await waits until so many events have arrived since the beginning, and fails when more come or time is up.
func (a *audience) await(b *testing.B, n int64) {
	b.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for a.got.Load() < n {
		a.check(b)
		if time.Now().After(deadline) {
			b.Fatalf("%d of %d frames arrived", a.got.Load(), n)
		}
		time.Sleep(200 * time.Microsecond)
	}
	if got := a.got.Load(); got != n {
		b.Fatalf("%d instead of %d frames arrived", got, n)
	}
}

// send writes one masked text frame. The mask is zero, which the protocol allows.
func send(conn net.Conn, text string) error {
	b := []byte{0x81}
	if len(text) < 126 {
		b = append(b, 0x80|byte(len(text)))
	} else {
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(len(text)))
	}
	_, err := conn.Write(append(append(b, 0, 0, 0, 0), text...))
	return err
}

// frameReader reads frames with as little memory as it can. It answers pings.
type frameReader struct {
	conn   net.Conn
	buffer []byte // what has been read and not been given out
	used   int
}

func (r *frameReader) handshake() error {
	for {
		if i := bytes.Index(r.buffer, []byte("\r\n\r\n")); i >= 0 {
			if !bytes.HasPrefix(r.buffer, []byte("HTTP/1.1 101 ")) {
				return fmt.Errorf("no upgrade: %s", r.buffer)
			}
			r.used = i + 4
			return nil
		}
		if err := r.more(); err != nil {
			return err
		}
	}
}

// next is the next text, good until the next call.
func (r *frameReader) next() ([]byte, error) {
	for {
		rest := r.buffer[r.used:]
		head, length := 2, -1
		if len(rest) >= 2 {
			if length = int(rest[1]); length == 126 {
				if head, length = 4, -1; len(rest) >= 4 {
					length = int(binary.BigEndian.Uint16(rest[2:]))
				}
			}
		}
		if length < 0 || len(rest) < head+length {
			if err := r.more(); err != nil {
				return nil, err
			}
			continue
		}
		r.used += head + length
		switch text := rest[head : head+length]; rest[0] {
		case 0x81:
			return text, nil
		case 0x89:
			if _, err := r.conn.Write(append([]byte{0x8A, 0x80 | byte(length), 0, 0, 0, 0}, text...)); err != nil {
				return nil, err
			}
		default:
			return nil, errors.New("closed or an unexpected frame: " + string(text))
		}
	}
}

func (r *frameReader) more() error {
	if r.used > 0 {
		r.buffer = r.buffer[:copy(r.buffer, r.buffer[r.used:])]
		r.used = 0
	}
	if len(r.buffer) == cap(r.buffer) {
		r.buffer = append(r.buffer, 0)[:len(r.buffer)]
	}
	n, err := r.conn.Read(r.buffer[len(r.buffer):cap(r.buffer)])
	r.buffer = r.buffer[:len(r.buffer)+n]
	if n > 0 {
		return nil
	}
	return err
}
