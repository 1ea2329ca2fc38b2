package httpd

import (
	"encoding/binary"
	"io"
	"net"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestTimeLimits waits, in virtual time, for what time does to a WebSocket: each limit is met to the step of the wheel,
// however long before it the socket was looked at.
func TestTimeLimits(t *testing.T) {
	t.Parallel()
	const long = time.Hour
	for name, c := range map[string]struct {
		// token is how long the token lasts; 0: connection_init never comes.
		token time.Duration
		// silent: pings are not answered.
		silent bool
		// begin is when a message begins that does not end; 0: none does.
		begin time.Duration
		want  time.Duration
		early time.Duration // by how much it may be sooner
		code  int           // 0: cut off without a close frame
	}{
		"NeverInitialised":        {want: 3 * time.Second, code: closeInitTimeout},
		"TokenSoon":               {token: 2 * time.Second, want: 2 * time.Second, code: closeForbidden},
		"TokenWithinATurn":        {token: 4 * time.Second, want: 4 * time.Second, code: closeForbidden},
		"TokenLater":              {token: 137 * time.Second, want: 137 * time.Second, code: closeForbidden},
		"TokenBeforePong":         {token: 30 * time.Second, silent: true, want: 30 * time.Second, code: closeForbidden},
		"NoPong":                  {token: long, silent: true, want: 25*time.Second + pongTime, early: 10 * time.Second},
		"MessageAtOnce":           {token: long, begin: time.Millisecond, want: messageTime + time.Millisecond},
		"MessageAfterALook":       {token: long, begin: 5051 * time.Millisecond, want: messageTime + 5051*time.Millisecond},
		"MessageAfterManyLooks":   {token: long, begin: 61234 * time.Millisecond, want: messageTime + 61234*time.Millisecond},
		"MessageWhileAPingIsDue":  {token: long, begin: 24990 * time.Millisecond, want: messageTime + 24990*time.Millisecond},
		"TokenBeforeMessageEnded": {token: 70 * time.Second, begin: 65 * time.Second, want: 70 * time.Second, code: closeForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, _ := newServer(t)
				begin := time.Now()
				theirs := pipeSocket(s, "192.0.2.1")
				write := func(frame []byte) {
					if _, err := theirs.Write(frame); err != nil {
						t.Error(err)
					}
				}
				if c.token > 0 {
					write(maskedFrame(finBit|byte(opText), []byte(`{"type":"connection_init","payload":{"authorization":"Bearer `+tokenUntil(t, "u", begin.Add(c.token))+`"}}`)))
				}
				if c.begin > 0 {
					time.AfterFunc(c.begin, func() { write([]byte{finBit | byte(opText)}) })
				}
				code := 0
				for code == 0 {
					op, payload, err := serverFrame(theirs)
					if err != nil {
						break
					}
					if op == opClose {
						code = int(binary.BigEndian.Uint16(payload))
					} else if op == opPing && !c.silent {
						write(maskedFrame(finBit|byte(opPong), nil))
					}
				}
				if took := time.Since(begin); code != c.code || took < c.want-c.early || took > c.want+wheelStep {
					t.Errorf("closed with %d after %v, want %d after %v", code, took, c.code, c.want)
				}
				_ = theirs.Close()
				s.work.Wait()
				if n := s.sockets.len(); n != 0 {
					t.Errorf("%d sockets are left", n)
				}
			})
		})
	}
}

// TestPingsAreSpread has two hundred clients come at the same moment, in virtual time. They are asked for a sign after 15
// to 25 s, few of them at once, and again and again.
func TestPingsAreSpread(t *testing.T) {
	t.Parallel()
	const clients = 200
	synctest.Test(t, func(t *testing.T) {
		s, _ := newServer(t)
		var mu sync.Mutex                    // guards pings
		pings := make(map[time.Duration]int) // by the second since the clients came
		begin := time.Now()
		for i := range clients {
			theirs := pipeSocket(s, "192.0.2."+strconv.Itoa(i))
			go func() {
				defer theirs.Close()
				heard := begin
				_, err := theirs.Write(maskedFrame(finBit|byte(opText), []byte(`{"type":"connection_init"}`)))
				for err == nil && time.Since(begin) < time.Minute {
					var op opcode
					if op, _, err = serverFrame(theirs); err != nil || op != opPing {
						continue
					}
					if silence := time.Since(heard); silence < 15*time.Second || silence > 25*time.Second+wheelStep {
						t.Errorf("asked after %v", silence)
					}
					heard = time.Now()
					mu.Lock()
					pings[time.Since(begin).Truncate(time.Second)]++
					mu.Unlock()
					_, err = theirs.Write(maskedFrame(finBit|byte(opPong), nil))
				}
			}()
		}
		s.work.Wait()
		total := 0
		for second, n := range pings {
			if total += n; n > clients/5 {
				t.Errorf("%d of %d are asked in the second after %v", n, clients, second)
			}
		}
		if total < 2*clients {
			t.Errorf("asked %d times", total)
		}
	})
}

// pipeSocket is the client's end of a WebSocket that begins, without a network.
func pipeSocket(s *Server, address string) net.Conn {
	ours, theirs := net.Pipe()
	s.pending.acquire(address)
	s.sockets.start(newSocket(s, ours, nil, &requestFacts{client: address}))
	return theirs
}

// serverFrame reads a short frame of the server.
func serverFrame(r io.Reader) (opcode, []byte, error) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	payload := make([]byte, head[1])
	_, err := io.ReadFull(r, payload)
	return opcode(head[0] & 0x0f), payload, err
}

// BenchmarkIdleSockets measures a second of looking after ten thousand idle sockets.
func BenchmarkIdleSockets(b *testing.B) {
	s, _ := newServer(b)
	now := time.Now()
	s.sockets.mu.Lock()
	for i := range 10_000 {
		c := newSocket(s, nil, nil, &requestFacts{})
		c.ready.Store(true)
		c.heard.Store(now.Add(time.Hour).UnixNano())
		s.sockets.placeLocked(c, time.Duration(i%wheelSlots)*wheelStep)
	}
	s.sockets.mu.Unlock()
	var due []*socket
	for b.Loop() {
		for range time.Second / wheelStep {
			due = s.sockets.step(due)
		}
	}
}
