package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"unicode/utf16"
)

// objectField is one member of a JSON object, in the order written.
type objectField struct {
	key   string
	value json.RawMessage
}

// decodeObject reads exactly one JSON object. Order is kept, so that the first unknown key is the one complained about.
func decodeObject(data []byte) ([]objectField, bool) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	if open, err := decoder.Token(); err != nil || open != json.Delim('{') {
		return nil, false
	}
	var fields []objectField
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return nil, false
		}
		key, ok := token.(string)
		var value json.RawMessage
		if !ok || decoder.Decode(&value) != nil {
			return nil, false
		}
		fields = append(fields, objectField{key, value})
	}
	if _, err := decoder.Token(); err != nil {
		return nil, false
	}
	_, err := decoder.Token()
	return fields, errors.Is(err, io.EOF)
}

func (f objectField) text(shortest, longest int) (string, *cliqError) {
	var text *string
	if json.Unmarshal(f.value, &text) != nil || text == nil {
		return "", mismatch(f.key)
	}
	units := len(utf16.Encode([]rune(*text)))
	switch {
	case units == 0 && shortest > 0:
		return "", paramMissing(f.key)
	case units > longest:
		return "", mismatch(f.key)
	}
	return *text, nil
}

func (f objectField) flag() (bool, *cliqError) {
	var flag *bool
	if json.Unmarshal(f.value, &flag) != nil || flag == nil {
		return false, mismatch(f.key)
	}
	return *flag, nil
}

func onlyKeys(fields []objectField, known ...string) *cliqError {
	for _, f := range fields {
		if !slices.Contains(known, f.key) {
			return &cliqError{http.StatusBadRequest, "extra_key_found", fmt.Sprintf("'%s' is an extra key in the JSON Object.", cut(f.key, 50))}
		}
	}
	return nil
}

func paramMissing(name string) *cliqError {
	return &cliqError{http.StatusBadRequest, "param_missing", "The param '" + name + "' is missing."}
}

func mismatch(name string) *cliqError {
	return &cliqError{http.StatusBadRequest, "input_pattern_mismatch", "Unidentified value passed for the '" + name + "' key"}
}
