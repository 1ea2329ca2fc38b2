package httpd

import (
	"net/http"

	"github.com/vektah/gqlparser/v2/ast"
)

// serveEvents serves one operation as an event stream of its own: the "distinct connections" mode
// of GraphQL over SSE, and what a browser's EventSource asks for by GET.
func (s *Server) serveEvents(w http.ResponseWriter, r *http.Request, c caller) {
	ctx := r.Context()
	params, p := s.readParameters(r, c)
	if p == nil && c.expired(s.cfg.Now()) {
		p = unauthenticated("The token has run out.")
	}
	if p == nil && r.Method == http.MethodGet {
		_, op, _, errs := s.engine.create(ctx, params)
		if len(errs) == 0 && op.Operation.Operation == ast.Mutation {
			p = methodNotAllowed("Mutations are sent by POST.")
		}
	}
	key := c.key(clientOf(ctx))
	if p == nil && !s.connections.acquire(key) {
		p = tooManyStreams()
	}
	if p != nil {
		writeProblem(ctx, w, p, mediaJSON)
		return
	}
	defer s.connections.release(key)
	factsOf(ctx).answerBegins()
	st := newEventStream(s, c)
	op := newStreamOperation(withFacts(ctx, factsOf(ctx).forOperation(false)), st, c, "")
	st.operations = append(st.operations, op)
	s.streams.opened(1)
	defer s.streams.opened(-1)
	s.work.Go(func() { op.run(params) })
	st.serve(ctx, w)
}

func tooManyStreams() *problem {
	p := tooMany(0)
	p.message = "Too many connections are open."
	return p
}
