package cliq

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

var errNotObject = errors.New("not one JSON object")

// decodeObject reads one JSON object and nothing after it. A name that comes twice
// is refused: two readers of such an answer would not agree about it. Names are
// compared exactly, other than encoding/json does it for structs.
func decodeObject(body []byte) (map[string]json.RawMessage, error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return nil, errNotObject
	}
	object := make(map[string]json.RawMessage)
	for decoder.More() {
		token, err := decoder.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return nil, errNotObject
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, errNotObject
		}
		if _, twice := object[name]; twice {
			return nil, errNotObject
		}
		object[name] = value
	}
	if end, err := decoder.Token(); err != nil || end != json.Delim('}') {
		return nil, errNotObject
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errNotObject
	}
	return object, nil
}

// text returns a member that is a string; anything else counts as absent.
func text(object map[string]json.RawMessage, name string) (string, bool) {
	raw, ok := object[name]
	if !ok || len(raw) == 0 || raw[0] != '"' {
		return "", false
	}
	var value string
	if err := json.Unmarshal(raw, &value); err != nil {
		return "", false
	}
	return value, true
}

// present reports whether a member exists and is not null.
func present(object map[string]json.RawMessage, name string) bool {
	raw, ok := object[name]
	return ok && string(raw) != "null"
}
