package catalog

import (
	"strings"
	"unicode/utf8"
)

// fit joins pieces to a line of at most limit characters. When it is too long, the longest values are shortened
// first: the sentence around them keeps its end.
func fit(pieces []piece, limit int) string {
	total := 0
	for _, p := range pieces {
		total += utf8.RuneCountInString(p.text)
	}
	for total > limit {
		longest, length := -1, minValue
		for i, p := range pieces {
			if n := utf8.RuneCountInString(p.text); p.value && n > length {
				longest, length = i, n
			}
		}
		if longest < 0 {
			return shorten(join(pieces), limit)
		}
		p := &pieces[longest]
		p.text = shorten(p.text, max(minValue, length-(total-limit)))
		total -= length - utf8.RuneCountInString(p.text)
	}
	return join(pieces)
}

func join(pieces []piece) string {
	if len(pieces) == 1 {
		return pieces[0].text
	}
	var b strings.Builder
	for _, p := range pieces {
		b.WriteString(p.text)
	}
	return b.String()
}

// firstRunes is the beginning of s without a mark that something is missing: for ids.
func firstRunes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for i := range s {
		if n--; n < 0 {
			return s[:i]
		}
	}
	return s
}
