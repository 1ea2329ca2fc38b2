package inbox

import (
	"encoding/base64"
	"encoding/binary"
	"strings"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

// The first byte of a page cursor says what it counts by. Cursors of the two lists do not fit each other.
const (
	bySeq byte = 1 // the inbox: version, number
	byID  byte = 2 // what was kept out of it: version, id
)

// encodePosition makes the opaque cursor of an edge.
func encodePosition(p model.PagePosition, outOfInbox bool) string {
	if outOfInbox {
		return base64.RawURLEncoding.EncodeToString(append([]byte{byID}, p.ID[:]...))
	}
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint64([]byte{bySeq}, uint64(p.Seq))) //nolint:gosec // never negative
}

// decodePosition reads what encodePosition wrote for the same list.
func decodePosition(cursor string, outOfInbox bool) (model.PagePosition, bool) {
	// The decoder skips line breaks; a cursor has none.
	if len(cursor) > base64.RawURLEncoding.EncodedLen(17) || strings.ContainsAny(cursor, "\r\n") {
		return model.PagePosition{}, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	switch {
	case err != nil:
		return model.PagePosition{}, false
	case outOfInbox && len(raw) == 17 && raw[0] == byID:
		return model.PagePosition{ID: uuid.UUID(raw[1:])}, true
	case !outOfInbox && len(raw) == 9 && raw[0] == bySeq:
		seq := binary.BigEndian.Uint64(raw[1:])
		return model.PagePosition{Seq: int64(seq)}, seq <= 1<<62 //nolint:gosec // too big ones are refused
	}
	return model.PagePosition{}, false
}

func positionOf(n *model.Notification, outOfInbox bool) model.PagePosition {
	if outOfInbox {
		return model.PagePosition{ID: n.UUID}
	}
	return model.PagePosition{Seq: n.Seq}
}

// shifted is the nearest position that is one newer or one older, so that a range may include what it names.
func shifted(p model.PagePosition, newer, outOfInbox bool) model.PagePosition {
	step := int64(1)
	if !newer {
		step = -1
	}
	if !outOfInbox {
		p.Seq += step
		return p
	}
	for i := len(p.ID) - 1; i >= 0; i-- {
		p.ID[i] += byte(step)
		if newer && p.ID[i] != 0 || !newer && p.ID[i] != 0xFF {
			break
		}
	}
	return p
}
