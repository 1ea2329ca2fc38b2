package projection_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/heffl/bff/model"
	"github.com/heffl/bff/model/projection"
)

// operation parses a selection, with fragments behind it.
func operation(tb testing.TB, text string, variables map[string]any) (*graphql.OperationContext, ast.SelectionSet) {
	tb.Helper()
	doc, err := parser.ParseQuery(&ast.Source{Input: text})
	if err != nil {
		tb.Fatal(err)
	}
	return &graphql.OperationContext{Doc: doc, Operation: doc.Operations[0], Variables: variables}, doc.Operations[0].SelectionSet
}

func settings() *model.NotificationSettings {
	reason := "Say \"no\"\n\u0001ü"
	return &model.NotificationSettings{
		ID: "s", Revision: 7, Categories: model.EventCategories{
			{Key: "DEALS", Label: "Deals", Events: []model.EventSetting{{
				ID: "e", EventType: "deal.won", Label: "Deal won", Importance: "HIGH",
				Cells: []model.PreferenceCell{
					{Channel: model.ChannelInApp, Enabled: true, Source: "USER", Locked: true, LockedReason: &reason, BlockedBy: []model.BlockReason{"CHANNEL_OFF"}},
					{Channel: model.ChannelEmail, BlockedBy: []model.BlockReason{}},
				},
			}}},
			{Key: "TASKS", Label: "Tasks", Events: []model.EventSetting{}},
		},
	}
}

func TestPlan(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		query     string
		variables map[string]any
		want      string
	}{
		"EmptyWhereNothingFits": {`{... on Viewer{id}}`, nil, `{}`},
		"AliasesAndTypeNames":   {`{b:id __typename a:id t:__typename}`, nil, `{"b":"s","__typename":"NotificationSettings","a":"s","t":"NotificationSettings"}`},
		"OnlyTypeNames":         {`{__typename x:__typename}`, nil, `{"__typename":"NotificationSettings","x":"NotificationSettings"}`},
		"MergesByKey": {
			`{categories{key} ...f categories{events{eventType}}} fragment f on NotificationSettings{revision categories{label key}}`, nil,
			`{"categories":[{"key":"DEALS","label":"Deals","events":[{"eventType":"deal.won"}]},{"key":"TASKS","label":"Tasks","events":[]}],"revision":7}`,
		},
		"ConditionsOfInterfaces": {`{... on Node{id} ... on InboxChange{revision} ...{revision}}`, nil, `{"id":"s","revision":7}`},
		"Directives": {
			`query($y:Boolean!,$n:Boolean!){a:id @skip(if:$y) b:id @skip(if:$n) c:id @include(if:$y) d:id @include(if:$n) e:id @include(if:true) @skip(if:true) ...f @skip(if:$y)} fragment f on Node{f:id}`,
			map[string]any{"y": true, "n": false},
			`{"b":"s","c":"s"}`,
		},
		"ValuesOfEveryKind": {
			`{categories{events{importance cells{channel enabled locked lockedReason blockedBy source}}}}`, nil,
			`{"categories":[{"events":[{"importance":"HIGH","cells":[{"channel":"IN_APP","enabled":true,"locked":true,"lockedReason":"Say \"no\"\n\u0001ü","blockedBy":["CHANNEL_OFF"],"source":"USER"},` +
				`{"channel":"EMAIL","enabled":false,"locked":false,"lockedReason":null,"blockedBy":[],"source":""}]}]},{"events":[]}]}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			op, sel := operation(t, c.query, c.variables)
			plan, err := projection.Compile[model.NotificationSettings](op, sel)
			if err != nil {
				t.Fatal(err)
			}
			if got := string(plan.Append(nil, settings())); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if plan.Varies != (c.variables != nil) {
				t.Errorf("varies: %t", plan.Varies)
			}
		})
	}
}

func TestPlanOfNotification(t *testing.T) {
	t.Parallel()
	at, err := model.ParseTime("2026-01-02T03:04:05.678Z")
	if err != nil {
		t.Fatal(err)
	}
	n := model.NotificationReceived{Cursor: "c", UnreadCount: 3, Notification: model.Notification{
		CreatedAt: at, URL: "http://app/x", Category: "DEALS",
		Event: &model.Event{Type: "deal.won", Title: "T", Path: "/x", ActorID: "u", ActorName: "Ada", SubjectType: "deal", SubjectID: "d"},
	}}
	op, sel := operation(t, `{... on NotificationReceived{cursor unreadCount notification{id eventType title body url path createdAt readAt subject{type id} actor{id name} category}}}`, nil)
	plan, err := projection.Compile[model.NotificationReceived](op, sel)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"cursor":"c","unreadCount":3,"notification":{"id":"` + n.Notification.ID() + `","eventType":"deal.won","title":"T","body":null,"url":"http://app/x",` +
		`"path":"/x","createdAt":"2026-01-02T03:04:05.678Z","readAt":null,"subject":{"type":"deal","id":"d"},"actor":{"id":"u","name":"Ada"},"category":"DEALS"}}`
	if got := string(plan.Append(nil, &n)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestCompileRefusesResolvers(t *testing.T) {
	t.Parallel()
	op, sel := operation(t, `{notification{channels{status}}}`, nil)
	if _, err := projection.Compile[model.NotificationReceived](op, sel, "channels"); !errors.Is(err, projection.ErrResolver) {
		t.Errorf("got %v", err)
	}
	op, sel = operation(t, `{nothing}`, nil)
	if _, err := projection.Compile[model.NotificationReceived](op, sel); !errors.Is(err, projection.ErrResolver) {
		t.Errorf("got %v", err)
	}
}

func TestSelects(t *testing.T) {
	t.Parallel()
	op, sel := operation(t, `query($n:Boolean!){a{b @include(if:$n) ...f} ...{c{d @skip(if:$n)}}} fragment f on X{e{channels}}`, map[string]any{"n": false})
	for name, want := range map[string]bool{"a": true, "b": false, "channels": true, "d": true, "zz": false} {
		if got := projection.Selects(op, sel, name); got != want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", "a", "\"\\\n\r\t\x00\x1f\x7f", "ü\xff", "\u2028</script>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var want strings.Builder
		graphql.MarshalString(s).MarshalGQL(&want)
		if got := string(projection.AppendString(nil, s)); got != want.String() {
			t.Errorf("got %s, want %s", got, want.String())
		}
	})
}
