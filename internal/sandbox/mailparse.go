package sandbox

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"html"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	maxParts     = 50
	maxPartDepth = 5
	maxLinks     = 50
)

// MailMessage is one mail in the mailbox.
type MailMessage struct {
	ID         int       `json:"id"`
	ReceivedAt time.Time `json:"receivedAt"`
	// From and To are the envelope, which is what counts; the header may say something else.
	From string   `json:"from"`
	To   []string `json:"to"`
	// Subject and MessageID are taken from the header, decoded.
	Subject   string `json:"subject"`
	MessageID string `json:"messageId"`
	// Header holds every field by its canonical name, decoded.
	Header mail.Header `json:"header"`
	Text   string      `json:"text"`
	HTML   string      `json:"html"`
	// Links are the http and https addresses in both parts, in their order, each once.
	Links []string `json:"links"`
	// Problem says what could not be parsed; Raw has it all the same.
	Problem string `json:"problem,omitempty"`
	// Raw is the message as it came.
	Raw []byte `json:"-"`
}

// parseMail never fails: what it cannot read is named in Problem.
func parseMail(raw []byte) MailMessage {
	message := MailMessage{Raw: raw, Header: mail.Header{}, Links: []string{}}
	parsed, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		message.Problem = "The header cannot be read: " + err.Error()
		return message
	}
	decoder := &mime.WordDecoder{}
	for name, values := range parsed.Header {
		for _, value := range values {
			if decoded, err := decoder.DecodeHeader(value); err == nil {
				value = decoded
			}
			message.Header[name] = append(message.Header[name], value)
		}
	}
	message.Subject = message.Header.Get("Subject")
	message.MessageID = strings.Trim(message.Header.Get("Message-Id"), "<> ")
	budget := maxParts
	err = message.part(parsed.Header.Get("Content-Type"), parsed.Header.Get("Content-Transfer-Encoding"), parsed.Body, 0, &budget)
	if err != nil {
		message.Problem = err.Error()
	}
	message.Links = findLinks(message.Text, message.HTML)
	return message
}

// part takes one part, or the parts inside it. The first text and the first HTML part win.
func (m *MailMessage) part(contentType, encoding string, body io.Reader, depth int, budget *int) error {
	*budget--
	if *budget < 0 || depth > maxPartDepth {
		return errors.New("the message has too many parts")
	}
	kind, params := "text/plain", map[string]string{}
	if contentType != "" {
		var err error
		if kind, params, err = mime.ParseMediaType(contentType); err != nil {
			return fmt.Errorf("read content type: %w", err)
		}
	}
	if strings.HasPrefix(kind, "multipart/") {
		reader := multipart.NewReader(body, params["boundary"])
		for n := 0; ; n++ {
			part, err := reader.NextRawPart()
			if errors.Is(err, io.EOF) {
				if n == 0 {
					return errors.New("the message has no parts")
				}
				return nil
			}
			if err != nil {
				return fmt.Errorf("read parts: %w", err)
			}
			err = m.part(part.Header.Get("Content-Type"), part.Header.Get("Content-Transfer-Encoding"), part, depth+1, budget)
			if err != nil {
				return err
			}
		}
	}
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return fmt.Errorf("decode part: %w", err)
	}
	content := strings.ReplaceAll(string(text), "\r\n", "\n")
	if !utf8.ValidString(content) {
		content = strings.ToValidUTF8(content, "\uFFFD")
	}
	switch {
	case kind == "text/plain" && m.Text == "":
		m.Text = content
	case kind == "text/html" && m.HTML == "":
		m.HTML = content
	}
	return nil
}

var (
	textLink = regexp.MustCompile(`https?://[^\s<>"']+`)
	htmlLink = regexp.MustCompile(`(?i)href\s*=\s*["'](https?://[^"']+)["']`)
)

func findLinks(text, markup string) []string {
	links := []string{}
	add := func(link string) {
		if len(links) < maxLinks && !slices.Contains(links, link) {
			links = append(links, link)
		}
	}
	for _, link := range textLink.FindAllString(text, maxLinks) {
		add(strings.TrimRight(link, ".,;:!?)]"))
	}
	for _, match := range htmlLink.FindAllStringSubmatch(markup, maxLinks) {
		add(html.UnescapeString(match[1]))
	}
	return links
}

// fields lists the header in a stable order, for show.
func (m MailMessage) fields() []headerField {
	var fields []headerField
	for _, name := range slices.Sorted(maps.Keys(m.Header)) {
		for _, value := range m.Header[name] {
			fields = append(fields, headerField{name, value})
		}
	}
	return fields
}

type headerField struct{ Name, Value string }
