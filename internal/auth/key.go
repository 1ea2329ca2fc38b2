package auth

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	keyBytes = 32
	keyFile  = "development-signing-key"
)

// LoadOrCreateKey reads the development signing key from the data directory and makes one,
// readable by its owner only, when there is none. Two processes that start at once agree:
// the first to put its file in place wins and the other reads it.
func LoadOrCreateKey(dir string) ([]byte, error) {
	path := filepath.Join(dir, keyFile)
	key, err := readKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make data directory: %w", err)
	}
	fresh := make([]byte, keyBytes)
	_, _ = rand.Read(fresh)                            // never fails
	temporary, err := os.CreateTemp(dir, keyFile+"-*") // made with 0600
	if err != nil {
		return nil, fmt.Errorf("create signing key: %w", err)
	}
	defer func() { _ = os.Remove(temporary.Name()) }()
	_, err = temporary.WriteString(hex.EncodeToString(fresh) + "\n")
	if err := errors.Join(err, temporary.Close()); err != nil {
		return nil, fmt.Errorf("write signing key: %w", err)
	}
	// A link appears with its whole content and never replaces what is there.
	if err := os.Link(temporary.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("place signing key: %w", err)
	}
	return readKey(path)
}

func readKey(path string) ([]byte, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the data directory is the operator's choice
	if err != nil {
		return nil, fmt.Errorf("read signing key: %w", err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) < keyBytes {
		return nil, fmt.Errorf("read signing key: %s does not hold %d bytes in hexadecimal", path, keyBytes)
	}
	return key, nil
}

// Mint signs a token with the development key. The identity is written as it is; nothing
// that [Verifier.Verify] would refuse is signed.
func Mint(key []byte, id Identity, issuedAt time.Time) (string, error) {
	body := claims{
		Subject:       id.UserExternalID,
		WorkspaceID:   id.WorkspaceExternalID,
		WorkspaceName: id.WorkspaceName,
		WorkspaceIDs:  id.WorkspaceIDs,
		Name:          id.Name,
		Email:         id.Email,
		Scope:         joinScopes(id.Scopes),
		ExpiresAt:     &unixTime{id.ExpiresAt},
		IssuedAt:      &unixTime{issuedAt},
	}
	if id.AllWorkspaces {
		body.WorkspaceIDs = []string{"*"}
	}
	if err := body.Validate(); err != nil {
		return "", fmt.Errorf("mint token: %w", err)
	}
	if !id.ExpiresAt.After(issuedAt) {
		return "", errors.New("mint token: it would have run out already")
	}
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, &body).SignedString(key)
	if err != nil {
		return "", fmt.Errorf("mint token: %w", err)
	}
	return token, nil
}

func joinScopes(scopes []Scope) string {
	words := make([]string, len(scopes))
	for i, scope := range scopes {
		words[i] = string(scope)
	}
	return strings.Join(words, " ")
}
