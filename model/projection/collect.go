package projection

import (
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// collected is one field of a merged selection.
type collected struct {
	key  string // as the answer names it
	name string
	sel  ast.SelectionSet
}

// collector merges selections for one operation.
type collector struct {
	fragments ast.FragmentDefinitionList
	variables map[string]any
	// varies: a directive depended on a variable.
	varies bool
}

// collect gives the fields that an object of the given type has in a selection, in the order of the answer.
func (c *collector) collect(into []collected, sel ast.SelectionSet, o *object, visited map[string]bool) []collected {
	for _, one := range sel {
		switch s := one.(type) {
		case *ast.Field:
			if c.included(s.Directives) {
				into = merge(into, s)
			}
		case *ast.InlineFragment:
			if c.included(s.Directives) && o.is(s.TypeCondition) {
				into = c.collect(into, s.SelectionSet, o, visited)
			}
		case *ast.FragmentSpread:
			if visited[s.Name] || !c.included(s.Directives) {
				continue
			}
			visited[s.Name] = true
			if f := c.fragments.ForName(s.Name); f != nil && o.is(f.TypeCondition) {
				into = c.collect(into, f.SelectionSet, o, visited)
			}
		}
	}
	return into
}

func merge(into []collected, f *ast.Field) []collected {
	for i := range into {
		if into[i].key == f.Alias {
			into[i].sel = append(slices.Clip(into[i].sel), f.SelectionSet...)
			return into
		}
	}
	return append(into, collected{key: f.Alias, name: f.Name, sel: f.SelectionSet})
}

// included obeys @skip and @include.
func (c *collector) included(directives ast.DirectiveList) bool {
	if len(directives) == 0 {
		return true
	}
	if d := directives.ForName("skip"); d != nil && c.condition(d) {
		return false
	}
	d := directives.ForName("include")
	return d == nil || c.condition(d)
}

func (c *collector) condition(d *ast.Directive) bool {
	argument := d.Arguments.ForName("if")
	if argument == nil {
		return false
	}
	if argument.Value.Kind != ast.Variable {
		return argument.Value.Raw == "true"
	}
	c.varies = true
	yes, _ := c.variables[argument.Value.Raw].(bool)
	return yes
}

// Selects reports whether a selection has a field with the given name, on whatever object and however deep.
func Selects(op *graphql.OperationContext, sel ast.SelectionSet, name string) bool {
	c := collector{fragments: op.Doc.Fragments, variables: op.Variables}
	return c.selects(sel, name, map[string]bool{})
}

func (c *collector) selects(sel ast.SelectionSet, name string, visited map[string]bool) bool {
	for _, one := range sel {
		switch s := one.(type) {
		case *ast.Field:
			if c.included(s.Directives) && (s.Name == name || c.selects(s.SelectionSet, name, visited)) {
				return true
			}
		case *ast.InlineFragment:
			if c.included(s.Directives) && c.selects(s.SelectionSet, name, visited) {
				return true
			}
		case *ast.FragmentSpread:
			if visited[s.Name] || !c.included(s.Directives) {
				continue
			}
			visited[s.Name] = true
			if f := c.fragments.ForName(s.Name); f != nil && c.selects(f.SelectionSet, name, visited) {
				return true
			}
		}
	}
	return false
}
