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
	// Nesting in the text. The cost check knows better, with fragments followed, but comes later.
	maxNesting = 60
	// Inline fragments directly in each other: the validator compares the innermost fields once for
	// each of them.
	maxInline = 3
	// The validator follows spreads along every path there is and remembers nothing; fragments that spread each other
	// have as many paths as one likes. This bounds their number, over all operations and fragments.
	maxExpansions = 2_000
	// The validator compares every two fields that have the same place in the answer, and for every two objects looks
	// through all that is asked of them. This bounds the sum, over all places, of the square of how many fields have it,
	// and of how much is looked through. A fragment counts as often as it is spread, because it is compared as often.
	maxPairs = 40_000
)

// shape is the count.
type shape struct {
	spreads, directives, aliases, inline int
}

// checkShape refuses documents that only an attacker writes.
func checkShape(doc *ast.QueryDocument) *gqlerror.Error {
	var s shape
	variables, deepest := 0, 0
	for _, op := range doc.Operations {
		variables += len(op.VariableDefinitions)
		s.directives += len(op.Directives)
		for _, v := range op.VariableDefinitions {
			s.directives += len(v.Directives)
		}
		deepest = max(deepest, s.count(op.SelectionSet, 0))
	}
	for _, fragment := range doc.Fragments {
		s.directives += len(fragment.Directives)
		deepest = max(deepest, s.count(fragment.SelectionSet, 0))
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
		{"levels of inline fragments", s.inline, maxInline},
	} {
		if limit.have > limit.may {
			return coded(model.CodeComplexityLimit, fmt.Sprintf("The document has %d %s, more than %d.", limit.have, limit.what, limit.may))
		}
	}
	if err := checkFragments(doc); err != nil {
		return err
	}
	if tooManyPairs(doc) {
		return coded(model.CodeComplexityLimit, "The document asks for the same fields too often.")
	}
	return nil
}

// count walks a selection and answers how deep it is. The parser's token limit bounds the recursion.
func (s *shape) count(set ast.SelectionSet, inline int) int {
	s.inline = max(s.inline, inline)
	deepest := 0
	for _, selection := range set {
		var below int
		switch selection := selection.(type) {
		case *ast.Field:
			s.directives += len(selection.Directives)
			if selection.Alias != selection.Name {
				s.aliases++
			}
			below = s.count(selection.SelectionSet, 0)
		case *ast.InlineFragment:
			s.directives += len(selection.Directives)
			s.spreads++
			below = s.count(selection.SelectionSet, inline+1)
		case *ast.FragmentSpread:
			s.directives += len(selection.Directives)
			s.spreads++
		}
		deepest = max(deepest, below+1)
	}
	return deepest
}

// pairs counts comparisons. Its own work is bounded by what it counts.
type pairs struct {
	fragments map[string]*ast.FragmentDefinition
	left      int
}

func tooManyPairs(doc *ast.QueryDocument) bool {
	p := pairs{fragments: make(map[string]*ast.FragmentDefinition, len(doc.Fragments)), left: maxPairs}
	for _, fragment := range doc.Fragments {
		p.fragments[fragment.Name] = fragment
	}
	for _, op := range doc.Operations {
		p.merged([]ast.SelectionSet{op.SelectionSet}, 0)
	}
	return p.left < 0
}

// place is all fields of one response name in a merged selection.
type place struct {
	fields   int
	children []ast.SelectionSet
}

// merged counts the fields of selections that answer to the same object, and goes on with what is
// below each of their names. There are no cycles here any more, and few paths: checkFragments has seen to it.
func (p *pairs) merged(sets []ast.SelectionSet, depth int) {
	if depth > maxNesting {
		return
	}
	places := make(map[string]*place)
	for _, set := range sets {
		if p.collect(set, places); p.left < 0 {
			return
		}
	}
	fields := 0
	for _, here := range places {
		fields += here.fields
	}
	p.left -= (len(sets) - 1) * fields // each object is looked through for each of the others
	for _, here := range places {
		if len(here.children) > 0 {
			p.merged(here.children, depth+1)
		}
		if p.left < 0 {
			return
		}
	}
}

func (p *pairs) collect(set ast.SelectionSet, places map[string]*place) {
	for _, selection := range set {
		if p.left < 0 {
			return
		}
		switch selection := selection.(type) {
		case *ast.Field:
			here := places[selection.Alias]
			if here == nil {
				here = new(place)
				places[selection.Alias] = here
			}
			p.left -= 2*here.fields + 1 // the sum of these is the square
			here.fields++
			if len(selection.SelectionSet) > 0 {
				here.children = append(here.children, selection.SelectionSet)
			}
		case *ast.InlineFragment:
			p.collect(selection.SelectionSet, places)
		case *ast.FragmentSpread:
			if fragment := p.fragments[selection.Name]; fragment != nil {
				p.collect(fragment.SelectionSet, places)
			}
		}
	}
}

const quietSuffix = "WithoutSuggestions"

func loudName(quiet string) string { return strings.TrimSuffix(quiet, quietSuffix) }

// sortRules gives the rules one order, so that a document always has the same errors.
func sortRules(list []validator.Rule) {
	slices.SortFunc(list, func(a, b validator.Rule) int { return cmp.Compare(a.Name, b.Name) })
}
