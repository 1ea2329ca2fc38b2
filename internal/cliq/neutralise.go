package cliq

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// breaker is put between characters that mean something only side by side. It has
// no width and is not part of any marker or address.
const breaker = '\u200b'

// lookalike replaces the markers of Cliq's formatting. Zoho documents no way to
// escape them, and whether something invisible beside a marker disarms it depends
// on its parser; another character that looks the same does so for certain.
var lookalike = map[rune]rune{
	'*': '\u2217', // asterisk operator
	'_': '\u02cd', // modifier letter low macron
	'~': '\u223c', // tilde operator
	'`': '\u02cb', // modifier letter grave accent
}

// Neutralise makes text plain to Cliq: it reads the same, but no part of it becomes
// bold, a heading, a quote, a rule, a mention, a link or an instant button. It also
// drops control characters and those that turn the direction of writing around.
func Neutralise(s string) string {
	s = strings.Map(func(r rune) rune {
		if replacement, ok := lookalike[r]; ok {
			return replacement
		}
		return r
	}, plainRunes(s))
	var b strings.Builder
	b.Grow(len(s) + len(s)/8)
	lineStart := true
	var before, last rune // the two runes before r
	for i, r := range s {
		if lineStart && strings.ContainsRune("!#>", r) {
			b.WriteRune(breaker)
		}
		if i > 0 && dangerous(before, last, r, s[i:]) {
			b.WriteRune(breaker)
		}
		b.WriteRune(r)
		lineStart = r == '\n' || (lineStart && unicode.IsSpace(r))
		before, last = last, r
	}
	return b.String()
}

// dangerous reports whether r must not stand right after last. rest begins with r.
func dangerous(before, last, r rune, rest string) bool {
	switch last {
	case ']': // a link, its definition, a reference
		return r == '(' || r == ':' || r == '['
	case '{', '@': // a mention, an e-mail address
		return r == '@' || (last == '@' && !unicode.IsSpace(r))
	case '-': // a rule
		return before == '-' && r == '-'
	case ':': // https://, mailto:, an emoji by its name; but not 10:30
		return !unicode.IsSpace(r) && (!unicode.IsDigit(before) || !unicode.IsDigit(r))
	case '.', '\u3002', '\uff0e', '\uff61': // example.com, with any full stop a domain name may have
		return before != 0 && !unicode.IsSpace(before) && startsDomain(rest)
	}
	return false
}

// startsDomain reports whether a label begins that is no number: amounts and dates
// such as 1.50 and 24.12. stay as they are. An address of four numbers is broken
// by what stands before it.
func startsDomain(rest string) bool {
	for _, r := range rest {
		switch {
		case unicode.IsLetter(r):
			return true
		case !unicode.IsDigit(r) && r != '-':
			return false
		}
	}
	return false
}

// keptFormat are the invisible characters that belong to ordinary writing: two
// joiners and three direction marks, which reach no further than their neighbours.
var keptFormat = &unicode.RangeTable{R16: []unicode.Range16{{0x061c, 0x061c, 1}, {0x200c, 0x200f, 1}}}

// plainRunes repairs the encoding, unifies line ends and drops what is invisible
// or turns text around. Joiners stay, emoji and several scripts are made with them;
// so do the marks and signs with which right-to-left scripts are written.
func plainRunes(s string) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\ufffd")
	}
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', unicode.Is(keptFormat, r), unicode.Is(unicode.Prepended_Concatenation_Mark, r):
			return r
		case r == '\r', r == '\u2028', r == '\u2029', r == '\u0085', r == '\v', r == '\f':
			return '\n'
		case r == '\t':
			return ' '
		case unicode.Is(unicode.Cc, r), unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, s)
}
