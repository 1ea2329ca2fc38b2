package cliq

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"
)

// Config is what a [Client] needs.
type Config struct {
	// Regions is the table of data centres. Required.
	Regions *Regions
	// Now is the clock. Required.
	Now func() time.Time
	// Timeout ends every call, body included. Default 10 s.
	Timeout time.Duration
}

// Client speaks to Zoho.
type Client struct {
	regions *Regions
	now     func() time.Time
	timeout time.Duration
	http    *http.Client
}

const (
	defaultTimeout = 10 * time.Second
	// maxBody is enough for every answer documented, a hundred times over.
	maxBody   = 64 << 10
	userAgent = "heffl-bff"
)

// New builds a client with its own pool of connections.
func New(config Config) (*Client, error) {
	if config.Regions == nil || config.Now == nil {
		return nil, errors.New("cliq needs regions and a clock")
	}
	// The stand-in is development's: it usually lives on this very machine.
	dial := newDialer(config.Regions.standin == nil)
	return newClient(config, dial, &tls.Config{MinVersion: tls.VersionTLS12}), nil
}

func newClient(config Config, dial dialFunc, roots *tls.Config) *Client {
	client := &Client{regions: config.Regions, now: config.Now, timeout: config.Timeout}
	if client.timeout <= 0 {
		client.timeout = defaultTimeout
	}
	client.http = &http.Client{
		Transport: newTransport(config.Regions, dial, roots),
		// A redirect would carry the secret to wherever the answer says.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return client
}

// Close drops idle connections. Calls that are under way go on.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// call is one request to Zoho.
type call struct {
	url    string
	header http.Header
	body   []byte
}

// answer is what came back, read to the end or to maxBody.
type answer struct {
	status int
	header http.Header
	body   []byte
	// cut is set when the body is not complete, for whatever reason.
	cut bool
}

// post sends a request once. Without an answer it returns the cause and whether
// the request may have reached the server.
func (c *Client) post(ctx context.Context, out call) (in answer, sent bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()

	// The request may have left as soon as there was a connection for it: from
	// there on nothing observable excludes it, and a message told twice is worse
	// than one not told. A new GetConn takes that back, because the transport asks
	// for a second connection only when the server surely did not process what
	// was sent on the first (nothing written, or refused by HTTP/2).
	var left atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { left.Store(false) },
		GotConn: func(httptrace.GotConnInfo) { left.Store(true) },
	})
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, out.url, http.NoBody)
	if err != nil {
		return answer{}, false, withoutURL(err)
	}
	request.ContentLength = int64(len(out.body))
	request.GetBody = func() (io.ReadCloser, error) {
		return &timelyBody{text: bytes.NewReader(out.body), ctx: ctx, left: &left}, nil
	}
	if request.Body, err = request.GetBody(); err != nil {
		return answer{}, false, err
	}
	request.Header = out.header
	request.Header.Set("User-Agent", userAgent)
	request.Header.Set("Accept", "application/json")

	response, err := c.http.Do(request)
	if err != nil {
		return answer{}, left.Load(), withoutURL(err)
	}
	defer func() { _ = response.Body.Close() }()
	in = answer{status: response.StatusCode, header: response.Header}
	in.body, err = io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	in.cut = err != nil
	if len(in.body) > maxBody {
		in.body, in.cut = in.body[:maxBody], true
	}
	return in, true, nil
}

// timelyBody refuses to begin when the time of its request is over. The transport asks for it right before the first
// byte goes out. A process that was frozen goes on before its timers fire, and the context still looks alive then:
// without this the request would leave, long after somebody else has decided what became of it.
type timelyBody struct {
	text *bytes.Reader
	ctx  context.Context //nolint:containedctx // that of the request it belongs to
	left *atomic.Bool
}

// Read is that of the text.
func (b *timelyBody) Read(p []byte) (int, error) {
	deadline, limited := b.ctx.Deadline()
	// By the clock on the wall, because the other one stands still while a machine is suspended.
	now := time.Now().Round(0) //nolint:forbidigo // deadlines of contexts are in real time
	if limited && b.text.Len() == int(b.text.Size()) && now.After(deadline.Round(0)) {
		b.left.Store(false) // nobody can act on headers alone
		return 0, context.DeadlineExceeded
	}
	return b.text.Read(p)
}

// Close has nothing to do.
func (b *timelyBody) Close() error { return nil }

// causeOf puts a failure without an answer into a fixed phrase.
func causeOf(err error) string {
	var lookup *net.DNSError
	var operation *net.OpError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.Is(err, errForeignHost), errors.Is(err, errPrivateAddress):
		return "connection refused by policy"
	case errors.Is(err, context.Canceled):
		return "cancelled"
	case errors.Is(err, context.DeadlineExceeded):
		return "timed out"
	case errors.As(err, &lookup):
		return "host name not resolved"
	case errors.As(err, &certificate):
		return "certificate not accepted"
	case errors.As(err, &operation) && operation.Op == "dial":
		return "connection failed"
	}
	return "connection broken"
}

// withoutURL strips what net/http puts around a cause: the URL may hold a token.
func withoutURL(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}
