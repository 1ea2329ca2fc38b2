package live

import (
	"encoding/binary"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

// maxContent is the most that a message carries of one notification; a bigger one is only its number.
const maxContent = 16 << 10

// contentHead is the length of what stands before the texts of a content.
const contentHead = 16 + 8 + 8

// contentTexts are the texts of an event that a content has, in their order. The data of the event stays in the database.
func contentTexts(e *model.Event) [8]*string {
	return [...]*string{&e.Type, &e.ActorID, &e.ActorName, &e.Title, &e.Body, &e.Path, &e.SubjectType, &e.SubjectID}
}

// encodeContent is what a notification shows of its event, for a message: the workspace, when the event occurred and when
// it was stored, in milliseconds, and the texts, each behind its length as a varint. It comes once per recipient, and
// every replica keeps it for a moment: as JSON it would be twice as long. Nil when it is too big to travel.
func encodeContent(e *model.Event) []byte {
	texts := contentTexts(e)
	size := contentHead
	for _, text := range texts {
		size += binary.MaxVarintLen16 + len(*text)
	}
	b := append(make([]byte, 0, size), e.WorkspaceID[:]...)
	b = appendInt(b, e.OccurredAt.UnixMilli())
	b = appendInt(b, e.CreatedAt.UnixMilli())
	for _, text := range texts {
		b = append(binary.AppendUvarint(b, uint64(len(*text))), *text...)
	}
	if len(b) > maxContent {
		return nil
	}
	return b
}

// decodeContent reads what encodeContent wrote.
func decodeContent(id uuid.UUID, b []byte) (*model.Event, error) {
	if len(b) < contentHead {
		return nil, errMessage
	}
	e := &model.Event{
		UUID: id, WorkspaceID: uuid.UUID(b[:16]),
		OccurredAt: model.UnixMilli(readInt(b[16:])), CreatedAt: model.UnixMilli(readInt(b[24:])),
	}
	b = b[contentHead:]
	whole := string(b) // of which all texts are parts
	for _, text := range contentTexts(e) {
		length, n := binary.Uvarint(b)
		if n <= 0 || length > uint64(len(b)-n) { //nolint:gosec // n bytes of b were read
			return nil, errMessage
		}
		b = b[n:]
		*text = whole[len(whole)-len(b):][:length]
		b = b[length:]
		if !utf8.ValidString(*text) {
			return nil, errMessage
		}
	}
	if len(b) > 0 || e.Type == "" || e.WorkspaceID == uuid.Nil {
		return nil, errMessage
	}
	return e, nil
}
