package httpd

import (
	"context"
	"net"
	"runtime"
	"testing"
	"time"
)

// TestIdleSubscriber holds what a subscriber that hears nothing costs: client and server share the
// process here, so the client's raw connection is part of the figure.
func TestIdleSubscriber(t *testing.T) { //nolint:paralleltest // it measures
	const sockets = 500
	b, provider := setupFrames(t)
	b.connections.most = sockets
	provider.attached = make(chan *renderedSource, sockets)
	conns := make([]net.Conn, 0, sockets)
	before, goroutines := heapAndStacks(), runtime.NumGoroutine()
	for range sockets {
		conn, _ := b.rawSocket(t)
		text := mustJSON(t, map[string]any{"id": "1", "type": "subscribe", "payload": map[string]any{"query": ticks}})
		if _, err := conn.Write(maskedFrame(finBit|byte(opText), []byte(text))); err != nil {
			t.Fatal(err)
		}
		conns = append(conns, conn)
		<-provider.attached
	}
	b.waitFor(t, func() bool { return runtime.NumGoroutine() <= goroutines+sockets+5 })
	each := (heapAndStacks() - before) / sockets
	t.Logf("%d bytes each", each)
	if slowdown == 1 && each > 25<<10 { // the race detector has memory of its own
		t.Errorf("an idle subscriber takes %d bytes", each)
	}
	for _, conn := range conns {
		_ = conn.Close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := b.Shutdown(ctx); err != nil {
		t.Error(err)
	}
}

func heapAndStacks() int {
	for range 3 {
		runtime.GC() // it also shrinks stacks
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapInuse + m.StackInuse)
}
