package store

import (
	"context"

	"github.com/heffl/bff/model"
)

// WorkspaceByExternalID is the workspace with Heffl's own id.
func (s *Store) WorkspaceByExternalID(ctx context.Context, externalID string) (model.Workspace, bool, error) {
	var w model.Workspace
	found, err := s.reader(ctx).one(workspaceFields(&w),
		`SELECT `+workspaceColumns+` FROM workspaces w WHERE w.external_id = $1`, externalID)
	return w, found, wrap("read workspace", err)
}
