package catalog_test

import (
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/heffl/bff/internal/catalog"
	"github.com/heffl/bff/model"
)

var update = flag.Bool("update", false, "write testdata/rendered.golden anew")

// TestRenderSamples compares the words of every sample with a file that people read when they review the catalog.
func TestRenderSamples(t *testing.T) {
	t.Parallel()
	c := load(t)
	var b strings.Builder
	for _, s := range samples(t) {
		et, _ := c.Event(s.Type)
		r := et.Render(s.facts())
		check(t, et, r)
		fmt.Fprintf(&b, "%s → %s (%s %s)\n  %s\n", s.Type, r.Path, r.SubjectType, r.SubjectID, r.Title)
		for line := range strings.SplitSeq(r.Body, "\n") {
			if line != "" {
				fmt.Fprintf(&b, "  | %s\n", line)
			}
		}
		if r.CliqText != "" {
			fmt.Fprintf(&b, "  cliq: %s\n", r.CliqText)
		}
		if r.EmailSubject != r.Title {
			fmt.Fprintf(&b, "  mail: %s\n", r.EmailSubject)
		}
	}
	golden := filepath.Join("testdata", "rendered.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("rendered samples (-want +got; run with -update after reading them):\n%s", diff)
	}
}

// check holds what is true of every rendering, whatever the values were.
func check(tb testing.TB, et *catalog.EventType, r catalog.Rendered) {
	tb.Helper()
	for name, line := range map[string]string{"title": r.Title, "cliq": r.CliqText, "subject": r.EmailSubject} {
		if strings.ContainsFunc(line, unwelcome) || strings.TrimSpace(line) != line {
			tb.Errorf("%s: the %s is not one clean line: %q", et.Type, name, line)
		}
		if n := utf8.RuneCountInString(line); n > 300 || !utf8.ValidString(line) {
			tb.Errorf("%s: the %s has %d characters or is no UTF-8", et.Type, name, n)
		}
	}
	if r.Title == "" || r.EmailSubject == "" || utf8.RuneCountInString(r.EmailSubject) > 200 {
		tb.Errorf("%s: title %q, e-mail subject %q", et.Type, r.Title, r.EmailSubject)
	}
	if strings.ContainsFunc(strings.ReplaceAll(r.Body, "\n", ""), unwelcome) || utf8.RuneCountInString(r.Body) > 4000 {
		tb.Errorf("%s: the body is not clean: %q", et.Type, r.Body)
	}
	if strings.Contains(r.Title, "  ") {
		tb.Errorf("%s: the title has a double space: %q", et.Type, r.Title)
	}
	checkPath(tb, et, r.Path)
	if r.SubjectType == "" {
		tb.Errorf("%s: no subject type", et.Type)
	}
}

// checkPath resolves the path as a browser does: it must stay on the origin and be what it says.
func checkPath(tb testing.TB, et *catalog.EventType, path string) {
	tb.Helper()
	base, err := url.Parse("https://app.heffl.com/inbox")
	if err != nil {
		tb.Fatal(err)
	}
	u, err := base.Parse(path)
	if err != nil {
		tb.Fatalf("%s: path %q: %v", et.Type, path, err)
	}
	before, _, _ := strings.Cut(path, "?")
	before, _, _ = strings.Cut(before, "#")
	switch {
	case !strings.HasPrefix(path, "/"), strings.HasPrefix(path, "//"), strings.ContainsAny(path, "\\ \n\t<>\""),
		u.Scheme != "https", u.Host != "app.heffl.com", u.EscapedPath() != before:
		tb.Errorf("%s: the path %q is not clean; it leads to %s", et.Type, path, u)
	}
}

func unwelcome(r rune) bool {
	return unicode.IsControl(r) || 0x202A <= r && r <= 0x202E || 0x2066 <= r && r <= 0x2069 ||
		r == 0x2028 || r == 0x2029 || r == 0xFEFF || r == 0x200B
}

// hostile are values that have broken somebody's notifications before.
var hostile = map[string]string{
	"override":    "Invoice\u202egpj.exe",
	"line breaks": "first\r\nsecond\nthird\u2028fourth",
	"template":    "{{.Secret}} {dealTitle} [x] %s ${y}",
	"markdown":    "[x](javascript:alert(1)) *bold* `code`",
	"html":        `</script><img src=x onerror="alert(1)">`,
	"emoji":       "👩‍👩‍👧‍👦🏽🇦🇪 ✍️",
	"long":        strings.Repeat("ä", 2000),
	"words":       strings.Repeat("word ", 400),
	"marks":       "Z" + strings.Repeat("\u0301", 500),
	"quotes":      `“a” "b" 'c'`,
	"blank tail":  "x \t ",
	"arabic":      "برج المارينا",
}

func valueOf(k catalog.Kind, text string) any {
	switch k {
	case catalog.KindText:
		return text
	case catalog.KindID:
		return "id/..?#%2e " + firstRunes(text, 60)
	case catalog.KindInteger:
		return int64(1)
	case catalog.KindDecimal:
		return "1234567.80"
	case catalog.KindCurrency:
		return "AED"
	case catalog.KindDate:
		return "2026-11-22"
	case catalog.KindInstant:
		return "2026-11-22T14:48:00+04:00"
	case catalog.KindURL:
		return "https://example.com/a"
	case catalog.KindPath:
		return "settings/team"
	default:
		return "deals/42?tab=notes#top"
	}
}

func firstRunes(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, s)
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}

func TestRenderAnythingCleanly(t *testing.T) {
	t.Parallel()
	for _, et := range load(t).Types() {
		for name, text := range hostile {
			for _, all := range []bool{false, true} {
				data := model.JSONObject{}
				for _, f := range et.Fields {
					if all || f.Required {
						data[f.Name] = valueOf(f.Kind, text)
					}
				}
				facts := catalog.Facts{WorkspaceID: "w", WorkspaceName: text, AppURL: "https://app.heffl.com", Data: data}
				if all || et.NeedsActor {
					facts.ActorID, facts.ActorName = "u-1", text
				}
				problems := et.Validate(data, facts.ActorID != "")
				if oversized := name == "long" && len(problems) == 1 && strings.Contains(problems[0].Message, "16 KiB"); len(problems) > 0 && !oversized {
					t.Errorf("%s, %s, all=%t: %v", et.Type, name, all, problems)
				}
				r := et.Render(facts)
				check(t, et, r)
				if leaked := r.Title + r.Body + r.CliqText; !strings.ContainsAny(text, "{[") && strings.ContainsAny(leaked, "{}[]|") || strings.Contains(leaked, " 1 days") {
					t.Errorf("%s, %s: template text shows: %q", et.Type, name, leaked)
				}
			}
		}
	}
}

func TestRenderWithoutAnyData(t *testing.T) {
	t.Parallel()
	for _, et := range load(t).Types() {
		check(t, et, et.Render(catalog.Facts{}))
	}
}

func TestRenderTitle(t *testing.T) {
	t.Parallel()
	base := model.JSONObject{"dealId": "d", "dealTitle": "Tower"}
	with := func(more model.JSONObject) model.JSONObject {
		for k, v := range base {
			if _, ok := more[k]; !ok {
				more[k] = v
			}
		}
		return more
	}
	tests := map[string]struct {
		event string
		data  model.JSONObject
		want  string
	}{
		"required alone":   {"deal.won", base, "🎉 Deal won: “Tower”, closed by Maya"},
		"all":              {"deal.won", with(model.JSONObject{"amount": "1250000.50", "currency": "AED", "clientName": "Al Noor"}), "🎉 Deal won: “Tower” – AED 1,250,000.50 with Al Noor, closed by Maya"},
		"half a pair":      {"deal.won", with(model.JSONObject{"amount": "12"}), "🎉 Deal won: “Tower”, closed by Maya"},
		"empty is missing": {"deal.won", with(model.JSONObject{"clientName": " \u200b"}), "🎉 Deal won: “Tower”, closed by Maya"},
		"null is missing":  {"deal.won", with(model.JSONObject{"clientName": nil}), "🎉 Deal won: “Tower”, closed by Maya"},
		"value is no code": {"deal.won", with(model.JSONObject{"dealTitle": "{actorName}[x]"}), "🎉 Deal won: “{actorName}[x]”, closed by Maya"},
		"one day":          {"deal.rotting", with(model.JSONObject{"stageName": "New", "daysInStage": 1}), "“Tower” has been in New for 1 day"},
		"many days":        {"deal.rotting", with(model.JSONObject{"stageName": "New", "daysInStage": 1200}), "“Tower” has been in New for 1,200 days"},
		"no day":           {"deal.rotting", with(model.JSONObject{"stageName": "New", "daysInStage": 0}), "“Tower” has been in New for 0 days"},
		"no doubled full stop": {
			"integration.disconnected",
			model.JSONObject{"integrationName": "WhatsApp", "reason": "It expired."},
			"Your WhatsApp connection stopped working: It expired. Reconnect it in Settings → Integrations",
		},
		"moment in UTC": {
			"security.new_login",
			model.JSONObject{"deviceName": "Chrome", "signedInAt": "2026-11-23T01:48:59+04:00"},
			"New sign-in to your Heffl account: Chrome, 22 Nov 2026, 21:48 UTC",
		},
		"workspace": {"member.joined", model.JSONObject{"memberName": "Tom", "role": "Technician"}, "Tom joined Falcon as Technician"},
		"shortens the longest value, not the sentence": {
			"deal.won", with(model.JSONObject{"dealTitle": strings.Repeat("x", 500), "clientName": "Al Noor"}),
			"🎉 Deal won: “" + strings.Repeat("x", 256) + "…” with Al Noor, closed by Maya",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := event(t, tt.event).Render(catalog.Facts{ActorID: "u-1", ActorName: "Maya", WorkspaceName: "Falcon", Data: tt.data})
			if n := utf8.RuneCountInString(tt.want); n > 300 {
				t.Fatalf("the title that is wanted has %d characters", n)
			}
			if diff := cmp.Diff(tt.want, r.Title); diff != "" {
				t.Errorf("title (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRenderBody(t *testing.T) {
	t.Parallel()
	message := "Call\n\n\n\nAl Noor\tnow"
	tests := map[string]struct {
		event string
		data  model.JSONObject
		want  string
	}{
		"lines without a value go":       {"lead.created", model.JSONObject{"leadId": "l", "leadName": "Wei", "stageName": "New", "amount": 3}, "Stage: New\nAdded by Maya"},
		"what the title shows goes":      {"automation.notification", model.JSONObject{"automationName": "A", "message": "Call", "targetPath": "x"}, ""},
		"line breaks stay on their own":  {"automation.notification", model.JSONObject{"automationName": "A", "message": message, "targetPath": "x"}, "Call\n\nAl Noor now"},
		"what the title cut off is here": {"automation.notification", model.JSONObject{"automationName": "A", "message": strings.Repeat("m", 400), "targetPath": "x"}, strings.Repeat("m", 400)},
		"a labelled line stays one line": {"deal.assigned", model.JSONObject{"dealId": "d", "dealTitle": "T", "stageName": "New\nOwner: me"}, "Stage: New Owner: me"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := event(t, tt.event).Render(catalog.Facts{ActorID: "u-1", ActorName: "Maya", Data: tt.data})
			if diff := cmp.Diff(tt.want, r.Body); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRenderPathAndSubject(t *testing.T) {
	t.Parallel()
	comment := model.JSONObject{
		"commentId": "c&x=1#y", "entityType": "deal", "entityId": "a/b c", "entityPath": "/deals", "entityTitle": "T", "commentSnippet": "Hi",
	}
	tests := map[string]struct {
		event     string
		data      model.JSONObject
		path      string
		subject   string
		subjectID string
	}{
		"escapes ids":                {"comment.created", comment, "/deals/a%2Fb%20c?comment=c%26x%3D1%23y", "deal", "a/b c"},
		"keeps a route's query":      {"automation.notification", model.JSONObject{"automationName": "A", "message": "m", "targetPath": "/deals/1?tab=x#y"}, "/deals/1?tab=x#y", "automation", "A"},
		"says when nothing is known": {"comment.created", model.JSONObject{}, "/", "…", ""},
		"leads home otherwise":       {"automation.notification", model.JSONObject{"automationId": "auto  1", "targetPath": "//evil.example"}, "/", "automation", "auto  1"},
		"falls back":                 {"member.joined", model.JSONObject{"memberName": "Tom", "role": "x"}, "/settings/team", "member", "Tom"},
		"a fixed subject":            {"security.new_login", model.JSONObject{}, "/settings/security", "security", "sign-in"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := event(t, tt.event).Render(catalog.Facts{Data: tt.data})
			if diff := cmp.Diff([]string{tt.path, tt.subject, tt.subjectID}, []string{r.Path, r.SubjectType, r.SubjectID}); diff != "" {
				t.Errorf("path and subject (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEmailSubjectOfStoredEvents(t *testing.T) {
	t.Parallel()
	c := load(t)
	comment := &model.Event{Type: "comment.created", ActorID: "u-1", ActorName: "Maya", Title: "stored", Data: model.JSONObject{
		"entityType": "deal", "entityTitle": "Tower", "commentSnippet": "Hi",
	}}
	if got, want := c.EmailSubject(comment), "Maya commented on deal “Tower”"; got != want {
		t.Errorf("a subject of its own: %q, want %q", got, want)
	}
	won := &model.Event{Type: "deal.won", Title: "the stored title"}
	if got := c.EmailSubject(won); got != won.Title {
		t.Errorf("without one: %q, want the stored title", got)
	}
	gone := &model.Event{Type: "no.longer", Title: strings.Repeat("t", 250)}
	if got := utf8.RuneCountInString(c.EmailSubject(gone)); got != 200 {
		t.Errorf("a subject has %d characters, want 200", got)
	}
}

func BenchmarkRender(b *testing.B) {
	et := event(b, "deal.won")
	facts := catalog.Facts{
		EventID: "e", WorkspaceID: "w", ActorID: "u-1", ActorName: "Maya Haddad", AppURL: "https://app.heffl.com",
		Data: model.JSONObject{
			"dealId": "deal-1042", "dealTitle": "Marina Tower fit-out", "clientName": "Al Noor Contracting LLC",
			"amount": "185000.00", "currency": "AED", "pipelineName": "Projects",
		},
	}
	b.ReportAllocs()
	for b.Loop() {
		et.Render(facts)
	}
}
