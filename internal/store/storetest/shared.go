package storetest

import (
	"testing"

	"github.com/google/uuid"

	"github.com/heffl/bff/internal/store"
	"github.com/heffl/bff/internal/testkit"
	"github.com/heffl/bff/model"
)

// Each runs a test of another package on a fresh store of each database.
func Each(t *testing.T, do func(t *testing.T, s *store.Store)) {
	t.Helper()
	for name, url := range map[string]func(testing.TB) string{"SQLite": testkit.SQLite, "PostgreSQL": testkit.Postgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			do(t, New(t, url(t)))
		})
	}
}

// Person makes somebody in a workspace.
func Person(tb testing.TB, s *store.Store, workspace, user string) model.Viewer {
	tb.Helper()
	return admit(tb, s, workspace, user)
}

// Plan is a new event of a type to the given people, made at a time, with the same decision for all.
func Plan(workspace uuid.UUID, eventType string, at model.Time, decision model.Decision, users ...uuid.UUID) model.Plan {
	p := plan(workspace, uuid.NewString(), decision, users...)
	p.Event.Type, p.Event.CreatedAt, p.Event.UUID = eventType, at, idAt(at)
	for i := range p.Notifications {
		p.Notifications[i].NotificationID = idAt(at)
	}
	return p
}

// Save stores a plan and demands that it is new.
func Save(tb testing.TB, s *store.Store, p model.Plan) model.SavedPlan {
	tb.Helper()
	return savePlan(tb, s, p)
}
