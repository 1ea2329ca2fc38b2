package model

import (
	"encoding/json"
	"io"
)

// JSONObject is a JSON object of any content: the data of an event.
type JSONObject map[string]any

// MarshalGQL writes the scalar JSONObject.
func (o JSONObject) MarshalGQL(w io.Writer) {
	b, err := json.Marshal(map[string]any(o))
	if err != nil { // only possible for values that never came from JSON
		b = []byte("null")
	}
	_, _ = w.Write(b)
}

// UnmarshalGQL reads the scalar JSONObject. Numbers stay json.Number so that none is rounded.
func (o *JSONObject) UnmarshalGQL(v any) error {
	m, ok := v.(map[string]any)
	if !ok {
		return &InputError{Message: "JSONObject must be a JSON object."}
	}
	*o = m
	return nil
}
