package app_test

import (
	"context"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/heffl/bff/internal/app"
	"github.com/heffl/bff/internal/store"
	"github.com/heffl/bff/internal/testkit"
	"github.com/heffl/bff/model"
)

// TestOldConnectsAreForgotten starts a server on a database with attempts that nobody finished and with entries of the audit
// from half a year ago: it takes them away, and nothing that is younger.
func TestOldConnectsAreForgotten(t *testing.T) {
	t.Parallel()
	database := testkit.SQLite(t)
	db, err := store.Open(t.Context(), store.Config{URL: database, Logger: quiet, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	now := model.NewTime(time.Now())
	v, err := db.Admit(t.Context(), model.Claims{UserID: "ann", WorkspaceID: "acme"}, now)
	if err != nil {
		t.Fatal(err)
	}
	begin := func(name string, expires model.Time) {
		t.Helper()
		if saved, err := db.SaveConnectState(t.Context(), model.ConnectState{
			StateHash: []byte(name), UserID: v.User.UUID, WorkspaceID: v.Workspace.UUID, Region: model.CliqRegionCodeIn, BotName: "heffl",
			Verifier: []byte("sealed"), ReturnTo: "http://localhost/", ExpiresAt: expires,
		}, now, 100); err != nil || !saved {
			t.Fatal(err)
		}
	}
	write := func(name string, at model.Time) {
		t.Helper()
		id := model.NewID()
		var ms [8]byte
		binary.BigEndian.PutUint64(ms[:], uint64(at.UnixMilli()))
		copy(id[:6], ms[2:])
		if err := db.AddConnectAudit(t.Context(), model.ConnectAudit{ID: id, CreatedAt: at, Attempt: []byte(name), Outcome: model.ConnectStarted}, 0); err != nil {
			t.Fatal(err)
		}
	}
	const day = 24 * time.Hour
	begin("over", now.Add(-time.Second))
	begin("open", now.Add(10*time.Minute))
	write("old", now.Add(-181*day))
	write("young", now.Add(-179*day))

	a, err := app.New(t.Context(), configured(t, []string{
		"HEFFL_DATA_DIR=" + strings.TrimSuffix(strings.TrimPrefix(database, "file:"), "/heffl.db"), "HEFFL_ADDR=localhost:0",
	}), quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	written := func(name string) int {
		t.Helper()
		entries, err := db.ConnectAttempt(t.Context(), []byte(name))
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	// The audit comes last.
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for written("old") > 0 {
		select {
		case <-ctx.Done():
			t.Fatal("the old entry is still there")
		case <-look.C:
		}
	}
	if written("young") != 1 {
		t.Error("the young entry is gone")
	}
	if st, _, err := db.ConsumeConnectState(t.Context(), []byte("over"), now); st.UserID != uuid.Nil || err != nil {
		t.Errorf("the attempt that is over is still there: %v", err)
	}
	if _, open, err := db.ConsumeConnectState(t.Context(), []byte("open"), now); !open || err != nil {
		t.Errorf("the open attempt is gone: %v", err)
	}
}
