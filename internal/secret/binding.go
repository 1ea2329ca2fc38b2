package secret

import (
	"encoding/binary"
	"errors"
	"math"
)

// ErrBinding means that a binding names no place: one of its parts is empty. It
// is a fault of the caller, found before anything is sealed under it.
var ErrBinding = errors.New("binding is incomplete")

// Binding names the one place where a ciphertext may stand. Every part is needed.
type Binding struct {
	// Table and Column name the cell.
	Table  string
	Column string
	// Row is the primary key of the row, in any form that never changes.
	Row string
	// User is the id of the person the secret belongs to.
	User string
}

// bindingVersion separates these associated data from those of any other use or
// of a later encoding.
const bindingVersion = "heffl/secret/1"

// associatedData encodes the parts with their lengths, so that no two bindings
// share an encoding: {"a", "bc"} and {"ab", "c"} differ.
func (b Binding) associatedData() ([]byte, error) {
	parts := [...]string{bindingVersion, b.Table, b.Column, b.Row, b.User}
	size := 0
	for _, part := range parts {
		if part == "" || len(part) > math.MaxUint16 {
			return nil, ErrBinding
		}
		size += 4 + len(part)
	}
	data := make([]byte, 0, size)
	for _, part := range parts {
		data = binary.BigEndian.AppendUint32(data, uint32(len(part))) //nolint:gosec // at most 65,535, checked above
		data = append(data, part...)
	}
	return data, nil
}
