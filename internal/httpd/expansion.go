package httpd

import (
	"fmt"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/heffl/bff/model"
)

// expansion counts how many spreads there are to follow along every path through a document. Each fragment is looked
// at once.
type expansion struct {
	fragments ast.FragmentDefinitionList
	known     map[string]int
	open      map[string]bool // being counted: met again, it is a cycle
	cycle     string
}

// checkFragments refuses cycles (specification of GraphQL, October 2021, section 5.5.2.2), which the validator would go
// round before it notices them, and fragments that multiply.
func checkFragments(doc *ast.QueryDocument) *gqlerror.Error {
	e := expansion{fragments: doc.Fragments, known: make(map[string]int, len(doc.Fragments)), open: make(map[string]bool)}
	total := 0
	for _, op := range doc.Operations {
		total = min(unbounded, total+e.count(op.SelectionSet))
	}
	for _, fragment := range doc.Fragments {
		total = min(unbounded, total+e.spread(fragment.Name))
	}
	switch {
	case e.cycle != "":
		return coded(model.CodeValidationFailed, fmt.Sprintf("The fragment %q spreads itself.", e.cycle))
	case total > maxExpansions:
		return coded(model.CodeComplexityLimit, fmt.Sprintf("The document's fragments unfold to more than %d spreads.", maxExpansions))
	}
	return nil
}

func (e *expansion) count(set ast.SelectionSet) (n int) {
	for _, selection := range set {
		switch selection := selection.(type) {
		case *ast.Field:
			n += e.count(selection.SelectionSet)
		case *ast.InlineFragment:
			n += e.count(selection.SelectionSet)
		case *ast.FragmentSpread:
			n += e.spread(selection.Name)
		}
		n = min(unbounded, n)
	}
	return n
}

func (e *expansion) spread(name string) int {
	if n, ok := e.known[name]; ok {
		return n
	}
	if e.open[name] {
		e.cycle = name
		return unbounded
	}
	fragment := e.fragments.ForName(name)
	if fragment == nil {
		return 1
	}
	e.open[name] = true
	n := min(unbounded, 1+e.count(fragment.SelectionSet))
	delete(e.open, name)
	e.known[name] = n
	return n
}
