package catalog

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxMarks is how many combining marks may follow one letter. No script needs more; a tower of them
// covers the lines above and below.
const maxMarks = 6

// clean makes text that came from outside harmless and tidy: no control characters, nothing invisible that reorders or
// hides text, single spaces. With breaks, line breaks stay (two in a row at most); without, it is one line.
func clean(s string, breaks bool) string {
	if tidy(s) {
		return s
	}
	s = strings.ReplaceAll(s, "\r\n", "\n")
	var b strings.Builder
	b.Grow(len(s))
	marks, newlines, space := 0, 0, false
	for _, r := range s {
		switch {
		case breaks && isBreak(r):
			newlines++
			continue
		case unicode.IsSpace(r):
			space = true
			continue
		case hidden(r):
			continue
		case unicode.Is(unicode.M, r):
			if marks++; marks > maxMarks {
				continue
			}
		default:
			marks = 0
		}
		if b.Len() > 0 {
			switch {
			case newlines > 1:
				b.WriteString("\n\n")
			case newlines == 1:
				b.WriteByte('\n')
			case space:
				b.WriteByte(' ')
			}
		}
		newlines, space = 0, false
		b.WriteRune(r)
	}
	return b.String()
}

// tidy recognises the usual case, in which there is nothing to do.
func tidy(s string) bool {
	before := byte(' ')
	for i := range len(s) {
		c := s[i]
		if c < ' ' || c > '~' || c == ' ' && before == ' ' {
			return false
		}
		before = c
	}
	return before != ' ' || s == ""
}

func isBreak(r rune) bool {
	switch r {
	case '\n', '\r', '\v', '\f', 0x85, 0x2028, 0x2029:
		return true
	}
	return false
}

// hidden reports characters that have no picture but change what is seen around them. Joiners and the
// direction marks stay: emoji, Persian and Arabic names need them.
func hidden(r rune) bool {
	switch {
	case unicode.IsControl(r),
		r == 0xAD, r == 0x180E, r == 0x200B, r == 0xFEFF,
		0x202A <= r && r <= 0x202E, // embeddings and overrides
		0x2060 <= r && r <= 0x206F, // invisible operators, isolates
		0xFFF9 <= r && r <= 0xFFFB, // annotations
		r&0xFFFE == 0xFFFE,         // never characters
		r == 0xE0001:
		return true
	}
	return false
}

// shorten cuts s to at most n characters, the last of which is then "…". It does not part a letter from its marks.
func shorten(s string, n int) string {
	if len(s) <= n || utf8.RuneCountInString(s) <= n {
		return s
	}
	at := 0
	for range n - 1 {
		_, size := utf8.DecodeRuneInString(s[at:])
		at += size
	}
	for range 2 * maxMarks {
		next, _ := utf8.DecodeRuneInString(s[at:])
		last, size := utf8.DecodeLastRuneInString(s[:at])
		if at == 0 || !joins(next) && last != zeroWidthJoiner {
			break
		}
		at -= size
	}
	return strings.TrimRight(s[:at], " \n") + "…"
}

const zeroWidthJoiner = 0x200D

// joins reports whether r belongs to the character before it.
func joins(r rune) bool {
	return r == zeroWidthJoiner || unicode.Is(unicode.M, r) || 0x1F3FB <= r && r <= 0x1F3FF
}
