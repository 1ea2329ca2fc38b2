package connect

import (
	"net/url"
	"slices"
	"strings"

	"github.com/heffl/bff/model"
)

// maxReturnTo bounds what a redirect repeats.
const maxReturnTo = 2048

// returnTo checks where the browser wants to come back to: an absolute URL of an allowed origin and nothing that
// browsers and servers could read differently.
func (s *Service) returnTo(asked *string) (string, error) {
	if asked == nil {
		return s.DefaultReturn.String(), nil
	}
	if target, ok := s.allowed(*asked); ok {
		return target, nil
	}
	return "", model.UserErrorf(model.UserErrorCodeInvalidReturnTo, []string{"input", "returnTo"},
		"This is no URL of a page that people may be sent back to; the allowed origins are this server's configuration.")
}

func (s *Service) allowed(raw string) (string, bool) {
	// A browser reads \ as /, and drops tabs, line breaks and spaces around: none of them is in a URL that was made well.
	if len(raw) > maxReturnTo || strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r == '\\' || r >= 0x7f }) {
		return "", false
	}
	u, err := url.Parse(raw)
	if err != nil || u.User != nil || u.Opaque != "" || !slices.Contains(s.Origins, u.Scheme+"://"+u.Host) {
		return "", false
	}
	u.Fragment, u.RawFragment = "", ""
	if u.Path == "" {
		u.Path = "/"
	}
	return u.String(), true
}

// answerTo is a return path with what became of the attempt.
func answerTo(returnTo string, answer map[string]string) string {
	u, err := url.Parse(returnTo)
	if err != nil { // it was checked before it was stored
		return "/"
	}
	query := u.Query()
	for _, name := range []string{"status", "code", "ticket"} {
		query.Del(name)
	}
	query.Set("integration", "zoho_cliq")
	for name, value := range answer {
		query.Set(name, value)
	}
	u.RawQuery = query.Encode()
	return u.String()
}
