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

// calmAfter is how many times in a row no collection must have come for the process to count as calm.
const calmAfter = 5

// paceCollector lets a small heap grow to smallHeap before it is collected, and a big one double, or while the process is
// calm, grow to three times its size. Who sets GOGC wants something else, and the caller leaves the collector alone.
func paceCollector(ctx context.Context) {
	heap := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/cycles/total:gc-cycles"}}
	tick := time.NewTicker(collectEvery)
	defer tick.Stop()
	var cycles uint64
	for now, quiet := 0, 0; ; quiet++ {
		metrics.Read(heap)
		if n := heap[1].Value.Uint64(); n != cycles {
			cycles, quiet = n, 0
		}
		if percent := gcPercent(heap[0].Value.Uint64(), quiet >= calmAfter); percent != now {
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

// gcPercent is how much the heap may grow beyond what is live, in steps: 100 to 400. Marking a big heap takes the processors
// for as long as the live streams of ten thousand people have to wait: while little garbage is made, that is better seldom.
func gcPercent(live uint64, calm bool) int {
	if live == 0 { // nothing was collected yet
		return 400
	}
	percent := int(min(smallHeap*100/live, 400)) / 50 * 50
	if calm {
		return max(percent, 200)
	}
	return max(percent, 100)
}
