package delivery

import (
	"cmp"

	"github.com/heffl/bff/internal/cliq"
	"github.com/heffl/bff/model"
)

// message is what the bot says: one notification, or one message for all of the batch. The first message of a
// connection asks Zoho who received it.
func (s *session) message(batch []model.Outgoing) cliq.Message {
	var m cliq.Message
	if len(batch) == 1 {
		event := &batch[0].Event
		m = cliq.Compose(cliq.Notice{
			Title: cmp.Or(event.CliqText, event.Title), Body: event.Body, Link: cliq.Link{Label: "Open in Heffl", URL: s.link(event.Path)},
		})
	} else {
		fold := cliq.Fold{Count: len(batch), Inbox: cliq.Link{Label: "Open inbox", URL: s.link(s.config.InboxPath)}}
		for i := range batch {
			fold.Titles = append(fold.Titles, batch[i].Event.Title)
		}
		m = cliq.ComposeFold(fold)
	}
	m.Sync = s.asks()
	return m
}
