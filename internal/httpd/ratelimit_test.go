package httpd

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestLimiter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 10, 48, 0, 0, time.UTC)
	l := newLimiter(Rate{PerSecond: 10, Burst: 100}, func() time.Time { return now })
	want := func(step string, units float64, wait time.Duration) {
		t.Helper()
		if got := l.take("k", units); got != wait {
			t.Errorf("%s: come back in %v, want %v", step, got, wait)
		}
	}
	want("a full bucket", 100, 0)
	want("an empty one", 1, 100*time.Millisecond)
	now = now.Add(time.Second)
	want("after a second", 10, 0)
	l.spend("k", 50)
	want("in debt, for nothing", 0, 5*time.Second)
	want("in debt", 10, 6*time.Second)
	l.spend("k", 1e9)
	want("as deep in debt as one can be", 0, 10*time.Second)
	now = now.Add(20 * time.Second)
	want("all is paid", 100, 0)
	now = now.Add(time.Hour)
	want("more than a bucket holds", 150, 0)
	want("which leaves a debt", 0, 5*time.Second)
	if got := l.take("other", 100); got != 0 {
		t.Errorf("somebody else comes back in %v", got)
	}
	none := newLimiter(Rate{PerSecond: -1}, func() time.Time { return now })
	none.spend("k", 1e9)
	if got := none.take("k", 1e9); got != 0 {
		t.Errorf("without a limit: %v", got)
	}
}

// TestJudgingIsPaidFor has one person send documents that nobody has sent before, as dear as they may be: a budget that
// would do for thousands of ordinary requests is used up by a few, on every transport, and nobody else notices.
func TestJudgingIsPaidFor(t *testing.T) {
	t.Parallel()
	// Nothing comes into a bucket during the test; it pays for three milliseconds of a processor.
	slow := func(c *Config) { c.Limits.UserRate = Rate{PerSecond: 1e-6, Burst: judgingUnits * 3 / 1000} }
	var asked atomic.Int64
	document := func() string {
		return fmt.Sprintf(`{...on Query{...on Query{...on Query{viewer{%s}}}}}#%d`, strings.Repeat(` id`, 187), asked.Add(1))
	}
	const enough = 20 // each takes a millisecond or more
	others := func(t *testing.T, own *bench) {
		t.Helper()
		if got := own.post(t, document(), bearerOf(token(t, "quiet"))...); got.status != http.StatusOK {
			t.Errorf("somebody else: %d %s", got.status, got.text)
		}
	}

	t.Run("OneAfterTheOther", func(t *testing.T) {
		t.Parallel()
		own := setup(t, slow)
		for i := range enough {
			got := own.post(t, document(), bearerOf(token(t, "noisy"))...)
			if got.status == http.StatusTooManyRequests {
				if i == 0 || got.code() != "RATE_LIMITED" || got.header.Get("Retry-After") == "" {
					t.Errorf("document %d: %s, Retry-After %q", i, got.text, got.header.Get("Retry-After"))
				}
				others(t, own)
				return
			}
		}
		t.Errorf("%d documents were judged", enough)
	})
	t.Run("AllAtOnce", func(t *testing.T) {
		t.Parallel()
		own := setup(t, slow)
		var refused atomic.Int64
		var all sync.WaitGroup
		for range 3 * enough {
			all.Go(func() {
				if got := own.post(t, document(), bearerOf(token(t, "noisy"))...); got.status == http.StatusTooManyRequests {
					refused.Add(1)
				}
			})
		}
		all.Wait()
		if refused.Load() < 2*enough {
			t.Errorf("%d of %d were refused", refused.Load(), 3*enough)
		}
		others(t, own)
	})
	t.Run("EventStreams", func(t *testing.T) {
		t.Parallel()
		own := setup(t, slow)
		for range enough {
			got := own.send(t, http.MethodPost, "/graphql", mustJSON(t, map[string]any{"query": document()}),
				append(bearerOf(token(t, "noisy")), "Accept", mediaEvents, "Content-Type", jsonType)...)
			if strings.Contains(got.text, "RATE_LIMITED") {
				others(t, own)
				return
			}
		}
		t.Errorf("%d documents were judged", enough)
	})
	t.Run("Remembered", func(t *testing.T) {
		t.Parallel()
		own := setup(t, func(c *Config) { c.Limits.UserRate = Rate{PerSecond: 1e-6, Burst: 10_000} })
		known := document()
		for range enough {
			if got := own.post(t, known, bearerOf(token(t, "noisy"))...); got.status != http.StatusOK {
				t.Fatalf("%d %s", got.status, got.text)
			}
		}
		left := own.userRate.filled("w\x00noisy").units
		for range enough {
			own.post(t, known, bearerOf(token(t, "noisy"))...)
		}
		// One unit for each request and less than half of one for the 190 fields: nothing for judging.
		if spent := left - own.userRate.filled("w\x00noisy").units; spent > enough*1.5 {
			t.Errorf("%.1f units for %d requests", spent, enough)
		}
	})
}
