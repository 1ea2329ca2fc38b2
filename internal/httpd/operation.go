package httpd

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// outlet is where a streaming transport takes the results of one operation. After fail or complete
// nothing more is accepted.
type outlet interface {
	// next blocks while the peer is behind and answers false when the operation is over for it.
	next(result []byte) bool
	fail(errs gqlerror.List)
	complete()
	// frames is the sink for a source of rendered results, which is told when to go on.
	frames(source FrameSource) FrameSink
}

// run takes one operation of a stream from its parameters to its end. It returns when the
// operation is over, or at once when a FrameSource has taken it: then attached is true and the
// context must live on.
func (s *Server) run(ctx context.Context, c caller, params *graphql.RawParams, out outlet) (attached bool) {
	defer func() {
		if cause := recover(); cause != nil {
			out.fail(s.engine.finish(ctx, s.engine.presented(ctx, s.engine.recovered(ctx, cause))))
		}
	}()
	p := s.charge(ctx, c, 1)
	if p != nil {
		out.fail(s.engine.finish(ctx, gqlerror.List{p.graphqlError()}))
		return false
	}
	ctx, op, m, refused := s.prepare(ctx, c, params)
	if refused != nil {
		out.fail(s.engine.finish(ctx, refused.errors()))
		return false
	}
	admitted, p := s.admit(ctx, c)
	if p != nil {
		out.fail(s.engine.finish(ctx, gqlerror.List{p.graphqlError()}))
		return false
	}
	ctx = admitted
	if op.Operation.Operation == ast.Subscription && s.cfg.Frames != nil {
		if source, ok := s.cfg.Frames.Frames(ctx, op); ok {
			source.Attach(ctx, out.frames(source))
			return true
		}
	}
	if op.Operation.Operation != ast.Subscription {
		done, p := s.answerTurn(ctx, c, m)
		if p != nil {
			out.fail(s.engine.finish(ctx, gqlerror.List{p.graphqlError()}))
			return false
		}
		defer done()
	}
	s.execute(ctx, op, out)
	return false
}

// execute runs an operation through the executor and hands on everything it answers.
func (s *Server) execute(ctx context.Context, op *graphql.OperationContext, out outlet) {
	responses, ctx := s.engine.exec.DispatchOperation(ctx, op)
	streaming := op.Operation.Operation == ast.Subscription
	var buffer []byte
	for started := false; ; started = true {
		resp := responses(ctx)
		if ctx.Err() != nil {
			return
		}
		if resp == nil {
			break
		}
		resp.Errors = s.engine.finish(ctx, resp.Errors)
		if streaming && !started && len(resp.Data) == 0 && len(resp.Errors) > 0 {
			out.fail(resp.Errors) // the stream never began
			return
		}
		buffer = appendResponse(buffer[:0], resp)
		if !out.next(buffer) {
			return
		}
	}
	if err := factsOf(ctx).failed(); err != nil {
		out.fail(s.engine.finish(ctx, s.engine.presented(ctx, err)))
		return
	}
	out.complete()
}

// presented asks the error presenter about an error that no field raised.
func (e *engine) presented(ctx context.Context, err error) gqlerror.List {
	if presented := e.present(ctx, err); presented != nil {
		return gqlerror.List{presented}
	}
	return nil
}

func clientOf(ctx context.Context) string {
	if facts := factsOf(ctx); facts != nil {
		return facts.client
	}
	return ""
}
