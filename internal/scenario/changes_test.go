package scenario

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// promptly is how soon a problem must be seen. A second is promised; a loaded machine gets another.
const promptly = 2 * time.Second

// cell is one toggle of the settings page.
type cell struct {
	Channel          string
	Enabled, Default bool
	Source           string
}

// settings are somebody's toggles by event type.
func (p *person) settings(tb testing.TB) map[string][]cell {
	tb.Helper()
	page := ask[struct {
		NotificationSettings struct {
			Categories []struct {
				Events []struct {
					EventType string
					Cells     []cell
				}
			}
		}
	}](tb, p, settingsQuery, nil)
	toggles := map[string][]cell{}
	for _, category := range page.NotificationSettings.Categories {
		for _, event := range category.Events {
			toggles[event.EventType] = event.Cells
		}
	}
	return toggles
}

// toggle changes cells and answers what was asked wrongly.
func (p *person) toggle(tb testing.TB, changes ...map[string]any) []userError {
	tb.Helper()
	return ask[struct{ UserErrors []userError }](tb, p, cellsMutation, input(map[string]any{"changes": changes})).UserErrors
}

func (p *person) turn(tb testing.TB, channel string, on bool) {
	tb.Helper()
	got := ask[struct{ UserErrors []userError }](tb, p, channelMutation, input(map[string]any{"channel": channel, "enabled": on}))
	wantNoErrors(tb, "setChannelEnabled", got.UserErrors)
}

// changeSettings shows that what the settings page says is what happens.
func (s *story) changeSettings(t *testing.T) {
	t.Helper()
	maya := s.people["u-maya"]
	toggles := maya.settings(t)
	for _, sample := range s.samples {
		for i, channel := range channels {
			if got := toggles[sample.Type][i]; got.Channel != channel.name || got.Enabled != sample.defaults[channel.name] || got.Default != got.Enabled || got.Source == "USER" {
				t.Errorf("%s on %s is shown as %+v at first", sample.Type, channel.name, got)
			}
		}
	}
	wantNoErrors(t, "toggle", maya.toggle(t,
		map[string]any{"eventType": "deal.won", "channel": "CLIQ", "enabled": false},
		map[string]any{"eventType": "deal.created", "channel": "EMAIL", "enabled": true},
		map[string]any{"eventType": "deal.created", "channel": "CLIQ", "enabled": true},
	))
	won := s.tell(t, "deal.won", "u-maya")
	s.wantOn(t, won, "CLIQ", "SKIPPED EVENT_OFF")
	s.wantOn(t, won, "EMAIL", "SENT")
	created := s.tell(t, "deal.created", "u-maya")
	s.wantOn(t, created, "EMAIL", "SENT")
	s.wantOn(t, created, "CLIQ", "SENT")
	s.wantOn(t, s.tell(t, "deal.won", "u-noura"), "CLIQ", "SENT") // hers alone changed

	before := maya.settings(t)
	locked := maya.toggle(t,
		map[string]any{"eventType": "deal.lost", "channel": "EMAIL", "enabled": false},
		map[string]any{"eventType": "security.new_login", "channel": "EMAIL", "enabled": false},
	)
	if len(locked) != 1 || locked[0].Code != "CELL_LOCKED" {
		t.Errorf("turning a locked cell off = %+v", locked)
	}
	maya.turn(t, "CLIQ", false)
	s.wantOn(t, s.tell(t, "deal.assigned", "u-maya"), "CLIQ", "SKIPPED CHANNEL_OFF")
	if diff := cmp.Diff(before, maya.settings(t)); diff != "" {
		t.Errorf("a refused change and the master switch changed cells (-before +after):\n%s", diff)
	}
	maya.turn(t, "CLIQ", true)
	if diff := cmp.Diff(before, maya.settings(t)); diff != "" {
		t.Errorf("the master switch off and on again changed cells (-before +after):\n%s", diff)
	}
	s.wantOn(t, s.tell(t, "deal.assigned", "u-maya"), "CLIQ", "SENT")
}

// breakAndHealBot sends with a bot that does not exist: the person sees why at once, and everything goes on when the
// name is right again.
func (s *story) breakAndHealBot(t *testing.T) {
	t.Helper()
	omar := s.people["u-omar"]
	wantTest := func(outcome string) {
		t.Helper()
		got := ask[struct {
			Delivered  bool
			Outcome    string
			UserErrors []userError
		}](t, omar, testMutation, nil)
		if got.Outcome != outcome || got.Delivered != (outcome == "SENT") || len(got.UserErrors) != 0 {
			t.Errorf("sendCliqTestMessage = %+v, want %s", got, outcome)
		}
	}
	chats := len(s.chats(t, omar.email))
	wantTest("SENT")
	if got := len(s.chats(t, omar.email)); got != chats+1 {
		t.Errorf("a test message made %d chats", got-chats)
	}
	changes := omar.subscribe(t, viewerSubscription, nil)
	if first, _ := next[viewer](t, changes); first.problem() != "" {
		t.Fatalf("viewerChanged begins with %+v", first)
	}
	omar.setBot(t, "nosuchbot")
	failed := s.tell(t, "deal.assigned", "u-omar")
	s.wantOn(t, failed, "CLIQ", "FAILED BOT_NOT_FOUND")
	s.wantOn(t, failed, "EMAIL", "SENT")
	seen, at := until(t, changes, "BOT_NOT_FOUND on viewerChanged", func(v viewer) bool { return v.problem() == "BOT_NOT_FOUND" })
	late := at.Sub(*failed.on("CLIQ").FinishedAt)
	if late > promptly || seen.Cliq.Status != "CONNECTED" || seen.Cliq.Problem.Remedy == "" || text(seen.Cliq.BotUniqueName) != "nosuchbot" {
		t.Errorf("BOT_NOT_FOUND was seen after %s as %+v", late, seen.Cliq)
	}
	t.Logf("BOT_NOT_FOUND seen %s after the failed message", late.Round(time.Millisecond))
	wantTest("FAILED")

	omar.setBot(t, bot)
	until(t, changes, "no problem on viewerChanged", func(v viewer) bool { return v.problem() == "" && text(v.Cliq.BotUniqueName) == bot })
	s.wantOn(t, s.tell(t, "deal.assigned", "u-omar"), "CLIQ", "SENT")
	wantTest("SENT")
}

// loseAndRenewPermission takes the permission away at Zoho: the person learns it on every way that is left, and
// connecting again heals it.
func (s *story) loseAndRenewPermission(t *testing.T) {
	t.Helper()
	liam := s.people["u-liam"]
	changes := liam.subscribe(t, viewerSubscription, nil)
	s.fault(t, "token_revoked", liam.email)
	event := s.event("deal.assigned", "u-liam")
	s.services.publish(t, event)
	until(t, changes, "NEEDS_RECONNECT on viewerChanged", func(v viewer) bool { return v.Cliq.Status == "NEEDS_RECONNECT" })
	until(t, s.live["u-liam"], "integration.disconnected in the inbox", func(c change) bool {
		return c.Notification != nil && c.Notification.EventType == "integration.disconnected"
	})
	got := liam.settledInbox(t).Notifications.Nodes
	s.wantOn(t, got[0], "IN_APP", "SENT")
	s.wantOn(t, got[0], "EMAIL", "SENT")
	s.wantOn(t, got[0], "CLIQ", "SKIPPED NEEDS_RECONNECT")
	s.wantOn(t, got[1], "CLIQ", "FAILED TOKEN_REVOKED")
	mails := s.mails(t, liam.email)
	if last := mails[len(mails)-1]; last.Subject != "Your Zoho Cliq connection stopped working" {
		t.Errorf("the last e-mail is “%s”", last.Subject)
	}
	s.wantOn(t, s.tell(t, "deal.won", "u-liam"), "CLIQ", "SKIPPED NEEDS_RECONNECT")

	s.clearFaults(t)
	s.reconnect(t, "u-liam", "eu")
	until(t, changes, "CONNECTED on viewerChanged", func(v viewer) bool { return v.Cliq.Status == "CONNECTED" && v.problem() == "" })
	s.wantOn(t, s.tell(t, "deal.won", "u-liam"), "CLIQ", "SENT")
}

// reconnect goes through the consent page again.
func (s *story) reconnect(t *testing.T, id, lives string) {
	t.Helper()
	p := s.people[id]
	landed := p.consentByForm(t, p.beginConnect(t, "EU", bot, s.url+"/"), lives, p.email)
	wantLanding(t, landed.String(), s.url+"/", "connected")
}

// readOnTwoScreens marks notifications read on one screen and sees it on the other.
func (s *story) readOnTwoScreens(t *testing.T) {
	t.Helper()
	priya := s.people["u-priya"]
	before := priya.settledInbox(t)
	phone := s.bearer(t, "u-priya")
	other := phone.subscribe(t, inboxSubscription, map[string]any{"after": before.Cursor})
	ids := []string{before.Notifications.Nodes[0].ID, before.Notifications.Nodes[2].ID}
	got := ask[struct {
		Inbox      struct{ UnreadCount int }
		UserErrors []userError
	}](t, priya, readMutation, input(map[string]any{"ids": ids}))
	wantNoErrors(t, "markNotificationsRead", got.UserErrors)
	if got.Inbox.UnreadCount != before.UnreadCount-2 {
		t.Errorf("unread = %d after reading two of %d", got.Inbox.UnreadCount, before.UnreadCount)
	}
	for name, screen := range map[string]*stream{"the same screen": s.live["u-priya"], "the other": other} {
		updated, _ := until(t, screen, "NotificationsUpdated on "+name, func(c change) bool { return c.Typename == "NotificationsUpdated" })
		var seen []string
		for _, n := range updated.Notifications {
			if n.ReadAt != nil {
				seen = append(seen, n.ID)
			}
		}
		slices.Sort(seen)
		slices.Sort(ids)
		if !slices.Equal(seen, ids) || updated.UnreadCount != before.UnreadCount-2 {
			t.Errorf("%s saw %v with %d unread", name, seen, updated.UnreadCount)
		}
	}
}

// disconnectAndReturn forgets a connection: Zoho is told, nothing more is sent, and connecting again works.
func (s *story) disconnectAndReturn(t *testing.T) {
	t.Helper()
	noura := s.people["u-noura"]
	got := ask[struct {
		Revocation  string
		Integration struct{ Status string }
	}](t, noura, disconnectCliq, nil)
	if got.Integration.Status != "NOT_CONNECTED" || got.Revocation == "NOT_NEEDED" {
		t.Errorf("disconnectCliq = %+v", got)
	}
	eventually(t, "Zoho was told of the end of the permission", waitLong, func() bool {
		return len(sandbox[struct{ Revocations []json.RawMessage }](t, s.server, http.MethodGet, "/revocations", nil).Revocations) > 0
	})
	s.wantOn(t, s.tell(t, "deal.won", "u-noura"), "CLIQ", "SKIPPED NOT_CONNECTED")
	s.reconnect(t, "u-noura", "au")
	s.wantOn(t, s.tell(t, "deal.won", "u-noura"), "CLIQ", "SENT")
}
