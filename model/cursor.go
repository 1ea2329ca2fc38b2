package model

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"io"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// Cursor is an opaque position in one person's inbox, as the API shows it.
type Cursor string

// The first byte of a cursor says its layout: a place between two changes, or one inside a change.
const (
	cursorBetween = 1
	cursorInside  = 2
)

const (
	betweenLength = 25
	insideLength  = 33
)

// Place says how far somebody has followed an inbox: every change up to Seq, and of the change Seq+1 what it did
// to the notifications that came with a number up to Within. Within is 0 between two changes, which is nearly always.
type Place struct{ Seq, Within int64 }

// Epoch names one life of the database. It is renewed after a restore, so that cursors which point into a
// history that was lost are recognised.
type Epoch [8]byte

// NewCursor makes the cursor of position seq in a person's inbox:
// base64url(version, epoch, first 8 bytes of SHA-256 of the user's id, seq).
func NewCursor(epoch Epoch, user uuid.UUID, seq int64) Cursor {
	return NewCursorAt(epoch, user, Place{Seq: seq})
}

// NewCursorAt makes the cursor of a place, which NewCursor makes where Within is 0. The others occur in a replay:
// one change of several notifications is then told in several parts, and each part has a cursor of its own.
func NewCursorAt(epoch Epoch, user uuid.UUID, at Place) Cursor {
	var raw [insideLength]byte
	raw[0] = cursorBetween
	copy(raw[1:9], epoch[:])
	hash := sha256.Sum256(user[:])
	copy(raw[9:17], hash[:])
	binary.BigEndian.PutUint64(raw[17:], uint64(at.Seq)) //nolint:gosec // numbers begin at 0
	length := betweenLength
	if at.Within != 0 {
		raw[0], length = cursorInside, insideLength
		binary.BigEndian.PutUint64(raw[25:], uint64(at.Within)) //nolint:gosec // numbers begin at 0
	}
	var text [insideLength * 4 / 3]byte
	return Cursor(base64.RawURLEncoding.AppendEncode(text[:0], raw[:length]))
}

// Position reads the position out of a cursor of this person and epoch. It answers false for a cursor of
// another person, of another epoch, of another version, or for what is no cursor at all.
func (c Cursor) Position(epoch Epoch, user uuid.UUID) (int64, bool) {
	at, ok := c.Place(epoch, user)
	return at.Seq, ok
}

// Place reads what NewCursorAt wrote, and refuses what Position refuses.
func (c Cursor) Place(epoch Epoch, user uuid.UUID) (Place, bool) {
	var raw [insideLength]byte
	// The decoder skips line breaks; a cursor has none.
	if len(c) > base64.RawURLEncoding.EncodedLen(insideLength) || strings.ContainsAny(string(c), "\r\n") {
		return Place{}, false
	}
	n, err := base64.RawURLEncoding.Strict().Decode(raw[:], []byte(c))
	hash := sha256.Sum256(user[:])
	if err != nil || n < betweenLength || !bytes.Equal(raw[1:9], epoch[:]) || !bytes.Equal(raw[9:17], hash[:8]) {
		return Place{}, false
	}
	seq, within := binary.BigEndian.Uint64(raw[17:]), binary.BigEndian.Uint64(raw[25:])
	switch {
	case seq > 1<<62 || within > seq:
		return Place{}, false
	case raw[0] == cursorBetween && n == betweenLength, raw[0] == cursorInside && n == insideLength && within > 0:
		return Place{Seq: int64(seq), Within: int64(within)}, true //nolint:gosec // at most 1<<62, checked above
	}
	return Place{}, false
}

// MarshalGQL writes the scalar Cursor.
func (c Cursor) MarshalGQL(w io.Writer) { _, _ = io.WriteString(w, strconv.Quote(string(c))) }

// UnmarshalGQL reads the scalar Cursor. Any string is taken: what it is worth is for the inbox to say.
func (c *Cursor) UnmarshalGQL(v any) error {
	s, ok := v.(string)
	if !ok {
		return &InputError{Message: "Cursor must be a string that this API handed out."}
	}
	*c = Cursor(s)
	return nil
}
