package httpd

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// audience are subscribers who read, and how late each message came to them.
type audience struct {
	own     *bench
	epoch   time.Time
	sources []*renderedSource

	mu   sync.Mutex
	late []time.Duration // guarded by mu
}

// stream opens a subscription on a WebSocket of its own.
func stream(tb testing.TB, own *bench, provider *rendered) (io.Reader, *renderedSource) {
	tb.Helper()
	conn, reader := own.rawSocket(tb)
	text := mustJSON(tb, map[string]any{"id": "1", "type": "subscribe", "payload": map[string]any{"query": ticks}})
	if _, err := conn.Write(maskedFrame(finBit|byte(opText), []byte(text))); err != nil {
		tb.Fatal(err)
	}
	return reader, <-provider.attached
}

func gather(tb testing.TB, own *bench, provider *rendered, n int) *audience {
	tb.Helper()
	a := &audience{own: own, epoch: time.Now()}
	for range n {
		reader, source := stream(tb, own, provider)
		a.sources = append(a.sources, source)
		go func() {
			for {
				sent, err := readMoment(reader)
				if err != nil {
					return
				}
				took := time.Since(a.epoch) - sent
				a.mu.Lock()
				a.late = append(a.late, took)
				a.mu.Unlock()
			}
		}()
	}
	return a
}

// told sends messages to everybody in turns, 1,600 a second, in so many rounds, and answers how late one in a hundred is.
func (a *audience) told(tb testing.TB, rounds int) time.Duration {
	tb.Helper()
	const each = 40
	a.mu.Lock()
	a.late = nil
	a.mu.Unlock()
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for round := range rounds {
		<-tick.C
		for i := range each {
			frame := fmt.Appendf(nil, `{"data":{"ticks":{"n":%020d}}}`, time.Since(a.epoch))
			a.sources[(round*each+i)%len(a.sources)].sink.Send(frame)
		}
	}
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); <-tick.C {
		a.mu.Lock()
		all := len(a.late) == rounds*each
		a.mu.Unlock()
		if all {
			break
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.late) != rounds*each {
		tb.Fatalf("%d of %d messages came", len(a.late), rounds*each)
	}
	slices.Sort(a.late)
	return a.late[len(a.late)*99/100]
}

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
		live := gather(b, own, provider, each)
		quiet := live.told(b, 100)
		before := heapAndStacks()
		var stalled []*renderedSource
		for range each {
			_, source := stream(b, own, provider)
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
		beside := live.told(b, 100)
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
