package catalog

import "strings"

const (
	// maxDistance is how many characters may differ for a name still to count as a slip of the keys.
	maxDistance = 4
	// longestType bounds the comparison; no name in the catalog is longer.
	longestType = 64
)

// Nearest is the name of the event type that was most likely meant by asked; empty when none is near.
func (c *Catalog) Nearest(asked string) string {
	if len(asked) > longestType+maxDistance {
		return ""
	}
	asked = strings.ToLower(strings.TrimSpace(asked))
	best, least := "", maxDistance+1
	for _, et := range c.types {
		if d := distance(asked, et.Type); d < least {
			best, least = et.Type, d
		}
	}
	return best
}

// distance is how many bytes must be put in, taken out or replaced to make b of a (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}
