package secret

import (
	"crypto/subtle"
	"fmt"
	"log/slog"
)

// Redacted is what a secret prints as, wherever it is printed.
const Redacted = "[redacted]"

// Text is a string that must not be printed. The zero value is the empty secret.
//
// The string sits behind a pointer: when a Text is an unexported field of some
// struct, fmt cannot call its methods and prints an address instead of the value.
type Text struct {
	value *string
}

// NewText wraps s.
func NewText(s string) Text { return Text{value: &s} }

// Reveal returns the secret itself. It is the only way to it, so that a search
// for its callers finds every place where a secret is used.
func (t Text) Reveal() string {
	if t.value == nil {
		return ""
	}
	return *t.value
}

// IsEmpty reports whether there is nothing to hide.
func (t Text) IsEmpty() bool { return t.Reveal() == "" }

// Equal compares in constant time for secrets of equal length.
func (t Text) Equal(other Text) bool {
	return subtle.ConstantTimeCompare([]byte(t.Reveal()), []byte(other.Reveal())) == 1
}

// String hides the secret.
func (t Text) String() string { return Redacted }

// GoString hides the secret from %#v.
func (t Text) GoString() string { return Redacted }

// Format hides the secret from every verb of fmt, also from those that do not fit.
func (t Text) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(Redacted)) }

// LogValue hides the secret from slog.
func (t Text) LogValue() slog.Value { return slog.StringValue(Redacted) }

// MarshalText hides the secret from JSON and every other text encoding.
func (t Text) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

var (
	_ fmt.Formatter  = Text{}
	_ slog.LogValuer = Text{}
)
