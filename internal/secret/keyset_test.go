package secret_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/mac"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"

	"github.com/heffl/bff/internal/secret"
)

func TestRotation(t *testing.T) {
	t.Parallel()
	first := newKeyset(t)
	before := newBox(t, first)
	old := seal(t, before, place, "kept")

	second, id, err := secret.Add(first)
	if err != nil {
		t.Fatalf("add: %v", err)
	}
	added := newBox(t, second)
	if added.PrimaryKeyID() != before.PrimaryKeyID() || !added.Has(id) || before.Has(id) {
		t.Fatalf("an added key must be readable and unused: primary %d, added %d", added.PrimaryKeyID(), id)
	}

	third, err := secret.Promote(second, id)
	if err != nil {
		t.Fatalf("promote: %v", err)
	}
	promoted := newBox(t, third)
	fresh := seal(t, promoted, place, "new")
	if got, ok := secret.KeyID(fresh); !ok || got != id || promoted.PrimaryKeyID() != id {
		t.Errorf("key of a new ciphertext: got %d, %t; want %d", got, ok, id)
	}

	t.Run("old ciphertexts stay readable", func(t *testing.T) {
		t.Parallel()
		if got, err := promoted.Open(place, old); err != nil || string(got) != "kept" {
			t.Errorf("got %q, %v", got, err)
		}
	})
	t.Run("a replica that is one step behind reads the new ones", func(t *testing.T) {
		t.Parallel()
		if got, err := added.Open(place, fresh); err != nil || string(got) != "new" {
			t.Errorf("got %q, %v", got, err)
		}
	})
	t.Run("ErrUnknownKey", func(t *testing.T) {
		t.Parallel()
		var unknown *secret.UnknownKeyError
		if _, err := before.Open(place, fresh); !errors.As(err, &unknown) || unknown.KeyID != id {
			t.Errorf("got %v; want key %d to be unknown", err, id)
		}
	})
	t.Run("removed keys read nothing", func(t *testing.T) {
		t.Parallel()
		last, err := secret.Remove(third, before.PrimaryKeyID())
		if err != nil {
			t.Fatalf("remove: %v", err)
		}
		box := newBox(t, last)
		var unknown *secret.UnknownKeyError
		if _, err := box.Open(place, old); !errors.As(err, &unknown) {
			t.Errorf("old: got %v; want an unknown key", err)
		}
		if got, err := box.Open(place, fresh); err != nil || string(got) != "new" {
			t.Errorf("new: got %q, %v", got, err)
		}
	})
	t.Run("keys are listed", func(t *testing.T) {
		t.Parallel()
		got, err := secret.Keys(third)
		want := []secret.Key{{ID: before.PrimaryKeyID(), Enabled: true}, {ID: id, Primary: true, Enabled: true}}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("keys (-want +got), %v:\n%s", err, diff)
		}
	})
	t.Run("ErrNoSuchKey", func(t *testing.T) {
		t.Parallel()
		if _, err := secret.Promote(first, id); !errors.Is(err, secret.ErrNoSuchKey) {
			t.Errorf("promote: got %v", err)
		}
		if _, err := secret.Remove(first, id); !errors.Is(err, secret.ErrNoSuchKey) {
			t.Errorf("remove: got %v", err)
		}
	})
	t.Run("ErrPrimary", func(t *testing.T) {
		t.Parallel()
		if _, err := secret.Remove(third, id); !errors.Is(err, secret.ErrPrimary) {
			t.Errorf("got %v", err)
		}
	})
}

func TestDisabledKeyReadsNothing(t *testing.T) {
	t.Parallel()
	first := newKeyset(t)
	old := seal(t, newBox(t, first), place, "x")
	id, _ := secret.KeyID(old)
	second, fresh, err := secret.Add(first)
	if err != nil {
		t.Fatal(err)
	}
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(strings.NewReader(second.Reveal())))
	if err != nil {
		t.Fatal(err)
	}
	manager := keyset.NewManagerFromHandle(handle)
	if err := errors.Join(manager.SetPrimary(fresh), manager.Disable(id)); err != nil {
		t.Fatal(err)
	}
	disabled := marshal(t, manager)
	box := newBox(t, disabled)
	if box.Has(id) {
		t.Error("a disabled key counts as present")
	}
	var unknown *secret.UnknownKeyError
	if _, err := box.Open(place, old); !errors.As(err, &unknown) {
		t.Errorf("got %v; want an unknown key", err)
	}
	if _, err := secret.Promote(disabled, id); !errors.Is(err, secret.ErrNoSuchKey) {
		t.Errorf("promote a disabled key: got %v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	good := newKeyset(t).Reveal()
	for name, text := range map[string]string{
		"nothing":          "",
		"no JSON":          "hunter2",
		"an empty object":  "{}",
		"half a keyset":    good[:len(good)/2],
		"another use":      single(t, mac.HMACSHA256Tag128KeyTemplate()).Reveal(),
		"keys without ids": single(t, aead.AES256GCMNoPrefixKeyTemplate()).Reveal(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			box, err := secret.New(secret.Config{Keyset: secret.NewText(text)})
			if err == nil || box != nil {
				t.Fatal("accepted")
			}
			if text != "" && strings.Contains(err.Error(), text) {
				t.Errorf("the error shows the keyset: %v", err)
			}
		})
	}
}

func single(tb testing.TB, template *tinkpb.KeyTemplate) secret.Text {
	tb.Helper()
	manager := keyset.NewManager()
	id, err := manager.Add(template)
	if err != nil {
		tb.Fatal(err)
	}
	if err := manager.SetPrimary(id); err != nil {
		tb.Fatal(err)
	}
	return marshal(tb, manager)
}

func marshal(tb testing.TB, manager *keyset.Manager) secret.Text {
	tb.Helper()
	handle, err := manager.Handle()
	if err != nil {
		tb.Fatal(err)
	}
	var buffer bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&buffer)); err != nil {
		tb.Fatal(err)
	}
	return secret.NewText(buffer.String())
}
