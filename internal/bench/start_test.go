package bench

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/heffl/bff/internal/auth"
)

// BenchmarkStart measures W6: from exec to the first good answer, on a SQLite file that was migrated before, and what
// the server holds when it has nothing to do.
func BenchmarkStart(b *testing.B) {
	dataDir := b.TempDir()
	token := mint(b, dataDir, auth.Identity{UserExternalID: User(0), WorkspaceExternalID: Workspace, Name: "Person"})
	address := freeAddress(b)
	env := []string{"HEFFL_ADDR=" + address, "HEFFL_DATA_DIR=" + dataDir, "HEFFL_LOG_LEVEL=warn"}
	firstAnswer(b, address, token, env, serverBinary) // makes and migrates the file, and the person in it

	var bare, server []float64
	for range 2*runs() + 1 {
		bare = append(bare, firstAnswer(b, address, token, nil, bareBinary, "-addr", address, "-sqlite", dataDir+"/heffl.db", "-data-dir", dataDir))
		server = append(server, firstAnswer(b, address, token, env, serverBinary))
	}
	compareLess("W6 exec to first answer", "ms", "≤ 100, target 45", bare, server)

	idle := start(b, []string{"HEFFL_ADDR=127.0.0.1:0", "HEFFL_DATA_DIR=" + dataDir, "HEFFL_LOG_LEVEL=warn"}, serverBinary)
	time.Sleep(5 * time.Second)
	now, _ := idle.memory(b)
	note(b, "W6 idle memory, everything in one process", "MiB", "", now)
}

// firstAnswer starts a program, asks until it answers, ends it, and says how many milliseconds that took.
func firstAnswer(b *testing.B, address, token string, env []string, binary string, args ...string) float64 {
	b.Helper()
	cmd := exec.Command(binary, args...)
	cmd.Env = append([]string{"HOME=" + os.TempDir()}, env...)
	var log tail
	cmd.Stderr = &log
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	for time.Since(begin) < 30*time.Second {
		c, err := dial(address)
		if err != nil {
			time.Sleep(500 * time.Microsecond) // nobody listens yet
			continue
		}
		answer, err := c.do(token, Body(First))
		took := time.Since(begin)
		_ = c.conn.Close()
		if err != nil {
			b.Fatalf("%v\n%s", err, &log)
		}
		if !bytes.HasPrefix(answer, []byte(`{"data":{"viewer":{"id":"`)) || !bytes.HasSuffix(answer, []byte(`"inbox":{"unreadCount":0}}}}`)) {
			b.Fatalf("got %s", answer)
		}
		return float64(took.Microseconds()) / 1000
	}
	b.Fatalf("no answer:\n%s", &log)
	return 0
}

// freeAddress is where nobody listens.
func freeAddress(b *testing.B) string {
	b.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}
