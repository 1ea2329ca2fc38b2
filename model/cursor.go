package model

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"io"
	"strconv"

	"github.com/google/uuid"
)

// Cursor is an opaque position in one person's inbox, as the API shows it.
type Cursor string

// cursorVersion is the first byte of every cursor; another layout gets another number.
const cursorVersion = 1

// Epoch names one life of the database. It is renewed after a restore, so that cursors which point into a
// history that was lost are recognised.
type Epoch [8]byte

// NewCursor makes the cursor of position seq in a person's inbox:
// base64url(version, epoch, first 8 bytes of SHA-256 of the user's id, seq).
func NewCursor(epoch Epoch, user uuid.UUID, seq int64) Cursor {
	var raw [25]byte
	raw[0] = cursorVersion
	copy(raw[1:9], epoch[:])
	copy(raw[9:17], userHash(user))
	binary.BigEndian.PutUint64(raw[17:], uint64(seq))
	return Cursor(base64.RawURLEncoding.EncodeToString(raw[:]))
}

// Position reads the position out of a cursor of this person and epoch. It answers false for a cursor of
// another person, of another epoch, of another version, or for what is no cursor at all.
func (c Cursor) Position(epoch Epoch, user uuid.UUID) (int64, bool) {
	var raw [27]byte
	if len(c) != base64.RawURLEncoding.EncodedLen(25) {
		return 0, false
	}
	n, err := base64.RawURLEncoding.Strict().Decode(raw[:], []byte(c))
	if err != nil || n != 25 || raw[0] != cursorVersion {
		return 0, false
	}
	if !bytes.Equal(raw[1:9], epoch[:]) || !bytes.Equal(raw[9:17], userHash(user)) {
		return 0, false
	}
	seq := binary.BigEndian.Uint64(raw[17:25])
	if seq > 1<<62 {
		return 0, false
	}
	return int64(seq), true
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

func userHash(user uuid.UUID) []byte {
	sum := sha256.Sum256(user[:])
	return sum[:8]
}
