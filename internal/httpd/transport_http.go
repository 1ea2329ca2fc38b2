package httpd

import (
	"context"
	"net/http"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/heffl/bff/model"
)

// allowedMethods is for Allow: how an operation can be sent. PUT and DELETE serve event streams
// only, and nobody needs to be told who does not speak that protocol.
const allowedMethods = "GET, POST, OPTIONS"

// serveGraphQL is the one endpoint: it finds out who asks and hands the request to the transport
// that it is written for.
func (s *Server) serveGraphQL(w http.ResponseWriter, r *http.Request) {
	if s.cors(w, r) {
		return
	}
	if isUpgrade(r) {
		s.serveSocket(w, r)
		return
	}
	ctx := r.Context()
	if p := s.checkMethod(r); p != nil {
		writeProblem(ctx, w, p, answerMedia(r))
		return
	}
	cred, p := s.credentials(r)
	if p == nil && cred.cookie && !s.origins.proves(r) {
		p = forbidden("A request with a cookie must come from a page of this application.")
	}
	var c caller
	if p == nil {
		c, p = s.identify(ctx, cred.token, clientOf(ctx))
	}
	if p != nil {
		writeProblem(ctx, w, p, answerMedia(r))
		return
	}
	media := negotiate(r)
	switch {
	case r.Method == http.MethodPut || r.Method == http.MethodDelete || r.Header.Get(streamTokenHeader) != "":
		s.serveSingleStream(w, r, c)
	case media == mediaEvents:
		s.serveEvents(w, r, c)
	case media == "":
		writeProblem(ctx, w, &problem{
			status: http.StatusNotAcceptable, code: model.CodeBadUserInput,
			message: "Answers are " + mediaGraphQL + ", " + mediaJSON + " or " + mediaEvents + ".",
		}, mediaJSON)
	default:
		s.serveOnce(w, r, c, media)
	}
}

// checkMethod lets through what some transport may serve.
func (s *Server) checkMethod(r *http.Request) *problem {
	switch r.Method {
	case http.MethodGet, http.MethodPost:
		return nil
	case http.MethodPut:
		if r.ContentLength == 0 {
			return nil
		}
	case http.MethodDelete:
		if r.Header.Get(streamTokenHeader) != "" {
			return nil
		}
	}
	return methodNotAllowed("Operations are sent by POST, queries also by GET.")
}

// serveOnce answers a query or a mutation by one JSON document.
func (s *Server) serveOnce(w http.ResponseWriter, r *http.Request, c caller, media string) {
	ctx := r.Context()
	var params *graphql.RawParams
	p := s.charge(ctx, c, 1)
	if p == nil {
		params, p = s.readParameters(r, c)
	}
	if p != nil {
		writeProblem(ctx, w, p, media)
		return
	}
	ctx, op, m, refused := s.prepare(ctx, c, params)
	switch {
	case refused == nil:
	case refused.problem != nil:
		writeProblem(ctx, w, refused.problem, media)
		return
	default:
		s.writeRequestErrors(ctx, w, refused.errs, media)
		return
	}
	switch kind := op.Operation.Operation; {
	case kind == ast.Subscription:
		writeProblem(ctx, w, &problem{
			status: http.StatusNotAcceptable, code: model.CodeBadUserInput,
			message: "A subscription needs a WebSocket (graphql-transport-ws) or an answer as " + mediaEvents + ".",
		}, media)
		return
	case kind != ast.Query && r.Method == http.MethodGet:
		writeProblem(ctx, w, methodNotAllowed("Only queries can be sent by GET."), media)
		return
	}
	admitted, p := s.admit(ctx, c)
	if p != nil {
		writeProblem(ctx, w, p, media)
		return
	}
	ctx = admitted
	done, p := s.answerTurn(ctx, c, m)
	if p != nil {
		writeProblem(ctx, w, p, media)
		return
	}
	s.writeExecuted(ctx, w, op, media, done)
}

func (s *Server) readParameters(r *http.Request, c caller) (*graphql.RawParams, *problem) {
	if r.Method == http.MethodGet {
		return s.readQuery(r)
	}
	return s.readBody(r, s.bodyLimit(c))
}

// writeExecuted runs the operation and writes its result: 200 whatever its fields say, because
// the request itself was served. done is called when the answer is there, however long its reader then takes for it.
func (s *Server) writeExecuted(ctx context.Context, w http.ResponseWriter, op *graphql.OperationContext, media string, done func()) {
	ctx, resp := s.answer(ctx, op, done)
	if resp == nil { // only when the client is gone
		return
	}
	resp.Errors = s.engine.finish(ctx, resp.Errors)
	buffer := s.buffers.get()
	defer s.buffers.put(buffer)
	body := appendResponse(buffer.AvailableBuffer(), resp)
	buffer.Write(body)
	if facts := factsOf(ctx); facts != nil {
		facts.answerBegins()
	}
	writeBody(w, http.StatusOK, media, buffer.Bytes())
}

func (s *Server) answer(ctx context.Context, op *graphql.OperationContext, done func()) (context.Context, *graphql.Response) {
	defer done()
	responses, ctx := s.engine.exec.DispatchOperation(ctx, op)
	return ctx, responses(ctx)
}

// writeRequestErrors answers a request that came to no operation. The status tells only those who
// asked for the media type that defines it; with plain JSON it has always been 200.
func (s *Server) writeRequestErrors(ctx context.Context, w http.ResponseWriter, errs gqlerror.List, media string) {
	status := http.StatusOK
	// A client looks for an unknown persisted query in the body, and some not in that of a 400.
	if media == mediaGraphQL && errs[0].Extensions["code"] != string(codePersistedQueryNotFound) {
		status = http.StatusBadRequest
	}
	writeBody(w, status, media, appendErrors(nil, s.engine.finish(ctx, errs)))
}
