package httpd

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkNoisyNeighbour asks as one person while another sends the dearest legal requests over a hundred
// connections (G5), each twice a second: twice what one person's budget allows. Within it everything is served, beyond
// it the answer is RATE_LIMITED at once.
func BenchmarkNoisyNeighbour(b *testing.B) {
	own := setup(b)
	var asked atomic.Int64 // every document is new: none is in the cache
	dearest := func() string {
		return fmt.Sprintf(`{"query":"{...on Query{...on Query{...on Query{viewer{%s}}}}}#%d"}`, strings.Repeat(` id`, 187), asked.Add(1))
	}
	quietToken, noisyToken := bearerOf(token(b, "quiet")), bearerOf(token(b, "noisy"))
	ask := func() time.Duration {
		begin := time.Now()
		if got := own.post(b, `{viewer{id}}`, quietToken...); got.status != http.StatusOK {
			b.Fatalf("%d %s", got.status, got.text)
		}
		return time.Since(begin)
	}
	p99 := func(n int) time.Duration {
		times := make([]time.Duration, n)
		for i := range times {
			times[i] = ask()
			<-time.After(10 * time.Millisecond) // within this person's own budget
		}
		slices.Sort(times)
		return times[n*99/100]
	}
	for b.Loop() {
		quiet := p99(300)
		done := make(chan struct{})
		var noise sync.WaitGroup
		for i := range 100 {
			noise.Go(func() {
				<-time.After(time.Duration(i) * 5 * time.Millisecond)
				pause := time.NewTicker(500 * time.Millisecond)
				defer pause.Stop()
				for {
					select {
					case <-done:
						return
					case <-pause.C:
						own.send(b, http.MethodPost, "/graphql", dearest(), append(slices.Clone(noisyToken), "Content-Type", jsonType)...)
					}
				}
			})
		}
		noisy := p99(300)
		close(done)
		noise.Wait()
		b.ReportMetric(float64(quiet.Microseconds())/1000, "quiet-p99-ms")
		b.ReportMetric(float64(noisy.Microseconds())/1000, "noisy-p99-ms")
	}
}
