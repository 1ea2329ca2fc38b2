package model

import (
	"cmp"

	"github.com/google/uuid"
)

// Workspace is one customer of the CRM: the wall between tenants.
type Workspace struct {
	UUID       uuid.UUID `gorm:"column:id;primaryKey"`
	ExternalID string    // Heffl's own id
	Name       string    // empty until a token or syncUsers names it
	// PolicyRevision counts the changes of the workspace's rules.
	PolicyRevision int32
}

// ID is Heffl's own id: workspaces are no nodes.
func (w *Workspace) ID() string { return w.ExternalID }

// DisplayName is the name, or the id until one is known.
func (w *Workspace) DisplayName() string { return cmp.Or(w.Name, w.ExternalID) }

// WorkspaceRule is what an administrator decided for everyone in the workspace about one event type on one channel.
type WorkspaceRule struct {
	WorkspaceID uuid.UUID         `gorm:"primaryKey"`
	EventType   string            `gorm:"primaryKey"`
	Channel     Channel           `gorm:"primaryKey"`
	Mode        WorkspaceRuleMode `gorm:"column:mode"`
	Reason      *string
}

// WorkspacePolicy is every rule of one workspace.
type WorkspacePolicy struct {
	WorkspaceID uuid.UUID
	Revision    int32
	Rules       []WorkspaceRule
}

// ID is the global id of the policy.
func (p *WorkspacePolicy) ID() string { return GlobalID(KindPolicy, p.WorkspaceID) }

// IsNode marks a thing that node(id:) finds.
func (*WorkspacePolicy) IsNode() {}
