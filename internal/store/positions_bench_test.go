package store

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

// BenchmarkPositions measures what the reconciler of the live hub asks all the time: whether anything of some people is
// other than it was seen, which it hardly ever is. They are the people of one of sixteen shards, in order.
func BenchmarkPositions(b *testing.B) {
	const shards = 16
	s, _, users := benchStore(b)
	slices.SortFunc(users, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	for _, c := range []struct {
		people  int
		follows bool
	}{{32, false}, {128, false}, {32, true}, {128, true}} {
		b.Run(fmt.Sprintf("%d/viewer=%v", c.people, c.follows), func(b *testing.B) {
			seen := make([]model.InboxSeen, c.people)
			for i := range seen {
				seen[i].UserID, seen[i].FollowsViewer = users[i*shards], c.follows
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
