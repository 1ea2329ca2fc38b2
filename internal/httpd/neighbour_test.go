package httpd

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
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
//
// The collector lets some 32 MiB of garbage lie, as it does in the product.
func BenchmarkNoisyNeighbour(b *testing.B) {
	defer debug.SetGCPercent(debug.SetGCPercent(800))
	var asked atomic.Int64
	query := func() string { // every document is new: none is remembered
		return fmt.Sprintf(`{...on Query{...on Query{...on Query{viewer{%s}}}}}#%d`, strings.Repeat(` id`, 187), asked.Add(1))
	}
	for pacing, pause := range map[string]time.Duration{"paced": 500 * time.Millisecond, "at once": 0} {
		b.Run(pacing, noisyNeighbour(query, pause))
	}
}

func noisyNeighbour(query func() string, pause time.Duration) func(b *testing.B) {
	return func(b *testing.B) {
		own := setup(b)
		quietToken, noisyToken := token(b, "quiet"), token(b, "noisy")
		client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 101}} // connections are kept, as pages do
		defer client.CloseIdleConnections()
		send := func(bearer, query string) int {
			r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, own.url+"/graphql", strings.NewReader(mustJSON(b, map[string]any{"query": query})))
			if err != nil {
				b.Error(err)
				return 0
			}
			r.Header.Set("Content-Type", jsonType)
			r.Header.Set("Authorization", "Bearer "+bearer)
			resp, err := client.Do(r)
			if err != nil {
				b.Error(err)
				return 0
			}
			defer func() { _ = resp.Body.Close() }()
			text, err := io.ReadAll(resp.Body)
			if resp.StatusCode == http.StatusOK && !bytes.HasPrefix(text, []byte(`{"data":{"viewer":{`)) {
				b.Errorf("%v %s", err, text)
			}
			return resp.StatusCode
		}
		ask := func() time.Duration {
			begin := time.Now()
			if status := send(quietToken, `{viewer{id}}`); status != http.StatusOK {
				b.Fatalf("%d", status)
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
		var served, refused atomic.Int64
		// noise asks from a hundred connections until it is told to stop.
		noise := func() (stop func()) {
			done := make(chan struct{})
			var all sync.WaitGroup
			for i := range 100 {
				all.Go(func() {
					next := time.NewTimer(time.Duration(i) * pause / 100)
					defer next.Stop()
					for {
						select {
						case <-done:
							return
						case <-next.C:
							switch status := send(noisyToken, query()); status {
							case http.StatusOK:
								served.Add(1)
							case http.StatusTooManyRequests:
								refused.Add(1)
							default:
								b.Errorf("%d", status)
							}
							next.Reset(pause)
						}
					}
				})
			}
			return func() {
				close(done)
				all.Wait()
			}
		}
		for b.Loop() {
			var quiet, noisy, ratios []float64
			for range 3 {
				before := milliseconds(p99(500))
				stop := noise()
				beside := milliseconds(p99(500))
				stop()
				quiet, noisy, ratios = append(quiet, before), append(noisy, beside), append(ratios, beside/before)
			}
			b.ReportMetric(median(quiet), "quiet-p99-ms")
			b.ReportMetric(median(noisy), "noisy-p99-ms")
			b.ReportMetric(median(ratios), "ratio")
			b.ReportMetric(float64(served.Load()), "served")
			b.ReportMetric(float64(refused.Load()), "refused")
		}
	}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
