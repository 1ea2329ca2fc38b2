package secret

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// ErrUnreadable means that a ciphertext was not made for this binding or was
// changed since. Which of the two cannot be told, and is not said.
var ErrUnreadable = errors.New("ciphertext cannot be read")

// UnknownKeyError means that a ciphertext was made with a key that the keyset
// does not hold: the configuration is older or newer than the row.
type UnknownKeyError struct {
	// KeyID is the key the ciphertext names.
	KeyID uint32
}

// Error names the missing key; a key id is not secret.
func (e *UnknownKeyError) Error() string {
	return fmt.Sprintf("key %d is not in the keyset", e.KeyID)
}

// Config is what a [Box] needs.
type Config struct {
	// Keyset is a cleartext tink keyset in JSON, as [Generate] makes it.
	Keyset Text
}

// Box seals and opens secrets with the keys of one keyset.
type Box struct {
	primitive tink.AEAD
	primary   uint32
	keys      map[uint32]bool
}

// New reads the keyset. A keyset with no usable primary key, or with keys that do
// not put their id in front of the ciphertext, is refused.
func New(config Config) (*Box, error) {
	handle, err := parse(config.Keyset)
	if err != nil {
		return nil, err
	}
	primitive, err := aead.New(handle)
	if err != nil {
		return nil, errors.New("keyset is not for authenticated encryption")
	}
	box := &Box{primitive: primitive, keys: make(map[uint32]bool)}
	for _, key := range describe(handle) {
		if key.Enabled {
			box.keys[key.ID] = true
		}
		if key.Primary {
			box.primary = key.ID
		}
	}
	return box, nil
}

// Seal encrypts plaintext with the primary key for the place that binding names.
func (b *Box) Seal(binding Binding, plaintext []byte) ([]byte, error) {
	data, err := binding.associatedData()
	if err != nil {
		return nil, err
	}
	ciphertext, err := b.primitive.Encrypt(plaintext, data)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return ciphertext, nil
}

// Open decrypts what [Box.Seal] made for the same binding. It returns [ErrUnreadable],
// [ErrBinding] or [*UnknownKeyError], never a part of the plaintext.
func (b *Box) Open(binding Binding, ciphertext []byte) ([]byte, error) {
	data, err := binding.associatedData()
	if err != nil {
		return nil, err
	}
	id, ok := KeyID(ciphertext)
	if !ok {
		return nil, ErrUnreadable
	}
	if !b.keys[id] {
		return nil, &UnknownKeyError{KeyID: id}
	}
	plaintext, err := b.primitive.Decrypt(ciphertext, data)
	if err != nil {
		return nil, ErrUnreadable
	}
	return plaintext, nil
}

// PrimaryKeyID is the key that Seal uses. A row with another key id is due for
// sealing anew.
func (b *Box) PrimaryKeyID() uint32 { return b.primary }

// Has reports whether ciphertexts of this key can be opened.
func (b *Box) Has(keyID uint32) bool { return b.keys[keyID] }

// prefixSize and prefixStart are tink's output prefix: one byte of version, then
// the key id, big-endian.
const (
	prefixSize  = 5
	prefixStart = 1
)

// KeyID reads the id of the key from the front of a ciphertext. It says nothing
// about whether the rest is intact.
func KeyID(ciphertext []byte) (uint32, bool) {
	if len(ciphertext) <= prefixSize || ciphertext[0] != prefixStart {
		return 0, false
	}
	return binary.BigEndian.Uint32(ciphertext[1:prefixSize]), true
}
