package live

import (
	"encoding/binary"
	"errors"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

// messageVersion is the first byte of every message. A replica that meets another version lets the reconciler do the
// work: during an upgrade old and new replicas understand each other at worst 2 s late.
const messageVersion = 2

type kind byte

const (
	kindReceived kind = 1 // a new notification
	kindChanged  kind = 2 // notifications changed; only the number, the rest is in the database
	kindMarked   kind = 3 // everything up to a position was read
	kindViewer   kind = 4 // something else about the person changed; has no number
)

// message is one change of one inbox, as it travels between replicas.
type message struct {
	kind   kind
	user   uuid.UUID
	seq    int64
	unread int32

	// With kindReceived. content is the event, empty when it is too big; shared is the same, decoded.
	notification uuid.UUID
	event        uuid.UUID
	createdAt    model.Time
	content      []byte
	shared       *model.Notification

	// With kindMarked.
	upTo   int64
	readAt model.Time
}

const (
	headLength     = 2 + 16 + 8 + 4
	receivedLength = headLength + 16 + 16 + 8
	markedLength   = headLength + 8 + 8
)

var errMessage = errors.New("not a message of this version")

// appendTo appends the message in its binary form.
func (m *message) appendTo(b []byte) []byte {
	b = append(b, messageVersion, byte(m.kind))
	b = append(b, m.user[:]...)
	b = appendInt(b, m.seq)
	b = binary.BigEndian.AppendUint32(b, uint32(m.unread)) //nolint:gosec // never negative
	switch m.kind {
	case kindReceived:
		b = append(b, m.notification[:]...)
		b = append(b, m.event[:]...)
		b = appendInt(b, m.createdAt.UnixMilli())
		b = append(b, m.content...)
	case kindMarked:
		b = appendInt(b, m.upTo)
		b = appendInt(b, m.readAt.UnixMilli())
	case kindChanged, kindViewer:
	}
	return b
}

// decode reads what appendTo wrote, over whatever m was. The content still points into b. After an error m is of no use.
func (m *message) decode(b []byte) error {
	if len(b) < headLength || len(b) > receivedLength+maxContent || b[0] != messageVersion {
		return errMessage
	}
	*m = message{kind: kind(b[1]), user: uuid.UUID(b[2:18]), seq: readInt(b[18:])}
	m.unread = int32(binary.BigEndian.Uint32(b[26:])) //nolint:gosec // wrapped numbers are refused below
	switch {
	case m.kind == kindViewer && len(b) == headLength:
		return nil
	case m.seq < 1 || m.unread < 0:
		return errMessage
	case m.kind == kindChanged && len(b) == headLength:
		return nil
	case m.kind == kindMarked && len(b) == markedLength:
		m.upTo, m.readAt = readInt(b[30:]), model.UnixMilli(readInt(b[38:]))
		if m.upTo < 0 || m.upTo >= m.seq {
			return errMessage
		}
		return nil
	case m.kind == kindReceived && len(b) >= receivedLength:
		m.notification, m.event = uuid.UUID(b[30:46]), uuid.UUID(b[46:62])
		m.createdAt = model.UnixMilli(readInt(b[62:]))
		m.content = b[receivedLength:]
		return nil
	}
	return errMessage
}

func appendInt(b []byte, n int64) []byte {
	return binary.BigEndian.AppendUint64(b, uint64(n)) //nolint:gosec // readInt undoes it
}

// readInt reads 8 bytes; what cannot be a number of ours comes out negative.
func readInt(b []byte) int64 {
	return int64(binary.BigEndian.Uint64(b)) //nolint:gosec // the caller refuses negative numbers
}
