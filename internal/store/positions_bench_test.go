package store

import (
	"strconv"
	"testing"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

// BenchmarkPositions measures what the reconciler of the live hub asks all the time: whether anything of some people is
// other than it was seen, which it hardly ever is.
func BenchmarkPositions(b *testing.B) {
	s, _, users := benchStore(b)
	for _, n := range []int{32, 64, 128} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			seen := seenOf(users[:n])
			b.ReportAllocs()
			for b.Loop() {
				if different, err := s.Positions(b.Context(), seen); err != nil || len(different) != 0 {
					b.Fatal(different, err)
				}
			}
		})
	}
}

func seenOf(users []uuid.UUID) []model.InboxSeen {
	seen := make([]model.InboxSeen, len(users))
	for i, u := range users {
		seen[i].UserID = u
	}
	return seen
}
