package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/heffl/bff/internal/store"
	"github.com/heffl/bff/model"
)

// noon is when tests happen. It has milliseconds, so that a column which loses them is found out.
var noon = model.NewTime(time.Date(2026, 11, 22, 12, 0, 0, 123_000_000, time.UTC))

// admit makes somebody in a workspace.
func admit(t testing.TB, s *store.Store, workspace, user string) model.Viewer {
	t.Helper()
	v, err := s.Admit(t.Context(), model.Claims{
		UserID: user, WorkspaceID: workspace, WorkspaceName: workspace + " Ltd", Name: "Name of " + user, Email: user + "@example.com",
	}, noon)
	if err != nil {
		t.Fatalf("admit: %v", err)
	}
	return v
}

// crowd makes n people of one workspace and answers their ids, in the order of their names.
func crowd(t testing.TB, s *store.Store, workspace string, n int) []uuid.UUID {
	t.Helper()
	users := make([]model.SyncedUser, n)
	names := make([]string, n)
	for i := range users {
		names[i] = fmt.Sprintf("user-%05d", i)
		users[i] = model.SyncedUser{
			WorkspaceID: workspace, ExternalID: names[i], Name: names[i], Email: names[i] + "@example.com", Active: true,
		}
	}
	if _, _, err := s.SyncUsers(t.Context(), nil, users, noon); err != nil {
		t.Fatalf("sync: %v", err)
	}
	ws, found, err := s.WorkspaceByExternalID(t.Context(), workspace)
	if err != nil || !found {
		t.Fatalf("workspace: %v, %v", found, err)
	}
	audience, err := s.Audience(t.Context(), ws.UUID, "deal.won", names, noon)
	if err != nil {
		t.Fatalf("audience: %v", err)
	}
	byName := make(map[string]uuid.UUID, n)
	for _, r := range audience.Recipients {
		byName[r.ExternalID] = r.UserID
	}
	ids := make([]uuid.UUID, n)
	for i, name := range names {
		ids[i] = byName[name]
	}
	return ids
}

// plan is an event to the given people, with the same decision for all.
func plan(workspace uuid.UUID, key string, decision model.Decision, users ...uuid.UUID) model.Plan {
	p := model.Plan{Event: model.Event{
		UUID: model.NewID(), WorkspaceID: workspace, Type: "deal.won", ActorID: "boss", ActorName: "The Boss",
		Data:           model.JSONObject{"deal": map[string]any{"name": "Ünï \u2028 ✓", "empty": nil}},
		IdempotencyKey: key, ContentHash: []byte("hash of " + key), OccurredAt: noon.Add(-time.Minute), CreatedAt: noon,
		Title: "Deal won", Body: "It is won.", CliqText: "*Deal won*", Path: "/deals/1", SubjectType: "deal", SubjectID: "1",
		Notified: int32(len(users)), UnknownRecipients: []string{"nobody"},
	}}
	for _, user := range users {
		p.Notifications = append(p.Notifications, model.PlannedNotification{NotificationID: model.NewID(), UserID: user, Decision: decision})
	}
	return p
}

// savePlan stores a plan and demands that it is new.
func savePlan(t testing.TB, s *store.Store, p model.Plan) model.SavedPlan {
	t.Helper()
	saved, err := s.SavePlan(t.Context(), p)
	if err != nil {
		t.Fatalf("save plan: %v", err)
	}
	if saved.Duplicate || saved.Conflict {
		t.Fatalf("save plan: duplicate %v, conflict %v", saved.Duplicate, saved.Conflict)
	}
	return saved
}
