package inbox

import (
	"bytes"
	"math"
	"testing"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

// FuzzPageCursor shows that a cursor is read as what was written, that each place has one cursor only, and that those
// of the two lists do not fit each other.
func FuzzPageCursor(f *testing.F) {
	f.Add(encodePosition(model.PagePosition{Seq: 1}, false))
	f.Add(encodePosition(model.PagePosition{Seq: 1 << 62}, false))
	f.Add(encodePosition(model.PagePosition{ID: uuid.Max}, true))
	f.Add("AQAAAAAAAAAB\n")
	f.Add("Af__________")
	f.Add("")
	f.Fuzz(func(t *testing.T, cursor string) {
		inside, ok := decodePosition(cursor, false)
		if ok && (encodePosition(inside, false) != cursor || inside.Seq < 0 || inside.ID != uuid.Nil) {
			t.Errorf("%q is %+v", cursor, inside)
		}
		outside, fits := decodePosition(cursor, true)
		if fits && (encodePosition(outside, true) != cursor || outside.Seq != 0) {
			t.Errorf("%q is %+v", cursor, outside)
		}
		if ok && fits {
			t.Errorf("%q fits both lists", cursor)
		}
	})
}

func TestShifted(t *testing.T) {
	t.Parallel()
	for _, seq := range []int64{0, 1, 255, math.MaxInt32} {
		p := model.PagePosition{Seq: seq}
		if up := shifted(p, true, false); up.Seq != seq+1 || shifted(up, false, false) != p {
			t.Errorf("%d is shifted to %d", seq, up.Seq)
		}
	}
	for _, last := range [][]byte{{0, 0}, {0, 0xFF}, {1, 0}, {0xFE, 0xFF}} {
		p := model.PagePosition{ID: uuid.UUID{0: 7}}
		copy(p.ID[14:], last)
		up := shifted(p, true, true)
		if bytes.Compare(up.ID[:], p.ID[:]) <= 0 || shifted(up, false, true) != p {
			t.Errorf("%v is shifted to %v", p.ID, up.ID)
		}
	}
}
