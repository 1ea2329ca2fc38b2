package httpd

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/heffl/bff/internal/auth"
	"github.com/heffl/bff/model"
)

func (b *bench) create(tb testing.TB, query string, variables map[string]any) (measure, model.ErrorCode) {
	tb.Helper()
	return b.createFrom(tb, &graphql.RawParams{Query: query, Variables: variables})
}

// createFrom takes a request as far as an operation, as somebody without a limit.
func (b *bench) createFrom(tb testing.TB, params *graphql.RawParams) (measure, model.ErrorCode) {
	tb.Helper()
	unlimited := caller{Identity: auth.Identity{UserExternalID: "unlimited", Scopes: []auth.Scope{auth.ScopeEventsWrite}}}
	_, _, m, refused := b.prepare(tb.Context(), unlimited, params)
	if refused != nil {
		code, _ := refused.errors()[0].Extensions["code"].(string)
		return m, model.ErrorCode(code)
	}
	return m, ""
}

func TestCost(t *testing.T) {
	t.Parallel()
	b := setup(t)
	cases := map[string]struct {
		query     string
		variables map[string]any
		cost      int
		depth     int
	}{
		"Leaf":              {`{__typename}`, nil, 1, 1},
		"Object":            {`{viewer{id name}}`, nil, 3, 2},
		"List":              {`{viewer{settings{name}}}`, nil, 2 + 5, 3},
		"NestedLists":       {`{viewer{settings{cells{on}}}}`, nil, 2 + 5*(1+5), 4},
		"DefaultPage":       {`{viewer{friends{nodes{id}}}}`, nil, 3 + 20, 4},
		"First":             {`{viewer{friends(first:7){nodes{id}}}}`, nil, 3 + 7, 4},
		"Last":              {`{viewer{friends(last:7){nodes{id}}}}`, nil, 3 + 7, 4},
		"FirstOfEdges":      {`{viewer{friends(first:7){edges{node{id name}}}}}`, nil, 3 + 7*3, 5},
		"FirstBeyondLimit":  {`{viewer{friends(first:1000000){nodes{id}}}}`, nil, 3 + 100, 4},
		"FirstNegative":     {`{viewer{friends(first:-5){nodes{id}}}}`, nil, 3 + 1, 4},
		"FirstVariable":     {`query($n:Int){viewer{friends(first:$n){nodes{id}}}}`, map[string]any{"n": 9}, 3 + 9, 4},
		"FirstDefault":      {`query($n:Int=8){viewer{friends(first:$n){nodes{id}}}}`, nil, 3 + 8, 4},
		"ListBelowPage":     {`{viewer{friends(first:2){nodes{settings{name}}}}}`, nil, 3 + 2*(1+5), 5},
		"IDs":               {`{nodes(ids:["a","b","c"]){id}}`, nil, 1 + 3, 2},
		"IDsVariable":       {`query($ids:[ID!]!){nodes(ids:$ids){id}}`, map[string]any{"ids": []any{"a", "b"}}, 1 + 2, 2},
		"Aliases":           {`{a:viewer{id} b:viewer{id}}`, nil, 4, 2},
		"Fragments":         {`{viewer{...f ...f}} fragment f on Viewer{settings{name}}`, nil, 1 + 2*6, 3},
		"InlineFragments":   {`{viewer{...on Node{id} ...on Viewer{name}}}`, nil, 3, 2},
		"IntrospectionFree": {`{__schema{types{fields{args{type{ofType{ofType{ofType{ofType{ofType{ofType{ofType{ofType{name}}}}}}}}}}}}}}`, nil, 1, 1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 2 { // the second time from the cache
				m, code := b.create(t, c.query, c.variables)
				if code != "" || m.cost != c.cost || m.depth != c.depth {
					t.Fatalf("cost %d depth %d %s, want %d and %d", m.cost, m.depth, code, c.cost, c.depth)
				}
			}
		})
	}

	t.Run("VariablesAreNotRemembered", func(t *testing.T) {
		t.Parallel()
		query := `query($n:Int){viewer{friends(first:$n){nodes{name}}}}`
		for n := range 5 {
			if m, _ := b.create(t, query, map[string]any{"n": n + 1}); m.cost != 3+n+1 {
				t.Errorf("first %d costs %d", n+1, m.cost)
			}
		}
	})

	limits := map[string]string{
		"TooDear": `{` + strings.Repeat(`viewer{friends(first:100){nodes{friends(first:100){nodes{id name}}}}}`, 1) + `}`,
		"TooDeep": `{viewer` + strings.Repeat(`{friends{nodes`, 6) + `{id}` + strings.Repeat(`}}`, 6) + `}`,
	}
	for name, query := range limits {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if m, code := b.create(t, query, nil); code != model.CodeComplexityLimit {
				t.Errorf("cost %d depth %d: %s", m.cost, m.depth, code)
			}
		})
	}
}

// bomb is n fragments of which each spreads the next twice.
func bomb(n int, through string) string {
	var s strings.Builder
	s.WriteString("{viewer{...f0}}")
	for i := range n {
		next := fmt.Sprintf("...f%d", i+1)
		if through != "" {
			next = fmt.Sprintf("a:%s{...f%d} b:%s{...f%d}", through, i+1, through, i+1)
			fmt.Fprintf(&s, " fragment f%d on Viewer{friends{nodes{%s}}}", i, strings.ReplaceAll(next, through, "friends{nodes{friends:friends{nodes"))
			continue
		}
		fmt.Fprintf(&s, " fragment f%d on Viewer{%s %s}", i, next, next)
	}
	fmt.Fprintf(&s, " fragment f%d on Viewer{id}", n)
	return s.String()
}

func TestFragmentBomb(t *testing.T) {
	t.Parallel()
	b := setup(t)
	took := func(n int) time.Duration {
		best := time.Hour
		for i := range 5 {
			query := bomb(n, "") + strings.Repeat(" ", i) // not from the cache
			start := time.Now()
			_, code := b.create(t, query, nil)
			best = min(best, time.Since(start))
			if want := model.CodeComplexityLimit; n >= 20 && code != want {
				t.Fatalf("%d levels: %q, want %s", n, code, want)
			}
		}
		return best
	}
	few := took(5)
	for _, n := range []int{10, 20, 30, 40, 59} {
		// The document grows with n, and nothing may grow faster: far below the doubling for each level
		// that a naive walk has.
		if many := took(n); many > few*time.Duration(n)+5*time.Millisecond {
			t.Errorf("%d levels take %v, 5 take %v", n, many, few)
		}
	}
}
