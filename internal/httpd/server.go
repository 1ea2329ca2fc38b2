package httpd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// The server's own routes.
const (
	patternGraphQL = "/graphql"
	patternSession = "/session"
	patternLive    = "GET /healthz"
	patternReady   = "GET /readyz"
)

// Bounds of a connection that are no matter of taste: they end half-sent requests and answers
// nobody takes. Streams have deadlines of their own.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 8 * time.Second
	writeTimeout      = 30 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 32 << 10        // a token and a query by GET
	cutTime           = 2 * time.Second // for operations to end once they are told
)

// Server answers everything that comes by HTTP.
type Server struct {
	cfg     Config
	engine  *engine
	origins origins
	handler http.Handler
	http    *http.Server
	buffers bufferPool

	userRate, serviceRate, anonymousRate *limiter
	connections, pending                 *quota
	judging, answering                   *turns
	sockets                              *socketSet
	streams                              *streamSet

	drain     chan struct{} // closed when the server begins to stop
	drainOnce sync.Once
	work      sync.WaitGroup // goroutines of streams and operations
}

// New makes a server. It listens to nothing yet: use Serve, or the server itself as a handler.
func New(cfg Config) (*Server, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	cfg.Limits = cfg.Limits.withDefaults()
	engine, err := newEngine(cfg)
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg:           cfg,
		engine:        engine,
		origins:       newOrigins(cfg.AppOrigins, cfg.Development),
		userRate:      newLimiter(cfg.Limits.UserRate, cfg.Now),
		serviceRate:   newLimiter(cfg.Limits.ServiceRate, cfg.Now),
		anonymousRate: newLimiter(cfg.Limits.AnonymousRate, cfg.Now),
		connections:   newQuota(cfg.Limits.Connections),
		pending:       newQuota(cfg.Limits.Pending),
		judging:       newTurns(judges(), 3, cfg.Now),
		answering:     newTurns(0, 3, cfg.Now),
		streams:       newStreamSet(),
		drain:         make(chan struct{}),
	}
	s.sockets = newSocketSet(s)
	mux := http.NewServeMux()
	mux.HandleFunc(patternGraphQL, s.serveGraphQL)
	mux.HandleFunc(patternSession, s.serveSession)
	mux.HandleFunc(patternLive, s.serveLive)
	mux.HandleFunc(patternReady, s.serveReady)
	for _, mount := range cfg.Mounts {
		mux.Handle(mount.Pattern, mount.Handler)
	}
	s.handler = s.around(mux)
	if cfg.Middleware != nil {
		s.handler = cfg.Middleware(s.handler)
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true) // a proxy may speak it to us: streams then share a connection
	s.http = &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		Protocols:         protocols,
		ErrorLog:          slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelDebug),
	}
	return s, nil
}

// ServeHTTP implements [http.Handler]: the same as behind Serve, without its timeouts.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.handler.ServeHTTP(w, r)
}

// Serve answers on a listener until Shutdown. It returns nil when it was told to stop.
func (s *Server) Serve(l net.Listener) error {
	if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve http: %w", err)
	}
	return nil
}

// Drain makes the server say that it is not ready, so that nobody sends it more. Everything goes
// on as before.
func (s *Server) Drain() {
	s.drainOnce.Do(func() { close(s.drain) })
}

func (s *Server) draining() bool {
	select {
	case <-s.drain:
		return true
	default:
		return false
	}
}

// Shutdown ends the server: no new connections, event streams end and WebSockets close with 1012,
// spread over up to five seconds (their clients come back at once, to another replica), requests that
// run are finished. What is left when ctx is done is cut. It returns when no goroutine of the server
// is left, or with an error when a resolver does not end with its context, and may be called again.
func (s *Server) Shutdown(ctx context.Context) error {
	s.Drain()
	spread := drainSpread(s.sockets.len() + s.streams.len())
	s.streams.close(spread)
	stopped := make(chan error, 1)
	go func() { stopped <- s.http.Shutdown(ctx) }()
	s.sockets.close(ctx, spread)
	err := <-stopped
	if err != nil {
		err = errors.Join(fmt.Errorf("shut down http: %w", err), s.http.Close())
	}
	idle := make(chan struct{})
	go func() {
		s.work.Wait()
		close(idle)
	}()
	timer := time.NewTimer(cutTime)
	defer timer.Stop()
	select {
	case <-idle:
		return err
	case <-timer.C:
		return errors.Join(err, errors.New("shut down http: some operations do not end"))
	}
}

// Stats are numbers for gauges.
type Stats struct {
	WebSockets   int
	EventStreams int
}

// Stats counts what is open.
func (s *Server) Stats() Stats {
	return Stats{WebSockets: s.sockets.len(), EventStreams: s.streams.len()}
}

func (s *Server) stopping() bool { return s.draining() }
