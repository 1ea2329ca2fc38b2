package cliq

import (
	"errors"
	"fmt"
	"time"
)

var (
	// ErrInvalidGrant means that the code or refresh token is spent, revoked or
	// unknown. On refresh the person must connect again.
	ErrInvalidGrant = errors.New("zoho does not accept the grant")
	// ErrScopeMissing means that Zoho granted something else than [Scope].
	ErrScopeMissing = errors.New("zoho did not grant the scope")
	// ErrNoRefreshToken means that the exchange brought an access token only, which
	// would end the connection within the hour.
	ErrNoRefreshToken = errors.New("zoho sent no refresh token")
)

// MisconfiguredError means that Zoho does not accept the client: an operator must
// act, or the account lives in another data centre. The person's grant is intact.
type MisconfiguredError struct {
	// Code is Zoho's, one of a fixed list.
	Code string
}

// Error names Zoho's code.
func (e *MisconfiguredError) Error() string { return "zoho does not accept the client: " + e.Code }

// ThrottledError means that the accounts server wants to be left alone for a
// while. Asking sooner prolongs it.
type ThrottledError struct {
	// RetryAfter is positive and at most an hour.
	RetryAfter time.Duration
	// Stated is set when Zoho said so; otherwise RetryAfter is the length of its
	// documented window.
	Stated bool
}

// Error says how long to wait.
func (e *ThrottledError) Error() string {
	return fmt.Sprintf("zoho throttles token requests; retry in %s", e.RetryAfter)
}

// UnavailableError means that the accounts server gave no usable answer.
type UnavailableError struct {
	// Reason is a fixed phrase, fit for a log.
	Reason string
	// Status is that of the answer, 0 without one.
	Status int
	// WasSent is set unless the request surely did not reach Zoho. A code that
	// was sent may be spent.
	WasSent bool
	// Err is the cause below HTTP, nil when there was an answer. Its own text may
	// quote what the server sent and is for errors.Is only.
	Err error
}

// Error names the reason.
func (e *UnavailableError) Error() string {
	if e.Status != 0 {
		return fmt.Sprintf("zoho accounts: %s (status %d)", e.Reason, e.Status)
	}
	return "zoho accounts: " + e.Reason
}

// Unwrap returns the cause below HTTP.
func (e *UnavailableError) Unwrap() error { return e.Err }
