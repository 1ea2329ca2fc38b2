package httpd

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"
)

// The budget of one request before any resolver runs (G2).
const (
	budgetTime   = 50 * time.Millisecond
	budgetMemory = 32 << 20
)

// FuzzOperation looks for a request of at most 64 KiB that costs more than its budget before it is refused or accepted
// (G2): any text at all. The memory has no room; the time has some for slow machines, and none with -full.
func FuzzOperation(f *testing.F) {
	for _, request := range dearRequests() {
		f.Add(request[0], request[1])
	}
	b := setup(f)
	b.forget()
	f.Fuzz(func(t *testing.T, query, variables string) {
		if len(query)+len(variables) <= 64<<10 {
			withinBudget(t, query, func() { b.judge(t, query, variables) })
		}
	})
}

// FuzzDocument looks for the same among documents of the product's own schema that follow its grammar.
func FuzzDocument(f *testing.F) {
	for i := range byte(16) {
		f.Add(bytes.Repeat([]byte{i, 7 * i, 31 + i, 4, 63, i * i}, 40))
	}
	schema := productSchema(f)
	b := setup(f, func(c *Config) { c.Schema = &fakeSchema{schema: schema} })
	b.forget()
	f.Fuzz(func(t *testing.T, seed []byte) {
		if query := written(schema, seed); len(query) <= 64<<10 {
			withinBudget(t, query, func() { b.judge(t, query, "1") })
		}
	})
}

func withinBudget(t *testing.T, query string, judge func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	took := processor(judge)
	runtime.ReadMemStats(&after)
	budget := 10 * budgetTime
	if *full {
		budget = budgetTime
	}
	if spent := after.TotalAlloc - before.TotalAlloc; took > budget*slowdown || spent > budgetMemory {
		t.Errorf("%d bytes take %v and %d KiB: %s", len(query), took, spent>>10, query)
	}
}

// FuzzParameters: what is taken as a request says again what it said, and nothing that is not one object is taken.
func FuzzParameters(f *testing.F) {
	for _, body := range []string{
		`{"query":"{a}"}`, ` {"query":"{a}","variables":{"n":12345678901234567890},"operationName":"x"} `, `{"query":null}`, `[{"query":"{a}"}]`,
		`{"query":"{a}"}{}`, `{"query":1}`, `{"extensions":{"persistedQuery":{}}}`, `{"query":"a","query":"b"}`, "{\"query\":\"\xff\"}", `"x"`, ``,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		params, err := decodeParameters(body)
		if err != nil {
			return
		}
		if !json.Valid(body) || bytes.TrimLeft(body, " \t\r\n")[0] != '{' {
			t.Fatalf("took %q", body)
		}
		again, err := json.Marshal(map[string]any{
			"query": params.Query, "operationName": params.OperationName, "variables": params.Variables, "extensions": params.Extensions,
		})
		if err != nil {
			t.Fatal(err)
		}
		second, err := decodeParameters(again)
		if err != nil || second.Query != params.Query || second.OperationName != params.OperationName {
			t.Errorf("%s became %s: %v", body, again, err)
		}
	})
}

// FuzzEnvelope: a message of graphql-transport-ws is one JSON object or refused.
func FuzzEnvelope(f *testing.F) {
	for _, text := range []string{`{"type":"ping"}`, `{"id":"1","type":"subscribe","payload":{"query":"{a}"}}`, `{"id":1}`, `[]`, `{"type":"x"}{}`, ``, `null`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := decodeEnvelope(text)
		if err != nil {
			return
		}
		if !json.Valid(text) {
			t.Fatalf("took %q", text)
		}
		if len(m.Payload) > 0 && !json.Valid(m.Payload) {
			t.Errorf("payload %q", m.Payload)
		}
		_, _ = tokenOf(m.Payload)
	})
}

// FuzzFrame reads whatever a peer sends as frames: it never reads more than a frame has, never asks for more memory
// than the limit, and refuses with a code of RFC 6455.
func FuzzFrame(f *testing.F) {
	const limit = 1 << 16
	f.Add(maskedFrame(finBit|byte(opText), []byte("hello")))
	f.Add(maskedFrame(finBit|byte(opPing), bytes.Repeat([]byte("x"), 125)))
	f.Add(maskedFrame(finBit|byte(opText), bytes.Repeat([]byte("x"), 70_000)))
	f.Add([]byte{0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0})
	f.Add([]byte{0x81, 5, 1, 2, 3, 4, 5, 6})
	f.Add([]byte{0xf1, 0x80, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, wire []byte) {
		r := bytes.NewReader(wire)
		scratch := make([]byte, 14)
		for {
			before := r.Len()
			h, err := readFrameHeader(r, scratch, limit)
			var refused *closeError
			switch {
			case errors.As(err, &refused):
				if refused.code != closeProtocol && refused.code != closeTooBig {
					t.Errorf("closed with %d", refused.code)
				}
				return
			case err != nil:
				if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("got %v", err)
				}
				return
			}
			if h.length < 0 || h.length > limit || before-r.Len() > 14 {
				t.Fatalf("%+v of %d bytes", h, before-r.Len())
			}
			payload := make([]byte, h.length)
			if _, err := io.ReadFull(r, payload); err != nil {
				return
			}
			masked := bytes.Clone(payload)
			unmask(masked, h.mask)
			unmask(masked, h.mask)
			if !bytes.Equal(masked, payload) {
				t.Error("masking twice changes the payload")
			}
			if h.op == opClose {
				_ = checkClose(payload)
			}
		}
	})
}

// FuzzRequest sends any method, headers and body through the whole server: it answers, in JSON where it has a body,
// and never with 500.
func FuzzRequest(f *testing.F) {
	f.Add("POST", "/graphql", jsonType, "*/*", `{"query":"{__typename}"}`)
	f.Add("GET", "/graphql?query=%7B__typename%7D&variables=%7B&extensions=[]", "", "text/event-stream", "")
	f.Add("PUT", "/graphql", "", "text/event-stream", "")
	f.Add("DELETE", "/graphql?operationId=1", "", "", "")
	f.Add("POST", "/graphql", "multipart/form-data", "image/*;q=0", "--x")
	f.Add("OPTIONS", "/graphql", "a;b=c;=", ",,;q=", "x")
	b := setup(f, func(c *Config) { c.Limits.AnonymousRate = Rate{PerSecond: -1} })
	handler := b.Server
	f.Fuzz(func(t *testing.T, method, target, contentType, accept, body string) {
		r, err := http.NewRequestWithContext(t.Context(), method, "http://localhost"+target, strings.NewReader(body))
		if err != nil || r.URL.Path != "/graphql" || strings.Contains(accept, "event-stream") && r.Method != http.MethodPost {
			return
		}
		r.RemoteAddr, r.RequestURI = "127.0.0.1:1", target
		r.Header.Set("Content-Type", contentType)
		r.Header.Set("Accept", accept)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code >= 500 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if strings.Contains(w.Header().Get("Content-Type"), "json") && !json.Valid(w.Body.Bytes()) {
			t.Errorf("not JSON: %s", w.Body)
		}
	})
}

// FuzzPersisted reads any extension of persisted queries, with a text and without: whatever is remembered under a hash
// has that hash.
func FuzzPersisted(f *testing.F) {
	known := hashOf("{__typename}")
	for _, extension := range []string{
		`{"version":1,"sha256Hash":"` + known + `"}`, `{"version":"1","sha256Hash":"` + known + `"}`, `{"version":1,"sha256Hash":7}`,
		`{"version":1.0,"sha256Hash":"` + strings.ToUpper(known) + `"}`, `[]`, `"x"`, `null`, `{}`, `{"version":{},"sha256Hash":[[]]}`,
	} {
		f.Add(extension, "{__typename}")
		f.Add(extension, "")
	}
	b := setup(f)
	f.Fuzz(func(t *testing.T, extension, query string) {
		text, err := json.Marshal(query)
		if err != nil {
			t.Fatal(err)
		}
		params, err := decodeParameters([]byte(`{"query":` + string(text) + `,"extensions":{"persistedQuery":` + extension + `}}`))
		if err != nil {
			return
		}
		sent := params.Query
		refused := b.engine.resolvePersisted(params)
		for _, hash := range b.engine.persisted.lru.Keys() {
			if kept, _ := b.engine.persisted.get(hash); hashOf(kept) != hash {
				t.Fatalf("%q is kept under %s", kept, hash)
			}
		}
		if refused == nil && sent != "" && params.Query != sent {
			t.Errorf("%q became %q", sent, params.Query)
		}
	})
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// FuzzQueryString reads the parameters of a GET, which event streams begin with, too.
func FuzzQueryString(f *testing.F) {
	for _, query := range []string{
		`query=%7Ba%7D`, `query=%7Ba%7D&query=%7Bb%7D`, `query=a&variables={"n":1}&extensions={}&operationName=x`, `query=a&variables=[]`,
		`query=a&variables={}{}`, `query=%ff`, `query=a&variables=null`, `;`, `query=a;b`, `%`, `extensions={"persistedQuery":1}`,
	} {
		f.Add(query)
	}
	b := setup(f)
	f.Fuzz(func(t *testing.T, query string) {
		params, p := b.readQuery(&http.Request{URL: &url.URL{RawQuery: query}})
		values, err := url.ParseQuery(query)
		if p != nil {
			if p.status != http.StatusBadRequest && p.status != http.StatusRequestEntityTooLarge {
				t.Errorf("%d", p.status)
			}
			return
		}
		if err != nil || params.Query != values.Get("query") || params.OperationName != values.Get("operationName") {
			t.Errorf("%q became %+v", query, params)
		}
		for name, got := range map[string]map[string]any{"variables": params.Variables, "extensions": params.Extensions} {
			if text := values.Get(name); text != "" && !json.Valid([]byte(text)) || text == "" && got != nil {
				t.Errorf("%s %q became %v", name, text, got)
			}
		}
	})
}

// FuzzNegotiate: whatever a client accepts, the answer has a media type that there is; and a token is taken out of a
// header only as it stands there, without anything around it.
func FuzzNegotiate(f *testing.F) {
	for _, accept := range []string{"", "*/*", "text/*;q=0.1, application/json;q=0", "application/json;charset=utf-16", ",,;q=,", "text/event-stream;q=1e999", "a/b;q=NaN"} {
		f.Add(accept, "Bearer abc")
	}
	for _, header := range []string{"", "Bearer", "bearer  x", "Bearer a b", "Basic dTpw", "Bearer a,Bearer b", "Bearer\tx"} {
		f.Add("*/*", header)
	}
	f.Fuzz(func(t *testing.T, accept, header string) {
		r := &http.Request{Header: http.Header{"Accept": {accept}}}
		switch media := negotiate(r); media {
		case "", mediaJSON, mediaGraphQL, mediaEvents:
		default:
			t.Errorf("%q is answered as %q", accept, media)
		}
		if token, ok := bearer(header); ok && (token == "" || !strings.HasSuffix(header, token) || strings.ContainsAny(token, " \t,")) {
			t.Errorf("%q holds the token %q", header, token)
		}
	})
}
