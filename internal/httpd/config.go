package httpd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/heffl/bff/internal/auth"
)

// Verifier turns a token into an identity.
type Verifier interface {
	// Verify's errors all mean that the token is not to be believed.
	Verify(ctx context.Context, token string) (auth.Identity, error)
}

// Viewers finds the person behind an identity.
type Viewers interface {
	// Admit puts the viewer into the context. A *model.Error with the code UNAUTHENTICATED refuses
	// them (somebody who was disabled); any other error is a fault on our side. It is called for
	// every request, and on a WebSocket for the connection and again for every operation.
	Admit(ctx context.Context, id auth.Identity) (context.Context, error)
}

// Health says how the server's parts are.
type Health interface {
	Check(ctx context.Context) []Part
}

// Part is the state of one thing the server needs.
type Part struct {
	Name     string
	Required bool   // without it the server cannot work: not ready
	OK       bool   // false and not required: degraded
	Detail   string // a short word for operators, never an error's text
}

// Mount is a handler of another package under a pattern of [http.ServeMux].
type Mount struct {
	Pattern string
	Handler http.Handler
}

// Config is all the server needs. Schema, Verifier, Viewers, ErrorPresenter, Logger and Now are required.
type Config struct {
	Schema   graphql.ExecutableSchema
	Verifier Verifier
	Viewers  Viewers
	Frames   FrameProvider // nil: every subscription runs through the executor
	Health   Health        // nil: ready as long as the process is

	// ErrorPresenter sees every error of a resolver and decides what a caller may read.
	ErrorPresenter graphql.ErrorPresenterFunc
	RecoverFunc    graphql.RecoverFunc        // nil: panics are logged and become INTERNAL
	Extensions     []graphql.HandlerExtension // tracing, metrics, data loaders
	Mounts         []Mount
	Middleware     func(http.Handler) http.Handler // around everything; nil: none

	AppOrigins     []string       // exact origins of pages that may talk to us with a cookie
	TrustedProxies []netip.Prefix // whose X-Forwarded-For is believed; none: the peer is the client
	Development    bool           // localhost only, introspection, suggestions, plain cookie
	Limits         Limits
	Logger         *slog.Logger
	Now            func() time.Time
}

// Limits are the measures of everything a stranger can make the server spend. Zero is the default.
type Limits struct {
	Body        int64 // bytes of a request; default 64 KiB
	ServiceBody int64 // the same with the scope events:write or users:write; default 1 MiB
	Query       int   // bytes of the query text; default 64 KiB
	Tokens      int   // lexical tokens of a document; default 1,500
	Depth       int   // nesting of fields; default 12
	Cost        int   // see cost.go; default 20,000
	ListSize    int   // items assumed in a list whose size is not asked for; default 5
	Errors      int   // errors in one answer; default 10

	Operations  int           // running on one connection; default 50
	Connections int           // WebSockets and event streams of one identity; default 100
	Pending     int           // WebSockets of one address that wait for connection_init; default 2,000
	Init        time.Duration // from the upgrade to connection_init; default 3 s
	Write       time.Duration // for the peer to take what was sent; default 5 s
	Ping        time.Duration // silence after which a peer is asked for a sign at the latest; default 25 s
	Queue       int           // bytes waiting for one slow peer; default 256 KiB

	UserRate      Rate // default 200 a second, burst 1,000
	ServiceRate   Rate // tokens with events:write or users:write; default none
	AnonymousRate Rate // for each address; default 50 a second, burst 300
}

func (l Limits) withDefaults() Limits {
	orInt := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	orTime := func(v *time.Duration, d time.Duration) {
		if *v == 0 {
			*v = d
		}
	}
	if l.Body == 0 {
		l.Body = 64 << 10
	}
	if l.ServiceBody == 0 {
		l.ServiceBody = 1 << 20
	}
	orInt(&l.Query, 64<<10)
	orInt(&l.Tokens, 1_500)
	orInt(&l.Depth, 12)
	orInt(&l.Cost, 20_000)
	orInt(&l.ListSize, 5)
	orInt(&l.Errors, 10)
	orInt(&l.Operations, 50)
	orInt(&l.Connections, 100)
	orInt(&l.Pending, 2_000)
	orTime(&l.Init, 3*time.Second)
	orTime(&l.Write, 5*time.Second)
	orTime(&l.Ping, 25*time.Second)
	orInt(&l.Queue, 256<<10)
	if l.UserRate == (Rate{}) {
		l.UserRate = Rate{PerSecond: 200, Burst: 1_000}
	}
	if l.AnonymousRate == (Rate{}) {
		l.AnonymousRate = Rate{PerSecond: 50, Burst: 300}
	}
	return l
}

func (cfg *Config) validate() error {
	var problems []error
	missing := func(absent bool, name string) {
		if absent {
			problems = append(problems, fmt.Errorf("httpd: %s is required", name))
		}
	}
	missing(cfg.Schema == nil, "Schema")
	missing(cfg.Verifier == nil, "Verifier")
	missing(cfg.Viewers == nil, "Viewers")
	missing(cfg.ErrorPresenter == nil, "ErrorPresenter")
	missing(cfg.Logger == nil, "Logger")
	missing(cfg.Now == nil, "Now")
	for _, origin := range cfg.AppOrigins {
		if !exactOrigin(origin) {
			problems = append(problems, fmt.Errorf("httpd: %q is no origin: scheme, host and port, nothing else", origin))
		}
	}
	return errors.Join(problems...)
}

func exactOrigin(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.Scheme+"://"+u.Host == s
}
