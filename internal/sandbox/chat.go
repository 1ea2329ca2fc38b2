package sandbox

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"
)

// Cliq's rate limit: so many requests a minute per person, whatever token they use, then shut out.
const (
	rateLimit  = 50
	rateWindow = time.Minute
	rateLock   = 10 * time.Minute
)

// Message is a chat message a bot delivered.
type Message struct {
	ID           int       `json:"id"`
	At           time.Time `json:"at"`
	Account      Account   `json:"account"`
	Organisation string    `json:"organisation"`
	Bot          string    `json:"bot"`
	Text         string    `json:"text"`
	CardTitle    string    `json:"cardTitle,omitempty"`
	Buttons      []Button  `json:"buttons"`
	// Sync says that the sender asked for delivery details.
	Sync bool `json:"sync"`
	// Broadcast says that the sender asked for all subscribers, which is also a Violation.
	Broadcast bool `json:"broadcast"`
	// Recipients are the ZUIDs of those who see the message.
	Recipients []string `json:"recipients"`
	// Body is what was posted.
	Body json.RawMessage `json:"body"`
}

// Button is a button below a chat message.
type Button struct {
	Label string `json:"label"`
	Hint  string `json:"hint,omitempty"`
	// Type is "+" (green) or "-" (red).
	Type string `json:"type"`
	URL  string `json:"url,omitempty"`
}

// chat holds what was delivered and how fast.
type chat struct {
	now     func() time.Time
	limit   int
	changed *signal

	mu       sync.Mutex // guards everything below
	nextID   int
	messages []Message // oldest first
	senders  map[string]*sender
}

// sender is the pace of one person.
type sender struct {
	recent      []time.Time // of the last rateWindow, oldest first
	lockedUntil time.Time
}

func newChat(now func() time.Time, limit int, changed *signal) *chat {
	return &chat{now: now, limit: limit, changed: changed, senders: make(map[string]*sender)}
}

// take counts one request of a person. It reports whether the request is within the limit, and whether it is the one
// that locks the person out. Requests during the lock do not prolong it.
func (c *chat) take(zuid string) (within, justLocked bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	who, ok := c.senders[zuid]
	if !ok {
		who = &sender{}
		c.senders[zuid] = who
	}
	if now.Before(who.lockedUntil) {
		return false, false
	}
	who.recent = slices.DeleteFunc(who.recent, func(at time.Time) bool { return now.Sub(at) >= rateWindow })
	if len(who.recent) >= rateLimit {
		who.lockedUntil = now.Add(rateLock)
		who.recent = nil
		return false, true
	}
	who.recent = append(who.recent, now)
	return true, false
}

func (c *chat) lockedUntil(zuid string) (time.Time, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	who, ok := c.senders[zuid]
	if !ok || !c.now().Before(who.lockedUntil) {
		return time.Time{}, false
	}
	return who.lockedUntil, true
}

func (c *chat) add(message Message) Message {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.nextID++
	message.ID, message.At = c.nextID, c.now()
	c.messages = append(c.messages, message)
	if len(c.messages) > c.limit {
		// A tenth at a time: shifting everything for each message would make a flood quadratic.
		c.messages = slices.Delete(c.messages, 0, 1+c.limit/10)
	}
	return message
}

func (c *chat) list() []Message {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.messages)
}

func (c *chat) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.messages = nil
}

// reset also forgets the pace of everyone.
func (c *chat) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.messages = nil
	clear(c.senders)
}

// Messages returns the chat messages delivered, oldest first.
func (s *Sandbox) Messages() []Message { return s.chat.list() }

// MessagesOf returns those of one person, given by ZUID or e-mail address.
func (s *Sandbox) MessagesOf(account string) []Message {
	return slices.DeleteFunc(s.chat.list(), func(m Message) bool {
		return m.Account.ZUID != account && !strings.EqualFold(m.Account.Email, account)
	})
}

// WaitMessages waits until at least n messages were delivered and returns all.
func (s *Sandbox) WaitMessages(ctx context.Context, n int) ([]Message, error) {
	var got []Message
	err := s.changed.await(ctx, func() bool {
		got = s.Messages()
		return len(got) >= n
	})
	return got, err
}

// ClearMessages empties the chats.
func (s *Sandbox) ClearMessages() {
	s.chat.clear()
	s.changed.raise()
}
