package preference

import (
	"slices"

	"github.com/heffl/bff/model"
)

// Changed are the rows of the page that differ in any field, as they are now. Both pages must be of the same catalog.
func Changed(before, now model.NotificationSettings) []model.EventSetting {
	changed := []model.EventSetting{}
	for i, category := range now.Categories {
		for j := range category.Events {
			if !sameEvent(&before.Categories[i].Events[j], &category.Events[j]) {
				changed = append(changed, category.Events[j])
			}
		}
	}
	return changed
}

func sameEvent(a, b *model.EventSetting) bool {
	return slices.EqualFunc(a.Cells, b.Cells, sameCell)
}

func sameCell(a, b model.PreferenceCell) bool {
	return a.Channel == b.Channel && a.Enabled == b.Enabled && a.Default == b.Default && a.Source == b.Source &&
		a.Locked == b.Locked && a.Delivers == b.Delivers && slices.Equal(a.BlockedBy, b.BlockedBy) &&
		(a.LockedReason == nil) == (b.LockedReason == nil) && (a.LockedReason == nil || *a.LockedReason == *b.LockedReason)
}
