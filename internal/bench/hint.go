package bench

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/google/uuid"
)

// HintPath is where the bare program of W5 takes hints instead of a subscriber.
const HintPath = "/hints"

// Hint tells the bare program of W5 what to send to one person: what the server learns by NATS from another replica.
type Hint struct {
	Number       uint32 // of the person
	Unread       uint32
	Seq          int64
	Notification uuid.UUID
	Event        []byte // its fields as JSON, without braces
}

const hintLength = 4 + 4 + 8 + 16

// AppendHints writes hints about one event, with their length in front.
func AppendHints(b, event []byte, hints []Hint) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(4+len(event)+len(hints)*hintLength)) //nolint:gosec // short
	b = binary.BigEndian.AppendUint32(b, uint32(len(event)))                         //nolint:gosec // short
	b = append(b, event...)
	for i := range hints {
		h := &hints[i]
		b = binary.BigEndian.AppendUint32(b, h.Number)
		b = binary.BigEndian.AppendUint32(b, h.Unread)
		b = binary.BigEndian.AppendUint64(b, uint64(h.Seq)) //nolint:gosec // never negative
		b = append(b, h.Notification[:]...)
	}
	return b
}

// ReadHints reads what AppendHints wrote behind the length.
func ReadHints(b []byte) ([]Hint, error) {
	if len(b) < 4 {
		return nil, errors.New("short hints")
	}
	n := int(binary.BigEndian.Uint32(b))
	if b = b[4:]; len(b) < n || (len(b)-n)%hintLength != 0 {
		return nil, errors.New("broken hints")
	}
	event, b := b[:n], b[n:]
	hints := make([]Hint, len(b)/hintLength)
	for i := range hints {
		hints[i] = Hint{
			Number: binary.BigEndian.Uint32(b), Unread: binary.BigEndian.Uint32(b[4:]), Seq: int64(binary.BigEndian.Uint64(b[8:])), //nolint:gosec // never negative
			Notification: uuid.UUID(b[16:hintLength]), Event: event,
		}
		b = b[hintLength:]
	}
	return hints, nil
}

// UserPrefix begins Heffl's ids of the people; their number follows.
const UserPrefix = "user-"

// User is Heffl's id of the person with that number.
func User(number int) string { return fmt.Sprintf("%s%05d", UserPrefix, number) }

// UserID is our id of the person with that number. It is no UUIDv7, so that the order of the numbers is not that of the ids.
func UserID(number int) uuid.UUID { return uuid.NewSHA1(uuid.NameSpaceURL, []byte(User(number))) }
