package httpd

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/99designs/gqlgen/graphql"
)

var errNotOneValue = errors.New("not exactly one JSON value")

// parameters is a request as GraphQL over HTTP and both stream protocols write it.
type parameters struct {
	Query         *string        `json:"query"`
	OperationName string         `json:"operationName"`
	Variables     map[string]any `json:"variables"`
	Extensions    map[string]any `json:"extensions"`
}

// decodeParameters reads exactly one JSON object. What is wrong with it is never quoted: it may
// hold secrets.
func decodeParameters(body []byte) (*graphql.RawParams, error) {
	trimmed := bytes.TrimLeft(body, " \t\r\n")
	if len(trimmed) == 0 || trimmed[0] != '{' {
		return nil, errNotOneValue
	}
	var p parameters
	decoder := json.NewDecoder(bytes.NewReader(trimmed))
	decoder.UseNumber() // 64 bits survive
	if err := decoder.Decode(&p); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errNotOneValue
	}
	return p.raw()
}

func (p *parameters) raw() (*graphql.RawParams, error) {
	params := &graphql.RawParams{OperationName: p.OperationName, Variables: p.Variables, Extensions: p.Extensions}
	if p.Query != nil {
		params.Query = *p.Query
	}
	if params.Query == "" && params.Extensions["persistedQuery"] == nil {
		return nil, errors.New("no query")
	}
	return params, nil
}

// readBody reads the parameters of a POST.
func (s *Server) readBody(r *http.Request, limit int64) (*graphql.RawParams, *problem) {
	if p := requireJSON(r); p != nil {
		return nil, p
	}
	if r.ContentLength > limit {
		return nil, refuseBody(r, limit)
	}
	buffer := s.buffers.get()
	defer s.buffers.put(buffer)
	switch n, err := buffer.ReadFrom(io.LimitReader(r.Body, limit+1)); {
	case n > limit:
		return nil, refuseBody(r, limit)
	case err != nil:
		return nil, badRequest("The body could not be read.")
	}
	params, err := decodeParameters(buffer.Bytes())
	if err != nil {
		return nil, badRequest("The body must be one JSON object with a query.")
	}
	return params, s.checkQuery(params)
}

// patience is how much of a body that is too large is read and thrown away beyond what may be sent.
const patience = 256 << 10

// refuseBody takes in what a well-meaning client still sends, so that it reads the answer instead of meeting a
// connection that was reset. Who sends more than that is cut off, half a second after the answer: that is what net/http does
// when it knows from its own reader that the limit was met.
func refuseBody(r *http.Request, limit int64) *problem {
	_, _ = io.Copy(io.Discard, http.MaxBytesReader(factsOf(r.Context()).ownWriter(), r.Body, limit+patience))
	return tooLarge("The body", limit)
}

func (s *Server) checkQuery(params *graphql.RawParams) *problem {
	if len(params.Query) > s.cfg.Limits.Query {
		return tooLarge("The query", int64(s.cfg.Limits.Query))
	}
	return nil
}

// requireJSON accepts only what a page of another origin cannot send without a preflight.
func requireJSON(r *http.Request) *problem {
	unsupported := &problem{
		status: http.StatusUnsupportedMediaType, code: badRequest("").code,
		message: "The body must be application/json in UTF-8, not compressed.",
	}
	values := r.Header.Values("Content-Type")
	if len(values) != 1 || r.Header.Get("Content-Encoding") != "" {
		return unsupported
	}
	media, options, err := mime.ParseMediaType(values[0])
	charset, given := options["charset"]
	if err != nil || media != mediaJSON || (given && !strings.EqualFold(charset, "utf-8")) {
		return unsupported
	}
	return nil
}

// readQuery reads the parameters of a GET.
func (s *Server) readQuery(r *http.Request) (*graphql.RawParams, *problem) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, badRequest("The URL's parameters cannot be read.")
	}
	p := parameters{OperationName: values.Get("operationName")}
	if query := values.Get("query"); query != "" {
		p.Query = &query
	}
	for name, into := range map[string]*map[string]any{"variables": &p.Variables, "extensions": &p.Extensions} {
		text := values.Get(name)
		if text == "" {
			continue
		}
		decoder := json.NewDecoder(strings.NewReader(text))
		decoder.UseNumber()
		if err := decoder.Decode(into); err != nil {
			return nil, badRequest("The parameter " + name + " must be a JSON object.")
		}
		if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
			return nil, badRequest("The parameter " + name + " must be one JSON object.")
		}
	}
	params, err := p.raw()
	if err != nil {
		return nil, badRequest("The parameter query is missing.")
	}
	return params, s.checkQuery(params)
}
