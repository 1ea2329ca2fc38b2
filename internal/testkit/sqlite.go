package testkit

import (
	"path/filepath"
	"testing"
)

// SQLite is the URL of a fresh SQLite file.
func SQLite(tb testing.TB) string {
	tb.Helper()
	return "file:" + filepath.Join(tb.TempDir(), "heffl.db")
}
