// Package httpd is the server's surface on the network: the router, the transports that carry
// GraphQL (HTTP, WebSocket, Server-Sent Events), the limits in front of the executor, the
// headers every answer has, sessions in cookies, and health.
//
// It owns the wire and nothing behind it. What a field means is the executable schema's
// business, whether a token is good is the Verifier's, who the person behind it is the
// Viewers'. gqlgen's executor runs operations; its transports and its complexity limit are
// replaced, because they can be made to hang, to crash or to answer against their protocols.
//
// A request is judged from cheap to dear: host, origin, token, rate, size, syntax, shape of the
// document, validation, cost. Only then does a resolver run.
//
// Callers must know: resolvers find the request id, cookies and the way to end a subscription
// with an error in the context (RequestID, Cookie, SetCookie, FailSubscription). A subscription
// that has its results rendered already may bypass the executor, see FrameProvider. No stream
// outlives the token it was opened with, and Shutdown ends all of them.
package httpd
