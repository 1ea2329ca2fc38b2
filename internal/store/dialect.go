package store

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"
)

// dialect is what the two databases do differently, as far as a method does not need a text of its own.
type dialect interface {
	name() string
	// bind turns a value into what the driver takes.
	bind(v any) (any, error)
	// retryable reports that the same transaction may succeed when it is run again at once.
	retryable(err error) bool
	// busy reports that the database cannot answer now, though nothing is wrong with the statement.
	busy(err error) bool
}

// pick is the text for the store's dialect.
func (s *Store) pick(postgres, sqlite string) string {
	if s.dialect.name() == Postgres {
		return postgres
	}
	return sqlite
}

// list is many values as one parameter: an array on PostgreSQL (cast it: $1::text[]), a JSON array on SQLite
// (json_each($1), column value). It turns ids and the vocabulary's types into what the column holds.
func (s *Store) list(values any) any {
	if s.dialect.name() == Postgres {
		return values
	}
	return jsonText{values}
}

// uuids are ids for list.
func (s *Store) uuids(ids []uuid.UUID) any {
	if s.dialect.name() == Postgres {
		if ids == nil {
			return uuidArray{} // the driver writes a nil slice as NULL
		}
		return uuidArray(ids)
	}
	return jsonText{ids}
}

// jsonText is a value that is written as JSON when it is bound.
type jsonText struct{ v any }

// Value is the JSON text.
func (j jsonText) Value() (driver.Value, error) {
	b, err := json.Marshal(j.v)
	if err != nil {
		return nil, fmt.Errorf("write parameter as JSON: %w", err)
	}
	return string(b), nil
}

// bindAll binds all values. Valuers are asked here and not by the drivers, because pgx prefers a string's own
// kind to its Valuer, which would store ” where the vocabulary says NULL.
func bindAll(d dialect, args []any) ([]any, error) {
	bound := make([]any, len(args))
	for i, arg := range args {
		v, err := d.bind(arg)
		if err != nil {
			return nil, fmt.Errorf("bind parameter %d: %w", i+1, err)
		}
		bound[i] = v
	}
	return bound, nil
}
