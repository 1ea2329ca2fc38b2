package mail

import (
	"errors"
	"net/mail"
	"strings"
	"unicode"
)

// The longest parts of an address: RFC 5321 §4.5.3.1, where a path of 256 has its brackets, and RFC 1035 §2.3.4.
const (
	maxAddress = 254
	maxLocal   = 64
	maxDomain  = 253
	maxLabel   = 63
)

// ErrAddress is an address that mail cannot be sent to. Another attempt would fail the same way.
var ErrAddress = errors.New("unusable e-mail address")

// Usable reports whether mail can be sent to the address: one plain address of a domain name, without quotes,
// comments or a display name. It is the only check of addresses: what the directory accepts can be sent to.
func Usable(address string) bool {
	if len(address) > maxAddress || strings.ContainsFunc(address, outsideAddress) {
		return false
	}
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Address != address {
		return false
	}
	local, domain, _ := strings.Cut(address, "@")
	if len(local) > maxLocal || len(domain) > maxDomain || !strings.Contains(domain, ".") {
		return false
	}
	for label := range strings.SplitSeq(domain, ".") {
		if label == "" || len(label) > maxLabel {
			return false
		}
	}
	return true
}

func outsideAddress(r rune) bool {
	return unicode.IsControl(r) || unicode.IsSpace(r) || strings.ContainsRune("<>\"(),;:\\[]", r)
}
