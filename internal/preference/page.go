package preference

import (
	"slices"

	"github.com/heffl/bff/internal/catalog"
	"github.com/heffl/bff/model"
)

// Page is a person's settings page in its leanest form: what the catalog does not say already. Whoever renders
// thousands of pages a second works on this; Settings is the same as the API's types.
type Page struct {
	Snapshot *model.SettingsSnapshot
	Catalog  *catalog.Catalog
	// Channels are the master switches by channel number.
	Channels [len(model.Channels)]Switch
	// Cells are by the index of the event type, then by channel number.
	Cells [][len(model.Channels)]Cell
}

// Switch is the master switch of one channel.
type Switch struct {
	Enabled, Editable bool
	// Blocks is why nothing gets through whatever the switch says.
	Blocks Blocks
}

// Cell is one toggle.
type Cell struct {
	Enabled  bool // the toggle as shown
	Default  bool // what a reset would give
	Locked   bool // nobody but the workspace's administrators, or nobody at all, can change it
	Delivers bool // a message would go out now
	Source   Source
	// Blocks is why an enabled cell does not deliver.
	Blocks Blocks
	// LockedReason says in words why it is locked.
	LockedReason string
}

// What a locked cell says when the administrator gave no reason.
const (
	turnedOn  = "Your workspace’s administrators turned this on for everyone."
	turnedOff = "Your workspace’s administrators turned this off for everyone."
)

// Resolve works out every cell of a person's page. The page keeps both arguments: do not write to them afterwards.
// Cells and rules for event types that the catalog does not have are left aside.
func Resolve(snapshot *model.SettingsSnapshot, c *catalog.Catalog) *Page {
	p := &Page{Snapshot: snapshot, Catalog: c, Cells: make([][len(model.Channels)]Cell, len(c.Types()))}
	r := recipient(snapshot)
	for n, ch := range model.Channels {
		p.Channels[n] = Switch{Enabled: masterOn(&r, ch), Editable: ch != model.ChannelInApp, Blocks: blocksOf(unreachable(&r, ch))}
	}
	for i, et := range c.Types() {
		for n, ch := range model.Channels {
			cell := &p.Cells[i][n]
			cell.Enabled, cell.Default = et.Defaults[n], et.Defaults[n]
			if slices.Contains(et.Locked, ch) {
				*cell = Cell{Enabled: true, Default: true, Locked: true, Source: SourceLocked, LockedReason: et.LockedReason}
			}
		}
	}
	for i := range snapshot.Rules {
		rule := &snapshot.Rules[i]
		if cell := p.cell(rule.EventType, rule.Channel); cell != nil && !cell.Locked {
			cell.apply(rule)
		}
	}
	for _, own := range snapshot.Cells {
		if cell := p.cell(own.EventType, own.Channel); cell != nil && !cell.Locked {
			cell.Enabled, cell.Source = own.Enabled, SourceUser
		}
	}
	for i, et := range c.Types() {
		for n, ch := range model.Channels {
			p.Cells[i][n].settle(&p.Channels[n], r.Inactive, slices.Contains(et.Locked, ch))
		}
	}
	return p
}

// cell finds a cell by name; nil when the catalog has no such event type.
func (p *Page) cell(eventType string, ch model.Channel) *Cell {
	et, ok := p.Catalog.Event(eventType)
	n := ch.Number()
	if !ok || n < 0 {
		return nil
	}
	return &p.Cells[et.Index][n]
}

// apply puts a rule of the workspace over the catalog's default.
func (c *Cell) apply(rule *model.WorkspaceRule) {
	switch rule.Mode {
	case model.WorkspaceRuleModeDefaultOn, model.WorkspaceRuleModeDefaultOff:
		c.Enabled, c.Source = rule.Mode == model.WorkspaceRuleModeDefaultOn, SourceWorkspace
	case model.WorkspaceRuleModeLockedOn, model.WorkspaceRuleModeLockedOff:
		c.Enabled, c.Source, c.Locked = rule.Mode == model.WorkspaceRuleModeLockedOn, SourceLocked, true
		c.LockedReason = turnedOff
		if c.Enabled {
			c.LockedReason = turnedOn
		}
		if rule.Reason != nil && *rule.Reason != "" {
			c.LockedReason = *rule.Reason
		}
	}
	c.Default = c.Enabled
}

// settle says whether a message would go out. always: the catalog locks the cell, so that the master switch
// does not count.
func (c *Cell) settle(s *Switch, inactive, always bool) {
	if !c.Enabled || inactive {
		return
	}
	c.Blocks = s.Blocks
	if !always && !s.Enabled {
		c.Blocks = c.Blocks.withChannelOff()
	}
	c.Delivers = c.Blocks == 0
}

// recipient is the person as Decide sees them, without their cells.
func recipient(s *model.SettingsSnapshot) model.Recipient {
	return model.Recipient{
		UserID: s.User.UUID, ExternalID: s.User.ExternalID, Inactive: !s.User.Active,
		HasEmail: s.User.Email != "", EmailState: s.User.EmailState,
		EmailEnabled: s.User.EmailEnabled, CliqEnabled: s.User.CliqEnabled,
		CliqStatus: s.Connection.Status, CliqProblem: s.Connection.Problem,
	}
}
