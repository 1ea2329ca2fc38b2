package catalog

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxPath = 500
	// inSegment and inQuery are what may stand there unescaped, beside letters and digits (RFC 3986). A colon
	// is left out of segments, so that nothing looks like a scheme.
	inSegment = "-._~!$&'()*+,;=@%"
	inQuery   = inSegment + ":/?"
)

// readPath checks segments of a path in the app and answers them without a slash in front.
func readPath(s string) (path, problem string) {
	const wrong = "be a path in the app, for example settings/team"
	s = strings.TrimPrefix(s, "/")
	if s == "" || len(s) > maxPath {
		return "", wrong
	}
	for segment := range strings.SplitSeq(s, "/") {
		decoded, ok := unescape(segment, inSegment)
		if !ok || decoded == "" || decoded == "." || decoded == ".." || strings.ContainsAny(decoded, `/\`) {
			return "", wrong
		}
	}
	return s, ""
}

// readRoute checks a path in the app that may have a query and a fragment.
func readRoute(s string) (route, problem string) {
	const wrong = "be a path in the app, with a query and a fragment if need be, for example deals/42?tab=notes"
	rest, fragment, _ := strings.Cut(s, "#")
	path, query, _ := strings.Cut(rest, "?")
	_, queryOK := unescape(query, inQuery)
	_, fragmentOK := unescape(fragment, inQuery)
	if _, bad := readPath(path); bad != "" || !queryOK || !fragmentOK || len(s) > maxPath {
		return "", wrong
	}
	return strings.TrimPrefix(s, "/"), ""
}

// unescape decodes s if it holds only letters, digits, the given characters and well-formed escapes of
// characters that can be shown.
func unescape(s, allowed string) (string, bool) {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9'
		if !letter && strings.IndexByte(allowed, c) < 0 {
			return "", false
		}
	}
	decoded, err := url.PathUnescape(s)
	if err != nil || !utf8.ValidString(decoded) || strings.ContainsFunc(decoded, unicode.IsControl) {
		return "", false
	}
	return decoded, true
}
