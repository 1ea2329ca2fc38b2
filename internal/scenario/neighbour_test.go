package scenario

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heffl/bff/internal/testkit"
)

// neighbourCallers is how many requests the noisy one has under way.
const neighbourCallers = 100

// BenchmarkLongAnswers shows G5 with everything behind a request: one person asks from a hundred connections for the longest
// answers that are legal, and another reads a page of their inbox. Within their budget the long ones are answered, one
// after the other; what is beyond it is refused.
//
//	go test -run '^$' -bench LongAnswers -benchtime 1x ./internal/scenario
func BenchmarkLongAnswers(b *testing.B) {
	s := start(b, b.TempDir(), "HEFFL_DATABASE_URL="+testkit.DurablePostgres(b), "HEFFL_LOG_LEVEL=error")
	services := s.bearer(b, "u_ada", "admin", "events:write")
	noisy, quiet := s.bearer(b, "u-liam"), s.bearer(b, "u-maya")
	for _, p := range []*person{noisy, quiet} {
		p.viewer(b) // known from now on
	}
	for i := range 100 {
		services.publish(b, wonDeal(map[string]any{"idempotencyKey": fmt.Sprintf("long-%d", i), "recipientIds": []string{noisy.id, quiet.id}}))
	}
	for name, part := range map[string]string{
		"inbox":    `n%d: notifications(first: 100) { nodes { ` + notificationFields + ` } } `,
		"settings": `n%d: categories { events { eventType label description cells { channel enabled default source delivers } } } `,
	} {
		b.Run(name, func(b *testing.B) {
			longest := longestLegal(b, noisy, func(n int) string {
				var parts strings.Builder
				for i := range n {
					fmt.Fprintf(&parts, part, i)
				}
				if name == "inbox" {
					return `{ viewer { inbox { ` + parts.String() + `} } }`
				}
				return `{ viewer { notificationSettings { ` + parts.String() + `} } }`
			})
			for b.Loop() {
				besideLongAnswers(b, noisy, quiet, longest)
			}
		})
	}
}

// longestLegal is the longest document that is not refused for what it costs.
func longestLegal(b *testing.B, p *person, of func(int) string) (query string) {
	b.Helper()
	for n := 1; ; n++ {
		next := of(n)
		got := p.graphql(b, next, nil)
		for len(got.Errors) > 0 && got.Errors[0].Extensions.Code == "RATE_LIMITED" {
			time.Sleep(time.Second)
			got = p.graphql(b, next, nil)
		}
		if len(got.Errors) == 0 {
			query = next
			continue
		}
		if got.Errors[0].Extensions.Code != "COMPLEXITY_LIMIT" || n == 1 {
			b.Fatalf("%d parts: %+v", n, got.Errors)
		}
		return query
	}
}

// besideLongAnswers compares how long the quiet one waits, alone and beside the noisy one.
func besideLongAnswers(b *testing.B, noisy, quiet *person, longest string) {
	b.Helper()
	const page = `{ viewer { inbox { unreadCount notifications(first: 20) { nodes { id title createdAt } } } } }`
	p99 := func() time.Duration {
		pace := time.NewTicker(25 * time.Millisecond) // within their own budget
		defer pace.Stop()
		times := make([]time.Duration, 400)
		for i := range times {
			<-pace.C
			begin := time.Now()
			ask[any](b, quiet, page, nil)
			times[i] = time.Since(begin)
		}
		slices.Sort(times)
		return percentile(times, 99)
	}
	body, err := json.Marshal(map[string]any{"query": longest})
	if err != nil {
		b.Fatal(err)
	}
	var answered, refused atomic.Int64
	var alone, beside, ratios []float64
	for range 3 {
		before := p99()
		done := make(chan struct{})
		var all sync.WaitGroup
		for range neighbourCallers {
			own := *noisy
			own.browser = newClient(b)
			all.Go(func() {
				for {
					select {
					case <-done:
						return
					default:
					}
					status, text, err := own.raw(b.Context(), body) // reading it as JSON would take as long as making it
					switch {
					case status == http.StatusOK && bytes.HasPrefix(text, []byte(`{"data":{"viewer":{`)):
						answered.Add(1)
					case status == http.StatusTooManyRequests:
						refused.Add(1)
					default:
						b.Errorf("%v, %d %.200s", err, status, text)
						return
					}
				}
			})
		}
		during := p99()
		close(done)
		all.Wait()
		alone, beside = append(alone, before.Seconds()*1000), append(beside, during.Seconds()*1000)
		ratios = append(ratios, during.Seconds()/before.Seconds())
	}
	for name, values := range map[string][]float64{"alone-p99-ms": alone, "beside-p99-ms": beside, "ratio": ratios} {
		slices.Sort(values)
		b.ReportMetric(values[1], name)
	}
	b.ReportMetric(float64(answered.Load()), "answered")
	b.ReportMetric(float64(refused.Load()), "refused")
}
