package httpd

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator"

	"github.com/heffl/bff/model"
)

// What a document may hold, counted in its text before validation, whose time grows with the
// square of some of these. An honest client stays far below.
const (
	maxOperations = 20
	maxFragments  = 60
	maxSpreads    = 120
	maxDirectives = 60
	maxAliases    = 120
	maxVariables  = 100
	// The validator compares every two fields of one response name. This is the sum, over all
	// names, of the square of how often a name occurs.
	maxRepeats = 60_000
	// Nesting in the text. The cost check knows better, with fragments followed, but comes later.
	maxNesting = 60
)

// shape is the count.
type shape struct {
	spreads, directives, aliases int
	names                        map[string]int
}

// checkShape refuses documents that only an attacker writes.
func checkShape(doc *ast.QueryDocument) *gqlerror.Error {
	s := shape{names: make(map[string]int)}
	variables, deepest := 0, 0
	for _, op := range doc.Operations {
		variables += len(op.VariableDefinitions)
		s.directives += len(op.Directives)
		for _, v := range op.VariableDefinitions {
			s.directives += len(v.Directives)
		}
		deepest = max(deepest, s.count(op.SelectionSet))
	}
	for _, fragment := range doc.Fragments {
		s.directives += len(fragment.Directives)
		deepest = max(deepest, s.count(fragment.SelectionSet))
	}
	repeats := 0
	for _, n := range s.names {
		repeats += n * n
	}
	for _, limit := range []struct {
		what      string
		have, may int
	}{
		{"operations", len(doc.Operations), maxOperations},
		{"fragments", len(doc.Fragments), maxFragments},
		{"fragment spreads", s.spreads, maxSpreads},
		{"directives", s.directives, maxDirectives},
		{"aliases", s.aliases, maxAliases},
		{"variables", variables, maxVariables},
		{"levels", deepest, maxNesting},
	} {
		if limit.have > limit.may {
			return coded(model.CodeComplexityLimit, fmt.Sprintf("The document has %d %s, more than %d.", limit.have, limit.what, limit.may))
		}
	}
	if repeats > maxRepeats {
		return coded(model.CodeComplexityLimit, "The document asks for the same fields too often.")
	}
	return nil
}

// count walks a selection and answers how deep it is. The parser's token limit bounds the recursion.
func (s *shape) count(set ast.SelectionSet) int {
	deepest := 0
	for _, selection := range set {
		var below int
		switch selection := selection.(type) {
		case *ast.Field:
			s.directives += len(selection.Directives)
			if selection.Alias != selection.Name {
				s.aliases++
			}
			s.names[selection.Alias]++
			below = s.count(selection.SelectionSet)
		case *ast.InlineFragment:
			s.directives += len(selection.Directives)
			s.spreads++
			below = s.count(selection.SelectionSet)
		case *ast.FragmentSpread:
			s.directives += len(selection.Directives)
			s.spreads++
		}
		deepest = max(deepest, below+1)
	}
	return deepest
}

const quietSuffix = "WithoutSuggestions"

func loudName(quiet string) string { return strings.TrimSuffix(quiet, quietSuffix) }

// sortRules gives the rules one order, so that a document always has the same errors.
func sortRules(list []validator.Rule) {
	slices.SortFunc(list, func(a, b validator.Rule) int { return cmp.Compare(a.Name, b.Name) })
}
