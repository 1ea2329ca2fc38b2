package secret

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
)

// ErrKeyset means that the configured keyset cannot be used. The text of the
// parser is withheld: it may quote key material.
var ErrKeyset = errors.New("keyset is not a usable tink keyset")

// ErrNoSuchKey means that a rotation step names a key that is not there.
var ErrNoSuchKey = errors.New("keyset has no such key")

// ErrPrimary means that the primary key was to be removed.
var ErrPrimary = errors.New("the primary key cannot be removed; promote another one first")

// Key describes one key of a keyset without showing it.
type Key struct {
	ID      uint32
	Primary bool
	Enabled bool
}

// Generate makes a keyset with one fresh AES-256-GCM key.
func Generate() (Text, error) {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return Text{}, fmt.Errorf("generate keyset: %w", err)
	}
	return write(handle)
}

// Add puts a fresh key into the keyset without using it yet. Roll the result out
// to every replica before [Promote]: a replica must be able to open what another
// one has sealed.
func Add(current Text) (Text, uint32, error) {
	handle, err := parse(current)
	if err != nil {
		return Text{}, 0, err
	}
	manager := keyset.NewManagerFromHandle(handle)
	id, err := manager.Add(aead.AES256GCMKeyTemplate())
	if err != nil {
		return Text{}, 0, fmt.Errorf("add key: %w", err)
	}
	next, err := finish(manager)
	return next, id, err
}

// Promote makes a key of the keyset the one that seals.
func Promote(current Text, id uint32) (Text, error) {
	handle, err := parse(current)
	if err != nil {
		return Text{}, err
	}
	key, ok := find(handle, id)
	if !ok || !key.Enabled {
		return Text{}, ErrNoSuchKey
	}
	manager := keyset.NewManagerFromHandle(handle)
	if err := manager.SetPrimary(id); err != nil {
		return Text{}, fmt.Errorf("promote key: %w", err)
	}
	return finish(manager)
}

// Remove takes a key out for good: whatever it sealed is lost. Call it only when
// no row is left on that key.
func Remove(current Text, id uint32) (Text, error) {
	handle, err := parse(current)
	if err != nil {
		return Text{}, err
	}
	key, ok := find(handle, id)
	if !ok {
		return Text{}, ErrNoSuchKey
	}
	if key.Primary {
		return Text{}, ErrPrimary
	}
	manager := keyset.NewManagerFromHandle(handle)
	if err := manager.Delete(id); err != nil {
		return Text{}, fmt.Errorf("remove key: %w", err)
	}
	return finish(manager)
}

// Keys lists the keys of a keyset in the order in which they were added.
func Keys(current Text) ([]Key, error) {
	handle, err := parse(current)
	if err != nil {
		return nil, err
	}
	return describe(handle), nil
}

func parse(current Text) (*keyset.Handle, error) {
	reader := keyset.NewJSONReader(strings.NewReader(current.Reveal()))
	handle, err := insecurecleartextkeyset.Read(reader)
	if err != nil {
		return nil, ErrKeyset
	}
	for _, info := range handle.KeysetInfo().GetKeyInfo() {
		// Without its prefix a ciphertext does not say which key it needs, and
		// nobody could tell whether a rotation is complete.
		if info.GetOutputPrefixType() != tinkpb.OutputPrefixType_TINK {
			return nil, ErrKeyset
		}
	}
	if _, err := handle.Primary(); err != nil {
		return nil, ErrKeyset
	}
	return handle, nil
}

func finish(manager *keyset.Manager) (Text, error) {
	handle, err := manager.Handle()
	if err != nil {
		return Text{}, fmt.Errorf("build keyset: %w", err)
	}
	return write(handle)
}

func write(handle *keyset.Handle) (Text, error) {
	var buffer bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&buffer)); err != nil {
		return Text{}, fmt.Errorf("write keyset: %w", err)
	}
	return NewText(buffer.String()), nil
}

func describe(handle *keyset.Handle) []Key {
	info := handle.KeysetInfo()
	keys := make([]Key, 0, len(info.GetKeyInfo()))
	for _, key := range info.GetKeyInfo() {
		keys = append(keys, Key{
			ID:      key.GetKeyId(),
			Primary: key.GetKeyId() == info.GetPrimaryKeyId(),
			Enabled: key.GetStatus() == tinkpb.KeyStatusType_ENABLED,
		})
	}
	return keys
}

func find(handle *keyset.Handle, id uint32) (Key, bool) {
	for _, key := range describe(handle) {
		if key.ID == id {
			return key, true
		}
	}
	return Key{}, false
}
