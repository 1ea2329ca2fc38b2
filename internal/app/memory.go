package app

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// littleGarbage is what is left lying in a small heap: collecting whenever it has doubled takes a fifth of the processor of
// a busy replica, whose live heap is some 10 MiB, and everybody who is connected to one with 50 MiB waits for it.
const littleGarbage = 64 << 20

// collectEvery is how often the pace of the collector is set anew.
const collectEvery = time.Second

// paceCollector lets a small heap gather littleGarbage before it is collected, or four times what is live, and a big one
// double as always. Who sets GOGC wants something else, and the caller leaves the collector alone.
func paceCollector(ctx context.Context) {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	tick := time.NewTicker(collectEvery)
	defer tick.Stop()
	now := 0
	for {
		metrics.Read(live)
		if percent := gcPercent(live[0].Value.Uint64()); percent != now {
			now = percent
			debug.SetGCPercent(percent)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// gcPercent is how much the heap may grow beyond what is live, in steps: 100 to 400.
func gcPercent(live uint64) int {
	if live == 0 { // nothing was collected yet
		return 400
	}
	percent := int(min(littleGarbage*100/live, 400))
	return max(percent/25*25, 100)
}
