package preference

import (
	"crypto/sha1" //nolint:gosec // a UUID of version 5 is defined by SHA-1; nothing is protected by it
	"encoding/base64"

	"github.com/google/uuid"

	"github.com/heffl/bff/internal/catalog"
	"github.com/heffl/bff/model"
)

// Settings is a person's whole settings page, from what was read at one moment.
func Settings(snapshot model.SettingsSnapshot, c *catalog.Catalog) model.NotificationSettings {
	return Resolve(&snapshot, c).Settings()
}

// Settings is the page in the API's types. Lists and texts are shared with the page: do not write to them.
func (p *Page) Settings() model.NotificationSettings {
	types, categories := p.Catalog.Types(), p.Catalog.Categories()
	s := model.NotificationSettings{
		ID:         model.GlobalID(model.KindSettings, p.Snapshot.User.UUID),
		Revision:   p.Snapshot.User.SettingsRevision,
		Channels:   make([]model.ChannelSetting, len(model.Channels)),
		Categories: make([]model.EventCategory, len(categories)),
	}
	for n, ch := range model.Channels {
		sw := &p.Channels[n]
		s.Channels[n] = model.ChannelSetting{Channel: ch, Enabled: sw.Enabled, Editable: sw.Editable, BlockedBy: sw.Blocks.List()}
	}
	events := make([]model.EventSetting, len(types))
	cells := make([]model.PreferenceCell, len(types)*len(model.Channels))
	ids := p.ids()
	for i, et := range types {
		own := cells[i*len(model.Channels) : (i+1)*len(model.Channels) : (i+1)*len(model.Channels)]
		p.fill(own, i)
		events[i] = model.EventSetting{
			ID: ids[i*idLength : (i+1)*idLength], EventType: et.Type, Label: et.Label, Description: et.Description,
			Importance: et.Importance, Cells: own,
		}
	}
	from := 0
	for i := range categories {
		to := from + len(categories[i].Events)
		s.Categories[i] = model.EventCategory{Key: categories[i].Key, Label: categories[i].Label, Events: events[from:to:to]}
		from = to
	}
	return s
}

func (p *Page) fill(cells []model.PreferenceCell, i int) {
	for n, ch := range model.Channels {
		c := &p.Cells[i][n]
		cells[n] = model.PreferenceCell{
			Channel: ch, Enabled: c.Enabled, Default: c.Default, Source: c.Source.Model(), Locked: c.Locked,
			Delivers: c.Delivers, BlockedBy: c.Blocks.List(),
		}
		if c.Locked {
			cells[n].LockedReason = &c.LockedReason
		}
	}
}

// idLength is the length of a global id.
const idLength = 23

// ids are the global ids of all rows of the page, one after the other in one string: one allocation for the page.
func (p *Page) ids() string {
	types := p.Catalog.Types()
	b := make([]byte, 0, len(types)*idLength)
	for _, et := range types {
		b = appendEventSettingID(b, p.Snapshot.User.UUID, et.Type)
	}
	return string(b)
}

// EventSettingID is the global id of one row of a person's page.
func EventSettingID(user uuid.UUID, eventType string) string {
	return string(appendEventSettingID(nil, user, eventType))
}

// appendEventSettingID appends model.GlobalID(KindEventSetting, uuid.NewSHA1(user, eventType)).
func appendEventSettingID(b []byte, user uuid.UUID, eventType string) []byte {
	var buf [128]byte
	sum := sha1.Sum(append(append(buf[:0], user[:]...), eventType...)) //nolint:gosec // see the import
	var raw [17]byte
	raw[0] = byte(model.KindEventSetting)
	copy(raw[1:], sum[:16])
	raw[1+6] = raw[1+6]&0x0F | 5<<4 // version 5
	raw[1+8] = raw[1+8]&0x3F | 0x80 // variant of RFC 9562
	return base64.RawURLEncoding.AppendEncode(b, raw[:])
}
