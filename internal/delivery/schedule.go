package delivery

import (
	"math/rand/v2"
	"time"
)

// Retry schedules: the wait after each failed attempt. When it is used up, the delivery has failed: a Cliq message
// within the hour, an e-mail within a day, whatever the jitter.
var (
	cliqWaits  = []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute}
	emailWaits = []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute, 5 * time.Hour, 10 * time.Hour}
)

// maxHint is the longest wait that a provider may ask for.
const maxHint = time.Hour

// leastSpread is over how long attempts that failed together are spread at least: of a thousand, no second sees more
// than thirty.
const leastSpread = 70 * time.Second

// jitter spreads what failed together: from half of d on, over d or leastSpread, whichever is longer.
func jitter(d time.Duration, random func() float64) time.Duration {
	return d/2 + time.Duration(float64(max(d, leastSpread))*random())
}

// hinted is when to try again after a provider asked for d: never earlier, at most a fifth later.
func hinted(d time.Duration, random func() float64) time.Duration {
	d = min(max(d, 0), maxHint)
	return d + time.Duration(float64(d)*0.2*random())
}

// wait is how long to wait after so many attempts; false: no further attempt.
func wait(waits []time.Duration, attempts int32, random func() float64) (time.Duration, bool) {
	if attempts < 1 {
		attempts = 1
	}
	if int(attempts) > len(waits) {
		return 0, false
	}
	return jitter(waits[attempts-1], random), true
}

// defaultRandom needs no secrecy: it only spreads attempts.
func defaultRandom() float64 { return rand.Float64() } //nolint:gosec // not for secrets
