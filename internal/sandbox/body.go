package sandbox

import (
	"encoding/json"
	"net/url"
	"slices"
)

// What Cliq allows in a bot message. Lengths are counted in UTF-16 units, the strictest reading.
const (
	maxText       = 5000
	maxButtons    = 5
	maxLabel      = 20
	maxHint       = 100
	maxButtonURL  = 256
	maxCardTitle  = 200
	maxSlides     = 20
	maxSlidesText = 10_000
)

// messageContent is a decoded message body. Every key Cliq takes stands here; any other is an error.
type messageContent struct {
	Text      string
	UserIDs   string
	Sync      bool
	ReplyTo   string
	Broadcast bool
	Card      *messageCard
	Buttons   []messageButton

	raw json.RawMessage
}

type messageCard struct{ Title, Theme, Thumbnail string }

type messageButton struct {
	Label, Hint, Type, Key string
	URL                    string
}

// decodeMessage judges a body as strictly as Cliq: JSON, text present, no unknown key, limits.
func decodeMessage(body []byte) (messageContent, *cliqError) {
	content := messageContent{raw: slices.Clone(body)}
	fields, ok := decodeObject(body)
	if !ok || !slices.ContainsFunc(fields, func(f objectField) bool { return f.key == "text" }) {
		return content, paramMissing("text")
	}
	known := []string{"text", "userids", "sync_message", "reply_to", "broadcast", "card", "slides", "buttons", "bot", "styles", "references"}
	if failure := onlyKeys(fields, known...); failure != nil {
		return content, failure
	}
	for _, field := range fields {
		var failure *cliqError
		switch field.key {
		case "text":
			content.Text, failure = field.text(1, maxText)
		case "userids":
			content.UserIDs, failure = field.text(1, maxText)
		case "reply_to":
			content.ReplyTo, failure = field.text(1, 200)
		case "sync_message":
			content.Sync, failure = field.flag()
		case "broadcast":
			content.Broadcast, failure = field.flag()
		case "card":
			content.Card, failure = decodeCard(field)
		case "buttons":
			content.Buttons, failure = decodeButtons(field)
		case "slides":
			failure = checkSlides(field)
		case "bot":
			failure = checkObject(field, "name", "image")
		case "styles":
			failure = checkObject(field, "highlight", "markdown")
		case "references":
			failure = checkObject(field)
		}
		if failure != nil {
			return content, failure
		}
	}
	return content, nil
}

func decodeCard(field objectField) (*messageCard, *cliqError) {
	fields, ok := decodeObject(field.value)
	if !ok {
		return nil, mismatch("card")
	}
	if failure := onlyKeys(fields, "title", "theme", "thumbnail", "icon", "preview"); failure != nil {
		return nil, failure
	}
	card := &messageCard{}
	for _, f := range fields {
		var failure *cliqError
		switch f.key {
		case "title":
			card.Title, failure = f.text(0, maxCardTitle)
		case "theme":
			card.Theme, failure = f.text(0, 50)
		case "thumbnail":
			card.Thumbnail, failure = f.text(0, 2000)
		}
		if failure != nil {
			return nil, failure
		}
	}
	return card, nil
}

func decodeButtons(field objectField) ([]messageButton, *cliqError) {
	var items []json.RawMessage
	if json.Unmarshal(field.value, &items) != nil || len(items) > maxButtons {
		return nil, mismatch("buttons")
	}
	buttons := make([]messageButton, 0, len(items))
	for _, item := range items {
		button, failure := decodeButton(item)
		if failure != nil {
			return nil, failure
		}
		buttons = append(buttons, button)
	}
	return buttons, nil
}

func decodeButton(item json.RawMessage) (messageButton, *cliqError) {
	fields, ok := decodeObject(item)
	if !ok {
		return messageButton{}, mismatch("buttons")
	}
	if failure := onlyKeys(fields, "label", "hint", "type", "key", "name", "action", "arguments"); failure != nil {
		return messageButton{}, failure
	}
	var button messageButton
	hasAction := false
	for _, f := range fields {
		var failure *cliqError
		switch f.key {
		case "label":
			button.Label, failure = f.text(1, maxLabel)
		case "hint":
			button.Hint, failure = f.text(0, maxHint)
		case "key":
			button.Key, failure = f.text(0, maxHint)
		case "type":
			if button.Type, failure = f.text(1, 1); failure == nil && button.Type != "+" && button.Type != "-" {
				failure = mismatch("type")
			}
		case "action":
			hasAction = true
			button.URL, failure = decodeAction(f)
		}
		if failure != nil {
			return messageButton{}, failure
		}
	}
	switch {
	case button.Label == "":
		return messageButton{}, paramMissing("label")
	case button.Type == "":
		return messageButton{}, paramMissing("type")
	case !hasAction:
		return messageButton{}, paramMissing("action")
	}
	return button, nil
}

// decodeAction returns the URL an open.url button leads to on the web.
func decodeAction(field objectField) (string, *cliqError) {
	fields, ok := decodeObject(field.value)
	if !ok {
		return "", mismatch("action")
	}
	if failure := onlyKeys(fields, "type", "data", "confirm"); failure != nil {
		return "", failure
	}
	kind, location := "", ""
	for _, f := range fields {
		var failure *cliqError
		switch f.key {
		case "type":
			kind, failure = f.text(1, 50)
		case "data":
			location, failure = decodeActionData(f)
		}
		if failure != nil {
			return "", failure
		}
	}
	switch kind {
	case "open.url":
		if location == "" {
			return "", paramMissing("web")
		}
	case "invoke.function", "system.api", "preview.url":
	default:
		return "", mismatch("type")
	}
	return location, nil
}

func decodeActionData(field objectField) (string, *cliqError) {
	fields, ok := decodeObject(field.value)
	if !ok {
		return "", mismatch("data")
	}
	if failure := onlyKeys(fields, "web", "windows", "iOS", "android", "name", "owner", "api"); failure != nil {
		return "", failure
	}
	location := ""
	for _, f := range fields {
		text, failure := f.text(1, maxButtonURL)
		if failure != nil {
			return "", failure
		}
		if f.key != "web" {
			continue
		}
		parsed, err := url.Parse(text)
		if err != nil || !slices.Contains([]string{"http", "https", "tel", "sms", "sip"}, parsed.Scheme) {
			return "", mismatch("web")
		}
		location = text
	}
	return location, nil
}

func checkSlides(field objectField) *cliqError {
	var slides []json.RawMessage
	if json.Unmarshal(field.value, &slides) != nil || len(slides) > maxSlides || len(field.value) > maxSlidesText {
		return mismatch("slides")
	}
	for _, slide := range slides {
		fields, ok := decodeObject(slide)
		if !ok {
			return mismatch("slides")
		}
		if failure := onlyKeys(fields, "type", "title", "data", "buttons", "styles"); failure != nil {
			return failure
		}
		for _, f := range fields {
			if f.key != "type" {
				continue
			}
			kind, failure := f.text(1, 50)
			if failure != nil || !slices.Contains([]string{"table", "list", "label", "images", "text"}, kind) {
				return mismatch("type")
			}
		}
	}
	return nil
}

// checkObject wants an object with none but these keys; no keys given means any.
func checkObject(field objectField, known ...string) *cliqError {
	fields, ok := decodeObject(field.value)
	if !ok {
		return mismatch(field.key)
	}
	if len(known) == 0 {
		return nil
	}
	return onlyKeys(fields, known...)
}

func (c messageContent) cardTitle() string {
	if c.Card == nil {
		return ""
	}
	return c.Card.Title
}

func (c messageContent) buttons() []Button {
	buttons := make([]Button, 0, len(c.Buttons))
	for _, b := range c.Buttons {
		buttons = append(buttons, Button{Label: b.Label, Hint: b.Hint, Type: b.Type, URL: b.URL})
	}
	return buttons
}
