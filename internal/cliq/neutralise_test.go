package cliq

import (
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// live lists what Cliq, or any client that turns addresses into links, would act on.
var live = map[string]*regexp.Regexp{
	"a marker":           regexp.MustCompile("[*_~`]"),
	"a heading or quote": regexp.MustCompile(`(?m)^[\s\p{Z}]*[#!>]`),
	"a rule":             regexp.MustCompile(`---`),
	"a link":             regexp.MustCompile(`\][(:\[]`),
	"a mention":          regexp.MustCompile(`\{@|@[\pL\d]`),
	"a scheme":           regexp.MustCompile(`(?i):[/\\]|\b(?:mailto|tel|sms|sip|javascript|data):[^\s\x{200b}]`),
	"a domain":           regexp.MustCompile(`\S[.\x{3002}\x{ff0e}\x{ff61}]\d*\pL`),
	"an emoji name":      regexp.MustCompile(`:[\pL_]+:`),
}

// plainView undoes what cannot be seen, and the look-alikes.
var plainView = strings.NewReplacer(string(breaker), "", "\u2217", "*", "\u02cd", "_", "\u223c", "~", "\u02cb", "`")

func TestNeutralise(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"*bold* _italic_ ~struck~ __under__ `code` ```block```",
		"# heading", "  ### heading", "line\n# heading", "line\r# heading", "line\u2028# heading", "\u00a0# heading",
		"!quote someone", "line\n !quote", "> quoted", "---", "a\n------\nb", "--- -- ---",
		"[click](https://evil.test)", "[click][1]\n[1]: https://evil.test", "[Approve]($1)", "](", "][](",
		"{@123456}", "{@all}", "@here", "a@b.example",
		"https://evil.test", "HTTPS://evil.test", "http:\\\\evil.test", "//evil.test", "www.evil.test",
		"evil.test/path", "evil。test", "evil．test", "evil｡test", "mailto:a@evil.test", "javascript:alert(1)", "tel:+123", ":smile:",
		"<https://evil.test|click>", "<a href=\"https://evil.test\">",
		"ht\u200btps://evil.test", "htt\u202eps://evil.test", "[a]\u200b(https://evil.test)", "[a]\u2060(b)", "*\u200bbold\u200b*",
		"\u200b# heading", "\ufeff!quote", "a.\u200bb", "a\x00@b", "*\xff*", "\xf0\x9f# x",
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			got := Neutralise(text)
			for what, pattern := range live {
				if found := pattern.FindString(got); found != "" {
					t.Errorf("%+q holds %s: %+q", got, what, found)
				}
			}
		})
	}
}

func TestNeutraliseKeeps(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"words":          "Priya moved Acme to Won",
		"amounts":        "₹1,50,000.00 (was $1.50), 10:30, 24.12. at 3 - 4 %",
		"punctuation":    "Done! Is it? (yes) [maybe] {no} a-b -- c: d; e, f. \"g\" 'h' / i & j",
		"lines":          "one\ntwo\n\nthree",
		"families":       "👩‍👩‍👧 and 🇮🇳",
		"Persian joiner": "می\u200cخواهم",
		"Arabic":         "\u200fمرحبا\u200e 12\u061c",
		"Hindi":          "क्ष और ज्ञ",
		"number sign":    "Deal #42 and \u0600١٢",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := Neutralise(text); got != text {
				t.Errorf("got %+q; want %+q", got, text)
			}
		})
	}
}

func TestNeutraliseReadsTheSame(t *testing.T) {
	t.Parallel()
	const text = "*Acme* [x](https://a.example/b_c) ~1 `y` {@1}\n# z --- w"
	if got := plainView.Replace(Neutralise(text)); got != text {
		t.Errorf("got %q; want %q", got, text)
	}
}

func TestNeutraliseDropsControls(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"a\x00b\x1bc\x7fd\u0080e":           "abcde",
		"a\tb":                              "a b",
		"a\r\nb\rc\u2029d\ve":               "a\nb\nc\nd\ne",
		"\u202eevil\u202c \u2066x\u2069":    "evil x",
		"z\u200be\u2060r\ufeffo\u00ad":      "zero",
		"bad\xffbytes":                      "bad\ufffdbytes",
		"\U000e0041tag":                     "tag",
		"kept \u200d\u200c\u200e\u200f too": "kept \u200d\u200c\u200e\u200f too",
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			if got := Neutralise(text); got != want {
				t.Errorf("got %+q; want %+q", got, want)
			}
		})
	}
}

func FuzzNeutralise(f *testing.F) {
	for _, seed := range []string{
		"plain", "*b* _i_ ~s~ `c`", "[a](https://evil.test)", "{@1}", "# h\n!quote\n---", "a.b.c:d", "]\u200b(", "\u202e", "\xff",
		"0.`", "e. \u0661a", "1.a", "..a", ":1:", "@@a",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := Neutralise(text)
		if !utf8.ValidString(got) {
			t.Fatalf("%+q is not valid", got)
		}
		for what, pattern := range live {
			if found := pattern.FindString(got); found != "" {
				t.Fatalf("%+q becomes %+q, which holds %s: %+q", text, got, what, found)
			}
		}
		for _, r := range got {
			if r != '\n' && unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Bidi_Control, r) && !unicode.Is(keptFormat, r) {
				t.Fatalf("%+q keeps %U", got, r)
			}
		}
		if again := Neutralise(got); again != got {
			t.Fatalf("twice gives %+q, once %+q", again, got)
		}
		if plainView.Replace(got) != plainView.Replace(plainRunes(text)) {
			t.Fatalf("%+q reads as %+q", text, got)
		}
	})
}
