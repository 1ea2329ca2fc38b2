package store

import (
	"context"
	"encoding/binary"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/heffl/bff/model"
)

// uuidList is ids that PostgreSQL's driver writes as an array, from wherever they are.
type uuidList interface {
	length() int
	id(i int) *uuid.UUID
}

type uuidArray []uuid.UUID

func (a uuidArray) length() int         { return len(a) }
func (a uuidArray) id(i int) *uuid.UUID { return &a[i] }

// seenUsers are the ids of those of whom something was seen.
type seenUsers []model.InboxSeen

func (s seenUsers) length() int         { return len(s) }
func (s seenUsers) id(i int) *uuid.UUID { return &s[i].UserID }

// registerUUIDLists teaches a connection to write a uuidList. The driver's own way asks for a plan and a value an id and
// lets its buffer grow with each; the reconciler of the live hub sends six thousand ids a second.
func registerUUIDLists(_ context.Context, conn *pgx.Conn) error {
	element := &pgtype.Type{Name: "uuid", OID: pgtype.UUIDOID, Codec: pgtype.UUIDCodec{}}
	conn.TypeMap().RegisterType(&pgtype.Type{
		Name: "_uuid", OID: pgtype.UUIDArrayOID, Codec: uuidListCodec{&pgtype.ArrayCodec{ElementType: element}},
	})
	return nil
}

// uuidListCodec is the codec of uuid[] that knows uuidList as well.
type uuidListCodec struct{ *pgtype.ArrayCodec }

// PlanEncode implements [pgtype.Codec].
func (c uuidListCodec) PlanEncode(m *pgtype.Map, oid uint32, format int16, value any) pgtype.EncodePlan {
	if _, ok := value.(uuidList); ok && format == pgtype.BinaryFormatCode {
		return uuidListPlan{}
	}
	return c.ArrayCodec.PlanEncode(m, oid, format, value)
}

type uuidListPlan struct{}

// Encode appends the binary form of an array of one dimension, as PostgreSQL's array_send writes it: the number of
// dimensions, whether there are NULLs, the type of the elements, length and lower bound, and each element behind its
// length. An empty one has no dimension.
func (uuidListPlan) Encode(value any, b []byte) ([]byte, error) {
	const head, element = 5 * 4, 4 + 16
	list := value.(uuidList)
	n := list.length()
	b = slices.Grow(b, head+n*element)
	if n == 0 {
		return appendWords(b, 0, 0, pgtype.UUIDOID), nil
	}
	b = appendWords(b, 1, 0, pgtype.UUIDOID, uint32(n), 1) //nolint:gosec // no list is that long
	for i := range n {
		b = append(appendWords(b, 16), list.id(i)[:]...)
	}
	return b, nil
}

func appendWords(b []byte, words ...uint32) []byte {
	for _, w := range words {
		b = binary.BigEndian.AppendUint32(b, w)
	}
	return b
}
