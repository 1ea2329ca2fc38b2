package preference_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/heffl/bff/internal/catalog"
	"github.com/heffl/bff/internal/preference"
	"github.com/heffl/bff/model"
)

func load(tb testing.TB) *catalog.Catalog {
	tb.Helper()
	c, err := catalog.Load()
	if err != nil {
		tb.Fatalf("load catalog: %v", err)
	}
	return c
}

var (
	modes    = append([]model.WorkspaceRuleMode{""}, model.AllWorkspaceRuleMode...)
	toggles  = []model.Toggle{model.ToggleUnset, model.ToggleOff, model.ToggleOn}
	statuses = append([]model.IntegrationStatus{""}, model.AllIntegrationStatus...)
	problems = append([]model.ProblemCode{""}, model.AllProblemCode...)
	yesNo    = []bool{false, true}
)

// combination is one state of everything that decides about one channel.
type combination struct {
	recipient model.Recipient
	channel   model.Channel
	rules     preference.Rules
}

// combinations calls yield with every state of every channel; what concerns the other channels changes along.
func combinations(yield func(combination)) {
	turn := 0
	next := func() int { turn++; return turn }
	for _, inactive := range yesNo {
		for _, mode := range modes {
			for _, own := range toggles {
				emit := func(ch model.Channel, r model.Recipient) {
					r.UserID, r.Inactive = uuid.UUID{1}, inactive
					var rules preference.Rules
					for i := range rules {
						rules[i], r.Cells[i] = modes[next()%len(modes)], toggles[next()%len(toggles)]
					}
					rules[ch.Number()], r.Cells[ch.Number()] = mode, own
					yield(combination{r, ch, rules})
				}
				emit(model.ChannelInApp, model.Recipient{EmailEnabled: next()%2 == 0, CliqEnabled: next()%2 == 0})
				for _, on := range yesNo {
					for _, address := range yesNo {
						for _, state := range []model.EmailState{model.EmailGood, model.EmailBounced} {
							emit(model.ChannelEmail, model.Recipient{EmailEnabled: on, HasEmail: address, EmailState: state, CliqEnabled: next()%2 == 0})
						}
					}
					for _, status := range statuses {
						for _, problem := range problems {
							emit(model.ChannelCliq, model.Recipient{CliqEnabled: on, CliqStatus: status, CliqProblem: problem, HasEmail: next()%2 == 0})
						}
					}
				}
			}
		}
	}
}

// oracle is the decision written down as the rules are told, once more and in another way: the first line that
// applies has the answer.
func oracle(c combination, et *catalog.EventType) model.SkipReason {
	const deliver = model.SkipReason("")
	r, n := c.recipient, c.channel.Number()
	email, cliq := c.channel == model.ChannelEmail, c.channel == model.ChannelCliq
	onlyAPerson := map[model.ProblemCode]bool{"BOT_NOT_FOUND": true, "DELIVERED_TO_OTHERS": true, "NOT_SUBSCRIBED": true, "PROVIDER_MISCONFIGURED": true}
	var catalogLock bool
	for _, ch := range et.Locked {
		catalogLock = catalogLock || ch == c.channel
	}
	workspaceDefault := map[model.WorkspaceRuleMode]model.SkipReason{"DEFAULT_ON": deliver, "DEFAULT_OFF": "EVENT_OFF"}
	_, hasDefault := workspaceDefault[c.rules[n]]
	for _, line := range []struct {
		applies bool
		answer  model.SkipReason
	}{
		{r.Inactive, "INACTIVE"},
		{cliq && (r.CliqStatus == "" || r.CliqStatus == "NOT_CONNECTED"), "NOT_CONNECTED"},
		{cliq && r.CliqStatus == "NEEDS_RECONNECT", "NEEDS_RECONNECT"},
		{cliq && onlyAPerson[r.CliqProblem], "INTEGRATION_PROBLEM"},
		{email && !r.HasEmail, "ADDRESS_MISSING"},
		{email && r.EmailState != model.EmailGood, "ADDRESS_BOUNCED"},
		{catalogLock, deliver},
		{c.rules[n] == "LOCKED_OFF", "LOCKED_OFF"},
		{email && !r.EmailEnabled || cliq && !r.CliqEnabled, "CHANNEL_OFF"},
		{c.rules[n] == "LOCKED_ON", deliver},
		{r.Cells[n] == model.ToggleOn, deliver},
		{r.Cells[n] == model.ToggleOff, "EVENT_OFF"},
		{hasDefault, workspaceDefault[c.rules[n]]},
		{et.Defaults[n], deliver},
	} {
		if line.applies {
			return line.answer
		}
	}
	return "EVENT_OFF"
}

func TestDecideAgreesWithTheRulesAsTold(t *testing.T) {
	t.Parallel()
	types := load(t).Types()
	cases, met := 0, map[model.SkipReason]int{}
	combinations(func(c combination) {
		for _, et := range types {
			want, got := oracle(c, et), preference.Decide(&c.recipient, &c.rules, et).Why(c.channel)
			if got != want {
				t.Fatalf("%s on %s: %q, want %q for %+v, rules %v", et.Type, c.channel, got, want, c.recipient, c.rules)
			}
			cases++
			met[got]++
		}
	})
	if cases < 100_000 {
		t.Errorf("only %d cases", cases)
	}
	for _, why := range append([]model.SkipReason{""}, model.AllSkipReason...) {
		if met[why] == 0 {
			t.Errorf("no case is decided %q", why)
		}
	}
}

// TestThePageAgreesWithDecide holds the promise of the settings page: a cell delivers exactly when an event would.
func TestThePageAgreesWithDecide(t *testing.T) {
	t.Parallel()
	c := load(t)
	combinations(func(combo combination) {
		page := preference.Resolve(snapshotOf(combo, c), c)
		for i, et := range c.Types() {
			why := preference.Decide(&combo.recipient, &combo.rules, et).Why(combo.channel)
			cell := page.Cells[i][combo.channel.Number()]
			if cell.Delivers != (why == "") {
				t.Fatalf("%s on %s: the cell delivers %t, but the decision is %q for %+v, rules %v",
					et.Type, combo.channel, cell.Delivers, why, combo.recipient, combo.rules)
			}
			blocked := cell.Blocks.List()
			switch {
			case !cell.Enabled || cell.Delivers || combo.recipient.Inactive:
				if len(blocked) != 0 {
					t.Fatalf("%s on %s: blocked by %v without need: %+v", et.Type, combo.channel, blocked, cell)
				}
			case len(blocked) == 0 || string(blocked[0]) != string(why):
				t.Fatalf("%s on %s: blocked by %v, but the decision is %q", et.Type, combo.channel, blocked, why)
			}
		}
	})
}

// snapshotOf is the combination as the store reads it for a settings page: every event type gets the same
// rules and choices.
func snapshotOf(combo combination, c *catalog.Catalog) *model.SettingsSnapshot {
	r := combo.recipient
	s := &model.SettingsSnapshot{
		User: model.User{UUID: r.UserID, EmailState: r.EmailState, EmailEnabled: r.EmailEnabled, CliqEnabled: r.CliqEnabled, Active: !r.Inactive},
		Connection: model.Connection{
			UserID: r.UserID, Status: r.CliqStatus, Problem: r.CliqProblem,
		},
	}
	if r.HasEmail {
		s.User.Email = "maya@example.com"
	}
	for _, et := range c.Types() {
		for n, ch := range model.Channels {
			if combo.rules[n] != "" {
				s.Rules = append(s.Rules, model.WorkspaceRule{EventType: et.Type, Channel: ch, Mode: combo.rules[n]})
			}
			if r.Cells[n] != model.ToggleUnset {
				s.Cells = append(s.Cells, model.Preference{EventType: et.Type, Channel: ch, Enabled: r.Cells[n] == model.ToggleOn})
			}
		}
	}
	return s
}

func TestDecideAllocatesNothing(t *testing.T) { //nolint:paralleltest // AllocsPerRun counts for the whole process
	et := load(t).Types()[0]
	r := model.Recipient{HasEmail: true, EmailEnabled: true, CliqEnabled: true}
	if n := testing.AllocsPerRun(100, func() { preference.Decide(&r, &preference.Rules{}, et) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkDecide(b *testing.B) {
	et, _ := load(b).Event("deal.won")
	r := model.Recipient{
		HasEmail: true, EmailEnabled: true, CliqEnabled: true, CliqStatus: model.IntegrationStatusConnected,
		Cells: [...]model.Toggle{model.ToggleUnset, model.ToggleOff, model.ToggleOn},
	}
	rules := preference.Rules{model.WorkspaceRuleModeDefaultOn, "", model.WorkspaceRuleModeLockedOn}
	b.ReportAllocs()
	for b.Loop() {
		preference.Decide(&r, &rules, et)
	}
}
