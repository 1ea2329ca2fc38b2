package httpd

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"go.uber.org/goleak"

	"github.com/heffl/bff/internal/auth"
	"github.com/heffl/bff/model"
)

// full runs the tests at the size that is promised, where a smaller one is the default.
var full = flag.Bool("full", false, "tests at full size")

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

var (
	testKey    = []byte("0123456789abcdef0123456789abcdef")
	testCookie = &http.Cookie{Name: "heffl_connect", Value: "secret", Path: "/", HttpOnly: true}
)

const appOrigin = "https://app.heffl.test"

// viewers lets everybody in but those who are named disabled or broken.
type viewers struct{}

func (viewers) Admit(ctx context.Context, id auth.Identity) (context.Context, error) {
	switch id.UserExternalID {
	case "disabled":
		return nil, model.Errorf(model.CodeUnauthenticated, "This account is switched off.")
	case "broken":
		return nil, errors.New("pq: connection refused")
	}
	return ctx, nil
}

// present does what the product's presenter promises: only errors meant for a caller get through.
func present(ctx context.Context, err error) *gqlerror.Error {
	out := graphql.DefaultErrorPresenter(ctx, err)
	var known *model.Error
	switch {
	case errors.As(err, &known):
		out.Message, out.Extensions = known.Message, map[string]any{"code": string(known.Code)}
	case errors.Unwrap(out) != nil:
		out.Message, out.Extensions = "Internal error.", nil
	}
	return out
}

// bench is a server that listens, and what a test needs to talk to it.
type bench struct {
	*Server
	inbox *fakeInbox
	url   string // http://localhost:port
}

func setup(tb testing.TB, changes ...func(*Config)) *bench {
	tb.Helper()
	s, inbox := newServer(tb, changes...)
	l, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			tb.Errorf("shutdown: %v", err)
		}
		if err := <-served; err != nil {
			tb.Errorf("serve: %v", err)
		}
	})
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		tb.Fatal(err)
	}
	return &bench{Server: s, inbox: inbox, url: "http://localhost:" + port}
}

// newServer makes a server that listens nowhere, and the inbox behind it.
func newServer(tb testing.TB, changes ...func(*Config)) (*Server, *fakeInbox) {
	tb.Helper()
	verifier, err := auth.New(tb.Context(), auth.Config{Key: testKey, Logger: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		tb.Fatal(err)
	}
	inbox := newFakeInbox()
	cfg := Config{
		Schema: inbox.schema(), Verifier: verifier, Viewers: viewers{}, ErrorPresenter: present,
		AppOrigins: []string{appOrigin}, Development: true, Logger: slog.New(slog.DiscardHandler), Now: time.Now,
	}
	for _, change := range changes {
		change(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return s, inbox
}

// token mints a token for a user; it lives an hour.
func token(tb testing.TB, user string, scopes ...auth.Scope) string {
	tb.Helper()
	return tokenUntil(tb, user, time.Now().Add(time.Hour), scopes...)
}

func tokenUntil(tb testing.TB, user string, end time.Time, scopes ...auth.Scope) string {
	tb.Helper()
	text, err := auth.Mint(testKey, auth.Identity{UserExternalID: user, WorkspaceExternalID: "w", Scopes: scopes, ExpiresAt: end}, end.Add(-2*time.Hour))
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

// waitFor waits for something that has no signal of its own.
func (b *bench) waitFor(tb testing.TB, ready func() bool) {
	tb.Helper()
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for !ready() {
		select {
		case <-ticker.C:
		case <-deadline.C:
			tb.Fatal("it does not happen")
		}
	}
}
