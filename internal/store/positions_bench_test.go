package store

import (
	"strconv"
	"testing"

	"github.com/heffl/bff/model"
)

// BenchmarkPositions measures what the reconciler of the live hub asks all the time: whether anything of some people is
// other than it was seen, which it hardly ever is.
func BenchmarkPositions(b *testing.B) {
	s, _, users := benchStore(b)
	for _, n := range []int{32, 64, 128} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			seen := make([]model.InboxSeen, n)
			for i := range seen {
				seen[i].UserID = users[i]
			}
			b.ReportAllocs()
			for b.Loop() {
				if different, err := s.Positions(b.Context(), seen); err != nil || len(different) != 0 {
					b.Fatal(different, err)
				}
			}
		})
	}
}
