package preference

import (
	"slices"

	"github.com/heffl/bff/internal/catalog"
	"github.com/heffl/bff/model"
)

// Locked reports whether a person cannot change a cell of theirs, and says in words why.
func Locked(snapshot model.SettingsSnapshot, et *catalog.EventType, ch model.Channel) (why string, locked bool) {
	var cell Cell
	if why, locked := CheckRule(et, ch, model.WorkspaceRuleModeLockedOff); locked {
		return why, true
	}
	for i := range snapshot.Rules {
		if rule := &snapshot.Rules[i]; rule.EventType == et.Type && rule.Channel == ch {
			cell.apply(rule)
		}
	}
	return cell.LockedReason, cell.Locked
}

// CheckRule reports whether the catalog forbids the workspace a rule about a cell, and says in words why. Removing a
// rule, which is the empty mode, is always allowed.
func CheckRule(et *catalog.EventType, ch model.Channel, mode model.WorkspaceRuleMode) (why string, locked bool) {
	if mode == "" || !slices.Contains(et.Locked, ch) {
		return "", false
	}
	return et.LockedReason, true
}
