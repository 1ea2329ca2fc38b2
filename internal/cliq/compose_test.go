package cliq

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

const page = "https://app.heffl.example/deals/42"

func TestCompose(t *testing.T) {
	t.Parallel()
	long := "https://app.heffl.example/" + strings.Repeat("a", 300)
	exact := "https://app.heffl.example/" + strings.Repeat("a", MaxButtonURL-26)
	button := &Button{Label: "Open", URL: page}
	for name, test := range map[string]struct {
		notice Notice
		want   Message
	}{
		"title, body and button": {
			Notice{Title: "Deal won", Body: "Acme, ₹1,50,000", Link: Link{"View deal", page}},
			Message{Text: "Deal won\nAcme, ₹1,50,000", Button: &Button{Label: "View deal", URL: page}},
		},
		"title alone":        {Notice{Title: " Deal won \n"}, Message{Text: "Deal won"}},
		"body alone":         {Notice{Body: "Acme"}, Message{Text: "Acme"}},
		"nothing":            {Notice{Link: Link{"", page}}, Message{Text: "New notification", Button: button}},
		"nothing visible":    {Notice{Title: "\u200b\u202e \u200d"}, Message{Text: "New notification"}},
		"markup in both":     {Notice{Title: "*a*", Body: "# b"}, Message{Text: "∗a∗\n\u200b# b"}},
		"default label":      {Notice{Title: "a", Link: Link{" ", page}}, Message{Text: "a", Button: button}},
		"a label of 20":      {Notice{Title: "a", Link: Link{strings.Repeat("é", 20), page}}, Message{Text: "a", Button: &Button{strings.Repeat("é", 20), page}}},
		"a label of 21":      {Notice{Title: "a", Link: Link{strings.Repeat("é", 21), page}}, Message{Text: "a", Button: &Button{strings.Repeat("é", 19) + "…", page}}},
		"a URL of 256":       {Notice{Title: "a", Link: Link{"", exact}}, Message{Text: "a", Button: &Button{"Open", exact}}},
		"a URL of 257":       {Notice{Title: "a", Link: Link{"", exact + "b"}}, Message{Text: "a\n" + exact + "b"}},
		"a long URL":         {Notice{Title: "a", Body: "b", Link: Link{"", long}}, Message{Text: "a\nb\n" + long}},
		"a URL of 3,000":     {Notice{Title: "a", Link: Link{"", page + strings.Repeat("a", 3000)}}, Message{Text: "a"}},
		"a script":           {Notice{Title: "a", Link: Link{"", "javascript:alert(1)"}}, Message{Text: "a"}},
		"a relative URL":     {Notice{Title: "a", Link: Link{"", "/deals/42"}}, Message{Text: "a"}},
		"a URL with a name":  {Notice{Title: "a", Link: Link{"", "https://x@evil.test"}}, Message{Text: "a"}},
		"a URL with spaces":  {Notice{Title: "a", Link: Link{"", "https://a.example/b c"}}, Message{Text: "a", Button: &Button{"Open", "https://a.example/b%20c"}}},
		"a URL in two lines": {Notice{Title: "a", Link: Link{"", "https://a.example/\nhttps://evil.test"}}, Message{Text: "a"}},
		"development":        {Notice{Title: "a", Link: Link{"", "http://localhost:8080/x"}}, Message{Text: "a", Button: &Button{"Open", "http://localhost:8080/x"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := Compose(test.notice)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if !fits(got) {
				t.Error("Zoho would not take it")
			}
		})
	}
}

func TestComposeCuts(t *testing.T) {
	t.Parallel()
	long := "https://app.heffl.example/" + strings.Repeat("a", 1000)
	for name, unit := range map[string]string{"ASCII": "a", "two bytes": "é", "three bytes": "क", "two units": "😀", "markup": "*", "addresses": "a.b"} {
		for _, link := range []string{"", page, long} {
			t.Run(fmt.Sprintf("%s with a link of %d", name, len(link)), func(t *testing.T) {
				t.Parallel()
				for _, size := range []int{4998, 4999, 5000, 5001, 20000} {
					body := strings.Repeat(unit, size/len(utf16.Encode([]rune(unit))))
					message := Compose(Notice{Title: "T", Body: body, Link: Link{URL: link}})
					used := len(utf16.Encode([]rune(message.Text)))
					if used > MaxText || used < MaxText-10 || !utf8.ValidString(message.Text) || strings.Contains(message.Text, "\ufffd") {
						t.Errorf("%d units become %d", size, used)
					}
					if link == long && !strings.HasSuffix(message.Text, "\n"+long) {
						t.Error("the link is cut")
					}
					if !fits(message) {
						t.Error("Zoho would not take it")
					}
				}
			})
		}
	}
	exact := strings.Repeat("a", MaxText)
	if got := Compose(Notice{Title: exact}).Text; got != exact {
		t.Errorf("5,000 units are cut to %d", len(got))
	}
	if got := Compose(Notice{Title: exact + "a"}).Text; got != exact[:MaxText-1]+"…" {
		t.Errorf("5,001 units end in %q", got[len(got)-8:])
	}
}

func TestComposeFold(t *testing.T) {
	t.Parallel()
	titles := []string{"one", "two", "three", "four", "five", "six", "seven"}
	inbox := Link{Label: "Open inbox", URL: "https://app.heffl.example/inbox"}
	button := &Button{Label: "Open inbox", URL: "https://app.heffl.example/inbox"}
	for name, test := range map[string]struct {
		fold Fold
		want Message
	}{
		"more than five": {
			Fold{Count: 14, Titles: titles, Inbox: inbox},
			Message{Text: "14 new notifications\n• one\n• two\n• three\n• four\n• five\nand 9 more", Button: button},
		},
		"exactly five": {
			Fold{Count: 5, Titles: titles[:5], Inbox: inbox},
			Message{Text: "5 new notifications\n• one\n• two\n• three\n• four\n• five", Button: button},
		},
		"one":       {Fold{Titles: titles[:1]}, Message{Text: "1 new notification\n• one"}},
		"no titles": {Fold{Count: 3, Inbox: inbox}, Message{Text: "3 new notifications", Button: button}},
		"a count too small": {
			Fold{Count: 1, Titles: titles},
			Message{Text: "7 new notifications\n• one\n• two\n• three\n• four\n• five\nand 2 more"},
		},
		"a title of two lines": {
			Fold{Titles: []string{"one\n• two\n# three", "*x*"}},
			Message{Text: "2 new notifications\n• one • two # three\n• ∗x∗"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, ComposeFold(test.fold)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}

	t.Run("long titles fit", func(t *testing.T) {
		t.Parallel()
		long := strings.Repeat("😀.a", 5000)
		message := ComposeFold(Fold{Count: 1e9, Titles: []string{long, long, long, long, long, long}, Inbox: inbox})
		if !fits(message) || !strings.HasSuffix(message.Text, "\nand 999999995 more") {
			t.Errorf("%d units: %q", units(message.Text), message.Text)
		}
	})
}

func FuzzCompose(f *testing.F) {
	f.Add("title", "body", "Open", page)
	f.Add("*", strings.Repeat("😀", 3000), "", "https://a.example/"+strings.Repeat("x", 400))
	f.Add("\xff", "\u200d", "\n", "http://[::1]:1/?#")
	f.Fuzz(func(t *testing.T, title, body, label, link string) {
		message := Compose(Notice{Title: title, Body: body, Link: Link{Label: label, URL: link}})
		if !fits(message) {
			t.Fatalf("Zoho would not take %+v", message)
		}
		if target := usable(link); target != "" && message.Button == nil && !strings.HasSuffix(message.Text, "\n"+target) {
			t.Fatalf("the link %q is lost in %q", target, message.Text)
		}
		fold := ComposeFold(Fold{Titles: []string{title, body, label}, Inbox: Link{URL: link}})
		if !fits(fold) || strings.Count(fold.Text, "\n• ") != 3 {
			t.Fatalf("Zoho would not take %+v", fold)
		}
	})
}
