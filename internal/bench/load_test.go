package bench

import (
	"bufio"
	"bytes"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// client is one keep-alive connection.
type client struct {
	conn   net.Conn
	reader *bufio.Reader
	out    []byte
	answer []byte
}

func dial(address string) (*client, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	return &client{conn: conn, reader: bufio.NewReaderSize(conn, 32<<10)}, nil
}

// do sends one operation and gives the answer's body, which is good until the next call.
func (c *client) do(token string, body ...string) ([]byte, error) {
	length := 0
	for _, part := range body {
		length += len(part)
	}
	b := c.out[:0]
	b = append(b, "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAuthorization: Bearer "...)
	b = append(append(b, token...), "\r\nContent-Length: "...)
	b = append(strconv.AppendInt(b, int64(length), 10), "\r\n\r\n"...)
	for _, part := range body {
		b = append(b, part...)
	}
	c.out = b
	if _, err := c.conn.Write(b); err != nil {
		return nil, err
	}
	return c.read()
}

// read takes one response, of which the programs always say the length.
func (c *client) read() ([]byte, error) {
	status, err := c.reader.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	ok := bytes.HasPrefix(status, []byte("HTTP/1.1 200 "))
	length := -1
	for {
		line, err := c.reader.ReadSlice('\n')
		if err != nil {
			return nil, err
		}
		if len(line) <= 2 {
			break
		}
		if name, value, found := bytes.Cut(line, []byte(": ")); found && bytes.EqualFold(name, []byte("Content-Length")) {
			if length, err = strconv.Atoi(strings.TrimSpace(string(value))); err != nil {
				return nil, err
			}
		}
	}
	if length < 0 {
		return nil, fmt.Errorf("a response without a length: %s", status)
	}
	if cap(c.answer) < length {
		c.answer = make([]byte, length)
	}
	c.answer = c.answer[:length]
	if _, err := io.ReadFull(c.reader, c.answer); err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("%s%s", status, c.answer)
	}
	return c.answer, nil
}

// work is one workload: once sends the request with that number and checks the answer.
type work func(c *client, n int) error

// measure lets all connections work for so long and answers how many requests were answered a second.
func measure(b *testing.B, p *process, conns int, long time.Duration, once work) float64 {
	b.Helper()
	var next, done atomic.Int64
	var failure atomic.Pointer[error]
	var group sync.WaitGroup
	clients := make([]*client, conns)
	for i := range clients {
		c, err := dial(p.address)
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = c.conn.Close() }()
		clients[i] = c
	}
	begin := time.Now()
	deadline := begin.Add(long)
	for _, c := range clients {
		group.Go(func() {
			for failure.Load() == nil && time.Now().Before(deadline) {
				if err := once(c, int(next.Add(1)-1)); err != nil {
					failure.CompareAndSwap(nil, &err)
					return
				}
				done.Add(1)
			}
		})
	}
	group.Wait()
	if err := failure.Load(); err != nil {
		b.Fatalf("%v\n%s", *err, p.log)
	}
	return float64(done.Load()) / time.Since(begin).Seconds()
}

// answers are the right answers of a workload that changes nothing, as sums.
type answers struct {
	sums  [people]atomic.Uint32
	known [people]atomic.Bool
}

// check compares an answer with what the other program said, or keeps it when it is the first.
func (a *answers) check(person int, answer []byte) error {
	if !bytes.HasPrefix(answer, []byte(`{"data":{`)) || bytes.Contains(answer[:min(64, len(answer))], []byte(`"errors"`)) {
		return fmt.Errorf("not an answer: %.300s", answer)
	}
	sum := crc32.ChecksumIEEE(answer)
	if !a.known[person].Load() {
		a.sums[person].Store(sum)
		a.known[person].Store(true)
		return nil
	}
	if a.sums[person].Load() != sum {
		return fmt.Errorf("person %d gets different answers; now: %.2000s", person, answer)
	}
	return nil
}

// alternate measures both programs in turns, each after a round that does not count.
func alternate(b *testing.B, bare, server *process, conns int, once work) (bareRates, serverRates []float64) {
	b.Helper()
	long := 2 * time.Second
	if *full {
		long = 4 * time.Second
	}
	measure(b, bare, conns, time.Second, once)
	measure(b, server, conns, time.Second, once)
	for range runs() {
		bareRates = append(bareRates, measure(b, bare, conns, long, once))
		serverRates = append(serverRates, measure(b, server, conns, long, once))
	}
	return bareRates, serverRates
}
