package scenario

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// sample is one of the sample events with everything that must come of it, told by data alone.
type sample struct {
	Type           string         `json:"type"`
	IdempotencyKey string         `json:"idempotencyKey"`
	Actor          *actor         `json:"actor,omitempty"`
	RecipientIDs   []string       `json:"recipientIds"`
	Data           map[string]any `json:"data"`
	OccurredAt     *time.Time     `json:"occurredAt,omitempty"`

	defaults map[string]bool // by channel, as catalog.json says
	texts    texts
}

type actor struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// texts are how a sample reads, as reviewed in the catalog's golden file.
type texts struct {
	title, body, path, subjectType, subjectID string
	chat, mailSubject                         string
}

// channels in the order of the API, with their names in catalog.json.
var channels = []struct{ name, key string }{{"IN_APP", "inApp"}, {"EMAIL", "email"}, {"CLIQ", "cliq"}}

// loadSamples reads the sample events, what the catalog's defaults say of each, and how each reads.
func loadSamples(tb testing.TB) []sample {
	tb.Helper()
	var samples []sample
	readJSON(tb, "../../testdata/events.json", &samples)
	var catalog struct {
		Events []struct {
			Type     string          `json:"type"`
			Defaults map[string]bool `json:"defaults"`
		} `json:"events"`
	}
	readJSON(tb, "../catalog/catalog.json", &catalog)
	golden := loadTexts(tb, "../catalog/testdata/rendered.golden")
	if len(golden) != len(samples) {
		tb.Fatalf("%d samples but %d texts", len(samples), len(golden))
	}
	seen := map[string]bool{}
	for i := range samples {
		s := &samples[i]
		s.texts, seen[s.Type] = golden[i], true
		for _, event := range catalog.Events {
			if event.Type != s.Type {
				continue
			}
			s.defaults = map[string]bool{}
			for _, channel := range channels {
				s.defaults[channel.name] = event.Defaults[channel.key]
			}
		}
		if s.defaults == nil {
			tb.Fatalf("the catalog has no event type %s", s.Type)
		}
		if s.OccurredAt != nil && s.OccurredAt.After(time.Now()) {
			s.OccurredAt = nil // the samples have dates of their own; a machine's clock may be behind them
		}
	}
	if len(seen) != len(catalog.Events) || len(seen) < 45 {
		tb.Fatalf("samples cover %d of %d event types", len(seen), len(catalog.Events))
	}
	return samples
}

// told are the recipients, without the actor, who is never told of their own doing.
func (s *sample) told() []string {
	return slices.DeleteFunc(slices.Clone(s.RecipientIDs), func(id string) bool { return s.Actor != nil && id == s.Actor.ID })
}

// input is the sample as publishEvent takes it.
func (s *sample) input() map[string]any {
	fields := map[string]any{"type": s.Type, "idempotencyKey": s.IdempotencyKey, "recipientIds": s.RecipientIDs, "data": s.Data}
	if s.Actor != nil {
		fields["actor"] = s.Actor
	}
	if s.OccurredAt != nil {
		fields["occurredAt"] = s.OccurredAt
	}
	return fields
}

func readJSON(tb testing.TB, path string, into any) {
	tb.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	decoder := json.NewDecoder(strings.NewReader(string(raw)))
	decoder.UseNumber() // amounts keep their digits
	if err := decoder.Decode(into); err != nil {
		tb.Fatalf("%s: %v", path, err)
	}
}

// loadTexts reads the golden file: a line "type → path (subject)", then indented the title, body lines after "|", and
// what differs in a chat or in a subject.
func loadTexts(tb testing.TB, path string) []texts {
	tb.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	var all []texts
	for line := range strings.SplitSeq(strings.TrimSuffix(string(raw), "\n"), "\n") {
		inner, indented := strings.CutPrefix(line, "  ")
		if !indented {
			_, rest, _ := strings.Cut(line, " → ")
			link, subject, _ := strings.Cut(rest, " (")
			kind, id, _ := strings.Cut(strings.TrimSuffix(subject, ")"), " ")
			all = append(all, texts{path: link, subjectType: kind, subjectID: id})
			continue
		}
		current := &all[len(all)-1]
		if body, ok := strings.CutPrefix(inner, "| "); ok {
			current.body = strings.TrimPrefix(current.body+"\n"+body, "\n")
		} else if chat, ok := strings.CutPrefix(inner, "cliq: "); ok {
			current.chat = chat
		} else if subject, ok := strings.CutPrefix(inner, "mail: "); ok {
			current.mailSubject = subject
		} else {
			current.title, current.chat, current.mailSubject = inner, inner, inner
		}
	}
	return all
}
