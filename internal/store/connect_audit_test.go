package store

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/heffl/bff/internal/testkit"
	"github.com/heffl/bff/model"
)

// TestConnectAuditStays shows that both databases refuse to change what was written of a connection.
func TestConnectAuditStays(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{Postgres: testkit.Postgres(t), SQLite: testkit.SQLite(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openForTest(t, url)
			e := model.ConnectAudit{ID: model.NewID(), Attempt: []byte("hash"), Outcome: model.ConnectStarted, CreatedAt: model.NewTime(time.Now())}
			if err := s.AddConnectAudit(t.Context(), e, 0); err != nil {
				t.Fatal(err)
			}
			for _, statement := range []string{
				`UPDATE connect_audit SET outcome = 'CONNECTED'`,
				`UPDATE connect_audit SET user_id = NULL WHERE id = $1`,
			} {
				var args []any
				if strings.Contains(statement, "$1") {
					args = append(args, e.ID)
				}
				if _, err := s.writer(t.Context()).exec(statement, args...); err == nil || !strings.Contains(err.Error(), "append only") {
					t.Errorf("%s: %v", statement, err)
				}
			}
			if got, err := s.ConnectAttempt(t.Context(), e.Attempt); err != nil || cmp.Diff([]model.ConnectAudit{e}, got) != "" {
				t.Errorf("stored: %+v, %v", got, err)
			}
		})
	}
}

// TestConnectAuditOfLeavers shows that the end of a connection is written by whatever ends it: here by a person's leaving.
func TestConnectAuditOfLeavers(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{Postgres: testkit.Postgres(t), SQLite: testkit.SQLite(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openForTest(t, url)
			now := model.NewTime(time.Now())
			var ann model.Viewer
			for _, user := range []string{"ann", "bob", "cat"} { // cat never connected
				v, err := s.Admit(t.Context(), model.Claims{UserID: user, WorkspaceID: "acme"}, now)
				if err != nil {
					t.Fatal(err)
				}
				if user == "ann" {
					ann = v
				}
				if user == "cat" {
					continue
				}
				if _, err := s.SaveConnected(t.Context(), model.NewConnection{
					UserID: v.User.UUID, WorkspaceID: v.Workspace.UUID, Region: model.CliqRegionCodeIn, RegionChosen: model.CliqRegionCodeUs,
					BotName: "heffl", Access: []byte("a"), Refresh: []byte("r"), ExpiresAt: now, KeyID: 1,
				}, now); err != nil {
					t.Fatal(err)
				}
			}
			leave := []model.SyncedUser{{WorkspaceID: "acme", ExternalID: "ann"}, {WorkspaceID: "acme", ExternalID: "cat"}}
			for range 2 { // the second time nothing ends any more
				if _, _, err := s.SyncUsers(t.Context(), nil, leave, now); err != nil {
					t.Fatal(err)
				}
			}
			got, err := collect(s.reader(t.Context()), connectAuditFields, `SELECT `+connectAuditColumns+` FROM connect_audit`)
			if err != nil || len(got) != 1 {
				t.Fatalf("%d entries, %v: %+v", len(got), err, got)
			}
			want := model.ConnectAudit{
				ID: got[0].ID, CreatedAt: now, WorkspaceID: &ann.Workspace.UUID, UserID: &ann.User.UUID,
				Outcome: model.ConnectDisconnected, Reason: model.ConnectUserDeactivated, Region: model.CliqRegionCodeIn, BotName: "heffl",
			}
			if diff := cmp.Diff(want, got[0]); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
