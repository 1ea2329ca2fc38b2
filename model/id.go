package model

import (
	"encoding/base64"

	"github.com/google/uuid"
)

// NodeKind is the first byte of a global id: what kind of thing the id names.
// The numbers are part of the API: ids are stored by clients.
type NodeKind byte

// The kinds of things that have a global id.
const (
	KindViewer         NodeKind = 1
	KindIntegration    NodeKind = 2
	KindSettings       NodeKind = 3
	KindInbox          NodeKind = 4
	KindNotification   NodeKind = 5
	KindPolicy         NodeKind = 6
	KindEvent          NodeKind = 7
	KindEventSetting   NodeKind = 8
	KindSettingsChange NodeKind = 9
)

// idLength is the length of every global id: 17 bytes in base64url without padding.
const idLength = 23

// GlobalID is the id of a thing as the API shows it: 23 characters, base64url of the kind and the 16 bytes of u.
func GlobalID(kind NodeKind, u uuid.UUID) string {
	var raw [17]byte
	raw[0] = byte(kind)
	copy(raw[1:], u[:])
	var text [idLength]byte
	base64.RawURLEncoding.Encode(text[:], raw[:])
	return string(text[:])
}

// ParseGlobalID reads what GlobalID wrote. It answers false for anything else, so that a malformed id
// and the id of something that does not exist look alike to a caller.
func ParseGlobalID(id string) (NodeKind, uuid.UUID, bool) {
	if len(id) != idLength {
		return 0, uuid.Nil, false
	}
	var raw [18]byte
	n, err := base64.RawURLEncoding.Strict().Decode(raw[:], []byte(id))
	if err != nil || n != 17 {
		return 0, uuid.Nil, false
	}
	return NodeKind(raw[0]), uuid.UUID(raw[1:17]), true
}

// ParseIDOf reads the id of a thing of one kind.
func ParseIDOf(kind NodeKind, id string) (uuid.UUID, bool) {
	k, u, ok := ParseGlobalID(id)
	return u, ok && k == kind
}

// NewID makes a UUIDv7: its order is the order of making, to the millisecond.
func NewID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

// ValidExternalID reports whether s can be an id of Heffl's own (a user, a workspace, an actor, a record):
// 1 to 128 characters, valid UTF-8, no control characters. Such ids are compared byte for byte.
func ValidExternalID(s string) bool {
	return ValidText(s, 128) && s != ""
}
