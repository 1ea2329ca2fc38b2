package resolvers

import (
	"context"
	"errors"
	"log/slog"
	"maps"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/heffl/bff/model"
)

// internalMessage is all that a caller learns about a fault of ours.
const internalMessage = "Something went wrong on our side. It has been logged with the request id."

// Present turns any error into what a caller may see: a coded error with the request id. Internal text is logged
// and stays inside.
func (r *Resolver) Present(ctx context.Context, err error) *gqlerror.Error {
	// Only errors that gqlgen or gqlparser made carry nothing inside: they describe the request and are public.
	presented := graphql.DefaultErrorPresenter(ctx, err)
	out := &gqlerror.Error{Message: presented.Message, Path: presented.Path, Locations: presented.Locations, Extensions: map[string]any{}}
	cause := errors.Unwrap(presented)
	if code, ok := presented.Extensions["code"].(string); ok && cause == nil {
		out.Extensions["code"] = code
	}
	switch cause {
	case nil:
		if out.Extensions["code"] == nil {
			out.Extensions["code"] = string(model.CodeBadUserInput)
		}
	default:
		r.presentCause(ctx, cause, out)
	}
	if id := r.RequestID(ctx); id != "" {
		out.Extensions["requestId"] = id
	}
	return out
}

// presentCause fills in message and code for an error that came from a resolver or a scalar.
func (r *Resolver) presentCause(ctx context.Context, cause error, out *gqlerror.Error) {
	if known, ok := errors.AsType[*model.Error](cause); ok {
		out.Message = known.Message
		maps.Copy(out.Extensions, known.Extensions)
		out.Extensions["code"] = string(known.Code)
		if known.Err != nil {
			r.Logger.WarnContext(ctx, "request failed", slog.String("code", string(known.Code)), slog.Any("error", known.Err), slog.String("path", out.Path.String()))
		}
		return
	}
	if input, ok := inputMessage(cause); ok {
		out.Message, out.Extensions["code"] = input, string(model.CodeBadUserInput)
		return
	}
	if errors.Is(cause, context.Canceled) || errors.Is(cause, context.DeadlineExceeded) {
		out.Message, out.Extensions["code"] = "The request took too long or was given up; try again.", string(model.CodeUnavailable)
		return
	}
	out.Message, out.Extensions["code"] = internalMessage, string(model.CodeInternal)
	r.Logger.ErrorContext(ctx, "resolver failed", slog.Any("error", cause), slog.String("path", out.Path.String()))
}

// inputMessage is the public text of an error about a value that could not be read.
func inputMessage(cause error) (string, bool) {
	if input, ok := errors.AsType[*model.InputError](cause); ok {
		return input.Message, true
	}
	if user, ok := errors.AsType[*model.UserError](cause); ok {
		return user.Message, true
	}
	if _, ok := errors.AsType[*graphql.NumberOverflowError](cause); ok {
		return "A number does not fit into 32 bits.", true
	}
	if _, ok := errors.AsType[*graphql.IntegerError](cause); ok {
		return "A number is not a 32-bit integer.", true
	}
	return "", false
}

// Recover turns a panic of a resolver into an internal error and logs where it happened.
func (r *Resolver) Recover(ctx context.Context, panicked any) error {
	r.Logger.ErrorContext(ctx, "resolver panicked", slog.Any("panic", panicked), slog.String("stack", stack()))
	return errors.New("resolver panicked")
}
