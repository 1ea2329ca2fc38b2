package live

import (
	"encoding/base64"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

// Subjects are a word and an encoded id. The alphabet of base64url holds no `.`, `*` or `>`, so that no id can name
// another person's subject or a wildcard.
const (
	inboxSubject     = "inbox."
	workspaceSubject = "workspace."
	wakeSubject      = "wake."
)

const subjectIDLength = 22

func subjectOf(prefix string, id uuid.UUID) string {
	buf := make([]byte, 0, len(workspaceSubject)+subjectIDLength)
	return string(base64.RawURLEncoding.AppendEncode(append(buf, prefix...), id[:]))
}

// idOf reads the id out of a subject that begins with the prefix.
func idOf(prefix, subject string) (uuid.UUID, bool) {
	var id [18]byte
	if len(subject) != len(prefix)+subjectIDLength || subject[:len(prefix)] != prefix {
		return uuid.Nil, false
	}
	n, err := base64.RawURLEncoding.Strict().Decode(id[:], []byte(subject[len(prefix):]))
	return uuid.UUID(id[:16]), err == nil && n == 16
}

func wakeSubjectOf(c model.Channel) string { return wakeSubject + string(c) }

// wakeChannelOf is the channel that a wake-up names.
func wakeChannelOf(subject string) (model.Channel, bool) {
	for _, c := range model.Channels {
		if subject == wakeSubjectOf(c) {
			return c, true
		}
	}
	return "", false
}
