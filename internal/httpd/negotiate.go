package httpd

import (
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// The media types an answer may have.
const (
	mediaJSON    = "application/json"
	mediaGraphQL = "application/graphql-response+json"
	mediaEvents  = "text/event-stream"
)

// negotiate picks the media type of the answer: the one with the highest weight, the first of
// equals. Empty means that none is acceptable. Whoever has no preference gets application/json.
func negotiate(r *http.Request) string {
	accept := strings.Join(r.Header.Values("Accept"), ",")
	if strings.TrimSpace(accept) == "" {
		return mediaJSON
	}
	best, weight := "", 0.0
	for entry := range strings.SplitSeq(accept, ",") {
		media, options, err := mime.ParseMediaType(entry)
		if err != nil {
			continue
		}
		if charset, ok := options["charset"]; ok && !strings.EqualFold(charset, "utf-8") {
			continue
		}
		q := 1.0
		if text, ok := options["q"]; ok {
			if q, err = strconv.ParseFloat(text, 64); err != nil || q > 1 {
				continue
			}
		}
		switch media {
		case mediaJSON, mediaGraphQL, mediaEvents:
		case "*/*", "application/*":
			media = mediaJSON
		case "text/*":
			media = mediaEvents
		default:
			continue
		}
		if q > weight {
			best, weight = media, q
		}
	}
	return best
}

// answerMedia is the media type for an answer that tells what is wrong, also to somebody who
// accepts none that we have.
func answerMedia(r *http.Request) string {
	if negotiate(r) == mediaGraphQL {
		return mediaGraphQL
	}
	return mediaJSON
}
