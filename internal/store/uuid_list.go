package store

import (
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"
)

// uuidArray is ids as PostgreSQL's driver writes them: in binary, without a value of its own for each. Slices of other
// types it takes apart by reflection, which makes two values an id.
type uuidArray []uuid.UUID

var _ pgtype.ArrayGetter = uuidArray{}

// Dimensions is one, as long as the slice.
func (a uuidArray) Dimensions() []pgtype.ArrayDimension {
	return []pgtype.ArrayDimension{{Length: int32(len(a)), LowerBound: 1}} //nolint:gosec // no list is that long
}

// Index points into the slice: a pointer fits into an interface as it is.
func (a uuidArray) Index(i int) any { return (*uuidElement)(&a[i]) }

// IndexType is the type of what Index answers.
func (uuidArray) IndexType() any { return (*uuidElement)(nil) }

// uuidElement is an id without the methods of uuid.UUID, among which the driver would choose its text.
type uuidElement [16]byte

// UUIDValue is the id.
func (e *uuidElement) UUIDValue() (pgtype.UUID, error) {
	return pgtype.UUID{Bytes: *e, Valid: true}, nil
}
