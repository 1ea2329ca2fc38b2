package testkit

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// The one server of each kind that this test process uses.
var (
	throwAway = sync.OnceValues(func() (string, error) {
		return startPostgres("fsync=off", "synchronous_commit=off", "full_page_writes=off")
	})
	durable = sync.OnceValues(func() (string, error) { return startPostgres() })
)

// Postgres is the URL of a fresh, empty database. It lies on the server that TEST_DATABASE_URL names (the role must
// be allowed to create databases), or else on one server that this process starts, which forgets everything in a
// crash. It goes when the test ends.
func Postgres(tb testing.TB) string {
	tb.Helper()
	if server := os.Getenv("TEST_DATABASE_URL"); server != "" {
		return createDatabase(tb, server)
	}
	server, err := throwAway()
	if err != nil {
		tb.Fatalf("start PostgreSQL (or set TEST_DATABASE_URL): %v", err)
	}
	return createDatabase(tb, server)
}

// DurablePostgres is like Postgres, but its server runs with PostgreSQL's own settings, so that a commit costs
// what it costs: for benchmarks.
func DurablePostgres(tb testing.TB) string {
	tb.Helper()
	if server := os.Getenv("TEST_DATABASE_URL"); server != "" {
		return createDatabase(tb, server)
	}
	server, err := durable()
	if err != nil {
		tb.Fatalf("start PostgreSQL (or set TEST_DATABASE_URL): %v", err)
	}
	return createDatabase(tb, server)
}

// createDatabase makes a database with a name of its own and drops it when the test ends.
func createDatabase(tb testing.TB, server string) string {
	tb.Helper()
	name := "test_" + strings.ToLower(rand.Text())
	run := func(ctx context.Context, statement string) error {
		conn, err := pgx.Connect(ctx, server)
		if err != nil {
			return err
		}
		_, err = conn.Exec(ctx, statement)
		return errors.Join(err, conn.Close(ctx))
	}
	if err := run(tb.Context(), "CREATE DATABASE "+name); err != nil {
		tb.Fatalf("create database: %v", err)
	}
	tb.Cleanup(func() {
		if err := run(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			tb.Errorf("drop database: %v", err)
		}
	})
	u, err := url.Parse(server)
	if err != nil {
		tb.Fatalf("read server URL: %v", err)
	}
	u.Path = "/" + name
	return u.String()
}

// watchdog runs the server until its own standard input ends, which is when the test process does, however it ends;
// then it stops the server and removes its directory.
const watchdog = `
"$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= -c max_connections=300 "${@:3}" >"$2/log" 2>&1 &
server=$!
read -r _
kill -QUIT $server
wait $server
rm -rf "$2"
`

// startPostgres makes a cluster in a temporary directory and serves it on a Unix socket there.
func startPostgres(settings ...string) (serverURL string, err error) {
	bin, err := postgresBin()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "pg")
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	identity, err := unprivileged(dir)
	if err != nil {
		return "", err
	}

	initdb := exec.Command(filepath.Join(bin, "initdb"),
		"--pgdata", filepath.Join(dir, "data"), "--username", "heffl", "--auth", "trust", "--encoding", "UTF8",
		"--locale", "C", "--no-sync")
	initdb.SysProcAttr, initdb.Dir = identity, dir
	if out, err := initdb.CombinedOutput(); err != nil {
		return "", fmt.Errorf("initdb: %w\n%s", err, out)
	}

	stdin, keepOpen, err := os.Pipe()
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, stdin.Close()) }()
	args := []string{"-c", watchdog, "watchdog", bin, dir}
	for _, setting := range settings {
		args = append(args, "-c", setting)
	}
	server := exec.Command("bash", args...)
	server.SysProcAttr, server.Dir, server.Stdin = identity, dir, stdin
	if err := server.Start(); err != nil {
		return "", errors.Join(err, keepOpen.Close())
	}
	// keepOpen stays open as long as this process lives; a finalizer must not close it earlier.
	held.Store(keepOpen, server)

	serverURL = "postgres://heffl@/postgres?" + url.Values{"host": {dir}}.Encode()
	return serverURL, waitForServer(serverURL, dir)
}

// held keeps the watchdogs' pipes reachable.
var held sync.Map

// waitForServer returns when the server takes connections.
func waitForServer(serverURL, dir string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	retry := time.NewTicker(20 * time.Millisecond)
	defer retry.Stop()
	for {
		conn, err := pgx.Connect(ctx, serverURL)
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-ctx.Done():
			log, _ := os.ReadFile(filepath.Join(dir, "log"))
			return fmt.Errorf("connect: %w\n%s", err, log)
		case <-retry.C:
		}
	}
}

// postgresBin finds the directory of PostgreSQL's programs, the newest version first.
func postgresBin() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", err
	}
	if len(found) == 0 {
		return "", errors.New("initdb is neither in PATH nor in /usr/lib/postgresql")
	}
	version := func(path string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
		return n
	}
	newest := slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })
	return filepath.Dir(newest), nil
}

// unprivileged is who the server runs as: PostgreSQL refuses to run as root. It hands dir over to them.
func unprivileged(dir string) (*syscall.SysProcAttr, error) {
	if os.Geteuid() != 0 {
		return nil, nil //nolint:nilnil // no change of identity is needed
	}
	who, err := user.Lookup("postgres")
	if err != nil {
		who, err = user.Lookup("nobody")
	}
	if err != nil {
		return nil, fmt.Errorf("find an unprivileged user: %w", err)
	}
	uid, err := strconv.ParseUint(who.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(who.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	if err := os.Chown(dir, int(uid), int(gid)); err != nil {
		return nil, err
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
}
