package mail_test

import (
	"strings"
	"testing"

	"github.com/heffl/bff/internal/mail"
)

func TestUsable(t *testing.T) {
	t.Parallel()
	label := strings.Repeat("d", 63)
	domain := strings.Join([]string{label, label, label, strings.Repeat("d", 57), "io"}, ".") // 252 bytes
	for address, want := range map[string]bool{
		"a@b.co":                          true,
		"first.last+tag@mail.b.co":        true,
		"o'brien@b.co":                    true,
		"josé@b.co":                       true,
		"a@bücher.de":                     true,
		"a@xn--bcher-kva.de":              true,
		strings.Repeat("l", 64) + "@b.co": true,
		"a@" + label + ".co":              true,
		"a@" + domain:                     true, // 254 bytes

		"":                                false,
		"a":                               false,
		"@b.co":                           false,
		"a@":                              false,
		"a@localhost":                     false,
		"a@b.co.":                         false,
		"a@.co":                           false,
		"a@b..co":                         false,
		"a..b@b.co":                       false,
		".a@b.co":                         false,
		"a@b@c.co":                        false,
		"a@[127.0.0.1]":                   false,
		"a b@b.co":                        false,
		" a@b.co":                         false,
		"a@b.co ":                         false,
		"a@b.co\n":                        false,
		"a@b.co\r\nBcc: x@y.test":         false,
		"a\x00@b.co":                      false,
		"a\u00a0b@b.co":                   false,
		"a@b.co\u2028":                    false,
		"a@b.co\x7f":                      false,
		"a@b\xff.co":                      false,
		"Ann <a@b.co>":                    false,
		"<a@b.co>":                        false,
		`"a"@b.co`:                        false,
		"a(comment)@b.co":                 false,
		"a@b.co,c@b.co":                   false,
		"a@b.co;c@b.co":                   false,
		"mailto:a@b.co":                   false,
		`a\@b.co`:                         false,
		strings.Repeat("l", 65) + "@b.co": false,
		"a@d" + label + ".co":             false,
		"ab@" + domain:                    false, // 255 bytes
		strings.Repeat("a@b.co,", 1000):   false,
	} {
		if got := mail.Usable(address); got != want {
			t.Errorf("Usable(%.80q) = %v, want %v", address, got, want)
		}
	}
}

// FuzzUsable looks for an address that is taken although it would be more than one address in a header.
func FuzzUsable(f *testing.F) {
	for _, seed := range []string{"a@b.co", "josé@b.co", "a@b.co\r\nBcc: x@y.test", `"a b"@c.co`, "a@[::1]"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, address string) {
		if !mail.Usable(address) {
			return
		}
		if strings.Count(address, "@") != 1 || strings.ContainsAny(address, "\r\n\x00\t ,;<>") || len(address) > 254 {
			t.Errorf("%q is taken", address)
		}
		m := message()
		m.To = address
		if _, err := mail.Wire(m, from); err != nil {
			t.Errorf("%q is taken and no message can be made for it: %v", address, err)
		}
	})
}
