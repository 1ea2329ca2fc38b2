package catalog_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/heffl/bff/internal/catalog"
	"github.com/heffl/bff/model"
)

func load(tb testing.TB) *catalog.Catalog {
	tb.Helper()
	c, err := catalog.Load()
	if err != nil {
		tb.Fatalf("load: %v", err)
	}
	return c
}

func event(tb testing.TB, eventType string) *catalog.EventType {
	tb.Helper()
	et, ok := load(tb).Event(eventType)
	if !ok {
		tb.Fatalf("no event type %q", eventType)
	}
	return et
}

func TestLoadHoldsTogether(t *testing.T) {
	t.Parallel()
	c := load(t)
	if got := len(c.Types()); got != 45 {
		t.Errorf("%d event types, want 45", got)
	}
	var order []string
	for _, category := range c.Categories() {
		for _, et := range category.Events {
			if et.Category != category.Key {
				t.Errorf("%s is listed in %s but belongs to %s", et.Type, category.Key, et.Category)
			}
			if found, ok := c.Event(et.Type); !ok || found != et {
				t.Errorf("%s is not found by name", et.Type)
			}
			if c.Types()[et.Index] != et {
				t.Errorf("%s has the wrong index %d", et.Type, et.Index)
			}
			order = append(order, et.Type)
		}
		if diff := cmp.Diff(order[len(order)-len(category.Events):], c.TypesIn(category.Key)); diff != "" {
			t.Errorf("TypesIn(%s) (-want +got):\n%s", category.Key, diff)
		}
	}
	if len(order) != len(c.Types()) {
		t.Errorf("categories hold %d event types, the catalog %d", len(order), len(c.Types()))
	}
	if c.TypesIn("NOPE") != nil {
		t.Error("TypesIn of an unknown category is not nil")
	}
	if _, ok := c.Event("deal.nope"); ok {
		t.Error("an unknown event type was found")
	}
}

func TestLockedChannels(t *testing.T) {
	t.Parallel()
	got := map[string][]model.Channel{}
	for _, et := range load(t).Types() {
		if et.Locked != nil {
			got[et.Type] = et.Locked
		}
		if (et.Locked != nil) != (et.LockedReason != "") {
			t.Errorf("%s: locked %v with the reason %q", et.Type, et.Locked, et.LockedReason)
		}
	}
	want := map[string][]model.Channel{
		"integration.disconnected": {model.ChannelInApp},
		"security.new_login":       {model.ChannelInApp, model.ChannelEmail},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("locked channels (-want +got):\n%s", diff)
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	c := load(t)
	for asked, want := range map[string]string{
		"deal_won": "deal.won", "Deal.Won ": "deal.won", "deal.wom": "deal.won", "taks.overdue": "task.overdue",
		"": "", "something else entirely": "", strings.Repeat("deal.won", 20): "",
	} {
		if got := c.Nearest(asked); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", asked, got, want)
		}
	}
	for _, et := range c.Types() {
		if got := c.Nearest(et.Type); got != et.Type {
			t.Errorf("Nearest(%q) = %q", et.Type, got)
		}
	}
}

// sample is one entry of the project's realistic events.
type sample struct {
	Type           string
	IdempotencyKey string
	Actor          *model.ActorInput
	RecipientIDs   []string
	Data           model.JSONObject
	OccurredAt     model.Time
}

func (s *sample) facts() catalog.Facts {
	f := catalog.Facts{
		EventID: "event-1", OccurredAt: s.OccurredAt, WorkspaceID: "w-1", WorkspaceName: "Falcon Interiors",
		AppURL: "https://app.heffl.com", Data: s.Data,
	}
	if s.Actor != nil {
		f.ActorID, f.ActorName = s.Actor.ID, s.Actor.Name
	}
	return f
}

// samples reads testdata/events.json as the server reads events: numbers stay as they were written.
func samples(tb testing.TB) []sample {
	tb.Helper()
	file, err := os.Open(filepath.Join("..", "..", "testdata", "events.json"))
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	d := json.NewDecoder(file)
	d.UseNumber()
	d.DisallowUnknownFields()
	var all []sample
	if err := d.Decode(&all); err != nil {
		tb.Fatalf("decode events.json: %v", err)
	}
	return all
}

func TestSamplesAreValidAndCoverEveryType(t *testing.T) {
	t.Parallel()
	c := load(t)
	keys := map[string]bool{}
	missing := map[string]bool{}
	for _, et := range c.Types() {
		missing[et.Type] = true
	}
	for _, s := range samples(t) {
		et, ok := c.Event(s.Type)
		if !ok {
			t.Fatalf("unknown event type %q", s.Type)
		}
		delete(missing, s.Type)
		if problems := et.Validate(s.Data, s.Actor != nil); len(problems) > 0 {
			t.Errorf("%s: %v", s.IdempotencyKey, problems)
		}
		if keys[s.IdempotencyKey] || s.IdempotencyKey == "" {
			t.Errorf("the key %q is empty or used twice", s.IdempotencyKey)
		}
		keys[s.IdempotencyKey] = true
		others := slices.DeleteFunc(slices.Clone(s.RecipientIDs), func(id string) bool { return s.Actor != nil && id == s.Actor.ID })
		if len(others) == 0 {
			t.Errorf("%s: nobody but the actor is told", s.IdempotencyKey)
		}
	}
	if len(missing) > 0 {
		t.Errorf("no sample of %v", missing)
	}
}
