package storetest

import (
	"testing"

	"github.com/google/uuid"

	"github.com/heffl/bff/internal/store"
	"github.com/heffl/bff/model"
)

// testReasons changes what decides after something was queued: it ends with the reason, or goes all the same.
func testReasons(t *testing.T, s *store.Store) {
	t.Helper()
	off := func(master model.Channel, cells ...string) func(*testing.T, model.Viewer) {
		return func(t *testing.T, v model.Viewer) {
			t.Helper()
			c := set(v.User.UUID, false, cells...)
			if master != "" {
				c.Master = map[model.Channel]bool{master: false}
			}
			change(t, s, c)
		}
	}
	rules := func(mode model.WorkspaceRuleMode, then func(*testing.T, model.Viewer)) func(*testing.T, model.Viewer) {
		return func(t *testing.T, v model.Viewer) {
			t.Helper()
			c := model.PolicyChange{WorkspaceID: v.Workspace.UUID}
			for _, eventType := range []string{"deal.won", lockedType} {
				for _, channel := range model.Channels {
					c.Rules = append(c.Rules, model.WorkspaceRule{EventType: eventType, Channel: channel, Mode: mode})
				}
			}
			if _, _, err := s.ChangePolicy(t.Context(), c, noon); err != nil {
				t.Fatal(err)
			}
			then(t, v)
		}
	}
	nothing := func(*testing.T, model.Viewer) {}
	sync := func(email string, active bool) func(*testing.T, model.Viewer) {
		return func(t *testing.T, v model.Viewer) {
			t.Helper()
			user := model.SyncedUser{WorkspaceID: v.Workspace.ExternalID, ExternalID: v.User.ExternalID, Email: email, Active: active}
			if _, _, err := s.SyncUsers(t.Context(), nil, []model.SyncedUser{user}, noon); err != nil {
				t.Fatal(err)
			}
		}
	}
	allOff := []string{"deal.won/EMAIL", "deal.won/CLIQ", lockedType + "/EMAIL", lockedType + "/CLIQ"}
	for name, c := range map[string]struct {
		change      func(*testing.T, model.Viewer)
		email, cliq model.SkipReason
		// locked are the reasons for an event type that nothing turns off.
		lockedEmail, lockedCliq model.SkipReason
	}{
		"nothing changed":    {change: nothing},
		"inactive":           {sync("a@example.com", false), "INACTIVE", "INACTIVE", "INACTIVE", "INACTIVE"},
		"no address":         {change: sync("", true), email: "ADDRESS_MISSING", lockedEmail: "ADDRESS_MISSING"},
		"e-mail off":         {change: off(model.ChannelEmail), email: "CHANNEL_OFF"},
		"Cliq off":           {change: off(model.ChannelCliq), cliq: "CHANNEL_OFF"},
		"cells off":          {change: off("", allOff...), email: "EVENT_OFF", cliq: "EVENT_OFF"},
		"switch before cell": {change: off(model.ChannelEmail, allOff...), email: "CHANNEL_OFF", cliq: "EVENT_OFF"},
		"other cells off":    {change: off("", "deal.won/IN_APP", "deal.lost/EMAIL", "deal.lost/CLIQ")},
		"locked off":         {change: rules("LOCKED_OFF", off(model.ChannelEmail, allOff...)), email: "LOCKED_OFF", cliq: "LOCKED_OFF"},
		"locked on":          {change: rules("LOCKED_ON", off("", allOff...))},
		"locked on, but off": {change: rules("LOCKED_ON", off(model.ChannelCliq, allOff...)), cliq: "CHANNEL_OFF"},
		"off by default":     {change: rules("DEFAULT_OFF", nothing)},
		"bounced": {change: func(t *testing.T, v model.Viewer) {
			t.Helper()
			if err := s.MarkBounced(t.Context(), v.User.UUID, v.User.Email); err != nil {
				t.Fatal(err)
			}
		}, email: "ADDRESS_BOUNCED", lockedEmail: "ADDRESS_BOUNCED"},
		"disconnected": {change: func(t *testing.T, v model.Viewer) {
			t.Helper()
			if _, err := s.Disconnect(t.Context(), v.User.UUID, noon); err != nil {
				t.Fatal(err)
			}
		}, cliq: "NOT_CONNECTED", lockedCliq: "NOT_CONNECTED"},
		"to be reconnected": {change: func(t *testing.T, v model.Viewer) {
			t.Helper()
			if _, err := s.MarkNeedsReconnect(t.Context(), v.User.UUID, nil, model.ProblemCodeTokenRevoked, noon); err != nil {
				t.Fatal(err)
			}
		}, cliq: "NEEDS_RECONNECT", lockedCliq: "NEEDS_RECONNECT"},
	} {
		v := admit(t, s, name, "ann") // a workspace each
		connect(t, s, v, "r")
		usual, locked := deliver(t, s, v, "deal.won", 0, noon), deliver(t, s, v, lockedType, 0, noon)
		c.change(t, v)
		claimEmail(t, s, 100, model.NewID(), noon)
		worker{s, v.User.UUID, model.NewID()}.claim(t).begin(t, noon, nil, usual, locked)
		for _, one := range []struct {
			id          uuid.UUID
			email, cliq model.SkipReason
		}{{usual, c.email, c.cliq}, {locked, c.lockedEmail, c.lockedCliq}} {
			for channel, want := range map[model.Channel]model.SkipReason{model.ChannelEmail: one.email, model.ChannelCliq: one.cliq} {
				d := delivery(t, s, v, channel, one.id)
				status := model.DeliveryStatusSending
				if want != "" {
					status = model.DeliveryStatusSkipped
				}
				if d.Reason != want || d.Status != status || d.FinishedAt.IsZero() != (want == "") || (d.LeaseID == nil) != (want != "") {
					t.Errorf("%s, %s, locked %v: %+v, want %s", name, channel, one.id == locked, d, want)
				}
			}
		}
	}
}
