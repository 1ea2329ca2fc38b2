package httpd

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"sync"
)

type requestKey struct{}

// requestFacts is what a resolver may know or do about the request it serves. One value in the
// context serves for all of it.
type requestFacts struct {
	id     string
	origin string
	client string // the address, for limits

	mu      sync.Mutex
	request *http.Request
	header  http.Header         // nil once the answer has begun: cookies can be set no more
	writer  http.ResponseWriter // net/http's own; nil once the answer has begun
	failure error               // what a subscription ends with
}

func newRequestID() string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

func withFacts(ctx context.Context, facts *requestFacts) context.Context {
	return context.WithValue(ctx, requestKey{}, facts)
}

func factsOf(ctx context.Context) *requestFacts {
	facts, _ := ctx.Value(requestKey{}).(*requestFacts)
	return facts
}

// forOperation is a copy for an operation that outlives its request: it keeps the names and
// can set no cookie. With fresh it gets an id of its own.
func (f *requestFacts) forOperation(fresh bool) *requestFacts {
	id := f.id
	if fresh {
		id = newRequestID()
	}
	return &requestFacts{id: id, origin: f.origin, client: f.client}
}

// answerBegins ends the time in which cookies can be set.
func (f *requestFacts) answerBegins() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.header, f.request, f.writer = nil, nil, nil
}

// ownWriter is what net/http itself answers with; nil once the answer has begun, and outside of a request.
func (f *requestFacts) ownWriter() http.ResponseWriter {
	if f == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.writer
}

// RequestID is the id that the answer, its errors and the log share; empty outside of a request.
func RequestID(ctx context.Context) string {
	if facts := factsOf(ctx); facts != nil {
		return facts.id
	}
	return ""
}

// Origin is the origin of the page that sent the request; empty if none was named.
func Origin(ctx context.Context) string {
	if facts := factsOf(ctx); facts != nil {
		return facts.origin
	}
	return ""
}

// Cookie is the value of a cookie that came with the request. There is none on a WebSocket or
// an event stream.
func Cookie(ctx context.Context, name string) string {
	facts := factsOf(ctx)
	if facts == nil {
		return ""
	}
	facts.mu.Lock()
	defer facts.mu.Unlock()
	if facts.request == nil {
		return ""
	}
	cookie, err := facts.request.Cookie(name)
	if err != nil {
		return ""
	}
	return cookie.Value
}

// SetCookie sends a cookie with the answer. It reports false where none can be set any more: on
// a WebSocket, an event stream, or after the answer has begun.
func SetCookie(ctx context.Context, cookie *http.Cookie) bool {
	facts := factsOf(ctx)
	if facts == nil {
		return false
	}
	facts.mu.Lock()
	defer facts.mu.Unlock()
	text := cookie.String()
	if facts.header == nil || text == "" {
		return false
	}
	facts.header.Add("Set-Cookie", text)
	return true
}

// FailSubscription makes the subscription of this context end with an error instead of
// completing, as soon as its channel is closed. The first error counts. The error presenter sees it.
func FailSubscription(ctx context.Context, err error) {
	facts := factsOf(ctx)
	if facts == nil || err == nil {
		return
	}
	facts.mu.Lock()
	defer facts.mu.Unlock()
	if facts.failure == nil {
		facts.failure = err
	}
}

func (f *requestFacts) failed() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failure
}
