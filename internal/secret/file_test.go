package secret_test

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/heffl/bff/internal/secret"
)

func TestLoadOrCreate(t *testing.T) {
	t.Parallel()

	t.Run("creates once", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "data", "keyset.json")
		first, err := secret.LoadOrCreate(path)
		if err != nil {
			t.Fatal(err)
		}
		newBox(t, first)
		second, err := secret.LoadOrCreate(path)
		if err != nil || !first.Equal(second) {
			t.Errorf("the second call gives another keyset (%v)", err)
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("mode: got %v, %v; want 0600", info.Mode(), err)
		}
		entries, err := os.ReadDir(filepath.Dir(path))
		if err != nil || len(entries) != 1 {
			t.Errorf("files left behind: %v, %v", entries, err)
		}
	})

	t.Run("parallel callers agree", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "keyset.json")
		var group sync.WaitGroup
		got := make([]secret.Text, 16)
		for i := range got {
			group.Go(func() {
				keyset, err := secret.LoadOrCreate(path)
				if err != nil {
					t.Error(err)
				}
				got[i] = keyset
			})
		}
		group.Wait()
		for _, keyset := range got {
			if keyset.IsEmpty() || !keyset.Equal(got[0]) {
				t.Fatal("two callers hold different keysets")
			}
		}
	})

	t.Run("ErrReadableByOthers", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "keyset.json")
		if err := os.WriteFile(path, []byte(newKeyset(t).Reveal()), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, 0o640); err != nil {
			t.Fatal(err)
		}
		if got, err := secret.LoadOrCreate(path); err == nil || !got.IsEmpty() {
			t.Error("accepted")
		}
	})

	t.Run("ErrKeyset", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "keyset.json")
		if err := os.WriteFile(path, []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := secret.LoadOrCreate(path); !errors.Is(err, secret.ErrKeyset) {
			t.Errorf("got %v; want ErrKeyset, and the file left alone", err)
		}
	})
}
