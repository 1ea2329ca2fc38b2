package httpd

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/heffl/bff/model"
)

// engine takes an operation from its text to its results. Parsing, the shape of the document and
// validation are done here and handed to gqlgen's executor as a finished document, because what
// may be expensive has to be judged before it is done.
type engine struct {
	exec       *executor.Executor
	schema     *ast.Schema
	rules      []validator.Rule
	documents  *sizedCache[*document]
	refused    *sizedCache[gqlerror.List]
	persisted  *sizedCache[string]
	cost       *coster
	limits     Limits
	present    graphql.ErrorPresenterFunc
	logger     *slog.Logger
	introspect bool
}

func newEngine(cfg Config) (*engine, error) {
	schema := cfg.Schema.Schema()
	if schema == nil {
		return nil, errors.New("httpd: the executable schema has no schema")
	}
	forbidDefer(schema)
	e := &engine{
		exec:       executor.New(cfg.Schema),
		schema:     schema,
		rules:      validationRules(cfg.Development),
		documents:  newSizedCache[*document](maxDocumentText),
		refused:    newSizedCache[gqlerror.List](maxRefused),
		persisted:  newSizedCache[string](maxPersisted),
		cost:       newCoster(schema, cfg.Limits, cfg.Development),
		limits:     cfg.Limits,
		present:    cfg.ErrorPresenter,
		logger:     cfg.Logger,
		introspect: cfg.Development,
	}
	e.refused.entry += cfg.Limits.Errors * keptError
	e.exec.SetQueryCache(documentInContext{})
	e.exec.SetErrorPresenter(cfg.ErrorPresenter)
	if cfg.RecoverFunc == nil {
		cfg.RecoverFunc = e.recovered
	}
	e.exec.SetRecoverFunc(cfg.RecoverFunc)
	for _, extension := range cfg.Extensions {
		e.exec.Use(extension)
	}
	return e, nil
}

// deferring guards the directives of a schema, which the servers of one process share.
var deferring sync.Mutex

// forbidDefer takes @defer out of a schema: delivering a result in pieces needs a transport that speaks it, and none of
// ours does.
func forbidDefer(schema *ast.Schema) {
	deferring.Lock()
	defer deferring.Unlock()
	if schema.Directives["defer"] != nil {
		delete(schema.Directives, "defer")
	}
}

func validationRules(suggest bool) []validator.Rule {
	set := rules.NewDefaultRules()
	if !suggest {
		// "Did you mean" would tell the schema to whoever may not introspect it.
		for _, quiet := range []validator.Rule{
			rules.FieldsOnCorrectTypeRuleWithoutSuggestions,
			rules.KnownArgumentNamesRuleWithoutSuggestions,
			rules.KnownTypeNamesRuleWithoutSuggestions,
			rules.ScalarLeafsRuleWithoutSuggestions,
			rules.ValuesOfCorrectTypeRuleWithoutSuggestions,
		} {
			set.RemoveRule(loudName(quiet.Name))
			set.AddRule(quiet.Name, quiet.RuleFunc)
		}
	}
	inner := set.GetInner()
	list := make([]validator.Rule, 0, len(inner))
	for name, rule := range inner {
		list = append(list, validator.Rule{Name: name, RuleFunc: rule})
	}
	sortRules(list)
	return list
}

// recovered is the default for panics of resolvers.
func (e *engine) recovered(ctx context.Context, cause any) error {
	e.logger.ErrorContext(ctx, "a resolver panicked", "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
	return &model.Error{Code: model.CodeInternal, Message: "Internal error.", Err: fmt.Errorf("panic: %v", cause)}
}

// create makes an operation out of what a client sent and the document of its text. The errors have their codes; with
// any of them nothing may be run.
func (e *engine) create(ctx context.Context, doc *document, params *graphql.RawParams) (context.Context, *graphql.OperationContext, measure, gqlerror.List) {
	ctx = graphql.StartOperationTrace(ctx)
	op, errs := e.exec.CreateOperationContext(context.WithValue(ctx, documentKey{}, doc.query), params)
	if len(errs) > 0 {
		code := model.CodeValidationFailed
		if op.Operation != nil {
			code = model.CodeBadUserInput // the document is fine: the variables are not
		}
		for _, err := range errs {
			recode(err, code)
		}
		return ctx, nil, measure{}, errs
	}
	op.DisableIntrospection = !e.introspect
	m, ok := doc.static[op.Operation]
	if !ok {
		m = e.cost.measure(op.Operation, op.Variables)
	}
	if err := e.cost.judge(m); err != nil {
		return ctx, nil, measure{}, gqlerror.List{err}
	}
	return ctx, op, m, nil
}

func recode(err *gqlerror.Error, code model.ErrorCode) {
	if old, _ := err.Extensions["code"].(string); old != "" && old != string(model.CodeValidationFailed) {
		return // an extension knows better
	}
	if err.Extensions == nil {
		err.Extensions = make(map[string]any, 2)
	}
	err.Extensions["code"] = string(code)
}

// remembered is what was judged before: a document, or why there is none.
func (e *engine) remembered(text string) (doc *document, errs gqlerror.List, ok bool) {
	if doc, ok := e.documents.get(text); ok {
		return doc, nil, true
	}
	errs, ok = e.refused.get(text)
	return nil, errs, ok
}

// judge makes the parsed and valid form of a query text, and remembers it. What is wrong with a text is remembered as well: a
// client that was built for another schema asks the same again and again.
func (e *engine) judge(text string) (*document, gqlerror.List) {
	doc, errs := e.read(text)
	if len(errs) > 0 {
		errs = e.trim(errs)
		for _, err := range errs {
			err.Err = nil // nobody is told, and it may be large
		}
		e.refused.add(text, errs, len(text)+keptError*len(errs))
		return nil, errs
	}
	e.documents.add(text, doc, len(text))
	return doc, nil
}

func (e *engine) read(text string) (*document, gqlerror.List) {
	query, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: text}, e.limits.Tokens)
	if err != nil {
		var syntax *gqlerror.Error
		if !errors.As(err, &syntax) {
			syntax = &gqlerror.Error{Message: "The document cannot be read."}
		}
		recode(syntax, model.CodeParseFailed)
		return nil, gqlerror.List{syntax}
	}
	if len(query.Operations) == 0 {
		return nil, gqlerror.List{coded(model.CodeValidationFailed, "The document holds no operation.")}
	}
	if err := checkShape(query); err != nil {
		return nil, gqlerror.List{err}
	}
	if errs := validator.Validate(e.schema, query, e.rules...); len(errs) > 0 { //nolint:staticcheck // its replacement sorts and copies all rules each time
		for _, err := range errs {
			recode(err, model.CodeValidationFailed)
		}
		return nil, errs
	}
	doc := &document{query: query, static: make(map[*ast.OperationDefinition]measure, len(query.Operations))}
	for _, op := range query.Operations {
		if m := e.cost.measure(op, nil); !m.variable {
			doc.static[op] = m
		}
	}
	return doc, nil
}

// resolvePersisted implements automatic persisted queries: a hash stands for a text that was sent
// before. The text is checked against its hash, so nobody can plant another one.
func (e *engine) resolvePersisted(params *graphql.RawParams) *gqlerror.Error {
	raw, ok := params.Extensions["persistedQuery"]
	if !ok || raw == nil {
		return nil
	}
	extension, _ := raw.(map[string]any)
	hash, _ := extension["sha256Hash"].(string)
	if len(hash) != hex.EncodedLen(sha256.Size) || fmt.Sprint(extension["version"]) != "1" {
		return coded(model.CodeBadUserInput, "extensions.persistedQuery needs version 1 and a sha256Hash.")
	}
	if params.Query == "" {
		text, ok := e.persisted.get(hash)
		if !ok {
			return coded(codePersistedQueryNotFound, "PersistedQueryNotFound")
		}
		params.Query = text
		return nil
	}
	sum := sha256.Sum256([]byte(params.Query))
	if hex.EncodeToString(sum[:]) != hash {
		return coded(model.CodeBadUserInput, "The sha256Hash is not the hash of the query.")
	}
	e.persisted.add(hash, params.Query, len(params.Query))
	return nil
}

func coded(code model.ErrorCode, message string) *gqlerror.Error {
	return &gqlerror.Error{Message: message, Extensions: map[string]any{"code": string(code)}}
}

// documentInContext is the executor's query cache: it finds the document that create has put into
// the context of this very call.
type documentInContext struct{}

type documentKey struct{}

var _ graphql.Cache[*ast.QueryDocument] = documentInContext{}

// Get implements [graphql.Cache].
func (documentInContext) Get(ctx context.Context, _ string) (*ast.QueryDocument, bool) {
	doc, ok := ctx.Value(documentKey{}).(*ast.QueryDocument)
	return doc, ok
}

// Add implements [graphql.Cache]; there is nothing to keep.
func (documentInContext) Add(context.Context, string, *ast.QueryDocument) {}
