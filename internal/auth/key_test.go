package auth

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

func TestLoadOrCreateKey(t *testing.T) {
	t.Parallel()

	t.Run("EveryoneGetsTheSame", func(t *testing.T) {
		t.Parallel()
		dir := filepath.Join(t.TempDir(), "data")
		keys := make([][]byte, 8)
		var wait sync.WaitGroup
		for i := range keys {
			wait.Go(func() {
				key, err := LoadOrCreateKey(dir)
				if err != nil {
					t.Error(err)
				}
				keys[i] = key
			})
		}
		wait.Wait()
		for _, key := range keys {
			if len(key) != keyBytes || !bytes.Equal(key, keys[0]) {
				t.Fatalf("keys differ: %x", keys)
			}
		}
		files, err := os.ReadDir(dir)
		if err != nil || len(files) != 1 {
			t.Fatalf("left in the directory: %v, %v", files, err)
		}
		info, err := files[0].Info()
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v, %v", info.Mode(), err)
		}
	})

	t.Run("ErrDamaged", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, keyFile), []byte("abcd\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadOrCreateKey(dir); err == nil {
			t.Error("a key of two bytes was taken")
		}
	})
}

func TestMintRefuses(t *testing.T) {
	t.Parallel()
	cases := map[string]Identity{
		"NoUser":      {WorkspaceExternalID: "w", ExpiresAt: noon.Add(time.Hour)},
		"NoWorkspace": {UserExternalID: "u", ExpiresAt: noon.Add(time.Hour)},
		"RunOut":      {UserExternalID: "u", WorkspaceExternalID: "w", ExpiresAt: noon},
	}
	for name, id := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if token, err := Mint(testKey, id, noon); err == nil {
				t.Errorf("minted %s", token)
			}
		})
	}
}
