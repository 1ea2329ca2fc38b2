package httpd

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/introspection"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

//go:embed testdata/schema.graphqls
var schemaText string

// fakeSchema executes a schema over functions and maps, so that the transports are tested against
// behaviour written here and not against the product's resolvers.
type fakeSchema struct {
	schema *ast.Schema
	fields map[string]func(ctx context.Context, args map[string]any) (any, error)
	// streams answers a channel of values for a subscription field.
	streams map[string]func(ctx context.Context, args map[string]any) (<-chan any, error)
}

var _ graphql.ExecutableSchema = (*fakeSchema)(nil)

func newFakeSchema() *fakeSchema {
	return &fakeSchema{
		schema:  gqlparser.MustLoadSchema(&ast.Source{Name: "schema.graphqls", Input: schemaText}),
		fields:  make(map[string]func(context.Context, map[string]any) (any, error)),
		streams: make(map[string]func(context.Context, map[string]any) (<-chan any, error)),
	}
}

func (f *fakeSchema) Schema() *ast.Schema { return f.schema }

func (f *fakeSchema) Complexity(context.Context, string, string, int, map[string]any) (int, bool) {
	return 0, false
}

func (f *fakeSchema) Exec(ctx context.Context) graphql.ResponseHandler {
	op := graphql.GetOperationContext(ctx)
	if op.Operation.Operation != ast.Subscription {
		done := false
		return func(ctx context.Context) *graphql.Response {
			if done {
				return nil
			}
			done = true
			return f.respond(ctx, op, map[string]any{"__typename": f.root(op)})
		}
	}
	field := op.Operation.SelectionSet[0].(*ast.Field)
	values, err := f.streams[field.Name](ctx, field.ArgumentMap(op.Variables))
	if err != nil {
		graphql.AddError(ctx, err)
		return nil
	}
	return func(ctx context.Context) *graphql.Response {
		select {
		case v, ok := <-values:
			if !ok {
				return nil
			}
			return f.respond(ctx, op, map[string]any{"__typename": "Subscription", field.Name: v})
		case <-ctx.Done():
			return nil
		}
	}
}

func (f *fakeSchema) root(op *graphql.OperationContext) string {
	if op.Operation.Operation == ast.Mutation {
		return "Mutation"
	}
	return "Query"
}

func (f *fakeSchema) respond(ctx context.Context, op *graphql.OperationContext, root map[string]any) *graphql.Response {
	out, ok := f.object(ctx, op, op.Operation.SelectionSet, root)
	if !ok {
		return &graphql.Response{Data: json.RawMessage("null")}
	}
	return &graphql.Response{Data: out}
}

// object renders a map by a selection; false is a null that has to be passed up.
func (f *fakeSchema) object(ctx context.Context, op *graphql.OperationContext, set ast.SelectionSet, value map[string]any) ([]byte, bool) {
	kind, _ := value["__typename"].(string)
	var out bytes.Buffer
	out.WriteByte('{')
	for i, field := range graphql.CollectFields(op, set, append([]string{kind}, f.schema.Types[kind].Interfaces...)) {
		if i > 0 {
			out.WriteByte(',')
		}
		fmt.Fprintf(&out, "%q:", field.Alias)
		text, ok := f.field(ctx, op, field, kind, value)
		if !ok && field.Definition.Type.NonNull {
			return nil, false
		}
		if !ok {
			text = []byte("null")
		}
		out.Write(text)
	}
	out.WriteByte('}')
	return out.Bytes(), true
}

func (f *fakeSchema) field(ctx context.Context, op *graphql.OperationContext, field graphql.CollectedField, kind string, object map[string]any) (text []byte, ok bool) {
	ctx = graphql.WithFieldContext(ctx, &graphql.FieldContext{Object: kind, Field: field})
	defer func() {
		if cause := recover(); cause != nil {
			graphql.AddError(ctx, op.RecoverFunc(ctx, cause))
			text, ok = nil, false
		}
	}()
	switch field.Name {
	case "__typename":
		return []byte(fmt.Sprintf("%q", kind)), true
	case "__type":
		if op.DisableIntrospection {
			graphql.AddErrorf(ctx, "introspection disabled")
			return nil, false
		}
		found := introspection.WrapTypeFromDef(f.schema, f.schema.Types[fmt.Sprint(field.ArgumentMap(op.Variables)["name"])])
		if found == nil {
			return nil, false
		}
		return f.value(ctx, op, field, map[string]any{"__typename": "__Type", "name": *found.Name()})
	}
	resolve, known := f.fields[kind+"."+field.Name]
	if !known {
		return f.value(ctx, op, field, object[field.Name])
	}
	value, err := resolve(ctx, field.ArgumentMap(op.Variables))
	if err != nil {
		graphql.AddError(ctx, err)
		return nil, false
	}
	return f.value(ctx, op, field, value)
}

func (f *fakeSchema) value(ctx context.Context, op *graphql.OperationContext, field graphql.CollectedField, value any) ([]byte, bool) {
	switch value := value.(type) {
	case nil:
		return nil, false
	case map[string]any:
		return f.object(ctx, op, field.Selections, value)
	case []any:
		out := []byte{'['}
		for i, item := range value {
			if i > 0 {
				out = append(out, ',')
			}
			text, ok := f.value(ctx, op, field, item)
			if !ok {
				text = []byte("null")
			}
			out = append(out, text...)
		}
		return append(out, ']'), true
	default:
		text, err := json.Marshal(value)
		return text, err == nil
	}
}
