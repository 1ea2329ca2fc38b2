package cliq

import (
	"encoding/json"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Scope is the only permission asked for: to post as a bot.
const Scope = "ZohoCliq.Webhooks.CREATE"

// Token is what Zoho granted.
type Token struct {
	Access Secret
	// Refresh is empty after a refresh: the old one stays valid.
	Refresh Secret
	// ExpiresAt is counted from before the request, so that it errs on the early side.
	ExpiresAt time.Time
	// Scopes are those Zoho named; it may name none.
	Scopes []string
}

// parseTokenAnswer reads an answer of the token endpoint. The body goes before the
// status, because Zoho reports most errors with status 200. Together with
// [ErrScopeMissing] and [ErrNoRefreshToken] the token is returned as well: it
// exists and may have to be revoked.
func parseTokenAnswer(in answer, asked time.Time) (Token, error) {
	failed := func(reason string) error {
		return &UnavailableError{Reason: reason, Status: in.status, WasSent: true}
	}
	throttled := func() error {
		wait, stated := retryAfter(in.header, asked)
		return &ThrottledError{RetryAfter: wait, Stated: stated}
	}
	switch {
	case in.status == http.StatusTooManyRequests:
		return Token{}, throttled()
	case in.status >= http.StatusMultipleChoices && in.status < http.StatusBadRequest:
		return Token{}, failed("redirect refused")
	case in.status >= http.StatusInternalServerError:
		// Whatever such a body says, a connection is not given up for it.
		return Token{}, failed("server error")
	case in.cut:
		return Token{}, failed("incomplete answer")
	}
	object, err := decodeObject(in.body)
	if err != nil {
		return Token{}, failed("unreadable answer")
	}
	if err := tokenError(object); err != nil {
		return Token{}, err
	}
	status, _ := text(object, "status")
	switch {
	case status == "failure":
		return Token{}, throttled()
	case present(object, "error"):
		return Token{}, failed("unknown error")
	case in.status < http.StatusOK || in.status >= http.StatusMultipleChoices:
		return Token{}, failed("error status")
	}
	return readToken(object, asked, failed)
}

// tokenError recognises the codes of a fixed list. The words of a throttle are not
// among them: they come in the language of the account.
func tokenError(object map[string]json.RawMessage) error {
	code, _ := text(object, "error")
	switch code {
	case "invalid_code", "invalid_grant":
		return ErrInvalidGrant
	case "invalid_client", "invalid_client_secret", "invalid_redirect_uri", "unauthorized_client", "invalid_scope",
		"unsupported_grant_type", "invalid_request":
		return &MisconfiguredError{Code: code}
	}
	return nil
}

func readToken(object map[string]json.RawMessage, asked time.Time, failed func(string) error) (Token, error) {
	access, ok := text(object, "access_token")
	if !ok || access == "" {
		return Token{}, failed("no access token")
	}
	refresh, ok := text(object, "refresh_token")
	if !ok && present(object, "refresh_token") {
		return Token{}, failed("unusable token")
	}
	if !isToken(access) || (refresh != "" && !isToken(refresh)) {
		return Token{}, failed("unusable token")
	}
	token := Token{Access: NewSecret(access), ExpiresAt: asked.Add(lifetime(object["expires_in"]))}
	if refresh != "" {
		token.Refresh = NewSecret(refresh)
	}
	scope, named := text(object, "scope")
	token.Scopes = splitScopes(scope)
	if named && !slices.Contains(token.Scopes, Scope) {
		return token, ErrScopeMissing
	}
	return token, nil
}

// splitScopes accepts both separators: scopes are asked for with commas and come
// back with spaces.
func splitScopes(scope string) []string {
	return strings.FieldsFunc(scope, func(r rune) bool { return r == ' ' || r == ',' })
}

const (
	defaultLifetime = time.Hour
	maxLifetime     = 24 * time.Hour
	// shortest is the least lifetime believed to be stated in milliseconds.
	shortest = 5 * time.Minute
)

// lifetime reads expires_in, which comes as a number, a string, in milliseconds,
// or not at all. What makes no sense counts as an hour, Zoho's rule.
func lifetime(raw json.RawMessage) time.Duration {
	value := strings.TrimSpace(strings.Trim(string(raw), `"`))
	// ParseFloat also knows NaN, Inf and hexadecimal.
	if strings.Trim(value, "0123456789.eE+-") != "" {
		return defaultLifetime
	}
	seconds, err := strconv.ParseFloat(value, 64)
	if err != nil || math.IsInf(seconds, 0) {
		return defaultLifetime
	}
	if seconds > maxLifetime.Seconds() {
		seconds /= 1000
		if seconds < shortest.Seconds() {
			return defaultLifetime
		}
	}
	if seconds < 1 || seconds > maxLifetime.Seconds() {
		return defaultLifetime
	}
	return time.Duration(seconds) * time.Second
}
