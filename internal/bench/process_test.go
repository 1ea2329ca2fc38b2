package bench

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// process is one running program.
type process struct {
	address string // host:port
	cmd     *exec.Cmd
	exited  chan struct{}
	log     *tail
}

// tail keeps what a program writes to its standard error.
type tail struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.Write(p)
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

var found = regexp.MustCompile(`http://([0-9a-zA-Z.]+:\d+)`)

// start runs a program until the benchmark ends and reads where it listens from its first lines.
func start(b *testing.B, env []string, binary string, args ...string) *process {
	b.Helper()
	p := &process{cmd: exec.Command(binary, args...), exited: make(chan struct{}), log: &tail{}}
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.TempDir(), "GOTRACEBACK=all"}, env...)
	p.cmd.Stderr = p.log
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	address := make(chan string, 1)
	go func() {
		lines := bufio.NewReader(stdout)
		for {
			line, err := lines.ReadString('\n')
			if match := found.FindStringSubmatch(line); match != nil {
				address <- match[1]
				break
			}
			if err != nil {
				break
			}
		}
		_, _ = io.Copy(io.Discard, lines)
		_ = p.cmd.Wait()
		close(p.exited)
	}()
	b.Cleanup(p.kill)
	select {
	case p.address = <-address:
	case <-p.exited:
		b.Fatalf("%s ended:\n%s", binary, p.log)
	case <-time.After(30 * time.Second):
		b.Fatalf("%s did not say where it is:\n%s", binary, p.log)
	}
	if host, port, err := net.SplitHostPort(p.address); err == nil && host == "localhost" {
		p.address = net.JoinHostPort("127.0.0.1", port)
	}
	return p
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.exited
}

// memory is what the process holds now and held at most, in MiB.
func (p *process) memory(b *testing.B) (now, most float64) {
	b.Helper()
	text, err := os.ReadFile("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/status")
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) != 3 {
			continue
		}
		kib, _ := strconv.ParseFloat(fields[1], 64)
		switch fields[0] {
		case "VmRSS:":
			now = kib / 1024
		case "VmHWM:":
			most = kib / 1024
		}
	}
	return now, most
}

// goroutines ends the process as an operator does who wants to know what it does, and counts.
func (p *process) goroutines(b *testing.B) int {
	b.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGQUIT); err != nil {
		b.Fatal(err)
	}
	<-p.exited
	n := 0
	for line := range strings.Lines(p.log.String()) {
		if strings.HasPrefix(line, "goroutine ") {
			n++
		}
	}
	return n
}

// blackHole accepts connections and never answers: whatever is sent outside hangs there and costs nobody anything.
func blackHole(b *testing.B) string {
	b.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = listener.Close() })
	go func() {
		var held []net.Conn
		for {
			conn, err := listener.Accept()
			if err != nil {
				for _, c := range held {
					_ = c.Close()
				}
				return
			}
			held = append(held, conn)
		}
	}()
	return listener.Addr().String()
}
