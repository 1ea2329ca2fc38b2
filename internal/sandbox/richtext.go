package sandbox

import (
	"net/url"
	"regexp"
	"strings"
)

// span is a piece of chat text as Cliq would show it. At most one of the marks is set.
type span struct {
	Text string
	URL  string // a link
	Mark string // b, i, s, u, code or nothing
}

// markup is the part of Cliq's formatting that shows whether text of others was made harmless:
// links in both forms and the inline marks.
var markup = regexp.MustCompile("\\[([^\\]\\n]+)\\]\\((https?://[^\\s)]+)\\)" + // 1, 2: [text](url)
	"|(https?://[^\\s<>\"]+)" + // 3: a bare address
	"|`([^`\\n]+)`" + // 4
	"|__([^_\\n]+)__" + // 5
	"|\\*([^*\\n]+)\\*" + // 6
	"|_([^_\\n]+)_" + // 7
	"|~([^~\\n]+)~") // 8

// richText cuts chat text into spans.
func richText(text string) []span {
	var spans []span
	plain := func(s string) {
		if s != "" {
			spans = append(spans, span{Text: s})
		}
	}
	end := 0
	for _, at := range markup.FindAllStringSubmatchIndex(text, -1) {
		group := func(n int) string {
			if at[2*n] < 0 {
				return ""
			}
			return text[at[2*n]:at[2*n+1]]
		}
		plain(text[end:at[0]])
		end = at[1]
		switch {
		case group(2) != "":
			spans = append(spans, linkSpan(group(1), group(2)))
		case group(3) != "":
			address := strings.TrimRight(group(3), ".,;:!?")
			spans = append(spans, linkSpan(address, address))
			plain(group(3)[len(address):])
		default:
			for n, mark := range map[int]string{4: "code", 5: "u", 6: "b", 7: "i", 8: "s"} {
				if inner := group(n); inner != "" {
					spans = append(spans, span{Text: inner, Mark: mark})
				}
			}
		}
	}
	plain(text[end:])
	return spans
}

func linkSpan(text, address string) span {
	if _, err := url.Parse(address); err != nil {
		return span{Text: text}
	}
	return span{Text: text, URL: address}
}
