package httpd

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/heffl/bff/internal/auth"
)

// BenchmarkFragmentBomb measures G3: how long it takes to refuse bombs of up to 60 levels, the same for each level, and how
// long the client waits for the refusal. The document grows with its levels and must be read; a naive walk doubles with
// each of them.
func BenchmarkFragmentBomb(b *testing.B) {
	server := setup(b)
	callers := make([][]string, 20) // who has had a document judged rests a moment: they take turns
	for i := range callers {
		callers[i] = bearerOf(token(b, fmt.Sprintf("service-%d", i), auth.ScopeEventsWrite))
	}
	asked := 0
	best := func(n int, ask func(query string)) time.Duration {
		least := time.Hour
		for range 200 {
			asked++
			query := bomb(n-1, "") + "#" + strconv.Itoa(asked) // not from the cache
			start := time.Now()
			ask(query)
			least = min(least, time.Since(start))
		}
		return least
	}
	for b.Loop() {
		var each, answers span
		for n := 5; n <= 60; n += 5 {
			all := best(n, func(query string) {
				if _, errs := server.engine.judge(query); n >= 20 && len(errs) == 0 {
					b.Fatal("it was not refused")
				}
			})
			b.ReportMetric(float64(all.Microseconds()), fmt.Sprintf("%02d-levels-us", n))
			if n >= 20 { // from here on it is refused
				each.add(all / time.Duration(n))
				answers.add(best(n, func(query string) {
					if got := server.post(b, query, callers[asked%len(callers)]...); !strings.Contains(got.text, "COMPLEXITY_LIMIT") {
						b.Fatal(got.status, got.text)
					}
				}))
			}
		}
		b.ReportMetric(each.ratio(), "most/least-per-level")
		b.ReportMetric(answers.ratio(), "most/least-answer")
		b.ReportMetric(float64(answers.most.Microseconds()), "slowest-answer-us")
	}
}

// span is from the least to the most of some durations.
type span struct{ least, most time.Duration }

func (s *span) add(d time.Duration) {
	if s.least == 0 || d < s.least {
		s.least = d
	}
	s.most = max(s.most, d)
}

func (s *span) ratio() float64 { return float64(s.most) / float64(s.least) }
