package httpd

import (
	"context"
	"runtime"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// document is a parsed and valid query text. Nobody may change it: many operations share it.
type document struct {
	query *ast.QueryDocument
	// static is the measure of operations whose cost depends on no variable, by operation.
	static map[*ast.OperationDefinition]measure
}

// judgingUnits is what a second of a processor, spent on judging documents, costs their caller.
const judgingUnits = 10_000

// judges is how many documents are judged at a time: half of the processors are left to everything else.
func judges() int { return max(1, runtime.GOMAXPROCS(0)/2) }

// refusal is why a request comes to no operation: errors of its own, or a problem with who sent it.
type refusal struct {
	errs    gqlerror.List
	problem *problem
}

// errors are both of them as entries of `errors`.
func (r *refusal) errors() gqlerror.List {
	if r.problem != nil {
		return gqlerror.List{r.problem.graphqlError()}
	}
	return r.errs
}

// prepare takes a request as far as an operation that may be run, and has it paid for: what it costs to run before,
// what it cost to judge after, so that nobody pays for judging alone.
func (s *Server) prepare(ctx context.Context, c caller, params *graphql.RawParams) (context.Context, *graphql.OperationContext, measure, *refusal) {
	doc, owed, refused := s.document(ctx, c, params)
	rate, key := s.budget(c, clientOf(ctx))
	if refused != nil {
		rate.spend(key, owed)
		return ctx, nil, measure{}, refused
	}
	ctx, op, m, errs := s.engine.create(ctx, doc, params)
	if len(errs) > 0 {
		rate.spend(key, owed)
		return ctx, nil, measure{}, &refusal{errs: errs}
	}
	wait := rate.take(key, m.units())
	rate.spend(key, owed)
	if wait > 0 {
		if p := s.charge(ctx, c, m.units()); p != nil {
			return ctx, nil, measure{}, &refusal{problem: p}
		}
	}
	return ctx, op, m, nil
}

// document finds the document of a request. A text that is not remembered is judged when it is the caller's turn, and
// owed is how long that kept a processor busy, in units: so whatever is dear to judge is dear to ask for, whether we
// knew of it or not, and callers wait for what they themselves have asked before.
func (s *Server) document(ctx context.Context, c caller, params *graphql.RawParams) (doc *document, owed float64, refused *refusal) {
	if err := s.engine.resolvePersisted(params); err != nil {
		return nil, 0, &refusal{errs: gqlerror.List{err}}
	}
	if doc, errs, ok := s.engine.remembered(params.Query); ok {
		return doc, 0, refusedFor(errs)
	}
	rate, key := s.budget(c, clientOf(ctx))
	done, ok := s.judging.take(ctx, key)
	if !ok {
		return nil, 0, &refusal{problem: givenUp()}
	}
	defer done()
	if doc, errs, ok := s.engine.remembered(params.Query); ok {
		return doc, 0, refusedFor(errs) // whoever was before has asked for the same
	}
	if wait := rate.take(key, 0); wait > 0 { // it came in time, but those before it have spent everything
		return nil, 0, &refusal{problem: tooMany(wait)}
	}
	var errs gqlerror.List
	owed = processor(func() { doc, errs = s.engine.judge(params.Query) }).Seconds() * judgingUnits
	return doc, owed, refusedFor(errs)
}

// refusedFor is the refusal for errors; nil: there are none.
func refusedFor(errs gqlerror.List) *refusal {
	if len(errs) == 0 {
		return nil
	}
	return &refusal{errs: errs}
}
