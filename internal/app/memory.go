package app

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// smallHeap is up to where the garbage of a small heap is left lying: collecting it every time it has doubled takes a
// fifth of the processor of a busy replica, whose live heap is some 10 MiB.
const smallHeap = 32 << 20

// collectEvery is how often the pace of the collector is set anew.
const collectEvery = time.Second

// paceCollector lets a small heap grow to smallHeap before it is collected, and a big one double as always. Who sets
// GOGC wants something else, and the caller leaves the collector alone.
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
	percent := int(min(smallHeap*100/live, 400))
	return max(percent/50*50, 100)
}
