// Command bare is what the server is measured against: the same answers by a program that knows them in advance. It
// owns one prepared statement and one renderer for each workload, shares a statement between all requests that wait
// at the moment, and knows nothing of GraphQL, of settings it is not asked for, or of errors: anything unexpected
// ends it. It is no example of anything.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/heffl/bff/internal/auth"
	"github.com/heffl/bff/internal/bench"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bare:", err)
		os.Exit(1)
	}
}

// run serves until the process is ended. The first line on standard output is the address.
func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("bare", flag.ContinueOnError)
	database := flags.String("database", "", "PostgreSQL's URL")
	file := flags.String("sqlite", "", "a SQLite file, for W6 alone")
	dataDir := flags.String("data-dir", "", "where the signing key lies")
	address := flags.String("addr", "127.0.0.1:0", "where to listen")
	if err := flags.Parse(args); err != nil {
		return err
	}
	key, err := auth.LoadOrCreateKey(*dataDir)
	if err != nil {
		return err
	}
	verifier, err := auth.New(ctx, auth.Config{Key: key, Logger: slog.New(slog.DiscardHandler), Now: clock})
	if err != nil {
		return err
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", *address)
	if err != nil {
		return err
	}
	s := &server{verifier: verifier}
	switch {
	case *file != "":
		err = s.openSQLite(ctx, *file)
	case *database != "":
		err = s.openPostgres(ctx, *database)
	default:
		s.live = newLive(verifier)
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stdout, "http://"+listener.Addr().String())
	if s.live != nil {
		return s.live.serve(ctx, listener)
	}
	server := &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	return server.Serve(listener)
}

func clock() time.Time { return time.Now() } //nolint:forbidigo // a measuring program has no other clock

// handler answers one operation: variables is the JSON of its variables with the closing brace of the body.
type handler func(ctx context.Context, user string, variables []byte) ([]byte, error)

// server answers the operations of the workloads.
type server struct {
	verifier *auth.Verifier
	known    sync.Map // Authorization header → Heffl's id of the person
	routes   []route
	live     *live
}

type route struct {
	head   []byte
	answer handler
}

func (s *server) route(head string, answer handler) {
	s.routes = append(s.routes, route{[]byte(head), answer})
}

// ServeHTTP finds the operation by the beginning of the body.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	user, err := s.user(r.Context(), r.Header.Get("Authorization"))
	if err == nil {
		err = s.serve(w, r, user)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bare:", err)
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }} //nolint:gochecknoglobals // a pool

func (s *server) serve(w http.ResponseWriter, r *http.Request, user string) error {
	body := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(body)
	body.Reset()
	if _, err := body.ReadFrom(r.Body); err != nil {
		return err
	}
	for _, route := range s.routes {
		variables, ok := bytes.CutPrefix(body.Bytes(), route.head)
		if !ok {
			continue
		}
		answer, err := route.answer(r.Context(), user, variables)
		if err != nil {
			return err
		}
		h := w.Header()
		h["Content-Type"] = []string{"application/json"}
		h["Content-Length"] = []string{strconv.Itoa(len(answer))}
		_, err = w.Write(answer)
		return err
	}
	return errors.New("an operation of no workload")
}

// user is who a token speaks for. A token is verified once.
func (s *server) user(ctx context.Context, header string) (string, error) {
	if user, ok := s.known.Load(header); ok {
		return user.(string), nil
	}
	token, ok := strings.CutPrefix(header, "Bearer ")
	if !ok {
		return "", errors.New("no token")
	}
	id, err := s.verifier.Verify(ctx, token)
	if err != nil {
		return "", err
	}
	if id.WorkspaceExternalID != bench.Workspace {
		return "", errors.New("another workspace")
	}
	s.known.Store(header, id.UserExternalID)
	return id.UserExternalID, nil
}
