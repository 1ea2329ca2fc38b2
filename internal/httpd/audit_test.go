package httpd

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestGraphQLAudit sends what audits of GraphQL servers send, and what their authors have not thought
// of. Everything is refused, or answered harmlessly; quickly; and never at much greater length.
func TestGraphQLAudit(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *Config) {
		c.Development = false
		c.Limits.AnonymousRate = Rate{PerSecond: -1}
	})
	repeat := strings.Repeat
	many := func(n int, format string) string {
		var s strings.Builder
		for i := range n {
			fmt.Fprintf(&s, format, i)
		}
		return s.String()
	}
	query := func(text string) string { return mustJSON(t, map[string]any{"query": text}) }
	type attack struct {
		body   string
		header []string
		// harmless: it is answered, with no more than was asked for.
		harmless bool
	}
	attacks := map[string]attack{
		// the checks of graphql-cop
		"AliasOverloading":       {body: query("{" + many(101, "a%d:__typename ") + many(30, "b%d:__typename ") + "}")},
		"ArrayBatching":          {body: "[" + repeat(query("{__typename}")+",", 9) + query("{__typename}") + "]"},
		"DirectiveOverloading":   {body: query("{__typename " + repeat("@aa", 70) + "}")},
		"CircularIntrospection":  {body: query("{__schema{types{fields{type{fields{type{fields{type{fields{name}}}}}}}}}}")},
		"Introspection":          {body: query("{__schema{types{name}}}"), harmless: true},
		"FieldSuggestions":       {body: query("{viewr{id}}")},
		"FieldDuplication":       {body: query("{" + repeat("__typename ", 500) + "}")},
		"PostForm":               {body: url.Values{"query": {"{__typename}"}}.Encode(), header: []string{"Content-Type", "application/x-www-form-urlencoded"}},
		"PostText":               {body: query("{__typename}"), header: []string{"Content-Type", "text/plain"}},
		"GraphQLMedia":           {body: "{__typename}", header: []string{"Content-Type", "application/graphql"}},
		"TraceMode":              {body: `{"query":"{__typename}","extensions":{"tracing":true}}`, harmless: true},
		"UnhandledError":         {body: query("qwerty{abc}")},
		"Multipart":              {body: "--x\r\n", header: []string{"Content-Type", "multipart/form-data; boundary=x"}},
		"AliasesInFragments":     {body: query("{...f} fragment f on Query{" + many(130, "a%d:__typename ") + "}")},
		"SkipChains":             {body: query("{__typename " + repeat("@skip(if:false)", 200) + "}")},
		"SkipChainsLong":         {body: query("{__typename " + repeat("@skip(if:false)", 4_000) + "}")},
		"SkipChainsTooLong":      {body: query("{__typename " + repeat("@skip(if:false)", 5_000) + "}")},
		"UnusedVariables":        {body: query("query(" + many(5_000, "$a%d:Int ") + "){__typename}")},
		"ManyOperations":         {body: mustJSON(t, map[string]any{"query": many(2_000, "query q%d{__typename} "), "operationName": "q7"})},
		"FiveThousandOperations": {body: mustJSON(t, map[string]any{"query": many(5_000, "query q%d{a}"), "operationName": "q7"})},
		"FiveThousandNoNames":    {body: query(repeat("{__typename}", 5_000))},
		"BracketsTooMany":        {body: query(repeat("{", 100_000))},
		"Brackets":               {body: query(repeat("{", 60_000))},
		"NestedListLiteral":      {body: query("{nodes(ids:" + repeat("[", 50_000) + "}")},
		"NestedListVariable":     {body: `{"query":"query($v:[ID!]!){nodes(ids:$v){id}}","variables":{"v":` + repeat("[", 20_000) + repeat("]", 20_000) + `}}`},
		"ListVariableTooLong":    {body: `{"query":"query($v:[ID!]!){nodes(ids:$v){id}}","variables":{"v":` + repeat("[", 200_000) + repeat("]", 200_000) + `}}`},
		"DeepListVariable":       {body: `{"query":"query($v:[ID!]!){nodes(ids:$v){id}}","variables":{"v":` + repeat("[", 9_000) + repeat("]", 9_000) + `}}`},
		"SecondValue":            {body: query("{__typename}") + query("{__typename}")},
		"DuplicateKeys":          {body: `{"query":"{viewer{id}}","query":"{__typename}"}`, harmless: true},
		"OtherCase":              {body: `{"QUERY":"{__typename}"}`, harmless: true},
		"FragmentBomb":           {body: query(bomb(58, ""))},
		"FragmentBombByFields":   {body: query(bomb(30, "friends"))},
		"FragmentCycle":          {body: query("{viewer{...a}} fragment a on Viewer{...b} fragment b on Viewer{...a}")},
		"SelfSpread":             {body: query("{...a} fragment a on Query{...a}")},
		"DeepNesting":            {body: query("{viewer" + repeat("{friends{nodes", 100) + "{id}" + repeat("}}", 100) + "}")},
		"HugePages":              {body: query("{viewer{friends(first:2147483647){nodes{friends(first:2147483647){nodes{friends(first:2147483647){nodes{id}}}}}}}}")},
		"NumberTooLarge":         {body: query("{viewer{friends(first:99999999999999999999){nodes{id}}}}")},
		"NUL":                    {body: query("{viewer{id}\x00}")},
		"LongName":               {body: query("{" + repeat("x", 60_000) + "}")},
		"LongOperationName":      {body: mustJSON(t, map[string]any{"query": "query a{__typename}", "operationName": repeat("x", 60_000)})},
		"UnknownDirectives":      {body: query("{" + repeat("@a ", 700) + "__typename}")},
		"UnknownDirectivesShort": {body: query("{__typename " + repeat("@a", 59) + "}")},
		"UnknownFields":          {body: query("{" + many(700, "x%d ") + "}")},
		"MutationBatch":          {body: query("mutation{" + many(130, "a%d:setCookie ") + "}")},
		"NotUTF8":                {body: "{\"query\":\"{__typename} #\xff\xfe\"}", harmless: true},
		"UTF16":                  {body: "\xff\xfe{\x00", header: []string{"Content-Type", jsonType + "; charset=utf-16"}},
		"GzipBomb":               {body: "\x1f\x8b", header: []string{"Content-Type", jsonType, "Content-Encoding", "gzip"}},
		"Defer":                  {body: query("{...@defer{__typename}}")},
		"Stream":                 {body: query("{cliqRegions@stream{code}}")},
		"PersistedOfOther":       {body: `{"query":"{__typename}","extensions":{"persistedQuery":{"version":1,"sha256Hash":"` + repeat("a", 64) + `"}}}`},
		"PersistedNoText":        {body: `{"query":"{__typename}","extensions":{"persistedQuery":"x"}}`},
	}
	for name, a := range attacks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			header := a.header
			if header == nil {
				header = []string{"Content-Type", jsonType}
			}
			start := time.Now()
			got := b.send(t, http.MethodPost, "/graphql", a.body, header...)
			if took := time.Since(start); took > 2*time.Second*slowdown {
				t.Errorf("answered after %v", took)
			}
			if len(got.text) > 20*len(a.body)+64<<10 || (!a.harmless && len(got.text) > 8<<10) {
				t.Errorf("%d bytes become %d", len(a.body), len(got.text))
			}
			if !a.harmless && (got.code() == "" || got.hasData()) {
				t.Errorf("not refused: %d %.300s", got.status, got.text)
			}
			if strings.Contains(got.text, "Did you mean") || strings.Contains(got.text, "goroutine") || strings.Contains(got.text, ".go:") {
				t.Errorf("it tells too much: %.300s", got.text)
			}
		})
	}

	t.Run("GETBasedMutation", func(t *testing.T) {
		t.Parallel()
		got := b.send(t, http.MethodGet, "/graphql?query="+url.QueryEscape("mutation{setCookie}"), "")
		if got.status != 405 || got.header.Get("Set-Cookie") != "" {
			t.Errorf("%d %s", got.status, got.text)
		}
	})
	t.Run("GETWithoutPreflight", func(t *testing.T) {
		t.Parallel()
		got := b.send(t, http.MethodGet, "/graphql?query=%7BcliqRegions%7Bcode%7D%7D", "", "Cookie", b.sessionCookie()+"="+token(t, "u"))
		if got.status != 403 {
			t.Errorf("%d %s", got.status, got.text)
		}
	})
	t.Run("Playground", func(t *testing.T) {
		t.Parallel()
		for _, path := range []string{"/", "/graphiql", "/playground", "/console"} {
			if got := b.send(t, http.MethodGet, path, "", "Accept", "text/html"); got.status != 404 {
				t.Errorf("%s: %d", path, got.status)
			}
		}
	})
}
