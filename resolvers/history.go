package resolvers

import (
	"context"
	"encoding/base64"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

// History is what the resolvers need of the record of changed settings.
type History interface {
	Audit(ctx context.Context, q model.AuditQuery) (model.AuditPage, error)
}

// How many entries a page of the history has.
const (
	historyPage    = 20
	maxHistoryPage = 100
)

// SettingsHistory is who changed the person's settings.
func (r viewerResolver) SettingsHistory(ctx context.Context, v *model.Viewer, first *int32, after *string) (*model.SettingsHistoryConnection, error) {
	return r.history(ctx, model.AuditQuery{WorkspaceID: v.User.WorkspaceID, UserID: &v.User.UUID}, first, after)
}

// WorkspaceSettingsHistory is who changed what in the administrator's workspace.
func (r queryResolver) WorkspaceSettingsHistory(ctx context.Context, userID *string, first *int32, after *string) (*model.SettingsHistoryConnection, error) {
	v, err := mustViewer(ctx)
	if err != nil {
		return nil, err
	}
	q := model.AuditQuery{WorkspaceID: v.Workspace.UUID}
	if userID != nil {
		if q.UserExternalID = *userID; !model.ValidExternalID(*userID) {
			return nil, model.Errorf(model.CodeBadUserInput, "userId must be an id of Heffl's own, as publishEvent takes it.")
		}
	}
	return r.history(ctx, q, first, after)
}

// history reads one page. An entry never goes away, so whoever names one knows that there is something newer.
func (r *Resolver) history(ctx context.Context, q model.AuditQuery, first *int32, after *string) (*model.SettingsHistoryConnection, error) {
	q.Limit = historyPage
	if first != nil {
		if *first < 0 || *first > maxHistoryPage {
			return nil, model.Errorf(model.CodeBadUserInput, "first must be between 0 and %d.", maxHistoryPage)
		}
		q.Limit = int(*first)
	}
	if after != nil {
		var ok bool
		if q.Before, ok = historyPosition(*after); !ok {
			return nil, model.Errorf(model.CodeBadUserInput, "after must be a cursor of an edge of the same list.")
		}
	}
	page, err := r.History.Audit(ctx, q)
	if err != nil {
		return nil, err
	}
	c := &model.SettingsHistoryConnection{
		Edges: make([]model.SettingsHistoryEdge, len(page.Entries)), Nodes: make([]model.SettingsHistoryEntry, len(page.Entries)),
		PageInfo: model.PageInfo{HasNextPage: page.More, HasPreviousPage: after != nil},
	}
	for i := range page.Entries {
		c.Nodes[i] = historyEntry(&page.Entries[i])
		c.Edges[i] = model.SettingsHistoryEdge{Cursor: historyCursor(page.Entries[i].UUID), Node: c.Nodes[i]}
	}
	if n := len(c.Edges); n > 0 {
		c.PageInfo.StartCursor, c.PageInfo.EndCursor = &c.Edges[0].Cursor, &c.Edges[n-1].Cursor
	}
	return c, nil
}

func historyEntry(e *model.AuditEntry) model.SettingsHistoryEntry {
	return model.SettingsHistoryEntry{
		ID: model.GlobalID(model.KindSettingsChange, e.UUID), ChangedAt: e.CreatedAt, UserID: notEmpty(e.UserExternalID), ActorID: notEmpty(e.ActorID),
		EventType: notEmpty(e.EventType), Channel: e.Channel, Before: settingValue(e.Old), After: settingValue(e.New), Through: e.Through,
	}
}

func notEmpty(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// settingValue is a value of the record as the API names it; the record has nothing where a default applied.
func settingValue(stored string) model.SettingValue {
	if stored == "" {
		return model.SettingValueDefault
	}
	return model.SettingValue(stored)
}

// historyVersion is the first byte of a history's cursor; the id of the entry follows.
const historyVersion = 1

func historyCursor(id uuid.UUID) string {
	return base64.RawURLEncoding.EncodeToString(append([]byte{historyVersion}, id[:]...))
}

// historyPosition reads what historyCursor wrote.
func historyPosition(cursor string) (uuid.UUID, bool) {
	if len(cursor) != base64.RawURLEncoding.EncodedLen(1+16) {
		return uuid.Nil, false
	}
	var raw [18]byte
	n, err := base64.RawURLEncoding.Strict().Decode(raw[:], []byte(cursor))
	if err != nil || n != 1+16 || raw[0] != historyVersion {
		return uuid.Nil, false
	}
	return uuid.UUID(raw[1:17]), true
}
