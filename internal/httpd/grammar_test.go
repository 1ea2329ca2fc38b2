package httpd

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

// productSchema is the schema that clients really ask.
func productSchema(tb testing.TB) *ast.Schema {
	tb.Helper()
	text, err := os.ReadFile("../../schema.graphqls")
	if err != nil {
		tb.Fatal(err)
	}
	return gqlparser.MustLoadSchema(&ast.Source{Name: "schema.graphqls", Input: string(text)})
}

// grammar turns any bytes into a document of a schema that is nearly always valid, so that a fuzzer that changes bytes
// changes what the document asks for and how often, and not its punctuation.
type grammar struct {
	schema    *ast.Schema
	types     []*ast.Definition // that have selections
	fragments []*ast.Definition // the type of each
	wanted    []int             // the numbers of those that are spread somewhere, in the order of their definitions
	after     int               // the number of the one that is being written; it spreads later ones only, most of the time
	bytes     []byte
	tokens    int
	text      strings.Builder
}

// grammarTokens is about as many as a document may have; what is written exceeds it a little, so that the limit is met, too.
const grammarTokens = 1_400

// written is the document that bytes stand for.
func written(schema *ast.Schema, bytes []byte) string {
	g := grammar{schema: schema, bytes: bytes, after: -1}
	for _, definition := range schema.Types {
		if definition.IsCompositeType() && !strings.HasPrefix(definition.Name, "__") {
			g.types = append(g.types, definition)
		}
	}
	slices.SortFunc(g.types, func(a, b *ast.Definition) int { return strings.Compare(a.Name, b.Name) })
	for range g.next() % (maxFragments + 1) {
		g.fragments = append(g.fragments, g.types[g.next()%len(g.types)])
	}
	if g.next()%8 == 0 {
		g.text.WriteString("subscription{")
		g.field(schema.Subscription.Fields[g.next()%len(schema.Subscription.Fields)], 0)
		g.write(5, "}")
	} else {
		g.selection(schema.Query, 0)
	}
	for done := 0; done < len(g.wanted); {
		g.after = g.wanted[done]
		done++
		g.write(4, " fragment f%d on %s", g.after, g.fragments[g.after].Name)
		g.selection(g.fragments[g.after], 0)
	}
	return g.text.String()
}

func (g *grammar) next() int {
	if len(g.bytes) == 0 {
		return 0
	}
	b := g.bytes[0]
	g.bytes = g.bytes[1:]
	return int(b)
}

func (g *grammar) write(tokens int, format string, args ...any) {
	g.tokens += tokens
	fmt.Fprintf(&g.text, format, args...)
}

// selection writes what is asked of a type: some things, each of them once or very often.
func (g *grammar) selection(of *ast.Definition, depth int) {
	g.write(3, "{__typename ")
	for range 1 + g.next()%12 {
		begin, tokens := g.text.Len(), g.tokens
		g.item(of, depth)
		each, item := g.tokens-tokens, g.text.String()[begin:]
		again := 0 // the same up to 63 times more
		if g.next()%4 == 0 {
			again = g.next() % 64
		}
		for range again {
			if g.tokens+each > grammarTokens {
				break
			}
			g.write(each, "%s", item)
		}
		if len(g.bytes) == 0 || g.tokens > grammarTokens {
			break
		}
	}
	g.write(1, "} ")
}

func (g *grammar) item(of *ast.Definition, depth int) {
	switch kind := g.next() % 8; {
	case kind < 2 && g.spread(of):
	case kind == 2 && depth < 16:
		on := of
		if possible := g.schema.GetPossibleTypes(of); g.next()%2 == 0 && len(possible) > 0 {
			on = possible[g.next()%len(possible)]
		}
		g.write(3, "...on %s", on.Name)
		g.selection(on, depth+1)
	case len(of.Fields) > 0:
		g.field(of.Fields[g.next()%len(of.Fields)], depth)
	default:
		g.write(1, "__typename ")
	}
}

// spread spreads a fragment that may hold for the type.
func (g *grammar) spread(of *ast.Definition) bool {
	first := g.after + 1
	if g.next()%32 == 0 {
		first = 0
	}
	if first >= len(g.fragments) {
		return false
	}
	n := first + g.next()%(len(g.fragments)-first)
	here := g.schema.GetPossibleTypes(of)
	if !slices.ContainsFunc(g.schema.GetPossibleTypes(g.fragments[n]), func(d *ast.Definition) bool { return slices.Contains(here, d) }) {
		return false
	}
	g.write(2, "...f%d ", n)
	if !slices.Contains(g.wanted, n) {
		g.wanted = append(g.wanted, n)
	}
	return true
}

func (g *grammar) field(f *ast.FieldDefinition, depth int) {
	below := g.schema.Types[f.Type.Name()]
	if strings.HasPrefix(f.Name, "__") || below.IsCompositeType() && depth >= 16 {
		g.write(1, "__typename ")
		return
	}
	if g.next()%4 == 0 {
		g.write(2, "a%d%s:", g.next(), f.Name)
	}
	g.write(1, "%s ", f.Name)
	var given []string // the same for every mention of a field, or they could not be merged
	for i, argument := range f.Arguments {
		if argument.Type.NonNull || i%2 == 0 {
			given = append(given, argument.Name+":"+g.value(argument.Type, 0))
		}
	}
	if len(given) > 0 {
		g.write(2+3*len(given), "(%s)", strings.Join(given, " "))
	}
	if g.next()%8 == 0 {
		g.write(6, "@skip(if:false)")
	}
	if below.IsCompositeType() {
		g.selection(below, depth+1)
	}
}

// value is a literal that fits a type.
func (g *grammar) value(of *ast.Type, depth int) string {
	if of.Elem != nil {
		n := max(1, 20>>(3*depth))
		g.tokens += n
		return "[" + strings.Repeat(g.value(of.Elem, depth+1)+" ", n) + "]"
	}
	definition := g.schema.Types[of.NamedType]
	switch {
	case definition.Kind == ast.Enum:
		return definition.EnumValues[0].Name
	case definition.Kind == ast.InputObject:
		var fields []string
		for _, f := range definition.Fields {
			if f.Type.NonNull && depth < 6 {
				fields = append(fields, f.Name+":"+g.value(f.Type, depth+1))
			}
		}
		g.tokens += 3 * len(fields)
		return "{" + strings.Join(fields, " ") + "}"
	case of.NamedType == "Int":
		return "7"
	case of.NamedType == "Boolean":
		return "true"
	case of.NamedType == "JSONObject":
		return "{}"
	}
	return `"text"`
}

// TestGrammar shows that most of what the grammar writes is worth judging: it parses, and much of it is valid.
func TestGrammar(t *testing.T) {
	t.Parallel()
	schema := productSchema(t)
	b := setup(t, func(c *Config) { c.Schema = &fakeSchema{schema: schema} })
	random := rand.New(rand.NewPCG(1, 2)) // the same documents each time
	outcomes := map[string]int{}
	for range 300 {
		seed := make([]byte, random.IntN(400))
		for i := range seed {
			seed[i] = byte(random.UintN(256))
		}
		_, errs := b.engine.judge(written(schema, seed))
		outcome := "valid"
		if len(errs) > 0 {
			outcome, _ = errs[0].Extensions["code"].(string)
		}
		outcomes[outcome]++
	}
	if outcomes["valid"] < 120 || outcomes["COMPLEXITY_LIMIT"] < 30 || outcomes["GRAPHQL_VALIDATION_FAILED"] == 0 {
		t.Errorf("%v", outcomes)
	}
}
