package resolvers

import (
	"context"
	"strconv"

	"github.com/google/uuid"

	"github.com/heffl/bff/internal/catalog"
	"github.com/heffl/bff/internal/preference"
	"github.com/heffl/bff/model"
)

// maxChanges is how many cells one mutation may change.
const maxChanges = 1000

// Settings is what the resolvers need of the stored settings.
type Settings interface {
	Settings(ctx context.Context, userID uuid.UUID) (model.SettingsSnapshot, error)
	// ChangeSettings does all of a change or nothing.
	ChangeSettings(ctx context.Context, change model.SettingsChange, now model.Time) (model.SettingsOutcome, error)
}

func (r *Resolver) settingsOf(snapshot model.SettingsSnapshot) *model.NotificationSettings {
	settings := preference.Settings(snapshot, r.Catalog)
	return &settings
}

// settingsResult is what every settings mutation answers.
type settingsResult struct {
	settings model.NotificationSettings
	changed  []model.EventSetting
	viewer   model.Viewer
	problems []model.UserError
}

// changeSettings lets plan decide against the settings as they are, does what it says and answers what differs.
func (r *Resolver) changeSettings(ctx context.Context, plan func(before model.SettingsSnapshot) (model.SettingsChange, error)) (settingsResult, error) {
	v, err := mustViewer(ctx)
	if err != nil {
		return settingsResult{}, err
	}
	before, err := r.Settings.Settings(ctx, v.User.UUID)
	if err != nil {
		return settingsResult{}, err
	}
	change, err := plan(before)
	problems, err := userErrors(err)
	if err != nil {
		return settingsResult{}, err
	}
	var outcome model.SettingsOutcome
	if len(problems) == 0 {
		change.UserID, change.ActorID = v.User.UUID, v.User.ExternalID
		outcome, err = r.Settings.ChangeSettings(ctx, change, r.now())
		switch {
		case err != nil:
			return settingsResult{}, err
		case outcome.Conflict:
			problems = []model.UserError{*model.UserErrorf(model.UserErrorCodeRevisionConflict, []string{"input", "expectedRevision"},
				"The settings were changed meanwhile: they are at revision %d. Look at them and try again.", outcome.Revision)}
		case outcome.Changed:
			r.Live.ViewerChanged(v.User.UUID)
		}
	}
	after := before.Apply(change, outcome.Revision)
	if !outcome.Changed || outcome.Revision != before.User.SettingsRevision+1 { // then somebody else changed something, too
		if after, err = r.Settings.Settings(ctx, v.User.UUID); err != nil {
			return settingsResult{}, err
		}
	}
	old, now := preference.Settings(before, r.Catalog), preference.Settings(after, r.Catalog)
	answer := r.answer(ctx, model.Viewer{User: after.User, Workspace: v.Workspace})
	answer.Settings = func() (model.SettingsSnapshot, error) { return after, nil }
	changed := []model.EventSetting{}
	if len(problems) == 0 {
		changed = preference.Changed(old, now)
	}
	return settingsResult{settings: now, changed: changed, viewer: *answer, problems: problems}, nil
}

// SetChannelEnabled turns the master switch of a channel.
func (r mutationResolver) SetChannelEnabled(ctx context.Context, in model.SetChannelEnabledInput) (*model.SetChannelEnabledPayload, error) {
	out, err := r.changeSettings(ctx, func(model.SettingsSnapshot) (model.SettingsChange, error) {
		if in.Channel == model.ChannelInApp {
			return model.SettingsChange{}, model.UserErrorf(model.UserErrorCodeChannelNotEditable, []string{"input", "channel"},
				"In-app notifications cannot be turned off as a whole; turn off single events instead.")
		}
		return model.SettingsChange{Master: map[model.Channel]bool{in.Channel: in.Enabled}, Through: model.ThroughPage}, nil
	})
	if err != nil {
		return nil, err
	}
	return &model.SetChannelEnabledPayload{Settings: out.settings, Changed: out.changed, Viewer: out.viewer, UserErrors: out.problems}, nil
}

// UpdateNotificationPreferences changes single cells: all of them or none.
func (r mutationResolver) UpdateNotificationPreferences(ctx context.Context, in model.UpdateNotificationPreferencesInput) (*model.UpdateNotificationPreferencesPayload, error) {
	out, err := r.changeSettings(ctx, func(before model.SettingsSnapshot) (model.SettingsChange, error) {
		set, err := r.planCells(before, in.Changes)
		expected, _ := in.ExpectedRevision.ValueOK()
		return model.SettingsChange{Set: set, ExpectedRevision: expected, Through: model.ThroughPage}, err
	})
	if err != nil {
		return nil, err
	}
	return &model.UpdateNotificationPreferencesPayload{Settings: out.settings, Changed: out.changed, Viewer: out.viewer, UserErrors: out.problems}, nil
}

// planCells checks every wanted change and answers each cell once.
func (r *Resolver) planCells(before model.SettingsSnapshot, changes []model.PreferenceChange) ([]model.Preference, error) {
	if len(changes) > maxChanges {
		return nil, model.UserErrorf(model.UserErrorCodeTooMany, []string{"input", "changes"}, "At most %d changes fit into one request.", maxChanges)
	}
	var problems model.UserErrors
	wanted := make(map[model.CellKey]bool, len(changes))
	set := make([]model.Preference, 0, len(changes))
	for i, change := range changes {
		path := []string{"input", "changes", strconv.Itoa(i)}
		et, ok := r.Catalog.Event(change.EventType)
		if !ok {
			problems = append(problems, *r.unknownEventType(append(path, "eventType"), change.EventType))
			continue
		}
		if why, locked := preference.Locked(before, et, change.Channel); locked {
			problems = append(problems, *model.UserErrorf(model.UserErrorCodeCellLocked, path, "%s cannot be changed for this channel: %s", et.Label, why))
			continue
		}
		key := model.CellKey{EventType: change.EventType, Channel: change.Channel}
		if enabled, twice := wanted[key]; twice {
			if enabled != change.Enabled {
				problems = append(problems, *model.UserErrorf(model.UserErrorCodeContradictoryChanges, path, "%s is asked to be on and off for the same channel.", et.Label))
			}
			continue
		}
		wanted[key] = change.Enabled
		set = append(set, model.Preference{UserID: before.User.UUID, EventType: change.EventType, Channel: change.Channel, Enabled: change.Enabled})
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return set, nil
}

// SetCategoryPreferences sets one channel for a whole category, or for all of them.
func (r mutationResolver) SetCategoryPreferences(ctx context.Context, in model.SetCategoryPreferencesInput) (*model.SetCategoryPreferencesPayload, error) {
	skipped := []model.SkippedCell{}
	out, err := r.changeSettings(ctx, func(before model.SettingsSnapshot) (model.SettingsChange, error) {
		events, err := r.eventsIn(in.Category.Value(), []string{"input", "category"})
		if err != nil {
			return model.SettingsChange{}, err
		}
		change := model.SettingsChange{Through: model.ThroughBulk}
		for _, et := range events {
			if why, locked := preference.Locked(before, et, in.Channel); locked {
				skipped = append(skipped, model.SkippedCell{EventType: et.Type, Channel: in.Channel, Reason: why})
				continue
			}
			change.Set = append(change.Set, model.Preference{UserID: before.User.UUID, EventType: et.Type, Channel: in.Channel, Enabled: in.Enabled})
		}
		return change, nil
	})
	if err != nil {
		return nil, err
	}
	return &model.SetCategoryPreferencesPayload{Settings: out.settings, Changed: out.changed, Skipped: skipped, Viewer: out.viewer, UserErrors: out.problems}, nil
}

// ResetNotificationPreferences lets cells follow the defaults again.
func (r mutationResolver) ResetNotificationPreferences(ctx context.Context, in model.ResetNotificationPreferencesInput) (*model.ResetNotificationPreferencesPayload, error) {
	out, err := r.changeSettings(ctx, func(model.SettingsSnapshot) (model.SettingsChange, error) {
		events, err := r.resetScope(in)
		change := model.SettingsChange{Through: model.ThroughReset}
		for _, et := range events {
			for _, channel := range model.Channels {
				change.Reset = append(change.Reset, model.CellKey{EventType: et.Type, Channel: channel})
			}
		}
		return change, err
	})
	if err != nil {
		return nil, err
	}
	return &model.ResetNotificationPreferencesPayload{Settings: out.settings, Changed: out.changed, Viewer: out.viewer, UserErrors: out.problems}, nil
}

// resetScope are the event types that a reset means: one, those of a category, or all.
func (r *Resolver) resetScope(in model.ResetNotificationPreferencesInput) ([]*catalog.EventType, error) {
	eventType := in.EventType.Value()
	if eventType == nil {
		return r.eventsIn(in.Category.Value(), []string{"input", "category"})
	}
	et, ok := r.Catalog.Event(*eventType)
	if !ok {
		return nil, r.unknownEventType([]string{"input", "eventType"}, *eventType)
	}
	if category := in.Category.Value(); category != nil && *category != et.Category {
		return nil, model.UserErrorf(model.UserErrorCodeContradictoryChanges, []string{"input"}, "%s is not in the category %s; name one of the two.", et.Type, *category)
	}
	return []*catalog.EventType{et}, nil
}

// eventsIn are the event types of a category; of all categories for nil.
func (r *Resolver) eventsIn(category *string, field []string) ([]*catalog.EventType, error) {
	var events []*catalog.EventType
	for _, c := range r.Catalog.Categories() {
		if category == nil || c.Key == *category {
			events = append(events, c.Events...)
		}
	}
	if events == nil {
		return nil, model.UserErrorf(model.UserErrorCodeUnknownCategory, field, "There is no such category; viewer.notificationSettings.categories lists them.")
	}
	return events, nil
}

func (r *Resolver) unknownEventType(field []string, asked string) *model.UserError {
	return unknownEvent(r.Catalog, field, asked)
}

// unknownEvent says that there is no such event type, and which one may be meant.
func unknownEvent(c *catalog.Catalog, field []string, asked string) *model.UserError {
	if near := c.Nearest(asked); near != "" {
		return model.UserErrorf(model.UserErrorCodeUnknownEventType, field, "There is no such event type; did you mean %s?", near)
	}
	return model.UserErrorf(model.UserErrorCodeUnknownEventType, field, "There is no such event type; viewer.notificationSettings lists them.")
}
