package preference_test

import (
	"fmt"
	"testing"

	"github.com/heffl/bff/internal/catalog"
	"github.com/heffl/bff/internal/preference"
	"github.com/heffl/bff/model"
)

// TestChangedDefault changes a default in the catalog: it reaches everybody who never touched the cell, and nobody who
// did; a workspace that chose its own default keeps that.
func TestChangedDefault(t *testing.T) {
	t.Parallel()
	const eventType, channel = "deal.won", model.ChannelEmail
	before, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	after, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	et, ok := after.Event(eventType)
	if !ok || !et.Defaults[channel.Number()] {
		t.Fatalf("%s is not on by default", eventType)
	}
	et.Defaults[channel.Number()] = false

	user := model.User{Name: "Ann", Email: "ann@acme.test", Active: true, EmailEnabled: true, CliqEnabled: true}
	own := func(enabled bool) []model.Preference {
		return []model.Preference{{EventType: eventType, Channel: channel, Enabled: enabled}}
	}
	for name, c := range map[string]struct {
		cells         []model.Preference
		rules         []model.WorkspaceRule
		before, after string
	}{
		"never touched the cell": {nil, nil, "true by CATALOG, default true", "false by CATALOG, default false"},
		"turned it on":           {own(true), nil, "true by USER, default true", "true by USER, default false"},
		"turned it off":          {own(false), nil, "false by USER, default true", "false by USER, default false"},
		"never touched it, but the workspace did": {
			nil,
			[]model.WorkspaceRule{{EventType: eventType, Channel: channel, Mode: model.WorkspaceRuleModeDefaultOn}},
			"true by WORKSPACE, default true", "true by WORKSPACE, default true",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for when, shown := range map[*catalog.Catalog]string{before: c.before, after: c.after} {
				page := preference.Settings(model.SettingsSnapshot{User: user, Cells: c.cells, Rules: c.rules}, when)
				if got := shownCell(t, &page, eventType, channel); got != shown {
					t.Errorf("shown %q, want %q", got, shown)
				}
			}
		})
	}
}

// shownCell is a cell of a page in short.
func shownCell(t *testing.T, page *model.NotificationSettings, eventType string, channel model.Channel) string {
	t.Helper()
	for _, category := range page.Categories {
		for _, event := range category.Events {
			if event.EventType != eventType {
				continue
			}
			cell := event.Cells[channel.Number()]
			if cell.Delivers != cell.Enabled {
				t.Errorf("delivers %t although it is %t", cell.Delivers, cell.Enabled)
			}
			return fmt.Sprintf("%t by %s, default %t", cell.Enabled, cell.Source, cell.Default)
		}
	}
	t.Fatalf("no %s on the page", eventType)
	return ""
}
