package bench

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// full measures as the figures are reported: five runs of each program, each longer.
var full = flag.Bool("full", false, "five runs of each program instead of three, and longer ones")

// The two programs that are measured, built once for all benchmarks.
var serverBinary, bareBinary string

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := buildAndRun(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		code = 1
	}
	os.Exit(code)
}

func buildAndRun(m *testing.M) (code int, err error) {
	if f := flag.Lookup("test.bench"); f == nil || f.Value.String() == "" {
		return m.Run(), nil // nothing to build for the tests of this package
	}
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return 1, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	serverBinary, bareBinary = filepath.Join(dir, "server"), filepath.Join(dir, "bare")
	for file, from := range map[string]string{serverBinary: "../..", bareBinary: "./bare"} {
		build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", file, from)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			return 1, fmt.Errorf("build %s: %w\n%s", from, err, out)
		}
	}
	code = m.Run()
	table.print(os.Stdout)
	return code, nil
}

// runs is how often each program is measured.
func runs() int {
	if *full {
		return 5
	}
	return 3
}
