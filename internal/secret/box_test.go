package secret_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/heffl/bff/internal/secret"
)

var place = secret.Binding{Table: "integration_tokens", Column: "refresh_token", Row: "row-1", User: "user-1"}

func newKeyset(tb testing.TB) secret.Text {
	tb.Helper()
	keyset, err := secret.Generate()
	if err != nil {
		tb.Fatalf("generate: %v", err)
	}
	return keyset
}

func newBox(tb testing.TB, keyset secret.Text) *secret.Box {
	tb.Helper()
	box, err := secret.New(secret.Config{Keyset: keyset})
	if err != nil {
		tb.Fatalf("new: %v", err)
	}
	return box
}

func seal(tb testing.TB, box *secret.Box, binding secret.Binding, plaintext string) []byte {
	tb.Helper()
	ciphertext, err := box.Seal(binding, []byte(plaintext))
	if err != nil {
		tb.Fatalf("seal: %v", err)
	}
	return ciphertext
}

func TestBoxRoundTrip(t *testing.T) {
	t.Parallel()
	box := newBox(t, newKeyset(t))
	for name, plaintext := range map[string]string{"empty": "", "token": "1000.abc.def", "binary": "\x00\xff\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ciphertext := seal(t, box, place, plaintext)
			if plaintext != "" && bytes.Contains(ciphertext, []byte(plaintext)) {
				t.Error("the ciphertext shows the plaintext")
			}
			got, err := box.Open(place, ciphertext)
			if err != nil || string(got) != plaintext {
				t.Errorf("open: got %q, %v; want %q", got, err, plaintext)
			}
		})
	}
}

// TestTokenAADBinding shows that a ciphertext opens in its own place only, whole
// and unchanged.
func TestTokenAADBinding(t *testing.T) {
	t.Parallel()
	box := newBox(t, newKeyset(t))
	ciphertext := seal(t, box, place, "1000.0123456789abcdef.fedcba9876543210")

	t.Run("OK", func(t *testing.T) {
		t.Parallel()
		if _, err := box.Open(place, ciphertext); err != nil {
			t.Fatalf("open in its own place: %v", err)
		}
	})

	for name, elsewhere := range map[string]secret.Binding{
		"ErrOtherTable":  {Table: "revocations", Column: place.Column, Row: place.Row, User: place.User},
		"ErrOtherColumn": {Table: place.Table, Column: "access_token", Row: place.Row, User: place.User},
		"ErrOtherRow":    {Table: place.Table, Column: place.Column, Row: "row-2", User: place.User},
		"ErrOtherUser":   {Table: place.Table, Column: place.Column, Row: place.Row, User: "user-2"},
		"ErrCellsMerged": {Table: place.Table + place.Column[:1], Column: place.Column[1:], Row: place.Row, User: place.User},
		"ErrRowsMerged":  {Table: place.Table, Column: place.Column, Row: place.Row + "u", User: place.User[1:]},
		"ErrPartsSwapped": {
			Table: place.Table, Column: place.Column, Row: place.User, User: place.Row,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := box.Open(elsewhere, ciphertext); !errors.Is(err, secret.ErrUnreadable) || got != nil {
				t.Errorf("got %q, %v; want ErrUnreadable", got, err)
			}
		})
	}

	t.Run("ErrTruncated", func(t *testing.T) {
		t.Parallel()
		for size := range ciphertext {
			if got, err := box.Open(place, ciphertext[:size]); !errors.Is(err, secret.ErrUnreadable) || got != nil {
				t.Errorf("first %d bytes: got %q, %v; want ErrUnreadable", size, got, err)
			}
			if got, err := box.Open(place, ciphertext[len(ciphertext)-size:]); err == nil || got != nil {
				t.Errorf("last %d bytes: got %q; want an error", size, got)
			}
		}
	})

	t.Run("ErrBitFlipped", func(t *testing.T) {
		t.Parallel()
		for bit := range len(ciphertext) * 8 {
			changed := bytes.Clone(ciphertext)
			changed[bit/8] ^= 1 << (bit % 8)
			if got, err := box.Open(place, changed); err == nil || got != nil {
				t.Errorf("bit %d: got %q; want an error", bit, got)
			}
		}
	})

	t.Run("ErrAppended", func(t *testing.T) {
		t.Parallel()
		if _, err := box.Open(place, append(bytes.Clone(ciphertext), 0)); !errors.Is(err, secret.ErrUnreadable) {
			t.Errorf("got %v; want ErrUnreadable", err)
		}
	})
}

func TestBindingNeedsEveryPart(t *testing.T) {
	t.Parallel()
	box := newBox(t, newKeyset(t))
	ciphertext := seal(t, box, place, "x")
	for name, clear := range map[string]func(*secret.Binding){
		"table":  func(b *secret.Binding) { b.Table = "" },
		"column": func(b *secret.Binding) { b.Column = "" },
		"row":    func(b *secret.Binding) { b.Row = "" },
		"user":   func(b *secret.Binding) { b.User = "" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			binding := place
			clear(&binding)
			if _, err := box.Seal(binding, []byte("x")); !errors.Is(err, secret.ErrBinding) {
				t.Errorf("seal: got %v; want ErrBinding", err)
			}
			if _, err := box.Open(binding, ciphertext); !errors.Is(err, secret.ErrBinding) {
				t.Errorf("open: got %v; want ErrBinding", err)
			}
		})
	}
}

func FuzzOpen(f *testing.F) {
	box := newBox(f, newKeyset(f))
	intact := seal(f, box, place, "1000.abc.def")
	f.Add(intact)
	f.Add(intact[:len(intact)-1])
	f.Add([]byte{})
	f.Add([]byte{1, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, ciphertext []byte) {
		got, err := box.Open(place, ciphertext)
		if bytes.Equal(ciphertext, intact) {
			if err != nil || string(got) != "1000.abc.def" {
				t.Fatalf("the intact ciphertext: got %q, %v", got, err)
			}
			return
		}
		var unknown *secret.UnknownKeyError
		if got != nil || (!errors.Is(err, secret.ErrUnreadable) && !errors.As(err, &unknown)) {
			t.Fatalf("got %q, %v; want a refusal", got, err)
		}
	})
}
