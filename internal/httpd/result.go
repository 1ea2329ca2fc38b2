package httpd

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/heffl/bff/model"
)

// finish makes errors fit to leave: at most so many, each with a code and the request id, each
// message short enough that a small question has no large answer.
func (e *engine) finish(ctx context.Context, errs gqlerror.List) gqlerror.List {
	errs = e.trim(errs)
	id := RequestID(ctx)
	for _, err := range errs {
		if _, ok := err.Extensions["code"]; !ok {
			err.Extensions["code"] = string(model.CodeInternal)
		}
		if id != "" {
			err.Extensions["requestId"] = id
		}
	}
	return errs
}

// trim makes copies of no more errors than anybody is told of, and no larger: an error may be one value for all requests.
func (e *engine) trim(errs gqlerror.List) gqlerror.List {
	trimmed := make(gqlerror.List, min(len(errs), e.limits.Errors))
	for i := range trimmed {
		err := *errs[i]
		err.Message = truncate(err.Message, maxMessage)
		err.Locations = slices.Clone(err.Locations[:min(len(err.Locations), maxLocations)])
		err.Extensions = make(map[string]any, len(errs[i].Extensions)+2)
		maps.Copy(err.Extensions, errs[i].Extensions)
		trimmed[i] = &err
	}
	return trimmed
}

const (
	maxMessage   = 400 // bytes
	maxLocations = 4
	// keptError is what an error that is remembered takes at most, about.
	keptError = 1_200
)

// truncate cuts between characters.
func truncate(s string, most int) string {
	if len(s) <= most {
		return s
	}
	cut := 0
	for i := range s {
		if i > most {
			break
		}
		cut = i
	}
	return s[:cut] + "…"
}

// appendResponse writes a response. The data is JSON already and goes out as it is: reading and
// writing it once more would cost as much as making it. Without an operation there is no `data`
// entry, as the specification has it for request errors.
func appendResponse(b []byte, resp *graphql.Response) []byte {
	b = append(b, '{')
	if len(resp.Errors) > 0 {
		b = append(b, `"errors":`...)
		b = appendJSON(b, resp.Errors)
		b = append(b, ',')
	}
	b = append(b, `"data":`...)
	if len(resp.Data) == 0 {
		b = append(b, "null"...)
	} else {
		b = append(b, resp.Data...)
	}
	if len(resp.Extensions) > 0 {
		b = append(b, `,"extensions":`...)
		b = appendJSON(b, resp.Extensions)
	}
	return append(b, '}')
}

// appendErrors writes the response to a request that came to no operation.
func appendErrors(b []byte, errs gqlerror.List) []byte {
	b = append(b, `{"errors":`...)
	b = appendJSON(b, errs)
	return append(b, '}')
}

func appendJSON(b []byte, v any) []byte {
	text, err := json.Marshal(v)
	if err != nil { // an extension that is no JSON: the answer is still one
		return append(b, "null"...)
	}
	return append(b, text...)
}

func appendString(b []byte, s string) []byte {
	// Quote writes escapes that JSON does not know for what is not printable; those go the long way.
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= 0x7f || c == '"' || c == '\\' {
			return appendJSON(b, s)
		}
	}
	return strconv.AppendQuote(b, s)
}
