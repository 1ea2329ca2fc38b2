package httpd

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// Rate is a token bucket: so many units a second for ever, and so many at once. A negative
// PerSecond means no limit. It holds for one replica.
type Rate struct {
	PerSecond float64
	Burst     float64
}

// maxBuckets bounds the memory of a limiter. Who is pushed out by that many others starts with a
// full bucket: that is kinder than the alternative and costs an attacker as many addresses.
const maxBuckets = 50_000

// limiter is one bucket for each key.
type limiter struct {
	rate Rate
	now  func() time.Time

	mu      sync.Mutex // guards buckets and what they hold
	buckets *simplelru.LRU[string, *bucket]
}

type bucket struct {
	units float64
	at    time.Time
}

func newLimiter(rate Rate, now func() time.Time) *limiter {
	buckets, err := simplelru.NewLRU[string, *bucket](maxBuckets, nil)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return &limiter{rate: rate, now: now, buckets: buckets}
}

// take spends units and answers 0, or spends nothing and answers when to come back. More units
// than the bucket holds are taken from a full one, which then is in debt.
func (l *limiter) take(key string, units float64) time.Duration {
	if l.rate.PerSecond <= 0 {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.filled(key)
	need := min(units, l.rate.Burst)
	if b.units < need {
		return time.Duration((need - b.units) / l.rate.PerSecond * float64(time.Second))
	}
	b.units -= units
	return 0
}

// spend takes what was used already, of a bucket that has it or not: the debt, at most another bucket full, is to be
// paid before anything else is taken.
func (l *limiter) spend(key string, units float64) {
	if l.rate.PerSecond <= 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.filled(key)
	b.units = max(b.units-units, -l.rate.Burst)
}

// filled is a key's bucket with what has come into it since. The lock is held.
func (l *limiter) filled(key string) *bucket {
	now := l.now()
	b, ok := l.buckets.Get(key)
	if !ok {
		b = &bucket{units: l.rate.Burst, at: now}
		l.buckets.Add(key, b)
	}
	if passed := now.Sub(b.at).Seconds(); passed > 0 {
		b.units = min(l.rate.Burst, b.units+passed*l.rate.PerSecond)
		b.at = now
	}
	return b
}

// Every operation costs one unit before anything is done for it, and once its cost is known, one
// more for so much of it.
const costUnit = 500

func (m measure) units() float64 { return float64(m.cost) / costUnit }

// refusalDelay is how long a request beyond its caller's budget is kept back at most. If the budget has recovered by then
// it goes on; else it is refused, and whoever asks again at once does not keep us busy with refusing. No two are kept
// back equally long, so that what came together does not come together again.
const refusalDelay = time.Second

// charge spends a caller's budget.
func (s *Server) charge(ctx context.Context, c caller, units float64) *problem {
	rate, key := s.budget(c, clientOf(ctx))
	return s.take(ctx, rate, key, units)
}

func (s *Server) take(ctx context.Context, rate *limiter, key string, units float64) *problem {
	if rate.take(key, units) <= 0 {
		return nil
	}
	timer := time.NewTimer(refusalDelay/4 + rand.N(refusalDelay*3/4)) //nolint:gosec // spreads load, keeps no secret
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-s.drain:
	}
	if wait := rate.take(key, units); wait > 0 {
		return tooMany(wait)
	}
	return nil
}

// budget is what a caller's requests are paid from.
func (s *Server) budget(c caller, client string) (rate *limiter, key string) {
	switch {
	case c.anonymous:
		return s.anonymousRate, client
	case c.service():
		return s.serviceRate, c.key(client)
	default:
		return s.userRate, c.key(client)
	}
}

// quota counts what a key holds at the same time.
type quota struct {
	most int

	mu   sync.Mutex // guards held
	held map[string]int
}

func newQuota(most int) *quota {
	return &quota{most: most, held: make(map[string]int)}
}

func (q *quota) acquire(key string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.held[key] >= q.most {
		return false
	}
	q.held[key]++
	return true
}

func (q *quota) release(key string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.held[key]--; q.held[key] <= 0 {
		delete(q.held, key)
	}
}
