package model

import "fmt"

// ErrorCode says what went wrong, to programs. It is `extensions.code` of a GraphQL error.
type ErrorCode string

// The codes of errors that are not the caller's business rules (those are UserErrorCode).
const (
	CodeUnauthenticated  ErrorCode = "UNAUTHENTICATED"
	CodeForbidden        ErrorCode = "FORBIDDEN"
	CodeBadUserInput     ErrorCode = "BAD_USER_INPUT"
	CodeParseFailed      ErrorCode = "GRAPHQL_PARSE_FAILED"
	CodeValidationFailed ErrorCode = "GRAPHQL_VALIDATION_FAILED"
	CodeComplexityLimit  ErrorCode = "COMPLEXITY_LIMIT"
	CodeCursorUnusable   ErrorCode = "CURSOR_UNUSABLE"
	CodeRateLimited      ErrorCode = "RATE_LIMITED"
	CodeUnavailable      ErrorCode = "UNAVAILABLE"
	CodeInternal         ErrorCode = "INTERNAL"
)

// Error is an error whose message is meant for the caller. Anything else that reaches the edge of the process
// is internal: it is logged with the request id and answered with CodeInternal.
type Error struct {
	Code    ErrorCode
	Message string
	// Extensions are further facts for programs, for example the cursor with CURSOR_UNUSABLE; nil for none.
	Extensions map[string]any
	// Err is what happened underneath; it is logged, never shown. Nil for none.
	Err error
}

// Errorf makes an Error with a message for the caller.
func Errorf(code ErrorCode, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Error is the message and the cause, for logs.
func (e *Error) Error() string {
	if e.Err != nil {
		return string(e.Code) + ": " + e.Message + ": " + e.Err.Error()
	}
	return string(e.Code) + ": " + e.Message
}

// Unwrap is what happened underneath.
func (e *Error) Unwrap() error { return e.Err }

// InputError is a scalar or an argument that cannot be read. It becomes BAD_USER_INPUT.
type InputError struct{ Message string }

// Error is the message, which is meant for the caller.
func (e *InputError) Error() string { return e.Message }

// Error makes a UserError an error, so that a service can return it and the resolver put it into `userErrors`.
func (e *UserError) Error() string { return string(e.Code) + ": " + e.Message }

// UserErrorf makes a problem with what the caller asked for. field is the path of the input field, outermost
// first, or nil when the whole request is meant.
func UserErrorf(code UserErrorCode, field []string, format string, args ...any) *UserError {
	return &UserError{Code: code, Field: field, Message: fmt.Sprintf(format, args...)}
}

// UserErrors are several problems with one request; nothing was done.
type UserErrors []UserError

// Error is the first message and how many more there are.
func (e UserErrors) Error() string {
	switch len(e) {
	case 0:
		return "no user errors"
	case 1:
		return e[0].Error()
	}
	return fmt.Sprintf("%s (and %d more)", e[0].Error(), len(e)-1)
}
