package secret

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// LoadOrCreate returns the keyset of a development machine from a file, which it
// creates with a fresh keyset when it is missing. Only its owner may read the
// file; one that others can read is refused rather than repaired, because its
// keys must count as known.
//
// Several processes may call it at once: all of them get the same keyset.
func LoadOrCreate(path string) (Text, error) {
	current, err := load(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return current, err
	}
	if err := create(path); err != nil {
		return Text{}, err
	}
	return load(path)
}

func load(path string) (Text, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Text{}, fmt.Errorf("read keyset file: %w", err)
	}
	// Windows reports made-up permission bits.
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return Text{}, fmt.Errorf("keyset file %s has mode %04o: others can read it (want 0600)", path, info.Mode().Perm())
	}
	content, err := os.ReadFile(path) //nolint:gosec // the path is the operator's own
	if err != nil {
		return Text{}, fmt.Errorf("read keyset file: %w", err)
	}
	current := NewText(string(content))
	if _, err := parse(current); err != nil {
		return Text{}, fmt.Errorf("keyset file %s: %w", path, err)
	}
	return current, nil
}

// create writes the file under another name first and then links it into place:
// a crash leaves no half-written keyset, and of two processes exactly one wins.
func create(path string) error {
	fresh, err := Generate()
	if err != nil {
		return err
	}
	directory := filepath.Dir(path)
	if err := os.MkdirAll(directory, 0o700); err != nil {
		return fmt.Errorf("create keyset folder: %w", err)
	}
	// CreateTemp gives the file mode 0600.
	file, err := os.CreateTemp(directory, ".keyset-*")
	if err != nil {
		return fmt.Errorf("create keyset file: %w", err)
	}
	defer func() { _ = os.Remove(file.Name()) }()
	if _, err := file.WriteString(fresh.Reveal()); err != nil {
		_ = file.Close()
		return fmt.Errorf("write keyset file: %w", err)
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("write keyset file: %w", err)
	}
	if err := os.Link(file.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("create keyset file: %w", err)
	}
	return nil
}
