package mail

import (
	"bytes"
	"embed"
	"fmt"
	htmltemplate "html/template"
	"net/mail"
	"strings"
	texttemplate "text/template"
	"time"
	"unicode"

	gomail "github.com/wneessen/go-mail"
)

// maxSubject is how many runes a subject may have: encoded it stays well below the 998 bytes of RFC 5322 §2.1.1
// because the encoder folds encoded words.
const maxSubject = 200

//go:embed templates
var templates embed.FS

var (
	textTemplate = texttemplate.Must(texttemplate.ParseFS(templates, "templates/notification.txt"))
	htmlTemplate = htmltemplate.Must(htmltemplate.ParseFS(templates, "templates/notification.html"))
)

// Message is one notification as an e-mail.
type Message struct {
	// ID makes the Message-ID: equal for every attempt to deliver the same notification. Letters, digits, - and _.
	ID string
	// To is the recipient's address, Name what they are called; Name may be empty.
	To, Name string
	// Subject is one line of plain text; what is longer than 200 characters is cut.
	Subject string
	// Title and Body are plain text. Body may be empty.
	Title, Body string
	// URL is the absolute link into the app, SettingsURL that of the settings page; empty leaves the link out.
	URL, SettingsURL string
	// Date is when the notification was made.
	Date time.Time
}

// build makes the message for the wire. Its error is ErrAddress when the recipient's address is the reason.
func build(m Message, from mail.Address) (*gomail.Msg, error) {
	if !Usable(m.To) {
		return nil, ErrAddress
	}
	var text, html bytes.Buffer
	if err := textTemplate.Execute(&text, m); err != nil {
		return nil, fmt.Errorf("render text: %w", err)
	}
	if err := htmlTemplate.Execute(&html, m); err != nil {
		return nil, fmt.Errorf("render html: %w", err)
	}
	msg := gomail.NewMsg()
	msg.FromMailAddress(&mail.Address{Name: oneLine(from.Name, maxSubject), Address: from.Address})
	to := mail.Address{Name: oneLine(m.Name, maxSubject), Address: m.To}
	msg.ToMailAddress(&to)
	msg.Subject(oneLine(m.Subject, maxSubject))
	_, domain, _ := strings.Cut(from.Address, "@")
	msg.SetMessageIDWithValue(m.ID + "@" + domain)
	msg.SetDateWithValue(m.Date)
	// RFC 3834 §5: machines do not answer this.
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetGenHeader("X-Auto-Response-Suppress", "All")
	msg.SetBodyString(gomail.TypeTextPlain, text.String())
	msg.AddAlternativeString(gomail.TypeTextHTML, html.String())
	return msg, nil
}

// oneLine is s without control characters and line breaks, cut at limit runes.
func oneLine(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t' || r == '\u2028' || r == '\u2029':
			return ' '
		case unicode.IsControl(r) || r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, s)
	if runes := []rune(s); len(runes) > limit {
		return string(runes[:limit-1]) + "…"
	}
	return s
}
