package cliq

import (
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Limits of Zoho. It does not say in which unit it counts; UTF-16 is the largest
// of those in question.
const (
	MaxText        = 5000
	MaxButtonURL   = 256
	MaxButtonLabel = 20
)

const (
	// maxLink leaves most of a message to its text; a longer link is left out.
	maxLink = 2048
	// maxFoldTitles are named in a folded message, each cut to maxFoldTitle.
	maxFoldTitles = 5
	maxFoldTitle  = 200
	ellipsis      = "…"
)

// Link leads from a message into the application.
type Link struct {
	// Label is the button's; "Open" when empty.
	Label string
	// URL is absolute, http or https. Any other is left out.
	URL string
}

// Notice is one notification as a chat message. All of it is plain text.
type Notice struct {
	Title string
	Body  string
	Link  Link
}

// Compose builds the message for one notification. Its text is neutralised and cut
// to what Zoho takes; the link is a button, or where it is too long for one stands
// whole at the end of the text.
func Compose(notice Notice) Message {
	head := strings.TrimSpace(notice.Title)
	if body := strings.TrimSpace(notice.Body); body != "" {
		head = strings.TrimSpace(head + "\n" + body)
	}
	head = Neutralise(head)
	if !strings.ContainsFunc(head, visible) {
		head = "New notification"
	}
	return finish(head, notice.Link)
}

// visible reports whether a rune can be seen: Zoho refuses a message of nothing.
func visible(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) }

// Fold is many notifications as one chat message.
type Fold struct {
	// Count is the number of notifications, at least that of Titles.
	Count int
	// Titles are theirs in order; the first five are shown.
	Titles []string
	// Inbox leads to all of them.
	Inbox Link
}

// ComposeFold builds the message that stands for several notifications.
func ComposeFold(fold Fold) Message {
	count := max(fold.Count, len(fold.Titles))
	shown := fold.Titles[:min(len(fold.Titles), maxFoldTitles)]
	var b strings.Builder
	if count == 1 {
		b.WriteString("1 new notification")
	} else {
		fmt.Fprintf(&b, "%d new notifications", count)
	}
	for _, title := range shown {
		// One line each, so that no title can pass for another.
		line := strings.Join(strings.Fields(plainRunes(title)), " ")
		b.WriteString("\n• " + Neutralise(cut(line, maxFoldTitle)))
	}
	if more := count - len(shown); more > 0 && len(shown) > 0 {
		fmt.Fprintf(&b, "\nand %d more", more)
	}
	return finish(b.String(), fold.Inbox)
}

// finish adds the link and cuts head so that both fit.
func finish(head string, link Link) Message {
	target := usable(link.URL)
	switch {
	case target == "":
		return Message{Text: cut(head, MaxText)}
	case units(target) <= MaxButtonURL:
		label := strings.Join(strings.Fields(Neutralise(link.Label)), " ")
		if label == "" {
			label = "Open"
		}
		return Message{Text: cut(head, MaxText), Button: &Button{Label: cut(label, MaxButtonLabel), URL: target}}
	}
	tail := "\n" + target
	return Message{Text: cut(head, MaxText-units(tail)) + tail}
}

// usable returns the URL when it can be opened from a chat, else nothing.
func usable(raw string) string {
	parsed, err := url.Parse(raw)
	if err != nil || (parsed.Scheme != "http" && parsed.Scheme != "https") || parsed.Hostname() == "" || parsed.User != nil {
		return ""
	}
	// String encodes what a bare URL in a text would end at.
	normal := parsed.String()
	if len(normal) > maxLink || strings.ContainsFunc(normal, func(r rune) bool { return r <= ' ' || r > '~' || r == '`' }) {
		return ""
	}
	return normal
}

// cut shortens s to at most limit UTF-16 units, at a rune and with an ellipsis.
func cut(s string, limit int) string {
	if units(s) <= limit {
		return s
	}
	room := limit - units(ellipsis)
	for i, r := range s {
		size := utf16.RuneLen(r)
		if size < 0 {
			size = 1 // a replacement takes the place of what is no rune
		}
		if room < size {
			return strings.TrimRight(s[:i], " \n\u200b\u200d") + ellipsis
		}
		room -= size
	}
	return s
}

// units counts as UTF-16 does.
func units(s string) int {
	count := 0
	for _, r := range s {
		count += max(utf16.RuneLen(r), 1)
	}
	return count
}

// fits reports whether Zoho would take the message; it refuses what it does not.
func fits(message Message) bool {
	if strings.TrimSpace(message.Text) == "" || !utf8.ValidString(message.Text) || units(message.Text) > MaxText {
		return false
	}
	button := message.Button
	return button == nil || (button.Label != "" && units(button.Label) <= MaxButtonLabel &&
		units(button.URL) <= MaxButtonURL && usable(button.URL) != "")
}
