package httpd

import (
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/heffl/bff/model"
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
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	b, ok := l.buckets.Get(key)
	if !ok {
		b = &bucket{units: l.rate.Burst, at: now}
		l.buckets.Add(key, b)
	}
	if passed := now.Sub(b.at).Seconds(); passed > 0 {
		b.units = min(l.rate.Burst, b.units+passed*l.rate.PerSecond)
		b.at = now
	}
	need := min(units, l.rate.Burst)
	if b.units < need {
		return time.Duration((need - b.units) / l.rate.PerSecond * float64(time.Second))
	}
	b.units -= units
	return 0
}

// Every operation costs one unit before anything is done for it, and once its cost is known, one
// more for so much of it.
const costUnit = 500

// refusedUnits is what a document costs that is beyond the limits: finding that out takes longer than
// to read an ordinary one, and no client sends it twice.
const refusedUnits = 10

// charge spends a caller's budget.
func (s *Server) charge(c caller, client string, units float64) *problem {
	var wait time.Duration
	switch {
	case c.anonymous:
		wait = s.anonymousRate.take(client, units)
	case c.service():
		wait = s.serviceRate.take(c.key(client), units)
	default:
		wait = s.userRate.take(c.key(client), units)
	}
	if wait > 0 {
		return tooMany(wait)
	}
	return nil
}

// chargeRefused spends what a refused document costs. There is nothing left to refuse.
func (s *Server) chargeRefused(c caller, client string, errs gqlerror.List) {
	if errs[0].Extensions["code"] == string(model.CodeComplexityLimit) {
		s.charge(c, client, refusedUnits)
	}
}

func (s *Server) chargeCost(c caller, client string, m measure) *problem {
	return s.charge(c, client, float64(m.cost)/costUnit)
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
