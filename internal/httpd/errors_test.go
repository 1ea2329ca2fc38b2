package httpd

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestMostErrors asks for thirty errors by every transport, from the validator and from resolvers, and gets ten.
func TestMostErrors(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var unknown, failing strings.Builder
	for i := range 30 {
		fmt.Fprintf(&unknown, "x%d ", i)
		fmt.Fprintf(&failing, "x%d:secret ", i)
	}
	count := func(t *testing.T, text string) {
		t.Helper()
		var list []json.RawMessage
		if !strings.HasPrefix(text, "[") {
			var body struct{ Errors json.RawMessage }
			if err := json.Unmarshal([]byte(text), &body); err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			text = string(body.Errors)
		}
		if err := json.Unmarshal([]byte(text), &list); err != nil || len(list) != 10 {
			t.Errorf("%d errors, %v: %.300s", len(list), err, text)
		}
	}
	for name, fields := range map[string]string{"Validator": unknown.String(), "Resolvers": failing.String()} {
		query := "{" + fields + "}"
		t.Run(name+"/HTTP", func(t *testing.T) {
			t.Parallel()
			count(t, b.post(t, query).text)
		})
		t.Run(name+"/WebSocket", func(t *testing.T) {
			t.Parallel()
			p := b.ready(t, token(t, "u"))
			p.subscribe("1", query)
			count(t, string(p.read().Payload))
		})
		t.Run(name+"/EventStream", func(t *testing.T) {
			t.Parallel()
			stream := b.stream(t, http.MethodPost, "/graphql", mustJSON(t, map[string]string{"query": query}), "Content-Type", jsonType)
			_, data, err := stream.next()
			if err != nil {
				t.Fatal(err)
			}
			count(t, data)
		})
	}
}
