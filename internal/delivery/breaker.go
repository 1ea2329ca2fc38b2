package delivery

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/heffl/bff/model"
)

// How a region's breaker works: after so many failures in a row nothing is sent there for a while, then one
// message tries.
const (
	breakerFailures = 5
	breakerOpen     = 15 * time.Second
)

// breakers keeps one breaker per region of Zoho, for this replica.
type breakers struct {
	mu sync.Mutex
	by map[model.CliqRegionCode]*gobreaker.TwoStepCircuitBreaker[struct{}] // guarded by mu
}

func newBreakers() *breakers {
	return &breakers{by: map[model.CliqRegionCode]*gobreaker.TwoStepCircuitBreaker[struct{}]{}}
}

// allow reports whether a message may go to the region; then done must be told how it went: nil for everything
// that shows Zoho alive, whatever it said. What this process broke off counts neither way.
func (b *breakers) allow(region model.CliqRegionCode) (done func(error), ok bool) {
	b.mu.Lock()
	breaker, found := b.by[region]
	if !found {
		breaker = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
			Name: string(region), MaxRequests: 1, Timeout: breakerOpen,
			ReadyToTrip: func(counts gobreaker.Counts) bool { return counts.ConsecutiveFailures >= breakerFailures },
			IsExcluded:  func(err error) bool { return errors.Is(err, context.Canceled) },
		})
		b.by[region] = breaker
	}
	b.mu.Unlock()
	done, err := breaker.Allow()
	return done, err == nil
}
