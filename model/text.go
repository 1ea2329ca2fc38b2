package model

import (
	"unicode"
	"unicode/utf8"
)

// ValidText reports whether s is valid UTF-8 of at most limit characters without control characters.
func ValidText(s string, limit int) bool {
	if len(s) > limit*utf8.UTFMax || !utf8.ValidString(s) {
		return false
	}
	n := 0
	for _, r := range s {
		if unicode.IsControl(r) {
			return false
		}
		n++
	}
	return n <= limit
}
