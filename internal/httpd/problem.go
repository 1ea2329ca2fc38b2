package httpd

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/heffl/bff/model"
)

// codePersistedQueryNotFound is the one code the persisted-query protocol prescribes.
const codePersistedQueryNotFound = "PERSISTED_QUERY_NOT_FOUND"

// problem is an answer without an operation: what was wrong with the request that carried it.
type problem struct {
	status  int
	code    model.ErrorCode
	message string
	allow   string        // with 405
	retry   time.Duration // with 429 and 503
}

func badRequest(message string) *problem {
	return &problem{status: http.StatusBadRequest, code: model.CodeBadUserInput, message: message}
}

func methodNotAllowed(message string) *problem {
	return &problem{status: http.StatusMethodNotAllowed, code: model.CodeBadUserInput, message: message, allow: allowedMethods}
}

func unauthenticated(message string) *problem {
	return &problem{status: http.StatusUnauthorized, code: model.CodeUnauthenticated, message: message}
}

func forbidden(message string) *problem {
	return &problem{status: http.StatusForbidden, code: model.CodeForbidden, message: message}
}

func tooMany(retry time.Duration) *problem {
	return &problem{
		status: http.StatusTooManyRequests, code: model.CodeRateLimited,
		message: "Too many requests. Try again a little later.", retry: retry,
	}
}

func tooLarge(what string, limit int64) *problem {
	return &problem{
		status: http.StatusRequestEntityTooLarge, code: model.CodeBadUserInput,
		message: what + " is larger than " + strconv.FormatInt(limit, 10) + " bytes.",
	}
}

// problemOf is the table from an error of Viewers to the wire.
func problemOf(err error) *problem {
	var known *model.Error
	if !errors.As(err, &known) {
		return &problem{
			status: http.StatusServiceUnavailable, code: model.CodeUnavailable,
			message: "The server cannot look you up right now. Try again.", retry: time.Second,
		}
	}
	p := &problem{code: known.Code, message: known.Message}
	switch known.Code {
	case model.CodeUnauthenticated:
		p.status = http.StatusUnauthorized
	case model.CodeForbidden:
		p.status = http.StatusForbidden
	case model.CodeRateLimited:
		p.status, p.retry = http.StatusTooManyRequests, time.Second
	case model.CodeUnavailable:
		p.status, p.retry = http.StatusServiceUnavailable, time.Second
	case model.CodeInternal:
		p.status = http.StatusInternalServerError
	default:
		p.status = http.StatusBadRequest
	}
	return p
}

// graphqlError is the same problem as an entry of `errors`.
func (p *problem) graphqlError() *gqlerror.Error {
	extensions := map[string]any{"code": p.code}
	if p.retry > 0 {
		extensions["retryAfter"] = retrySeconds(p.retry)
	}
	return &gqlerror.Error{Message: p.message, Extensions: extensions}
}

func retrySeconds(d time.Duration) int {
	return max(1, int((d+time.Second-1)/time.Second))
}

// writeProblem answers a request with an error in the shape of GraphQL, so that a client reads
// every refusal in the same way.
func writeProblem(ctx context.Context, w http.ResponseWriter, p *problem, media string) {
	e := p.graphqlError()
	e.Extensions["requestId"] = RequestID(ctx)
	body, err := json.Marshal(map[string]any{"errors": gqlerror.List{e}})
	if err != nil { // cannot happen: strings and numbers only
		body = []byte(`{"errors":[{"message":"internal error"}]}`)
	}
	header := w.Header()
	if p.allow != "" {
		header.Set("Allow", p.allow)
	}
	if p.retry > 0 {
		header.Set("Retry-After", strconv.Itoa(retrySeconds(p.retry)))
	}
	if p.status == http.StatusUnauthorized {
		header.Set("WWW-Authenticate", "Bearer")
	}
	if media == "" {
		media = mediaJSON
	}
	writeBody(w, p.status, media, body)
}

func writeBody(w http.ResponseWriter, status int, media string, body []byte) {
	header := w.Header()
	header.Set("Content-Type", media+"; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	header.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body) //nolint:gosec // it is JSON, and nosniff is set; if it fails nobody is left to tell
}
