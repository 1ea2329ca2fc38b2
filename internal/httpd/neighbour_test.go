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

// BenchmarkNoisyNeighbour asks as one person while another has a hundred of the dearest legal requests under way (G5).
// Within their budget they are served, beyond it the answer is RATE_LIMITED at once. "paced": each of the hundred asks
// twice a second, several times what the budget allows; "at once": each asks again as soon as it has its answer, and
// here client and server share the machine, so that what the client spends on being refused counts, too.
func BenchmarkNoisyNeighbour(b *testing.B) {
	var asked atomic.Int64
	kinds := map[string]func() string{
		// Every document is new: none is remembered.
		"new documents": func() string {
			return fmt.Sprintf(`{...on Query{...on Query{...on Query{viewer{%s}}}}}#%d`, strings.Repeat(` id`, 187), asked.Add(1))
		},
		// As many fields as an operation may have.
		"long answers": func() string {
			return `{viewer{` + strings.Repeat(`friends(first:100){nodes{id name}}`, 90) + `}}`
		},
	}
	for kind, query := range kinds {
		for pacing, pause := range map[string]time.Duration{"paced": 500 * time.Millisecond, "at once": 0} {
			b.Run(kind+" "+pacing, noisyNeighbour(query, pause))
		}
	}
}

func noisyNeighbour(query func() string, pause time.Duration) func(b *testing.B) {
	return func(b *testing.B) {
		own := setup(b)
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
			quiet := p99(500)
			var served, refused atomic.Int64
			done := make(chan struct{})
			var noise sync.WaitGroup
			for i := range 100 {
				noise.Go(func() {
					next := time.NewTimer(time.Duration(i) * pause / 100)
					defer next.Stop()
					for {
						select {
						case <-done:
							return
						case <-next.C:
							switch got := own.post(b, query(), noisyToken...); got.status {
							case http.StatusOK:
								served.Add(1)
							case http.StatusTooManyRequests:
								refused.Add(1)
							default:
								b.Errorf("%d %s", got.status, got.text)
							}
							next.Reset(pause)
						}
					}
				})
			}
			noisy := p99(500)
			close(done)
			noise.Wait()
			b.ReportMetric(float64(quiet.Microseconds())/1000, "quiet-p99-ms")
			b.ReportMetric(float64(noisy.Microseconds())/1000, "noisy-p99-ms")
			b.ReportMetric(float64(served.Load()), "served")
			b.ReportMetric(float64(refused.Load()), "refused")
		}
	}
}
