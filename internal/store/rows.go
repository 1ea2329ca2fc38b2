package store

import (
	"encoding/json"
	"fmt"
	"strings"
)

// records is a row source for a FROM clause, named input: the parameter with the given number holds a JSON array
// of objects with these columns. types are PostgreSQL's, "id uuid, name text, active boolean".
//
// It serves what is written seldom; the fan-out of events uses arrays, which PostgreSQL reads faster.
func (s *Store) records(parameter int, types string) string {
	if s.Dialect() == Postgres {
		return fmt.Sprintf("json_to_recordset($%d::json) AS input(%s)", parameter, types)
	}
	var columns []string
	for column := range strings.SplitSeq(types, ",") {
		name, _, _ := strings.Cut(strings.TrimSpace(column), " ")
		columns = append(columns, fmt.Sprintf("value ->> '%s' AS %s", name, name))
	}
	return fmt.Sprintf("(SELECT %s FROM json_each($%d)) AS input", strings.Join(columns, ", "), parameter)
}

// forUpdate locks the rows that a SELECT reads; on SQLite the writer is alone anyway.
func (s *Store) forUpdate() string { return s.pick(" FOR UPDATE", "") }

// jsonStrings reads a column that holds a JSON array of strings.
type jsonStrings []string

// Scan reads the array.
func (j *jsonStrings) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*j = nil
		return nil
	case string:
		return json.Unmarshal([]byte(v), (*[]string)(j))
	case []byte:
		return json.Unmarshal(v, (*[]string)(j))
	}
	return fmt.Errorf("scan strings from %T", src)
}
