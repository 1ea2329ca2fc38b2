package web

import (
	"strconv"
	"strings"
)

// coding is a content coding of RFC 9110, section 8.4.1.
type coding int

const (
	identity coding = iota
	brotli
	gzipped
)

func (c coding) String() string {
	switch c {
	case brotli:
		return "br"
	case gzipped:
		return "gzip"
	default:
		return "identity"
	}
}

// acceptedCodings is what an Accept-Encoding header allows: a listed coding by its own word, any other by that of "*".
type acceptedCodings struct {
	listed map[string]bool
	others bool
}

func (a acceptedCodings) has(c coding) bool {
	if ok, listed := a.listed[c.String()]; listed {
		return ok
	}
	return a.others
}

// parseAcceptEncoding reads the header's values (RFC 9110, section 12.5.3). A weight only decides between yes and no:
// among the codings allowed the smallest is best for both sides. What cannot be read is not accepted.
func parseAcceptEncoding(values []string) acceptedCodings {
	accepted := acceptedCodings{listed: map[string]bool{}}
	for _, value := range values {
		for item := range strings.SplitSeq(value, ",") {
			name, parameter, weighted := strings.Cut(item, ";")
			name = strings.ToLower(strings.TrimSpace(name))
			allowed := !weighted || positiveWeight(parameter)
			switch name {
			case "":
			case "*":
				accepted.others = allowed
			case "x-gzip":
				accepted.listed["gzip"] = allowed
			default:
				accepted.listed[name] = allowed
			}
		}
	}
	return accepted
}

func positiveWeight(parameter string) bool {
	key, value, ok := strings.Cut(strings.TrimSpace(parameter), "=")
	if !ok || !strings.EqualFold(strings.TrimSpace(key), "q") {
		return false
	}
	weight, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	return err == nil && weight > 0 && weight <= 1
}

// matches says whether If-None-Match names the tag. The comparison is the weak one (RFC 9110, section 13.1.2): a proxy
// may have marked ours as weak.
func matches(values []string, etag string) bool {
	for _, value := range values {
		for candidate := range strings.SplitSeq(value, ",") {
			candidate = strings.TrimSpace(candidate)
			if candidate == "*" || strings.TrimPrefix(candidate, "W/") == etag {
				return true
			}
		}
	}
	return false
}
