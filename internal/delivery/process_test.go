package delivery

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/heffl/bff/internal/cliq"
	"github.com/heffl/bff/internal/connect"
	"github.com/heffl/bff/internal/sandbox"
	"github.com/heffl/bff/internal/secret"
	"github.com/heffl/bff/internal/store"
	"github.com/heffl/bff/model"
)

// workerEnv makes this test program a worker: a process of its own, which a test may kill.
const workerEnv = "DELIVERY_TEST_WORKER"

// workerOrder is what such a process is to do.
type workerOrder struct {
	Database, Standin, Keyset string
	Lease, Poll               time.Duration
	Workers                   int
	// Senders want the token of User, once each; without any, the workers run until standard input ends.
	Senders int
	User    uuid.UUID
}

// workFor does what it is told and answers the exit code.
func workFor(order string) int {
	var o workerOrder
	err := json.Unmarshal([]byte(order), &o)
	if err == nil {
		err = o.run(context.Background())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func (o *workerOrder) run(ctx context.Context) error {
	quiet := slog.New(slog.DiscardHandler)
	db, err := store.Open(ctx, store.Config{URL: o.Database, MaxConns: 8, Logger: quiet, Now: time.Now})
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	box, err := secret.New(secret.Config{Keyset: secret.NewText(o.Keyset)})
	if err != nil {
		return err
	}
	regions, err := cliq.NewRegions(cliq.RegionsConfig{
		StandinURL: o.Standin, Default: cliq.Credentials{ID: "1000.TEST", Secret: cliq.NewSecret("client-secret")},
	})
	if err != nil {
		return err
	}
	client, err := cliq.New(cliq.Config{Regions: regions, Now: time.Now, Timeout: time.Minute})
	if err != nil {
		return err
	}
	tokens, err := connect.NewTokens(connect.TokensConfig{Store: db, Client: client, Box: box, Logger: quiet, Now: time.Now})
	if err != nil {
		return err
	}
	w, err := New(Config{
		Store: db, Mailer: &post{}, Messenger: client, Tokens: tokens, AppURL: &url.URL{Scheme: "https", Host: "app.heffl.example"},
		Subject: func(*model.Event) string { return "" }, Changed: func(uuid.UUID) {},
		Disconnected: func(context.Context, model.Connection) error { return nil },
		CliqWorkers:  o.Workers, CliqLease: o.Lease, Poll: o.Poll, Logger: quiet, Now: time.Now,
	})
	if err != nil {
		return err
	}
	fmt.Println("ready")
	input := bufio.NewReader(os.Stdin)
	if _, err := input.ReadString('\n'); err != nil {
		return nil // not wanted any more
	}
	if o.Senders > 0 {
		return o.send(ctx, w)
	}
	w.Start(ctx)
	_, _ = io.Copy(io.Discard, input) // whatever becomes of the test, this ends
	w.Stop(ctx)
	return nil
}

// send lets all senders find the token expired at once, and prints what each of them got.
func (o *workerOrder) send(ctx context.Context, w *Workers) error {
	got := make([]string, o.Senders)
	failed := make([]error, o.Senders)
	var senders sync.WaitGroup
	for i := range o.Senders {
		senders.Go(func() { got[i], failed[i] = w.tokenOf(ctx, o.User) })
	}
	senders.Wait()
	for _, token := range got {
		fmt.Println(token)
	}
	return errors.Join(failed...)
}

// tokenOf takes the lease as a test message does, and names the access token without telling it.
func (w *Workers) tokenOf(ctx context.Context, user uuid.UUID) (string, error) {
	for {
		lease := uuid.New()
		c, _, err := w.leaseFor(ctx, user, lease)
		var busy *model.UserError
		var unavailable *model.Error
		switch {
		case errors.As(err, &busy) && busy.Code == model.UserErrorCodeProviderBusy, errors.As(err, &unavailable):
			continue
		case err != nil:
			return "", err
		}
		token, _, err := w.config.Tokens.Access(ctx, &c)
		return sandbox.TokenHash(token.Reveal()), errors.Join(err, w.config.Store.ReleaseLease(ctx, user, lease))
	}
}

// process is a worker that runs.
type process struct {
	cmd    *exec.Cmd
	input  io.WriteCloser
	output *bufio.Reader
	errors strings.Builder
}

// process starts one and waits until it is ready.
func (w *world) process(t *testing.T, o *workerOrder) *process {
	t.Helper()
	o.Database, o.Standin, o.Keyset = w.database, w.server.URL+"/sandbox", w.keyset.Reveal()
	order, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: exec.CommandContext(t.Context(), os.Args[0])}
	p.cmd.Env = append(os.Environ(), workerEnv+"="+string(order))
	p.cmd.Stderr = &p.errors
	output, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if p.input, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.output = bufio.NewReader(output)
	t.Cleanup(func() {
		_ = p.input.Close()
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	})
	return p
}

// processes starts n and waits until all of them are ready.
func (w *world) processes(t *testing.T, n int, o workerOrder) []*process {
	t.Helper()
	all := make([]*process, n)
	for i := range all {
		all[i] = w.process(t, &o)
	}
	for _, p := range all {
		if line, err := p.output.ReadString('\n'); line != "ready\n" {
			_ = p.cmd.Wait()
			t.Fatalf("a worker says %q, %v: %s", line, err, &p.errors)
		}
	}
	return all
}

// begin lets it work.
func (p *process) begin(t *testing.T) {
	t.Helper()
	if _, err := io.WriteString(p.input, "go\n"); err != nil {
		t.Fatal(err)
	}
}
