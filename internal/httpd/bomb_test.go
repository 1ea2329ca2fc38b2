package httpd

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// BenchmarkFragmentBomb measures G3: how long it takes to refuse bombs of up to 60 levels, and the same for each level.
// The document grows with its levels and must be read; a naive walk doubles with each of them.
func BenchmarkFragmentBomb(b *testing.B) {
	server := setup(b)
	took := func(n int) time.Duration {
		best := time.Hour
		for i := range 200 {
			query := bomb(n-1, "") + strings.Repeat(" ", i) // not from the cache
			start := time.Now()
			server.create(b, query, nil)
			best = min(best, time.Since(start))
		}
		return best
	}
	for b.Loop() {
		least, most := time.Hour, time.Duration(0)
		for n := 5; n <= 60; n += 5 {
			all := took(n)
			b.ReportMetric(float64(all.Microseconds()), fmt.Sprintf("%02d-levels-us", n))
			if n >= 20 { // from here on it is refused
				each := all / time.Duration(n)
				least, most = min(least, each), max(most, each)
			}
		}
		b.ReportMetric(float64(most)/float64(least), "most/least-per-level")
	}
}
