package httpd

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/heffl/bff/model"
)

// dear are documents that are as expensive to judge as we know how to make them.
func dear() map[string]string {
	repeat := strings.Repeat
	docs := map[string]string{
		"SameLeaf":        "{viewer{" + repeat(" id", 1_490) + "}}",
		"SameLeafAllowed": "{viewer{" + repeat(" id", 198) + "}}",
		"SameObject":      "{" + repeat("viewer{inbox{notifications{nodes{id}}}}", 85) + "}",
		"InlineNested":    "{viewer{id " + repeat("...on Viewer{id id id id ", 55) + repeat("}", 56) + "}",
		"InlineAllowed":   "{viewer{" + repeat("...on Viewer{...on Node{...on Viewer{id id id id id}}}", 38) + "}}",
		"InlineFlat":      "{viewer{" + repeat("...on Viewer{id name} ", 110) + "}}",
		"Brackets":        repeat("{", 65_000),
		"ListLiteral":     "{nodes(ids:" + repeat("[", 65_000),
		"ObjectLiteral":   "mutation{markNotificationsRead(input:" + repeat("{a:", 490) + "1" + repeat("}", 490) + "){inbox{cursor}}}",
		"Directives":      "{viewer{id " + repeat("@a", 740) + "}}",
		"Skips":           "{viewer{id " + repeat("@skip(if:false)", 200) + "}}",
		"UnknownTypes":    "{viewer{" + repeat("...on Foo{id}", 110) + "}}",
		"Comment":         "{viewer{id}} #" + repeat("x", 65_000),
		"Text":            `{echo(text:"` + repeat("x", 65_000) + `")}`,
		"BlockText":       `{echo(text:"""` + repeat(" x\n", 21_000) + `""")}`,
		"LongName":        `{` + repeat("x", 65_000) + `}`,
		"Commas":          `{` + repeat(",", 65_000) + `viewer{id}}`,
		"Union":           "subscription{inboxChanged{" + repeat("...on NotificationReceived{cursor notification{id title}}...on InboxReset{cursor}", 50) + "}}",
		"Cycle":           "{viewer{...a}} fragment a on Viewer{...b} fragment b on Viewer{...a}",
		"SelfSpread":      "{viewer{...a}} fragment a on Viewer{...a}",
		"CycleByFields":   "{viewer{...a}} fragment a on Viewer{x:friends{nodes{...a}} y:friends{nodes{...a}}}",
		"BombByFields":    bomb(30, "friends"),
		"Bomb":            bomb(59, ""),
		"TwinsSpread":     "{" + repeat("viewer{id ...f}", 60) + "} fragment f on Viewer{" + repeat("id ", 100) + "}",
		"TwinsSpreadMore": "{" + repeat("viewer{id ...f}", 115) + "} fragment f on Viewer{" + repeat("id ", 45) + "}",
		"TwinsDeep":       "{" + repeat("viewer{inbox{cursor ...f}}", 60) + "} fragment f on Inbox{" + repeat("cursor ", 100) + "}",
		"Conflicts":       "{viewer{" + repeat("x:id x:name ", 60) + "}}",
		"ConflictsDeep":   "{" + repeat("viewer{inbox{x:cursor}}viewer{inbox{x:unreadCount}}", 40) + "}",
		"SameTexts":       "{" + repeat(`echo(text:"`+repeat("x", 300)+`")`, 130) + "}",
		"SameLists":       "{" + repeat(`nodes(ids:[1 1 1 1 1]){id}`, 100) + "}",
		"UnknownVariable": "{nodes(ids:[" + repeat("$a ", 700) + "]){id}}",
		"InputFields":     "mutation{markNotificationsRead(input:{" + repeat("ids:1 ", 480) + "}){inbox{cursor}}}",
		"UnknownInputs":   "mutation{markNotificationsRead(input:{" + repeat("idz:1 ", 480) + "}){inbox{cursor}}}",
		"UnknownArgument": "{viewer{friends(" + repeat("firzt:1 ", 480) + "){nodes{id}}}}",
	}
	list := func(name, open, end string, n int, item func(i int) string) {
		var s strings.Builder
		s.WriteString(open)
		for i := range n {
			s.WriteString(item(i))
		}
		docs[name] = s.String() + end
	}
	list("UnknownFields", "{viewer{", "}}", 1_490, func(i int) string { return fmt.Sprintf("x%d ", i) })
	list("Aliases", "{", "}", 350, func(i int) string { return fmt.Sprintf("a%d:viewer{id}", i) })
	list("Variables", "query(", "){viewer{id}}", 490, func(i int) string { return fmt.Sprintf("$a%d:Int ", i) })
	list("VariablesAllowed", "query(", "){viewer{id}}", 100, func(i int) string { return fmt.Sprintf("$a%d:Int ", i) })
	list("Operations", "", "", 300, func(i int) string { return fmt.Sprintf("query q%d{viewer{id}} ", i) })
	list("Unused", "{viewer{id}}", "", 59, func(i int) string { return fmt.Sprintf(" fragment f%d on Viewer{id name}", i) })
	list("TwinsApart", "{", "}", 65, func(i int) string {
		var s strings.Builder
		for j := range 17 {
			fmt.Fprintf(&s, "x%dy%d ", i, j)
		}
		return "viewer{" + s.String() + "}"
	})
	for _, k := range []int{10, 20, 40, 58} {
		var spreads, chain, plain strings.Builder
		for i := range k {
			fmt.Fprintf(&spreads, "...f%d ", i)
			fmt.Fprintf(&plain, " fragment f%d on Viewer{%s}", i, repeat("id ", 198/k))
			fmt.Fprintf(&chain, " fragment f%d on Viewer{%s", i, repeat("id ", max(1, 180/k)))
			if i+1 < k {
				fmt.Fprintf(&chain, "...f%d", i+1)
			}
			chain.WriteByte('}')
		}
		docs[fmt.Sprintf("Fragments%d", k)] = "{viewer{" + spreads.String() + "}}" + plain.String()
		docs[fmt.Sprintf("Chain%d", k)] = "{viewer{" + spreads.String() + "}}" + chain.String()
		docs[fmt.Sprintf("ChainTwice%d", k)] = "{a:viewer{" + spreads.String() + "}b:viewer{...f0}}" + chain.String()
	}
	return docs
}

// dearVariables are values, as expensive as we know how to make them, and the document that takes them.
func dearVariables() map[string][2]string {
	repeat := strings.Repeat
	const (
		ids     = `query($v:[ID!]!){nodes(ids:$v){id}}`
		preview = `query($v:PublishEventInput!){previewEvent(input:$v){title}}`
		publish = `mutation($v:PublishEventsInput!){publishEvents(input:$v){results{duplicate}}}`
	)
	event := func(data string) string {
		return `{"type":"t","idempotencyKey":"k","recipientIds":["1"],"data":` + data + `}`
	}
	nested := func(n int, open, end string) string { return repeat(open, n) + "1" + repeat(end, n) }
	return map[string][2]string{
		"LongList":     {ids, `[1` + repeat(",1", 31_000) + `]`},
		"NestedList":   {ids, nested(9_900, "[", "]")},
		"DeeperList":   {ids, nested(32_000, "[", "]")},
		"Unclosed":     {ids, repeat("[", 64_000)},
		"LongText":     {ids, `["` + repeat("x", 64_000) + `"]`},
		"Escapes":      {ids, `["` + repeat(`\u0000`, 10_000) + `"]`},
		"LongNumber":   {ids, `[` + repeat("9", 64_000) + `]`},
		"DeepObject":   {preview, event(nested(9_900, `{"a":`, `}`))},
		"WideObject":   {preview, event(`{"a":1` + repeat(`,"a":1`, 10_000) + `}`)},
		"EmptyObjects": {publish, `{"events":[{}` + repeat(",{}", 21_000) + `]}`},
		"ManyEvents":   {publish, `{"events":[` + event("{}") + repeat(","+event("{}"), 900) + `]}`},
		"ListOfLists":  {publish, `{"events":[` + repeat("[],", 20_000) + `[]]}`},
		"UnknownKeys":  {publish, `{"a":1` + repeat(`,"a":1`, 10_000) + `}`},
	}
}

// forget has nothing remembered that was judged.
func (b *bench) forget() {
	b.engine.documents, b.engine.refused = newSizedCache[*document](0), newSizedCache[gqlerror.List](0)
}

// judge does all that comes before resolvers with a request: its values are decoded and its document is judged, or
// remembered.
func (b *bench) judge(tb testing.TB, query, variables string) {
	tb.Helper()
	text, err := json.Marshal(query)
	if err != nil {
		tb.Fatal(err)
	}
	if params, err := decodeParameters([]byte(`{"query":` + string(text) + `,"variables":{"v":` + variables + `}}`)); err == nil {
		b.create(tb, params.Query, params.Variables)
	}
}

// dearRequests are all of them, a document and the value of its variable.
func dearRequests() map[string][2]string {
	all := dearVariables()
	for name, query := range dear() {
		all["Document"+name] = [2]string{query, "1"}
	}
	return all
}

// TestDearDocuments shows G2 for the worst requests that are known. What they allocate is the same everywhere; how long
// they take is held loosely here and measured by BenchmarkWorstRequest.
func TestDearDocuments(t *testing.T) { //nolint:paralleltest // it measures
	b := setup(t)
	b.forget()
	for name, request := range dearRequests() { //nolint:paralleltest // it measures
		t.Run(name, func(t *testing.T) {
			least, best := uint64(1<<62), time.Hour
			for range 2 {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				start := time.Now()
				b.judge(t, request[0], request[1])
				best = min(best, time.Since(start))
				runtime.ReadMemStats(&after)
				least = min(least, after.TotalAlloc-before.TotalAlloc)
			}
			if best > 20*budgetTime*slowdown || least > budgetMemory {
				t.Errorf("%d bytes take %v and %d KiB", len(request[0])+len(request[1]), best, least>>10)
			}
		})
	}
}

// TestPairs refuses what the validator would compare too often, and nothing that a page may ask for.
func TestPairs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, name := range []string{"SameLeaf", "SameObject", "TwinsSpread", "TwinsSpreadMore", "TwinsDeep", "TwinsApart"} {
		if _, code := b.create(t, dear()[name], nil); code != model.CodeComplexityLimit {
			t.Errorf("%s: %q", name, code)
		}
	}
	// Components of a page ask for the same things, each by fragments of its own and by one that all share.
	page := "{" + strings.Repeat("viewer{...name inbox{notifications(first:5){nodes{...item}}}}", 15) + "}" +
		" fragment name on Viewer{id name} fragment item on Notification{id title readAt}"
	if m, code := b.create(t, page, nil); code != "" {
		t.Errorf("a page: %q %+v", code, m)
	}
}
