package httpd

import (
	"encoding/binary"
	"io"
	"unicode/utf8"
)

// The frame layer of RFC 6455, as little of it as a server needs that speaks only text and offers
// no extension.

type opcode byte

const (
	opContinuation opcode = 0
	opText         opcode = 1
	opBinary       opcode = 2
	opClose        opcode = 8
	opPing         opcode = 9
	opPong         opcode = 10
)

// Close codes, of RFC 6455, of the protocol and of its clients. 1000 is not among them on purpose:
// a client with running operations would come back at once and for ever.
const (
	closeProtocol    = 1002
	closeNotUTF8     = 1007
	closeTooBig      = 1009
	closeRestart     = 1012
	closeBadMessage  = 4400
	closeNoInit      = 4401
	closeForbidden   = 4403
	closeSubprotocol = 4406
	closeInitTimeout = 4408
	closeDuplicateID = 4409
	closeTooMany     = 4429
)

const (
	maxControl     = 125
	maxFrameHeader = 14
	finBit         = 0x80
	maskBit        = 0x80
)

// closeError ends a connection with a code and a reason for the peer.
type closeError struct {
	code   int
	reason string
}

func (e *closeError) Error() string { return e.reason }

// peerClosedError is the peer's close frame; code is 0 if it gave none.
type peerClosedError struct{ code int }

func (e *peerClosedError) Error() string { return "closed by peer" }

type frameHeader struct {
	fin    bool
	op     opcode
	length int
	mask   [4]byte
}

// readFrameHeader reads and judges a header. Only as many bytes as it has are read, so that an
// idle connection needs no buffer.
func readFrameHeader(r io.Reader, scratch []byte, limit int) (frameHeader, error) {
	b := scratch[:2+4] // every frame of a client is masked: no shorter one exists
	if _, err := io.ReadFull(r, b); err != nil {
		return frameHeader{}, err //nolint:wrapcheck // io.EOF is compared
	}
	h := frameHeader{fin: b[0]&finBit != 0, op: opcode(b[0] & 0x0f)}
	control := h.op&8 != 0
	short := int(b[1] &^ maskBit)
	switch {
	case b[0]&0x70 != 0:
		return h, &closeError{closeProtocol, "Reserved bit set"}
	case b[1]&maskBit == 0:
		return h, &closeError{closeProtocol, "Frame not masked"}
	case h.op > opPong || (h.op > opBinary && h.op < opClose):
		return h, &closeError{closeProtocol, "Unknown frame"}
	case control && (!h.fin || short > maxControl):
		return h, &closeError{closeProtocol, "Control frame too long"}
	}
	extended := map[int]int{126: 2, 127: 8}[short]
	if extended > 0 {
		b = scratch[:2+extended+4]
		if _, err := io.ReadFull(r, b[6:]); err != nil {
			return h, err //nolint:wrapcheck // as above
		}
	}
	length := uint64(short) //nolint:gosec // seven bits
	switch extended {
	case 2:
		length = uint64(binary.BigEndian.Uint16(b[2:]))
	case 8:
		length = binary.BigEndian.Uint64(b[2:])
	}
	if length > uint64(limit) { //nolint:gosec // a limit is not negative
		return h, &closeError{closeTooBig, "Message too big"}
	}
	h.length = int(length) //nolint:gosec // at most the limit
	copy(h.mask[:], b[len(b)-4:])
	return h, nil
}

// unmask undoes the client's mask in place.
func unmask(b []byte, mask [4]byte) {
	m := binary.LittleEndian.Uint32(mask[:])
	wide := uint64(m)<<32 | uint64(m)
	for ; len(b) >= 8; b = b[8:] {
		binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)^wide)
	}
	for i := range b {
		b[i] ^= mask[i&3]
	}
}

// appendFrameHeader begins a frame of the server, which is never masked or split.
func appendFrameHeader(b []byte, op opcode, length int) []byte {
	b = append(b, finBit|byte(op))
	switch {
	case length <= maxControl:
		return append(b, byte(length)) //nolint:gosec // just compared
	case length <= 1<<16-1:
		return binary.BigEndian.AppendUint16(append(b, 126), uint16(length))
	default:
		return binary.BigEndian.AppendUint64(append(b, 127), uint64(length))
	}
}

// appendClose is a whole close frame; without a code it is empty.
func appendClose(b []byte, code int, reason string) []byte {
	if code == 0 {
		return appendFrameHeader(b, opClose, 0)
	}
	reason = truncate(reason, maxControl-2-len("…"))
	b = appendFrameHeader(b, opClose, 2+len(reason))
	b = binary.BigEndian.AppendUint16(b, uint16(code)) //nolint:gosec // one of the constants
	return append(b, reason...)
}

// checkClose judges the payload of the peer's close frame.
func checkClose(payload []byte) error {
	if len(payload) == 0 {
		return &peerClosedError{}
	}
	if len(payload) == 1 {
		return &closeError{closeProtocol, "Close frame without a code"}
	}
	code := binary.BigEndian.Uint16(payload)
	defined := (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) || (code >= 3000 && code <= 4999)
	if !defined {
		return &closeError{closeProtocol, "Close frame with an invalid code"}
	}
	if !utf8.Valid(payload[2:]) {
		return &closeError{closeNotUTF8, "Close reason is not UTF-8"}
	}
	return &peerClosedError{code: int(code)}
}
