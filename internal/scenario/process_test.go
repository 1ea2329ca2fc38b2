package scenario

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// How long a process may take. Everything has a deadline and nothing sleeps: on a good machine a tenth is used.
const (
	startTimeout = 30 * time.Second
	stopTimeout  = 20 * time.Second
)

// server is one running process.
type server struct {
	url    string
	data   string
	env    []string
	log    *transcript
	http   *http.Client
	cmd    *exec.Cmd
	exited chan struct{} // closed when the process has ended
}

// environment is all that a process sees: nothing of whoever runs the tests can change what they prove.
func environment(settings ...string) []string {
	return append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.TempDir()}, settings...)
}

// start runs a server on a port of its own until the test ends. The folder is made when it is not there, so that a
// second server can go on from what the first one left.
func start(tb testing.TB, data string, settings ...string) *server {
	tb.Helper()
	s := &server{
		data: data, log: &transcript{}, exited: make(chan struct{}), http: newClient(tb),
		env: environment(append([]string{"HEFFL_DATA_DIR=" + data, "HEFFL_ADDR=localhost:0"}, settings...)...),
	}
	s.cmd = exec.Command(binary)
	s.cmd.Env, s.cmd.Stderr = s.env, s.log
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		tb.Fatalf("start the server: %v", err)
	}
	found := make(chan string, 1)
	go func() {
		found <- s.readBanner(stdout)
		_, _ = io.Copy(s.log, stdout)
		_ = s.cmd.Wait()
		close(s.exited)
	}()
	tb.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		<-s.exited
		if tb.Failed() {
			tb.Logf("what the server logged beside its requests:\n%s", s.log.withoutRequests())
		}
	})
	select {
	case s.url = <-found:
	case <-time.After(startTimeout):
	}
	if s.url == "" {
		tb.Fatalf("the server did not say where it is:\n%s", s.log)
	}
	return s
}

var address = regexp.MustCompile(`GraphQL\s+(http://\S+)/graphql`)

// readBanner reads until the banner names the server's address; empty when the process ended before.
func (s *server) readBanner(stdout io.Reader) string {
	lines := bufio.NewReader(stdout)
	for {
		line, err := lines.ReadString('\n')
		_, _ = io.WriteString(s.log, line)
		if match := address.FindStringSubmatch(line); match != nil {
			return match[1]
		}
		if err != nil {
			return ""
		}
	}
}

// stop asks the process to end, as an orchestrator does, and answers its exit code and how long it took.
func (s *server) stop(tb testing.TB) (code int, took time.Duration) {
	tb.Helper()
	begin := time.Now()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		tb.Fatalf("signal the server: %v", err)
	}
	select {
	case <-s.exited:
	case <-time.After(stopTimeout):
		tb.Fatalf("the server did not stop within %s", stopTimeout)
	}
	return s.cmd.ProcessState.ExitCode(), time.Since(begin)
}

// expectQuietLog fails when the server logged a fault of its own.
func (s *server) expectQuietLog(tb testing.TB) {
	tb.Helper()
	for line := range strings.SplitSeq(s.log.String(), "\n") {
		if strings.Contains(line, "level=ERROR") || strings.Contains(line, "panic") || strings.Contains(line, "goroutine ") {
			tb.Errorf("the server logged: %s", line)
		}
	}
}

// outcome is what a command came to.
type commandResult struct {
	code           int
	stdout, stderr string
}

// run runs the binary to its end.
func run(tb testing.TB, env []string, args ...string) commandResult {
	tb.Helper()
	cmd := exec.CommandContext(tb.Context(), binary, args...)
	cmd.Env = env
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		tb.Fatalf("run %q: %v", args, err)
	}
	return commandResult{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// succeed runs a command that must work and answers what it printed.
func succeed(tb testing.TB, env []string, args ...string) string {
	tb.Helper()
	result := run(tb, env, args...)
	if result.code != 0 {
		tb.Fatalf("%q ended with %d:\n%s", args, result.code, result.stderr)
	}
	return strings.TrimSpace(result.stdout)
}

// token mints one with the command that developers use.
func (s *server) token(tb testing.TB, user string, scopes ...string) string {
	tb.Helper()
	return succeed(tb, environment("HEFFL_DATA_DIR="+s.data), "token", "--user", user, "--scope", strings.Join(scopes, " "))
}

// transcript is a log that is written and read at once.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

// Write appends.
func (l *transcript) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String is everything so far.
func (l *transcript) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// withoutRequests leaves out what went as it should.
func (l *transcript) withoutRequests() string {
	return strings.Join(slices.DeleteFunc(strings.Split(l.String(), "\n"), func(line string) bool {
		return strings.Contains(line, "level=INFO msg=request ")
	}), "\n")
}
