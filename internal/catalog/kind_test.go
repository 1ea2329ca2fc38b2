package catalog

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
)

func TestKindsRead(t *testing.T) {
	t.Parallel()
	tests := map[Kind]struct {
		good map[any]string // value → as shown
		bad  []any
	}{
		KindText:    {map[any]string{"a\tb\n": "a\tb\n", strings.Repeat("ä", 2000): strings.Repeat("ä", 2000)}, []any{1, "a\x00b", "\xff", strings.Repeat("ä", 2001), "\x1b[31m"}},
		KindID:      {map[any]string{"a/b": "a/b", "…": "…"}, []any{json.Number("1"), ".", "..", "a\nb", strings.Repeat("x", 129)}},
		KindInteger: {map[any]string{json.Number("-1200"): "-1,200", int64(7): "7", 999: "999", 1e6: "1,000,000", json.Number("007"): "7", json.Number("-0"): "0"}, []any{"7", json.Number("1.0"), json.Number("1e3"), 1.5, math.NaN(), math.Inf(1), true, json.Number("1234567890123456"), json.Number("")}},
		KindDecimal: {
			map[any]string{"12500.50": "12,500.50", json.Number("12500.5"): "12,500.5", 0.25: "0.25", "-1234": "-1,234", "-0.00": "0.00", "00012.10": "12.10", "999999999999999.123456": "999,999,999,999,999.123456"},
			[]any{"1,200", "1e3", ".5", "5.", "+5", "--5", " 5", "1.1234567", "", "٣", "0x10", 0.1234567},
		},
		KindCurrency: {map[any]string{"AED": "AED"}, []any{"aed", "AE", "AEDX", "A D", "ÄED", 1}},
		KindDate:     {map[any]string{"2026-11-22": "22 Nov 2026", "2024-02-29": "29 Feb 2024"}, []any{"2026-02-29", "22.11.2026", "2026-11-22T00:00:00Z", "0000-01-01", "2026-1-2"}},
		KindInstant:  {map[any]string{"2026-11-22T10:48:00.123Z": "22 Nov 2026, 10:48 UTC", "2026-01-01T02:00:00+04:00": "31 Dec 2025, 22:00 UTC"}, []any{"2026-11-22", "2026-11-22T10:48:00", "now", 1}},
		KindURL:      {map[any]string{"https://example.com/a?b#c": "https://example.com/a?b#c"}, []any{"example.com", "//example.com", "javascript:alert(1)", "https://", "https://u:p@example.com", "ftp://example.com", "https://exa mple.com", "https://example.com/\u202e", "https://example.com/" + strings.Repeat("x", 2000)}},
		KindPath:     {map[any]string{"deals": "deals", "/settings/team": "settings/team", "a%20b/ä%C3%A4"[:5]: "a%20b"}, []any{"/", "//x", "a//b", "a/", "..", "a/../b", "a/%2e%2E/b", "a%2fb", "a%5cb", `a\b`, "javascript:x", "a?b", "a#b", "a%zz", "a%00", "a%ff", "a b", "ä", strings.Repeat("x", 501)}},
		KindRoute:    {map[any]string{"deals/1?tab=a/b&x=?#top": "deals/1?tab=a/b&x=?#top", "/x": "x"}, []any{"?x", "#x", "//evil.example", "https://evil.example", "a?<b>", "a#b#c", "a?%00", "a?b c", "/\\evil.example", ""}},
	}
	for kind, tt := range tests {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			for v, want := range tt.good {
				if got, problem := kind.read(v); got != want || problem != "" {
					t.Errorf("read(%v) = %q, %q; want %q", v, got, problem, want)
				}
			}
			for _, v := range tt.bad {
				if got, problem := kind.read(v); problem == "" {
					t.Errorf("read(%v) = %q, want a problem", v, got)
				}
			}
		})
	}
}

func TestClean(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ in, line, block string }{
		"nothing":         {"", "", ""},
		"plain":           {"Deal won", "Deal won", "Deal won"},
		"spaces":          {"  a \t  b\u00a0c ", "a b c", "a b c"},
		"breaks":          {"\na\r\nb\n\n\n\nc\u2028d\n", "a b c d", "a\nb\n\nc\nd"},
		"override":        {"\u202aa\u202egpj\u2066x\u2069", "agpjx", "agpjx"},
		"invisible":       {"\ufeffa\u200b\u00adb\U000e0001\uffff", "ab", "ab"},
		"controls":        {"a\x00\x1b[31mb\u0085c", "a[31mb c", "a[31mb\nc"},
		"joiners stay":    {"👩\u200d👧 نمی\u200cخواهم", "👩\u200d👧 نمی\u200cخواهم", "👩\u200d👧 نمی\u200cخواهم"},
		"a tower falls":   {"e" + strings.Repeat("\u0301", 50) + "x", "e" + strings.Repeat("\u0301", maxMarks) + "x", "e" + strings.Repeat("\u0301", maxMarks) + "x"},
		"only whitespace": {" \n\t", "", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := clean(tt.in, false); got != tt.line {
				t.Errorf("as a line: %q, want %q", got, tt.line)
			}
			if got := clean(tt.in, true); got != tt.block {
				t.Errorf("with breaks: %q, want %q", got, tt.block)
			}
		})
	}
}

func TestShorten(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		in   string
		n    int
		want string
	}{
		"short enough":          {"äöü", 3, "äöü"},
		"on a rune":             {"äöüß", 3, "äö…"},
		"no space before":       {"ab cd", 4, "ab…"},
		"keeps marks together":  {"xxe\u0301yy", 4, "xx…"},
		"keeps joined emoji":    {"ab👩‍👧‍👦cd", 5, "ab…"},
		"keeps skin tones":      {"ab👍🏽cd", 4, "ab…"},
		"marks without a bound": {strings.Repeat("\u0301", 30), 20, strings.Repeat("\u0301", 7) + "…"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := shorten(tt.in, tt.n); got != tt.want {
				t.Errorf("shorten(%q, %d) = %q, want %q", tt.in, tt.n, got, tt.want)
			}
		})
	}
}
