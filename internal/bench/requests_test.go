package bench

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heffl/bff/internal/auth"
)

// BenchmarkRequests measures W1 to W4: requests over 64 kept connections, every answer checked.
func BenchmarkRequests(b *testing.B) {
	w := newWorld(b)
	hole := blackHole(b)
	server := start(b, []string{
		"HEFFL_ADDR=127.0.0.1:0", "HEFFL_DATA_DIR=" + w.dataDir, "HEFFL_DATABASE_URL=" + w.url, "HEFFL_APP_URL=" + AppURL,
		"HEFFL_LOG_LEVEL=warn", "HEFFL_SMTP_URL=smtp://" + hole, "HEFFL_MAIL_FROM=bench@bench.test", "HEFFL_ZOHO_STANDIN_URL=http://" + hole,
		"HEFFL_ZOHO_CLIENT_ID=bench", "HEFFL_ZOHO_CLIENT_SECRET=bench",
	}, serverBinary)
	bare := start(b, nil, bareBinary, "-database", w.url, "-data-dir", w.dataDir)
	b.Run("W1", func(b *testing.B) { w.settings(b, bare, server) })
	b.Run("W2", func(b *testing.B) { w.inbox(b, bare, server) })
	b.Run("W4", func(b *testing.B) { w.publish(b, bare, server) })
	b.Run("W3", func(b *testing.B) { w.toggle(b, bare, server) })
}

// spread gives the people in an order that looks like none, each as often as every other.
func spread(n int) int { return n * 7919 % people }

// settings is W1: the whole settings page.
func (w *world) settings(b *testing.B, bare, server *process) {
	b.Helper()
	body := Body(Settings)
	var right answers
	rates, got := alternate(b, bare, server, connections, func(c *client, n int) error {
		person := spread(n)
		answer, err := c.do(w.tokens[person], body)
		if err != nil {
			return err
		}
		return right.check(person, answer)
	})
	compare(b, "W1 settings page", "pages/s", "≥ 0.15, target 0.46", rates, got)
}

// inbox is W2: the second page of the inbox.
func (w *world) inbox(b *testing.B, bare, server *process) {
	b.Helper()
	var right answers
	after := []byte{1, 0, 0, 0, 0, 0, 0, 0, 81} // the place of a notification in the middle
	head, tail := Head(Inbox), `{"after":"`+base64.RawURLEncoding.EncodeToString(after)+`"}}`
	rates, got := alternate(b, bare, server, connections, func(c *client, n int) error {
		person := spread(n)
		answer, err := c.do(w.tokens[person], head, tail)
		if err != nil {
			return err
		}
		return right.check(person, answer)
	})
	compare(b, "W2 inbox page", "pages/s", "≥ 0.25, target 0.46", rates, got)
	_, most := server.memory(b)
	note(b, "W1, W2 memory at most", "MiB", "≤ 128, target 64", most)
}

// toggle is W3: one cell, committed. Every connection has people of its own.
func (w *world) toggle(b *testing.B, bare, server *process) {
	b.Helper()
	var turns [people]int32
	head := Head(Toggle)
	rates, got := alternate(b, bare, server, connections, func(c *client, n int) error {
		person := n % people
		enabled := turns[person]%2 == 1 // the cell is on by default
		turns[person]++
		answer, err := c.do(w.tokens[person], head, `{"input":{"changes":[{"eventType":"`+EventType+`","channel":"EMAIL","enabled":`,
			strconv.FormatBool(enabled), `}]}}}`)
		if err != nil {
			return err
		}
		want := `{"data":{"updateNotificationPreferences":{"changed":[{"eventType":"` + EventType + `","cells":[` +
			`{"channel":"IN_APP","enabled":true,"delivers":true},{"channel":"EMAIL","enabled":` + strconv.FormatBool(enabled) +
			`,"delivers":` + strconv.FormatBool(enabled) + `},{"channel":"CLIQ","enabled":true,"delivers":true}]}],"settings":{"revision":` +
			strconv.Itoa(overridesEach+int(turns[person])) + `},"userErrors":[]}}}`
		if string(answer) != want {
			return fmt.Errorf("got  %s\nwant %s", answer, want)
		}
		return nil
	})
	compare(b, "W3 toggle a cell", "changes/s", "≥ 0.20, target 0.40", rates, got)
	w.exec(b, `DELETE FROM preferences WHERE event_type = $1`, EventType)
	_, most := server.memory(b)
	note(b, "W1 to W4 memory at most", "MiB", "", most)
}

// publish is W4: an event to a thousand people, every channel delivering.
func (w *world) publish(b *testing.B, bare, server *process) {
	b.Helper()
	type input struct {
		Type           string         `json:"type"`
		IdempotencyKey string         `json:"idempotencyKey"`
		RecipientIDs   []string       `json:"recipientIds"`
		Actor          map[string]any `json:"actor"`
		Data           map[string]any `json:"data"`
	}
	head := Head(Publish)
	var key atomic.Int64
	want := `{"data":{"publishEvent":{"notified":1000,"duplicate":false,"unknownRecipientIds":[],"userErrors":[]}}}`
	data := sample(b)
	// Several services publish, each within its own limit.
	services := make([]string, publishers)
	for i := range services {
		services[i] = mint(b, w.dataDir, auth.Identity{
			UserExternalID: User(i), WorkspaceExternalID: Workspace, Scopes: []auth.Scope{auth.ScopeEventsWrite},
		})
	}
	rates, got := alternate(b, bare, server, publishers, func(c *client, n int) error {
		in := input{
			Type: EventType, IdempotencyKey: fmt.Sprint("W4-", key.Add(1)), Data: data,
			Actor: map[string]any{"id": "u_boss", "name": "The Boss"},
		}
		for i := range eventsRecipients {
			in.RecipientIDs = append(in.RecipientIDs, User(spread(n*eventsRecipients+i)))
		}
		variables, err := json.Marshal(map[string]any{"input": in})
		if err != nil {
			return err
		}
		answer, err := c.do(services[n%publishers], head, string(variables), "}")
		if err != nil {
			return err
		}
		if !bytes.Equal(answer, []byte(want)) {
			return fmt.Errorf("got %s", answer)
		}
		return nil
	})
	for i := range rates {
		rates[i], got[i] = rates[i]*eventsRecipients, got[i]*eventsRecipients
	}
	compare(b, "W4 publish to 1,000 people", "notifications/s", "≥ 0.60, target 0.80", rates, got)
	w.exec(b, `TRUNCATE deliveries`)
}

// sample are good values for every field of the event type that is published.
func sample(b *testing.B) map[string]any {
	b.Helper()
	et, ok := loadCatalog(b).Event(EventType)
	if !ok {
		b.Fatalf("no event type %s", EventType)
	}
	data := map[string]any{}
	for _, f := range et.Fields {
		switch f.Kind {
		case "decimal", "integer":
			data[f.Name] = 12400
		case "currency":
			data[f.Name] = "EUR"
		case "date":
			data[f.Name] = "2026-03-04"
		case "instant":
			data[f.Name] = time.Unix(1_770_000_000, 0).UTC().Format(time.RFC3339)
		case "url":
			data[f.Name] = AppURL + "/deals/1"
		default:
			data[f.Name] = "Office fit-out"
		}
	}
	return data
}
