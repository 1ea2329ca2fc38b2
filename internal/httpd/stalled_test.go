package httpd

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// BenchmarkStalledReaders measures G7: a thousand subscribers who read beside a thousand who stopped reading with their
// queues full. It reports how late the first ones are told, before and meanwhile, what one who stalls holds in the
// heap, and how long the last of them stays.
func BenchmarkStalledReaders(b *testing.B) {
	const each = 1000
	for b.Loop() {
		own, provider := setupFrames(b)
		own.connections.most = 2 * each
		own.cfg.Limits.Queue = 256 << 10
		provider.attached = make(chan *renderedSource, 2*each)
		epoch := time.Now()
		var mu sync.Mutex
		var late []time.Duration
		subscribe := func() (net.Conn, io.Reader, *renderedSource) {
			conn, reader := own.rawSocket(b)
			text := mustJSON(b, map[string]any{"id": "1", "type": "subscribe", "payload": map[string]any{"query": ticks}})
			if _, err := conn.Write(maskedFrame(finBit|byte(opText), []byte(text))); err != nil {
				b.Fatal(err)
			}
			return conn, reader, <-provider.attached
		}
		var live []*renderedSource
		for range each {
			_, reader, source := subscribe()
			live = append(live, source)
			go func() {
				for {
					sent, err := readMoment(reader)
					if err != nil {
						return
					}
					took := time.Since(epoch) - sent
					mu.Lock()
					late = append(late, took)
					mu.Unlock()
				}
			}()
		}
		// told sends a message to everybody who reads, so many times a second, and answers how late one in a hundred is.
		told := func(rounds int) time.Duration {
			mu.Lock()
			late = nil
			mu.Unlock()
			tick := time.NewTicker(25 * time.Millisecond)
			defer tick.Stop()
			for round := range rounds {
				<-tick.C
				for i := range 40 { // of the thousand, in turns: 1,600 messages a second
					frame := fmt.Appendf(nil, `{"data":{"ticks":{"n":%020d}}}`, time.Since(epoch))
					live[(round*40+i)%each].sink.Send(frame)
				}
			}
			for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); <-tick.C {
				mu.Lock()
				all := len(late) == rounds*40
				mu.Unlock()
				if all {
					break
				}
			}
			mu.Lock()
			defer mu.Unlock()
			if len(late) != rounds*40 {
				b.Fatalf("%d of %d messages came", len(late), rounds*40)
			}
			slices.Sort(late)
			return late[len(late)*99/100]
		}
		quiet := told(100)
		before := heapAndStacks()
		var stalled []*renderedSource
		for range each {
			_, _, source := subscribe()
			stalled = append(stalled, source)
		}
		big := []byte(`{"data":{"ticks":{"text":"` + strings.Repeat("x", 32<<10) + `"}}}`)
		begin := time.Now()
		for _, source := range stalled {
			for source.sink.Send(big) && time.Since(begin) < 20*time.Second { // until it is refused: its queue is full
				continue
			}
		}
		held := (heapAndStacks() - before) / each
		beside := told(100)
		own.waitFor(b, func() bool { return own.Stats().WebSockets <= each })
		b.ReportMetric(float64(quiet.Microseconds())/1000, "quiet-p99-ms")
		b.ReportMetric(float64(beside.Microseconds())/1000, "beside-p99-ms")
		b.ReportMetric(float64(held)/1024, "held-KiB")
		b.ReportMetric(time.Since(begin).Seconds(), "gone-after-s")
	}
}

// readMoment reads one frame and gives the moment that it carries.
func readMoment(r io.Reader) (time.Duration, error) {
	head := make([]byte, 2, 4)
	if _, err := io.ReadFull(r, head); err != nil {
		return 0, err
	}
	length := int(head[1])
	if length == 126 {
		if _, err := io.ReadFull(r, head[2:4]); err != nil {
			return 0, err
		}
		length = int(binary.BigEndian.Uint16(head[2:4]))
	}
	text := make([]byte, length)
	if _, err := io.ReadFull(r, text); err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(text), `"n":`)
	var moment int64
	if _, err := fmt.Sscanf(after, "%020d", &moment); err != nil {
		return 0, err
	}
	return time.Duration(moment), nil
}
