package main

import (
	"bufio"
	"context"
	"crypto/sha1" //nolint:gosec // the WebSocket handshake is made of it
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/google/uuid"

	"github.com/heffl/bff/internal/auth"
	"github.com/heffl/bff/internal/bench"
	"github.com/heffl/bff/model"
)

// liveWriters is how many goroutines write to subscribers.
const liveWriters = 2

// live is W5: subscribers whose connection costs no goroutine once they have subscribed, and one more connection by
// which it is told what to send. It answers no ping and notices no goodbye.
type live struct {
	verifier *auth.Verifier
	epoch    model.Epoch
	writers  [liveWriters]chan []bench.Hint

	mu sync.Mutex // guards people
	// people are the subscribers by their number.
	people map[uint32]*subscriber
}

type subscriber struct {
	conn *net.TCPConn // kept, so that it stays open
	fd   int
	head []byte // of every frame's text, up to the result
	user uuid.UUID
}

func newLive(verifier *auth.Verifier) *live {
	l := &live{verifier: verifier, people: map[uint32]*subscriber{}}
	for i := range l.writers {
		l.writers[i] = make(chan []bench.Hint, 1024)
		go l.write(l.writers[i])
	}
	return l
}

func (l *live) serve(ctx context.Context, listener net.Listener) error {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		go func() {
			if err := l.accept(ctx, conn.(*net.TCPConn)); err != nil && !errors.Is(err, io.EOF) {
				fmt.Fprintln(os.Stderr, "bare:", err)
			}
		}()
	}
}

// accept reads the first request of a connection and makes a subscriber of it, or the source of hints.
func (l *live) accept(ctx context.Context, conn *net.TCPConn) error {
	r := bufio.NewReaderSize(conn, 2048)
	request, err := http.ReadRequest(r)
	if err != nil {
		return err
	}
	if request.URL.Path == bench.HintPath {
		return l.hints(r)
	}
	sum := sha1.Sum([]byte(request.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // see the import
	if _, err := fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n", base64.StdEncoding.EncodeToString(sum[:])); err != nil {
		return err
	}
	var hello struct {
		Payload struct {
			Authorization string `json:"authorization"`
		} `json:"payload"`
	}
	if err := readMessage(r, &hello); err != nil {
		return err
	}
	id, err := l.verifier.Verify(ctx, strings.TrimPrefix(hello.Payload.Authorization, "Bearer "))
	if err != nil {
		return err
	}
	if _, err := conn.Write(frame([]byte(`{"type":"connection_ack"}`))); err != nil {
		return err
	}
	var subscribe struct {
		ID string `json:"id"`
	}
	if err := readMessage(r, &subscribe); err != nil {
		return err
	}
	number, err := strconv.Atoi(strings.TrimPrefix(id.UserExternalID, bench.UserPrefix))
	if err != nil {
		return err
	}
	s := &subscriber{conn: conn, head: []byte(`{"id":"` + subscribe.ID + `","type":"next","payload":{"data":{"inboxChanged":`), user: bench.UserID(number)}
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	if err := raw.Control(func(fd uintptr) { s.fd = int(fd) }); err != nil {
		return err
	}
	l.mu.Lock()
	l.people[uint32(number)] = s //nolint:gosec // few
	l.mu.Unlock()
	return s.send(frame(append(append([]byte(nil), s.head...), `{}}}}`...)))
}

// hints reads what happened, in batches.
func (l *live) hints(r *bufio.Reader) error {
	for {
		var length [4]byte
		if _, err := io.ReadFull(r, length[:]); err != nil {
			return err
		}
		text := make([]byte, binary.BigEndian.Uint32(length[:]))
		if _, err := io.ReadFull(r, text); err != nil {
			return err
		}
		batch, err := bench.ReadHints(text)
		if err != nil {
			return err
		}
		half := (len(batch) + 1) / liveWriters
		l.writers[0] <- batch[:half]
		l.writers[1] <- batch[half:]
	}
}

func (l *live) write(batches chan []bench.Hint) {
	var buffer, text []byte
	for batch := range batches {
		for i := range batch {
			h := &batch[i]
			l.mu.Lock()
			s := l.people[h.Number]
			l.mu.Unlock()
			text = s.result(text[:0], l.epoch, h)
			buffer = append(frameHead(buffer[:0], len(text)), text...)
			if err := s.send(buffer); err != nil {
				fmt.Fprintln(os.Stderr, "bare:", err)
				os.Exit(1)
			}
		}
	}
}

// result puts the person's own numbers into what is the same for everybody.
func (s *subscriber) result(b []byte, epoch model.Epoch, h *bench.Hint) []byte {
	b = append(append(b, s.head...), `{"cursor":"`...)
	b = append(b, model.NewCursor(epoch, s.user, h.Seq)...)
	b = append(b, `","unreadCount":`...)
	b = strconv.AppendUint(b, uint64(h.Unread), 10)
	b = append(b, `,"notification":{"id":"`...)
	b = appendID(b, model.KindNotification, h.Notification[:])
	b = append(b, `",`...)
	b = append(b, h.Event...)
	return append(b, `}}}}}`...)
}

// send writes a frame without the runtime's poller. A subscriber who takes nothing ends the measuring.
func (s *subscriber) send(frame []byte) error {
	for {
		n, err := syscall.Write(s.fd, frame)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err == nil && n < len(frame) {
			err = io.ErrShortWrite
		}
		return err
	}
}

func frame(text []byte) []byte {
	return append(frameHead(make([]byte, 0, len(text)+4), len(text)), text...)
}

func frameHead(b []byte, length int) []byte {
	if length < 126 {
		return append(b, 0x81, byte(length)) //nolint:gosec // just compared
	}
	return binary.BigEndian.AppendUint16(append(b, 0x81, 126), uint16(length)) //nolint:gosec // short
}

// readMessage reads one masked text frame.
func readMessage(r io.Reader, into any) error {
	var head [8]byte
	if _, err := io.ReadFull(r, head[:2]); err != nil {
		return err
	}
	length := int(head[1] & 0x7F)
	if length == 126 {
		if _, err := io.ReadFull(r, head[:2]); err != nil {
			return err
		}
		length = int(binary.BigEndian.Uint16(head[:2]))
	}
	if _, err := io.ReadFull(r, head[:4]); err != nil {
		return err
	}
	text := make([]byte, length)
	if _, err := io.ReadFull(r, text); err != nil {
		return err
	}
	for i := range text {
		text[i] ^= head[i%4]
	}
	return json.Unmarshal(text, into)
}
