package projection

import (
	"bytes"
	"context"
	"encoding"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// ErrResolver says that a selected field is no plain data.
var ErrResolver = errors.New("the selection has a field that needs a resolver")

// Plan renders values of one type by one selection.
type Plan struct {
	render render
	fields *fields // of the object itself; nil: it is none
	// Varies: the plan depends on the operation's variables and serves no other operation with the same text.
	Varies bool
}

// render appends the JSON of an addressable value.
type render func(b []byte, v reflect.Value) []byte

// Compile makes the plan for values of type T. The error is [ErrResolver] when a field is selected that is no plain
// data, or that has one of the names in except.
func Compile[T any](op *graphql.OperationContext, sel ast.SelectionSet, except ...string) (*Plan, error) {
	c := compiler{collector: collector{fragments: op.Doc.Fragments, variables: op.Variables}, except: except}
	t := reflect.TypeFor[T]()
	if plainObject(t) {
		f := new(fields)
		if err := c.add(f, objectOf(t), sel, nil); err != nil {
			return nil, err
		}
		return &Plan{render: f.append, fields: f, Varies: c.varies}, nil
	}
	r, err := c.value(t, sel)
	if err != nil {
		return nil, err
	}
	return &Plan{render: r, Varies: c.varies}, nil
}

// Append appends the JSON of what the pointer points to, which must have the type of the plan.
func (p *Plan) Append(b []byte, pointer any) []byte {
	return p.render(b, reflect.ValueOf(pointer).Elem())
}

type compiler struct {
	collector
	except []string
}

var (
	textType    = reflect.TypeFor[encoding.TextAppender]()
	marshalType = reflect.TypeFor[graphql.Marshaler]()
)

// value compiles values of a type.
func (c *compiler) value(t reflect.Type, sel ast.SelectionSet) (render, error) {
	switch {
	case t.Kind() == reflect.Pointer:
		inner, err := c.value(t.Elem(), sel)
		if err != nil {
			return nil, err
		}
		return func(b []byte, v reflect.Value) []byte {
			if v.IsNil() {
				return append(b, "null"...)
			}
			return inner(b, v.Elem())
		}, nil
	case t.Kind() == reflect.String:
		return func(b []byte, v reflect.Value) []byte { return AppendString(b, v.String()) }, nil
	case reflect.PointerTo(t).Implements(textType):
		return appendText, nil
	case t.Implements(marshalType):
		return func(b []byte, v reflect.Value) []byte {
			buffer := bytes.NewBuffer(b)
			v.Interface().(graphql.Marshaler).MarshalGQL(buffer)
			return buffer.Bytes()
		}, nil
	}
	switch t.Kind() {
	case reflect.Bool:
		return func(b []byte, v reflect.Value) []byte { return strconv.AppendBool(b, v.Bool()) }, nil
	case reflect.Int32, reflect.Int16, reflect.Int8, reflect.Int, reflect.Int64:
		return func(b []byte, v reflect.Value) []byte { return strconv.AppendInt(b, v.Int(), 10) }, nil
	case reflect.Slice:
		return c.list(t, sel)
	case reflect.Struct:
		return c.object(objectOf(t), sel)
	default:
		return nil, fmt.Errorf("%w: the type %s", ErrResolver, t)
	}
}

// appendText is for types like model.Time, whose JSON is a string without anything to escape.
func appendText(b []byte, v reflect.Value) []byte {
	out, err := v.Addr().Interface().(encoding.TextAppender).AppendText(append(b, '"'))
	if err != nil {
		return append(b, "null"...)
	}
	return append(out, '"')
}

func (c *compiler) list(t reflect.Type, sel ast.SelectionSet) (render, error) {
	inner, err := c.value(t.Elem(), sel)
	if err != nil {
		return nil, err
	}
	return func(b []byte, v reflect.Value) []byte {
		b = append(b, '[')
		for i := range v.Len() {
			if i > 0 {
				b = append(b, ',')
			}
			b = inner(b, v.Index(i))
		}
		return append(b, ']')
	}, nil
}

// plans are those of fields of documents that are asked again and again.
var plans Memo[ast.Field, *Plan]

// Marshal writes the value of the field that is being answered, which must be plain data in all its parts.
func Marshal[T any](ctx context.Context, w io.Writer, value *T) error {
	op, field := graphql.GetOperationContext(ctx), graphql.GetFieldContext(ctx).Field
	plan, ok := plans.Get(field.Field)
	if !ok {
		var err error
		if plan, err = Compile[T](op, field.Selections); err != nil {
			return err
		}
		// A field that stands in more than one place has the selections of all of them.
		if !plan.Varies && len(field.Selections) == len(field.SelectionSet) {
			plan = plans.Put(field.Field, plan)
		}
	}
	_, err := w.Write(plan.Append(make([]byte, 0, 4096), value))
	return err
}
