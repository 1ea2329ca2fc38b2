package preference_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/heffl/bff/internal/preference"
	"github.com/heffl/bff/model"
)

var maya = uuid.MustParse("0192f0c1-7c1e-7a43-9b1f-0c2d3e4f5a6b")

// reachable is a person whom everything reaches, with a revision to recognise.
func reachable() model.SettingsSnapshot {
	return model.SettingsSnapshot{
		User: model.User{
			UUID: maya, Email: "maya@example.com", EmailEnabled: true, CliqEnabled: true, Active: true, SettingsRevision: 7,
		},
		Connection: model.Connection{UserID: maya, Status: model.IntegrationStatusConnected},
	}
}

func rule(eventType string, ch model.Channel, mode model.WorkspaceRuleMode, reason string) model.WorkspaceRule {
	r := model.WorkspaceRule{EventType: eventType, Channel: ch, Mode: mode}
	if reason != "" {
		r.Reason = &reason
	}
	return r
}

func choice(eventType string, ch model.Channel, enabled bool) model.Preference {
	return model.Preference{UserID: maya, EventType: eventType, Channel: ch, Enabled: enabled}
}

// cellOf finds one cell on a page.
func cellOf(tb testing.TB, s model.NotificationSettings, eventType string, ch model.Channel) model.PreferenceCell {
	tb.Helper()
	for _, category := range s.Categories {
		for _, event := range category.Events {
			if event.EventType == eventType {
				return event.Cells[ch.Number()]
			}
		}
	}
	tb.Fatalf("no event type %q on the page", eventType)
	return model.PreferenceCell{}
}

func TestSettingsShowEverythingInOrder(t *testing.T) {
	t.Parallel()
	c := load(t)
	s := preference.Settings(reachable(), c)
	if s.ID != model.GlobalID(model.KindSettings, maya) || s.Revision != 7 {
		t.Errorf("id %s, revision %d", s.ID, s.Revision)
	}
	if len(s.Categories) != len(c.Categories()) {
		t.Fatalf("%d categories, want %d", len(s.Categories), len(c.Categories()))
	}
	for i, category := range c.Categories() {
		got := s.Categories[i]
		if got.Key != category.Key || got.Label != category.Label || len(got.Events) != len(category.Events) {
			t.Fatalf("category %d is %s with %d events", i, got.Key, len(got.Events))
		}
		for j, et := range category.Events {
			e := got.Events[j]
			if e.EventType != et.Type || e.Label != et.Label || e.Description != et.Description || e.Importance != et.Importance {
				t.Errorf("row %s is %+v", et.Type, e)
			}
			if want := model.GlobalID(model.KindEventSetting, uuid.NewSHA1(maya, []byte(et.Type))); e.ID != want {
				t.Errorf("%s has the id %s, want %s", et.Type, e.ID, want)
			}
			for n, ch := range model.Channels {
				if cell := e.Cells[n]; cell.Channel != ch || cell.Enabled != et.Defaults[n] || cell.Default != et.Defaults[n] || cell.BlockedBy == nil {
					t.Errorf("%s on %s is %+v", et.Type, ch, cell)
				}
			}
		}
	}
	want := []model.ChannelSetting{
		{Channel: model.ChannelInApp, Enabled: true, BlockedBy: []model.BlockReason{}},
		{Channel: model.ChannelEmail, Enabled: true, Editable: true, BlockedBy: []model.BlockReason{}},
		{Channel: model.ChannelCliq, Enabled: true, Editable: true, BlockedBy: []model.BlockReason{}},
	}
	if diff := cmp.Diff(want, s.Channels); diff != "" {
		t.Errorf("channels (-want +got):\n%s", diff)
	}
}

func TestCells(t *testing.T) {
	t.Parallel()
	on := "Your workspace’s administrators turned this on for everyone."
	off := "Your workspace’s administrators turned this off for everyone."
	why := "We pay by the message."
	always := "A new sign-in concerns the safety of your account, so it is always shown in the app and sent by e-mail."
	none := []model.BlockReason{}
	tests := map[string]struct {
		event   string
		channel model.Channel
		change  func(*model.SettingsSnapshot)
		want    model.PreferenceCell
	}{
		"catalog on":  {"deal.won", "EMAIL", nil, model.PreferenceCell{Enabled: true, Default: true, Source: "CATALOG", Delivers: true, BlockedBy: none}},
		"catalog off": {"deal.created", "CLIQ", nil, model.PreferenceCell{Source: "CATALOG", BlockedBy: none}},
		"own choice": {"deal.created", "CLIQ", func(s *model.SettingsSnapshot) {
			s.Cells = append(s.Cells, choice("deal.created", "CLIQ", true))
		}, model.PreferenceCell{Enabled: true, Source: "USER", Delivers: true, BlockedBy: none}},
		"workspace default": {"deal.created", "CLIQ", func(s *model.SettingsSnapshot) {
			s.Rules = append(s.Rules, rule("deal.created", "CLIQ", "DEFAULT_ON", "unused"))
		}, model.PreferenceCell{Enabled: true, Default: true, Source: "WORKSPACE", Delivers: true, BlockedBy: none}},
		"own choice over the workspace's default": {"deal.won", "EMAIL", func(s *model.SettingsSnapshot) {
			s.Rules = append(s.Rules, rule("deal.won", "EMAIL", "DEFAULT_OFF", ""))
			s.Cells = append(s.Cells, choice("deal.won", "EMAIL", true))
		}, model.PreferenceCell{Enabled: true, Source: "USER", Delivers: true, BlockedBy: none}},
		"workspace lock hides the own choice": {"deal.won", "EMAIL", func(s *model.SettingsSnapshot) {
			s.Rules = append(s.Rules, rule("deal.won", "EMAIL", "LOCKED_OFF", why))
			s.Cells = append(s.Cells, choice("deal.won", "EMAIL", true))
		}, model.PreferenceCell{Source: "LOCKED", Locked: true, LockedReason: &why, BlockedBy: none}},
		"workspace lock without a reason": {"deal.won", "EMAIL", func(s *model.SettingsSnapshot) {
			s.Rules = append(s.Rules, rule("deal.won", "EMAIL", "LOCKED_OFF", ""))
		}, model.PreferenceCell{Source: "LOCKED", Locked: true, LockedReason: &off, BlockedBy: none}},
		"the master switch beats the workspace's lock": {"deal.created", "EMAIL", func(s *model.SettingsSnapshot) {
			s.Rules = append(s.Rules, rule("deal.created", "EMAIL", "LOCKED_ON", ""))
			s.User.EmailEnabled = false
		}, model.PreferenceCell{Enabled: true, Default: true, Source: "LOCKED", Locked: true, LockedReason: &on, BlockedBy: []model.BlockReason{"CHANNEL_OFF"}}},
		"the catalog's lock beats everything": {"security.new_login", "EMAIL", func(s *model.SettingsSnapshot) {
			s.Rules = append(s.Rules, rule("security.new_login", "EMAIL", "LOCKED_OFF", why))
			s.Cells = append(s.Cells, choice("security.new_login", "EMAIL", false))
			s.User.EmailEnabled = false
		}, model.PreferenceCell{Enabled: true, Default: true, Source: "LOCKED", Locked: true, LockedReason: &always, Delivers: true, BlockedBy: none}},
		"but not a missing address": {"security.new_login", "EMAIL", func(s *model.SettingsSnapshot) {
			s.User.Email, s.User.EmailEnabled = "", false
		}, model.PreferenceCell{Enabled: true, Default: true, Source: "LOCKED", Locked: true, LockedReason: &always, BlockedBy: []model.BlockReason{"ADDRESS_MISSING"}}},
		"bounced": {
			"deal.won", "EMAIL", func(s *model.SettingsSnapshot) { s.User.EmailState = model.EmailBounced },
			model.PreferenceCell{Enabled: true, Default: true, Source: "CATALOG", BlockedBy: []model.BlockReason{"ADDRESS_BOUNCED"}},
		},
		"not connected and off": {
			"deal.won", "CLIQ", func(s *model.SettingsSnapshot) { s.User.CliqEnabled, s.Connection = false, model.Connection{} },
			model.PreferenceCell{Enabled: true, Default: true, Source: "CATALOG", BlockedBy: []model.BlockReason{"NOT_CONNECTED", "CHANNEL_OFF"}},
		},
		"a pause is no block": {
			"deal.won", "CLIQ", func(s *model.SettingsSnapshot) { s.Connection.Problem = model.ProblemCodeRateLimited },
			model.PreferenceCell{Enabled: true, Default: true, Source: "CATALOG", Delivers: true, BlockedBy: none},
		},
		"what is off is not blocked": {
			"deal.created", "CLIQ", func(s *model.SettingsSnapshot) { s.User.CliqEnabled, s.Connection = false, model.Connection{} },
			model.PreferenceCell{Source: "CATALOG", BlockedBy: none},
		},
		"unknown rows do no harm": {"deal.won", "CLIQ", func(s *model.SettingsSnapshot) {
			s.Rules = append(s.Rules, rule("deal.gone", "CLIQ", "LOCKED_OFF", ""), rule("deal.won", "SMS", "LOCKED_OFF", ""))
			s.Cells = append(s.Cells, choice("deal.gone", "CLIQ", false), choice("deal.won", "SMS", false))
		}, model.PreferenceCell{Enabled: true, Default: true, Source: "CATALOG", Delivers: true, BlockedBy: none}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, snapshot := load(t), reachable()
			if tt.change != nil {
				tt.change(&snapshot)
			}
			tt.want.Channel = tt.channel
			got := cellOf(t, preference.Settings(snapshot, c), tt.event, tt.channel)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("cell (-want +got):\n%s", diff)
			}
			et, _ := c.Event(tt.event)
			reason, locked := preference.Locked(snapshot, et, tt.channel)
			if locked != got.Locked || locked && reason != *got.LockedReason {
				t.Errorf("Locked says %q, %t", reason, locked)
			}
		})
	}
}

func TestChannelsSayWhatBlocksThem(t *testing.T) {
	t.Parallel()
	snapshot := reachable()
	snapshot.User.EmailState, snapshot.User.CliqEnabled = model.EmailBounced, false
	snapshot.Connection.Status = model.IntegrationStatusNeedsReconnect
	want := []model.ChannelSetting{
		{Channel: model.ChannelInApp, Enabled: true, BlockedBy: []model.BlockReason{}},
		{Channel: model.ChannelEmail, Enabled: true, Editable: true, BlockedBy: []model.BlockReason{model.BlockReasonAddressBounced}},
		{Channel: model.ChannelCliq, Editable: true, BlockedBy: []model.BlockReason{model.BlockReasonNeedsReconnect}},
	}
	if diff := cmp.Diff(want, preference.Settings(snapshot, load(t)).Channels); diff != "" {
		t.Errorf("channels (-want +got):\n%s", diff)
	}
}

func TestChanged(t *testing.T) {
	t.Parallel()
	c := load(t)
	before := reachable()
	names := func(now model.SettingsSnapshot) []string {
		list := []string{}
		for _, event := range preference.Changed(preference.Settings(before, c), preference.Settings(now, c)) {
			list = append(list, event.EventType)
		}
		return list
	}
	one := reachable()
	one.Cells = append(one.Cells, choice("task.overdue", "EMAIL", true)) // as the default is: only the source differs
	reasoned := reachable()
	reasoned.Rules = append(reasoned.Rules, rule("lead.assigned", "CLIQ", "LOCKED_ON", "a"))
	if diff := cmp.Diff([]string{}, names(reachable())); diff != "" {
		t.Errorf("nothing changed (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"task.overdue"}, names(one)); diff != "" {
		t.Errorf("one cell (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"lead.assigned"}, names(reasoned)); diff != "" {
		t.Errorf("a lock (-want +got):\n%s", diff)
	}
	before = reasoned
	other := reachable()
	other.Rules = append(other.Rules, rule("lead.assigned", "CLIQ", "LOCKED_ON", "b"))
	if diff := cmp.Diff([]string{"lead.assigned"}, names(other)); diff != "" {
		t.Errorf("another reason (-want +got):\n%s", diff)
	}
	before.Connection.Status, other = model.IntegrationStatusNotConnected, before
	other.Connection.Status = model.IntegrationStatusNeedsReconnect
	if n := len(names(other)); n == 0 {
		t.Error("another reason why nothing is delivered is no change")
	}
	before, other = reachable(), reachable()
	other.User.CliqEnabled = false
	var want []string
	for _, et := range c.Types() {
		if et.Defaults[model.ChannelCliq.Number()] {
			want = append(want, et.Type)
		}
	}
	if diff := cmp.Diff(want, names(other)); diff != "" {
		t.Errorf("the master switch (-want +got):\n%s", diff)
	}
}

func TestCheckRule(t *testing.T) {
	t.Parallel()
	et, _ := load(t).Event("integration.disconnected")
	for _, mode := range model.AllWorkspaceRuleMode {
		if why, locked := preference.CheckRule(et, model.ChannelInApp, mode); !locked || why != et.LockedReason {
			t.Errorf("%s on a locked cell: %q, %t", mode, why, locked)
		}
		if _, locked := preference.CheckRule(et, model.ChannelEmail, mode); locked {
			t.Errorf("%s on a free cell is refused", mode)
		}
	}
	if _, locked := preference.CheckRule(et, model.ChannelInApp, ""); locked {
		t.Error("removing a rule is refused")
	}
}

func BenchmarkSettings(b *testing.B) {
	c, snapshot := load(b), reachable()
	for _, et := range c.Types()[:5] {
		snapshot.Cells = append(snapshot.Cells, choice(et.Type, model.ChannelCliq, true))
	}
	b.Run("page", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			preference.Resolve(&snapshot, c)
		}
	})
	b.Run("types", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			preference.Settings(snapshot, c)
		}
	})
}
