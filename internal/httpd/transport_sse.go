package httpd

import (
	"context"
	"net/http"

	"github.com/99designs/gqlgen/graphql"
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
		p = s.checkGet(ctx, c, params)
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

// checkGet refuses mutations by GET. Everything else that is wrong is told on the stream.
func (s *Server) checkGet(ctx context.Context, c caller, params *graphql.RawParams) *problem {
	doc, owed, refused := s.document(ctx, c, params)
	rate, key := s.budget(c, clientOf(ctx))
	rate.spend(key, owed)
	if refused != nil {
		return refused.problem
	}
	if op := doc.query.Operations.ForName(params.OperationName); op != nil && op.Operation == ast.Mutation {
		return methodNotAllowed("Mutations are sent by POST.")
	}
	return nil
}

func tooManyStreams() *problem {
	p := tooMany(0)
	p.message = "Too many connections are open."
	return p
}
