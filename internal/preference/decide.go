package preference

import (
	"slices"

	"github.com/heffl/bff/internal/catalog"
	"github.com/heffl/bff/model"
)

// Rules are a workspace's rules for one event type, by channel number; an empty mode: none.
type Rules = [len(model.Channels)]model.WorkspaceRuleMode

// Decide says on which channels an event of one type reaches one person, and why not on the others.
func Decide(r *model.Recipient, rules *Rules, et *catalog.EventType) model.Decision {
	var d model.Decision
	for n, ch := range model.Channels {
		if why := skip(r, ch, rules[n], et); why != "" {
			d = d.Skip(ch, why)
		}
	}
	return d
}

// skip is why the channel is skipped; empty: it delivers.
func skip(r *model.Recipient, ch model.Channel, mode model.WorkspaceRuleMode, et *catalog.EventType) model.SkipReason {
	if why := unreachable(r, ch); why != "" {
		return why
	}
	switch {
	case slices.Contains(et.Locked, ch):
		return ""
	case mode == model.WorkspaceRuleModeLockedOff:
		return model.SkipReasonLockedOff
	case !masterOn(r, ch):
		return model.SkipReasonChannelOff
	case mode == model.WorkspaceRuleModeLockedOn:
		return ""
	case !chosen(r.Cells[ch.Number()], mode, et.Defaults[ch.Number()]):
		return model.SkipReasonEventOff
	}
	return ""
}

// unreachable is why nothing at all can be delivered to the person on the channel; empty: it can.
func unreachable(r *model.Recipient, ch model.Channel) model.SkipReason {
	switch {
	case r.Inactive:
		return model.SkipReasonInactive
	case ch == model.ChannelEmail && !r.HasEmail:
		return model.SkipReasonAddressMissing
	case ch == model.ChannelEmail && r.EmailState == model.EmailBounced:
		return model.SkipReasonAddressBounced
	case ch != model.ChannelCliq:
		return ""
	case r.CliqStatus == model.IntegrationStatusNeedsReconnect:
		return model.SkipReasonNeedsReconnect
	case r.CliqStatus != model.IntegrationStatusConnected: // no row at all is not connected either
		return model.SkipReasonNotConnected
	case r.CliqProblem.NeedsPerson():
		return model.SkipReasonIntegrationProblem
	}
	return ""
}

// masterOn is the person's switch for the whole channel; in-app has none.
func masterOn(r *model.Recipient, ch model.Channel) bool {
	switch ch {
	case model.ChannelEmail:
		return r.EmailEnabled
	case model.ChannelCliq:
		return r.CliqEnabled
	default:
		return true
	}
}

// chosen is the toggle of a cell that nobody locked.
func chosen(own model.Toggle, mode model.WorkspaceRuleMode, usual bool) bool {
	switch {
	case own != model.ToggleUnset:
		return own == model.ToggleOn
	case mode == model.WorkspaceRuleModeDefaultOn:
		return true
	case mode == model.WorkspaceRuleModeDefaultOff:
		return false
	}
	return usual
}
