package cliq

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// Class says what the failure of a message means for what comes next.
type Class string

// The classes. All but the last mean that the message surely did not arrive.
const (
	// ClassBotNotFound: no bot of that name for this person. Sending again is useless until the name changes.
	ClassBotNotFound Class = "BOT_NOT_FOUND"
	// ClassTokenInvalid: refresh once and send once more; right after a refresh, the connection is dead.
	ClassTokenInvalid Class = "TOKEN_INVALID"
	// ClassScopeInvalid: the person must connect again; a refresh brings the same scopes.
	ClassScopeInvalid Class = "SCOPE_INVALID"
	// ClassNotSubscribed: the person does not follow the bot or may not use it.
	ClassNotSubscribed Class = "NOT_SUBSCRIBED"
	// ClassRateLimited: wait for RetryAfter, every message of this person.
	ClassRateLimited Class = "RATE_LIMITED"
	// ClassRejected: this very message would be rejected again.
	ClassRejected Class = "REJECTED"
	// ClassMisconfigured: an operator must act.
	ClassMisconfigured Class = "MISCONFIGURED"
	// ClassUnavailable: Zoho was not reached or says it failed. Try later.
	ClassUnavailable Class = "UNAVAILABLE"
	// ClassUnknown: the request left and nobody knows its fate. Never send it again.
	ClassUnknown Class = "UNKNOWN"
)

// SendError is why a message did not get through, or may not have.
type SendError struct {
	Class Class
	// Status is that of the answer, 0 without one.
	Status int
	// Code is Zoho's, when it has the form of a code.
	Code string
	// RetryAfter is the wait of a rate limit (positive, at most an hour), or what an
	// unavailable server asked for; 0 otherwise.
	RetryAfter time.Duration
	// Stated is set when Zoho named the wait.
	Stated bool
	// Reason is a fixed phrase, fit for a log.
	Reason string
	// Err is the cause below HTTP, nil when there was an answer. It is for errors.Is only.
	Err error
}

// Error names class, status, code and reason.
func (e *SendError) Error() string {
	message := "send to cliq: " + string(e.Class)
	if e.Status != 0 {
		message += fmt.Sprintf(": status %d", e.Status)
	}
	if e.Code != "" {
		message += " " + e.Code
	}
	if e.Reason != "" {
		message += ": " + e.Reason
	}
	return message
}

// Unwrap returns the cause below HTTP.
func (e *SendError) Unwrap() error { return e.Err }

// ClassOf returns the class of an error of [Client.Send]. Anything else is
// [ClassUnknown], the one that is never repeated; nil has no class.
func ClassOf(err error) Class {
	if err == nil {
		return ""
	}
	if failure, ok := errors.AsType[*SendError](err); ok {
		return failure.Class
	}
	return ClassUnknown
}

// classes maps the codes that mean the same with whatever status they come.
var classes = map[string]Class{
	"oauthtoken_invalid":              ClassTokenInvalid,
	"oauthtoken_scope_invalid":        ClassScopeInvalid,
	"botmessage_no_valid_users":       ClassNotSubscribed,
	"bot_unauthorized_message_access": ClassNotSubscribed,
	"bot_message_forbidden":           ClassNotSubscribed,
	"botmessage_sending_failed":       ClassUnavailable,
	"request_limit_exceeded":          ClassRateLimited,
	"request_url_invalid":             ClassBotNotFound,
	"extra_key_found":                 ClassRejected,
	"extra_param_found":               ClassRejected,
	"param_missing":                   ClassRejected,
	"input_pattern_mismatch":          ClassRejected,
	"request_method_invalid":          ClassRejected,
}

var codePattern = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

// classify reads the answer to a message; nil means that it got through. Any 2xx is
// success, with or without a body, unless the body is an error of a known code.
func classify(in answer, asked time.Time) *SendError {
	var code, message, status string
	object, err := decodeObject(in.body)
	fromZoho := err == nil
	if fromZoho {
		code, message, status = zohoWords(object)
		fromZoho = code != "" || message != "" || status != ""
	}
	class, known := classes[code]
	if in.status/100 == 2 {
		if !known || present(object, "user_ids") || present(object, "message_details") {
			return nil
		}
	} else if !known {
		class = classOfStatus(in.status, message, status, fromZoho)
	}
	failure := &SendError{Class: class, Status: in.status}
	if codePattern.MatchString(code) {
		failure.Code = code
	}
	wait, stated := retryAfter(in.header, asked)
	if class == ClassRateLimited || (class == ClassUnavailable && stated) {
		failure.RetryAfter, failure.Stated = wait, stated
	}
	return failure
}

// zohoWords returns the members by which an answer is known as Zoho's.
func zohoWords(object map[string]json.RawMessage) (code, message, status string) {
	code, _ = text(object, "code")
	message, _ = text(object, "message")
	status, _ = text(object, "status")
	return code, message, status
}

// classOfStatus judges an answer without a known code.
func classOfStatus(status int, message, state string, fromZoho bool) Class {
	switch {
	case status == http.StatusTooManyRequests:
		return ClassRateLimited
	case status >= 300 && status < 400:
		return ClassUnavailable // a redirect nobody follows
	case (status == http.StatusUnauthorized || status == http.StatusForbidden) && strings.Contains(message, "required scope"):
		return ClassScopeInvalid
	case status == http.StatusUnauthorized:
		return ClassTokenInvalid // also Zoho's blank page for a header it cannot read
	case status == http.StatusNotFound:
		return ClassBotNotFound
	case status == http.StatusForbidden && fromZoho:
		return ClassNotSubscribed
	case status == http.StatusForbidden, status == http.StatusRequestTimeout, status == http.StatusMisdirectedRequest,
		status == http.StatusTooEarly:
		return ClassUnavailable
	case status >= 400 && status < 500 && saysBotMissing(message):
		return ClassBotNotFound
	case status == http.StatusBadRequest && state == "failure":
		return ClassRateLimited // the throttle of the accounts servers, in any language
	case status >= 400 && status < 500:
		return ClassRejected
	case status >= 500 && status < 600 && fromZoho:
		return ClassUnavailable
	}
	// A gateway that lost its server, or an answer that is none: the message may
	// have been handled before.
	return ClassUnknown
}

// saysBotMissing recognises the one documented message that has no documented code.
func saysBotMissing(message string) bool {
	message = strings.ToLower(message)
	return strings.Contains(message, "bot") && (strings.Contains(message, "couldn't be found") ||
		strings.Contains(message, "could not be found") || strings.Contains(message, "couldn’t be found"))
}
