package httpd

import (
	"context"
	"crypto/rand"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/heffl/bff/model"
)

// The "single connection" mode of GraphQL over SSE: PUT reserves a stream and answers its token, GET
// with the token opens it, POST with the token runs operations whose results come over the stream,
// DELETE ends one of them. Browsers allow six connections to a host; this mode needs one.

const (
	streamTokenHeader = "X-GraphQL-Event-Stream-Token" //nolint:gosec // the name of a header
	// reservedFor is how long a stream waits to be opened.
	reservedFor = 30 * time.Second
)

// streamSet knows the shared streams, and counts all.
type streamSet struct {
	stop   chan struct{} // closed when the server stops
	spread time.Duration // over which they end then; written before stop is closed
	count  atomic.Int64

	mu     sync.Mutex // guards the fields below
	shared map[string]*sharedStream
	closed bool
}

// sharedStream is a stream with a token. Its operations may begin before it is opened.
type sharedStream struct {
	*eventStream
	key      string // of the quota
	reserved time.Time
	open     bool // guarded by the set's mutex
}

func newStreamSet() *streamSet {
	return &streamSet{stop: make(chan struct{}), shared: make(map[string]*sharedStream)}
}

// close ends all streams, each at a random moment within the spread.
func (set *streamSet) close(spread time.Duration) {
	set.mu.Lock()
	defer set.mu.Unlock()
	if set.closed {
		return
	}
	set.closed, set.spread = true, spread
	close(set.stop)
	for token, st := range set.shared {
		if !st.open {
			set.dropLocked(token, st)
		}
	}
}

func (set *streamSet) opened(by int64) { set.count.Add(by) }
func (set *streamSet) len() int        { return int(set.count.Load()) }

// dropLocked forgets a stream and ends what runs on it. It is called with set.mu held.
func (set *streamSet) dropLocked(token string, st *sharedStream) {
	delete(set.shared, token)
	st.end()
	st.server.connections.release(st.key)
}

// serveSingleStream serves a request of this mode.
func (s *Server) serveSingleStream(w http.ResponseWriter, r *http.Request, c caller) {
	if r.Method == http.MethodPut {
		s.reserveStream(w, r, c)
		return
	}
	token := r.Header.Get(streamTokenHeader)
	s.streams.mu.Lock()
	st := s.streams.shared[token]
	s.streams.mu.Unlock()
	// Somebody else's stream is as good as none.
	if st == nil || c.anonymous || !st.caller.Same(c.Identity) {
		writeProblem(r.Context(), w, &problem{status: http.StatusNotFound, code: model.CodeBadUserInput, message: "There is no such stream."}, mediaJSON)
		return
	}
	switch r.Method {
	case http.MethodGet:
		s.openStream(w, r, token, st)
	case http.MethodPost:
		s.runOnStream(w, r, c, st)
	default:
		id := r.URL.Query().Get("operationId")
		if id == "" {
			writeProblem(r.Context(), w, badRequest("The parameter operationId is missing."), mediaJSON)
			return
		}
		st.stopOperation(id)
		w.WriteHeader(http.StatusOK)
	}
}

func (s *Server) reserveStream(w http.ResponseWriter, r *http.Request, c caller) {
	ctx := r.Context()
	var p *problem
	switch {
	case c.anonymous || c.expired(s.cfg.Now()):
		p = unauthenticated("A stream needs a valid token.")
	default:
		p = s.charge(ctx, c, 1)
	}
	token := ""
	if p == nil {
		if token = s.streams.reserve(s, c, c.key(clientOf(ctx))); token == "" {
			p = tooManyStreams()
		}
	}
	if p != nil {
		writeProblem(ctx, w, p, mediaJSON)
		return
	}
	writeBody(w, http.StatusCreated, "text/plain", []byte(token))
}

// reserve makes a stream that waits to be opened, and forgets those that have waited too long. It
// answers an empty token when the caller has too many.
func (set *streamSet) reserve(s *Server, c caller, key string) string {
	now := s.cfg.Now()
	set.mu.Lock()
	defer set.mu.Unlock()
	for token, st := range set.shared {
		if !st.open && now.Sub(st.reserved) > reservedFor {
			set.dropLocked(token, st)
		}
	}
	if set.closed || !s.connections.acquire(key) {
		return ""
	}
	token := rand.Text()
	set.shared[token] = &sharedStream{eventStream: newEventStream(s, c), key: key, reserved: now}
	return token
}

func (s *Server) openStream(w http.ResponseWriter, r *http.Request, token string, st *sharedStream) {
	s.streams.mu.Lock()
	taken := st.open
	st.open = true
	s.streams.mu.Unlock()
	if taken {
		writeProblem(r.Context(), w, &problem{status: http.StatusConflict, code: model.CodeBadUserInput, message: "The stream is open already."}, mediaJSON)
		return
	}
	defer func() {
		s.streams.mu.Lock()
		defer s.streams.mu.Unlock()
		s.streams.dropLocked(token, st)
	}()
	factsOf(r.Context()).answerBegins()
	s.streams.opened(1)
	defer s.streams.opened(-1)
	st.serve(r.Context(), w)
}

// runOnStream begins an operation and answers at once; its results come over the stream.
func (s *Server) runOnStream(w http.ResponseWriter, r *http.Request, c caller, st *sharedStream) {
	ctx := r.Context()
	params, p := s.readBody(r, s.bodyLimit(c))
	var id string
	if p == nil {
		id, _ = params.Extensions["operationId"].(string)
		if id == "" || len(id) > maxOperationID {
			p = badRequest("extensions.operationId is missing.")
		}
	}
	if p == nil {
		// It lives as long as the stream, not as long as the request that began it.
		root := withFacts(context.WithoutCancel(ctx), factsOf(ctx).forOperation(false))
		op := newStreamOperation(root, st.eventStream, c, id)
		if p = st.begin(op); p == nil {
			w.WriteHeader(http.StatusAccepted)
			s.work.Go(func() { op.run(params) })
			return
		}
		op.cancel()
	}
	writeProblem(ctx, w, p, mediaJSON)
}

// begin makes a place for an operation.
func (st *eventStream) begin(op *streamOperation) *problem {
	st.mu.Lock()
	defer st.mu.Unlock()
	for _, other := range st.operations {
		if other.id == op.id {
			return &problem{status: http.StatusConflict, code: model.CodeBadUserInput, message: "An operation with this id is running."}
		}
	}
	switch {
	case st.ended:
		return &problem{status: http.StatusNotFound, code: model.CodeBadUserInput, message: "There is no such stream."}
	case len(st.operations) >= st.server.cfg.Limits.Operations:
		p := tooMany(0)
		p.message = "Too many operations run on this stream."
		return p
	}
	st.operations = append(st.operations, op)
	return nil
}
