package scenario

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// due is what one person must have got of a sample, in the order of publishing.
type due struct {
	sample *sample
	unread int
}

// publishSamples publishes every sample event, lets each come to its end, and compares every channel of every
// recipient with the catalog's data. One person's connection breaks in the middle and is resumed.
func (s *story) publishSamples(t *testing.T) {
	t.Helper()
	expected := map[string][]due{}
	for i := range s.samples {
		sample := &s.samples[i]
		told := sample.told()
		got := s.services.publish(t, sample.input())
		if got.Notified != len(told) || len(got.UnknownRecipientIDs) != 0 || got.Duplicate {
			t.Errorf("%s: published %+v, want %d notified", sample.IdempotencyKey, got, len(told))
		}
		for _, id := range told {
			expected[id] = append(expected[id], due{sample, len(expected[id]) + 1})
			s.compareInbox(t, s.people[id], sample)
		}
		switch i {
		case len(s.samples) / 3: // a tab breaks before it could show the last two
			s.hear(t, "u-maya", len(expected["u-maya"])-2)
			s.live["u-maya"].close()
		case 2 * len(s.samples) / 3: // and comes back where it was
			s.live["u-maya"] = s.people["u-maya"].subscribe(t, inboxSubscription, map[string]any{"after": s.lastCursor("u-maya")})
		}
	}
	mails, chats := 0, 0
	for id, all := range expected {
		s.compareLive(t, id, all)
		mails += s.compareMail(t, s.people[id], all)
		chats += s.compareChats(t, s.people[id], all)
	}
	if m, c := len(s.mails(t, "")), len(s.chats(t, "")); m != mails || c != chats {
		t.Errorf("%d e-mails and %d chats went out, want %d and %d", m, c, mails, chats)
	}
	t.Logf("%d events of 45 types: %d e-mails, %d chats", len(s.samples), mails, chats)
}

// compareInbox compares the newest notification of somebody with the sample it must be of.
func (s *story) compareInbox(t *testing.T, p *person, sample *sample) {
	t.Helper()
	n := p.latest(t, sample.Type)
	type seen struct{ Type, Title, Body, Path, URL, Subject string }
	want := seen{
		sample.Type, sample.texts.title, sample.texts.body, sample.texts.path, s.url + sample.texts.path,
		sample.texts.subjectType + " " + sample.texts.subjectID,
	}
	if diff := cmp.Diff(want, seen{n.EventType, n.Title, text(n.Body), n.Path, n.URL, n.Subject.Type + " " + n.Subject.ID}); diff != "" {
		t.Errorf("%s in %s's inbox (-want +got):\n%s", sample.IdempotencyKey, p.id, diff)
	}
	for i, channel := range channels {
		want := "SENT"
		if !sample.defaults[channel.name] {
			want = "SKIPPED EVENT_OFF"
		}
		if got := n.Channels[i].says(); n.Channels[i].Channel != channel.name || got != want {
			t.Errorf("%s for %s: %s = %s, want %s", sample.IdempotencyKey, p.id, channel.name, got, want)
		}
	}
}

// hear takes in what a stream brings until somebody has heard n changes.
func (s *story) hear(t *testing.T, id string, n int) {
	t.Helper()
	for len(s.heard[id]) < n {
		got, _ := next[change](t, s.live[id])
		s.heard[id] = append(s.heard[id], got)
	}
}

// lastCursor is where somebody's picture of the inbox stands: that of the last change they took in.
func (s *story) lastCursor(id string) any {
	if heard := s.heard[id]; len(heard) > 0 {
		return heard[len(heard)-1].Cursor
	}
	return nil
}

// compareLive reads everybody's stream: every notification once, in order, with the right count.
func (s *story) compareLive(t *testing.T, id string, all []due) {
	t.Helper()
	cursors := map[string]bool{}
	s.hear(t, id, len(all))
	listed := s.people[id].inbox(t).Notifications.Nodes
	slices.Reverse(listed)
	unread := 0
	for i, got := range s.heard[id] {
		want := all[i]
		// A count is never behind its notification; a replay tells that of now with everything it brings.
		counted := got.UnreadCount >= max(want.unread, unread) && got.UnreadCount <= len(all)
		if got.Typename != "NotificationReceived" || got.Notification.EventType != want.sample.Type || got.Notification.Title != want.sample.texts.title ||
			!counted || cursors[got.Cursor] || got.Notification.ID != listed[i].ID {
			t.Errorf("%s heard %+v as number %d, want %s with %d unread", id, got, i+1, want.sample.IdempotencyKey, want.unread)
		}
		cursors[got.Cursor], unread = true, got.UnreadCount
	}
	if unread != len(all) {
		t.Errorf("%s's stream ends with %d unread, want %d", id, unread, len(all))
	}
	if len(listed) != len(all) {
		t.Errorf("%s's inbox holds %d, want %d", id, len(listed), len(all))
	}
}

// compareMail compares somebody's mailbox with what the catalog's defaults say.
func (s *story) compareMail(t *testing.T, p *person, all []due) int {
	t.Helper()
	wanted := slices.DeleteFunc(slices.Clone(all), func(d due) bool { return !d.sample.defaults["EMAIL"] })
	got := s.mails(t, p.email)
	if len(got) != len(wanted) {
		t.Errorf("%s got %d e-mails, want %d", p.id, len(got), len(wanted))
		return len(wanted)
	}
	ids := map[string]bool{}
	for i, mail := range got {
		texts := wanted[i].sample.texts
		link := s.url + texts.path
		if mail.Subject != texts.mailSubject || mail.Problem != "" || ids[mail.MessageID] || mail.MessageID == "" {
			t.Errorf("%s's e-mail %d is “%s” (%s), want “%s”", p.id, i+1, mail.Subject, mail.MessageID, texts.mailSubject)
		}
		ids[mail.MessageID] = true
		if !slices.Contains(mail.Links, link) {
			t.Errorf("“%s” links to %v, not to %s", mail.Subject, mail.Links, link)
		}
		plain := strings.ReplaceAll(mail.Text, "\r\n", "\n")
		if !strings.Contains(plain, texts.title) || !strings.Contains(plain, texts.body) || !strings.Contains(plain, link) || !strings.Contains(mail.HTML, "<h1>") {
			t.Errorf("“%s” lacks title, body, link or its HTML part:\n%s\n%s", mail.Subject, mail.Text, mail.HTML)
		}
	}
	return len(wanted)
}

// compareChats compares somebody's chat with the bot with what the catalog's defaults say.
func (s *story) compareChats(t *testing.T, p *person, all []due) int {
	t.Helper()
	wanted := slices.DeleteFunc(slices.Clone(all), func(d due) bool { return !d.sample.defaults["CLIQ"] })
	got := s.chats(t, p.email)
	if len(got) != len(wanted) {
		t.Errorf("%s got %d chats, want %d", p.id, len(got), len(wanted))
		return len(wanted)
	}
	for i, message := range got {
		texts := wanted[i].sample.texts
		want := strings.TrimSpace(texts.chat + "\n" + texts.body)
		if asRead(message.Text) != want || message.Bot != bot || message.Broadcast {
			t.Errorf("%s's chat %d by %s (-want +got):\n%s", p.id, i+1, message.Bot, cmp.Diff(want, asRead(message.Text)))
		}
		if len(message.Buttons) != 1 || message.Buttons[0].URL != s.url+texts.path || message.Buttons[0].Label != "Open in Heffl" {
			t.Errorf("the chat “%s” has the buttons %+v", texts.title, message.Buttons)
		}
	}
	return len(wanted)
}
