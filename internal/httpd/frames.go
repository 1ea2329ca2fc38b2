package httpd

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// Executing one selection for each of ten thousand subscribers costs four times what the kernel
// takes to send the results. A subscription whose results are the same text for many, but for some
// numbers, can have them rendered once and handed to the transports through these three.

// FrameProvider decides which subscriptions bypass the executor. It is asked after the document
// was validated and its cost paid, and must itself check what directives of the schema would.
type FrameProvider interface {
	// Frames answers the source of this subscription, or false to have it executed.
	Frames(ctx context.Context, op *graphql.OperationContext) (FrameSource, bool)
}

// FrameSource is one subscriber's stream of rendered results.
type FrameSource interface {
	// Attach begins the stream and returns at once. From then on results go to the sink, until ctx
	// is done or the source ends it; [context.AfterFunc] needs no goroutine to notice.
	Attach(ctx context.Context, sink FrameSink)
	// Ready tells the source, once, that a sink that refused a result takes results again. It may
	// be called before the refusing Send has returned, on any goroutine, and must not block.
	Ready()
}

// FrameSink is where a transport takes results. Its methods are safe for concurrent use, never
// block and do nothing once the operation has ended.
type FrameSink interface {
	// Send takes one result, a whole response as JSON in one line: {"data":…}. It keeps no reference
	// to it. False means that the client is behind and this result was not taken.
	Send(result []byte) bool
	// End ends the stream: without errors it completes.
	End(errs gqlerror.List)
}
