package cliq

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
)

// Message is what the bot says to the owner of the access token. [Compose] and
// [ComposeFold] build one that Zoho accepts.
type Message struct {
	Text   string
	Button *Button
	// Sync asks Zoho to say who received the message.
	Sync bool
}

// Button opens a page.
type Button struct {
	Label string
	URL   string
}

// Receipt is what Zoho says about a message that got through.
type Receipt struct {
	// UserIDs are the people who received it, as far as Zoho said; none without Sync.
	UserIDs []string
}

// ReachedOthers reports whether anyone but one person received the message. Zoho
// may treat the post of a bot's administrator as one to all subscribers.
func (r Receipt) ReachedOthers() bool { return len(r.UserIDs) > 1 }

// payload holds the only keys ever sent: Zoho refuses unknown ones, and "broadcast"
// or "userids" would change who receives the message.
type payload struct {
	Text    string          `json:"text"`
	Sync    bool            `json:"sync_message,omitempty"`
	Buttons []payloadButton `json:"buttons,omitempty"`
}

type payloadButton struct {
	Label  string        `json:"label"`
	Type   string        `json:"type"`
	Action payloadAction `json:"action"`
}

type payloadAction struct {
	Type string            `json:"type"`
	Data payloadActionData `json:"data"`
}

type payloadActionData struct {
	Web string `json:"web"`
}

// Send posts a message once. Every error is a [*SendError].
func (c *Client) Send(ctx context.Context, code Code, bot string, access Secret, message Message) (Receipt, error) {
	region, ok := c.regions.Get(code)
	switch {
	case !ok:
		return Receipt{}, &SendError{Class: ClassMisconfigured, Reason: "unknown data centre"}
	case !botName.MatchString(bot):
		return Receipt{}, &SendError{Class: ClassBotNotFound, Reason: "not a bot name"}
	case !isToken(access.Reveal()):
		return Receipt{}, &SendError{Class: ClassTokenInvalid, Reason: "not a token"}
	case !fits(message):
		return Receipt{}, &SendError{Class: ClassRejected, Reason: "message exceeds the limits"}
	}
	body := payload{Text: message.Text, Sync: message.Sync}
	if message.Button != nil {
		body.Buttons = []payloadButton{{
			Label:  message.Button.Label,
			Type:   "+",
			Action: payloadAction{Type: "open.url", Data: payloadActionData{Web: message.Button.URL}},
		}}
	}
	encoded, err := json.Marshal(body)
	if err != nil {
		return Receipt{}, &SendError{Class: ClassRejected, Reason: "message cannot be encoded", Err: err}
	}
	asked := c.now()
	in, sent, err := c.post(ctx, call{
		url: region.CliqURL + "/api/v2/bots/" + url.PathEscape(bot) + "/message",
		header: http.Header{
			"Authorization": {"Zoho-oauthtoken " + access.Reveal()},
			"Content-Type":  {"application/json"},
		},
		body: encoded,
	})
	if err != nil {
		class := ClassUnavailable
		if sent {
			class = ClassUnknown
		}
		return Receipt{}, &SendError{Class: class, Reason: causeOf(err), Err: err}
	}
	if failure := classify(in, asked); failure != nil {
		return Receipt{}, failure
	}
	return readReceipt(in.body), nil
}

// readReceipt collects who received the message. The answer may lack a body, and
// an answer that names thousands is cut: what was read until then counts, because
// two names are enough to know that the message went to others.
func readReceipt(body []byte) Receipt {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	receipt := Receipt{}
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return receipt
	}
	for {
		name, err := decoder.Token()
		if err != nil || name == json.Delim('}') {
			return receipt
		}
		switch name {
		case "user_ids":
			receipt.collectArray(decoder)
		case "message_details":
			receipt.collectNames(decoder)
		default:
			var skipped json.RawMessage
			if decoder.Decode(&skipped) != nil {
				return receipt
			}
		}
	}
}

func (r *Receipt) collectArray(decoder *json.Decoder) {
	if start, err := decoder.Token(); err != nil || start != json.Delim('[') {
		return
	}
	for {
		token, err := decoder.Token()
		if err != nil {
			return
		}
		switch value := token.(type) {
		case string:
			r.add(value)
		case json.Number:
			r.add(value.String())
		default:
			return
		}
	}
}

// collectNames reads the names of an object whose values are of no interest.
func (r *Receipt) collectNames(decoder *json.Decoder) {
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return
	}
	for {
		token, err := decoder.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return
		}
		r.add(name)
		var skipped json.RawMessage
		if decoder.Decode(&skipped) != nil {
			return
		}
	}
}

// maxReceivers bounds what is kept; beyond it only the fact matters.
const maxReceivers = 100

func (r *Receipt) add(id string) {
	if id != "" && len(r.UserIDs) < maxReceivers && !slices.Contains(r.UserIDs, id) {
		r.UserIDs = append(r.UserIDs, id)
	}
}
