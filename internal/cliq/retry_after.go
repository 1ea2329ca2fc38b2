package cliq

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// maxRetryAfter caps what a server may ask for: later than that, its state is
	// anyone's guess and one request finds out.
	maxRetryAfter = time.Hour
	// lockout is how long Zoho shuts out who exceeded a limit, for tokens as for
	// messages, and thus the wait when nothing is stated.
	lockout = 10 * time.Minute
)

// retryAfter reads the header in both its forms. A hint of nothing, of zero or of
// the past is none: obeying it would hammer a server that just complained.
func retryAfter(header http.Header, now time.Time) (wait time.Duration, stated bool) {
	value := strings.TrimSpace(header.Get("Retry-After"))
	if value == "" {
		return lockout, false
	}
	if strings.Trim(value, "0123456789") == "" {
		seconds, err := strconv.ParseInt(value, 10, 64)
		switch {
		case err != nil || seconds >= int64(maxRetryAfter/time.Second):
			return maxRetryAfter, true // err: more digits than an int64 holds
		case seconds == 0:
			return lockout, false
		}
		return time.Duration(seconds) * time.Second, true
	}
	at, err := http.ParseTime(value)
	if err != nil || !at.After(now) {
		return lockout, false
	}
	return min(at.Sub(now), maxRetryAfter), true
}
