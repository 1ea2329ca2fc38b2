//go:build unix

package httpd

import (
	"runtime"
	"syscall"
	"testing"
	"time"
)

// BenchmarkWorstRequest measures G2: what every request that is known to be expensive costs before resolvers, in time
// of the processor (the garbage collector's included) and in memory. With -full it holds them to the budget.
func BenchmarkWorstRequest(b *testing.B) {
	own := setup(b)
	own.forget()
	for name, request := range dearRequests() {
		b.Run(name, func(b *testing.B) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			begin := processorTime(b)
			for b.Loop() {
				own.judge(b, request[0], request[1])
			}
			spent := (processorTime(b) - begin) / time.Duration(b.N)
			runtime.ReadMemStats(&after)
			memory := (after.TotalAlloc - before.TotalAlloc) / uint64(b.N)
			b.ReportMetric(float64(spent.Microseconds())/1000, "cpu-ms/op")
			b.ReportMetric(float64(memory)/1024, "KiB/op")
			if *full && (spent > budgetTime || memory > budgetMemory) {
				b.Errorf("%v and %d KiB", spent, memory>>10)
			}
		})
	}
}

// processorTime is what the process has used so far.
func processorTime(tb testing.TB) time.Duration {
	tb.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
