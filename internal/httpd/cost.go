package httpd

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/heffl/bff/model"
)

// The cost of an operation is the number of fields its answer may hold: every field is 1, and what
// is below a list counts once for each item. How many items there are is taken from `first`, `last`
// or the length of an id list, and assumed where nobody says it. A fragment is measured once,
// however often it is spread, so that the check itself is linear in the size of the document.

const (
	// Pages are this long when nobody asks and never longer than that, whatever is asked.
	defaultPage = 20
	largestPage = 100
	// unbounded is where counting stops; no sum of two overflows.
	unbounded = math.MaxInt32
)

// measure is what an operation may cost.
type measure struct {
	cost     int
	depth    int
	variable bool // it depends on the values of variables
}

func (m *measure) add(other measure) {
	m.cost = min(unbounded, m.cost+other.cost)
	m.depth = max(m.depth, other.depth)
	m.variable = m.variable || other.variable
}

type coster struct {
	schema   *ast.Schema
	limits   Limits
	trusting bool // introspection costs nothing
}

func newCoster(schema *ast.Schema, limits Limits, trusting bool) *coster {
	return &coster{schema: schema, limits: limits, trusting: trusting}
}

// judge refuses what is beyond the limits.
func (c *coster) judge(m measure) *gqlerror.Error {
	switch {
	case m.depth > c.limits.Depth:
		return coded(model.CodeComplexityLimit, fmt.Sprintf("The operation is nested %d levels deep, more than %d.", m.depth, c.limits.Depth))
	case m.cost > c.limits.Cost:
		return coded(model.CodeComplexityLimit, fmt.Sprintf("The operation may cost %d, more than %d. Ask for smaller pages or fewer fields.", m.cost, c.limits.Cost))
	}
	return nil
}

// measure walks a validated operation; fragments have no cycles.
func (c *coster) measure(op *ast.OperationDefinition, variables map[string]any) measure {
	w := costWalk{coster: c, variables: variables, fragments: make(map[fragmentUse]measure)}
	return w.selection(op.SelectionSet, 0)
}

type costWalk struct {
	*coster
	variables map[string]any
	fragments map[fragmentUse]measure
}

// fragmentUse is a fragment below a connection of a certain page size, or below none (0).
type fragmentUse struct {
	fragment *ast.FragmentDefinition
	page     int
}

// selection measures fields; page is how many items a list directly below has, 0 if unknown.
func (w *costWalk) selection(set ast.SelectionSet, page int) measure {
	var sum measure
	for _, selection := range set {
		switch selection := selection.(type) {
		case *ast.Field:
			sum.add(w.field(selection, page))
		case *ast.InlineFragment:
			sum.add(w.selection(selection.SelectionSet, page))
		case *ast.FragmentSpread:
			if selection.Definition == nil {
				continue
			}
			use := fragmentUse{fragment: selection.Definition, page: page}
			m, ok := w.fragments[use]
			if !ok {
				m = w.selection(selection.Definition.SelectionSet, page)
				w.fragments[use] = m
			}
			sum.add(m)
		}
	}
	return sum
}

func (w *costWalk) field(f *ast.Field, page int) measure {
	if strings.HasPrefix(f.Name, "__") && w.trusting {
		return measure{cost: 1, depth: 1}
	}
	m := measure{cost: 1, depth: 1}
	if len(f.SelectionSet) == 0 || f.Definition == nil {
		return m
	}
	items, childPage := 1, 0
	if size, paged, variable := w.pageSize(f); paged {
		childPage = size
		m.variable = variable
	}
	if f.Definition.Type.Elem != nil {
		switch n, listed, variable := w.idCount(f); {
		case listed:
			items, m.variable = n, m.variable || variable
		case page > 0:
			items = page
		case childPage > 0:
			items = childPage
		default:
			items = w.limits.ListSize
		}
	}
	if f.Definition.Type.Elem != nil {
		childPage = 0 // it was this list's size, not that of lists below
	}
	below := w.selection(f.SelectionSet, childPage)
	m.cost = min(unbounded, m.cost+items*below.cost)
	m.depth += below.depth
	m.variable = m.variable || below.variable
	return m
}

// pageSize is how many items a field with `first` or `last` answers with at most.
func (w *costWalk) pageSize(f *ast.Field) (size int, paged, variable bool) {
	for _, name := range [...]string{"first", "last"} {
		if f.Definition.Arguments.ForName(name) == nil {
			continue
		}
		paged = true
		value, isVariable := w.argument(f, name)
		variable = variable || isVariable
		if n, ok := integer(value); ok {
			size = max(size, min(max(n, 1), largestPage))
		}
	}
	if paged && size == 0 {
		size = defaultPage
	}
	return size, paged, variable
}

// idCount is the length of the list in the argument that picks the items by name.
func (w *costWalk) idCount(f *ast.Field) (n int, listed, variable bool) {
	definition := f.Definition.Arguments.ForName("ids")
	if definition == nil || definition.Type.Elem == nil {
		return 0, false, false
	}
	value, variable := w.argument(f, "ids")
	list, ok := value.([]any)
	if !ok {
		return 1, true, variable
	}
	return max(1, len(list)), true, variable
}

// argument is the value of an argument, nil when it is absent or not known yet.
func (w *costWalk) argument(f *ast.Field, name string) (value any, variable bool) {
	argument := f.Arguments.ForName(name)
	if argument == nil || argument.Value == nil {
		return nil, false
	}
	variable = mentionsVariable(argument.Value)
	value, err := argument.Value.Value(w.variables)
	if err != nil {
		return nil, variable
	}
	return value, variable
}

func mentionsVariable(v *ast.Value) bool {
	if v.Kind == ast.Variable {
		return true
	}
	for _, child := range v.Children {
		if mentionsVariable(child.Value) {
			return true
		}
	}
	return false
}

func integer(v any) (int, bool) {
	switch v := v.(type) {
	case int:
		return v, true
	case int32:
		return int(v), true
	case int64:
		return int(min(max(v, 0), unbounded)), true
	case float64:
		return int(min(max(v, 0), unbounded)), true
	case json.Number:
		n, err := v.Int64()
		return int(min(max(n, 0), unbounded)), err == nil
	}
	return 0, false
}
