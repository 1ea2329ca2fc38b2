package storetest

import (
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

func runUsers(t *testing.T, open Open) {
	t.Run("a token creates a missing person with workspace and inbox", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		v := admit(t, s, "acme", "ann")
		want := model.Viewer{
			User: model.User{
				UUID: v.User.UUID, WorkspaceID: v.Workspace.UUID, ExternalID: "ann", Name: "Name of ann", Email: "ann@example.com",
				EmailEnabled: true, CliqEnabled: true, Active: true,
			},
			Workspace: model.Workspace{UUID: v.Workspace.UUID, ExternalID: "acme", Name: "acme Ltd"},
			Found:     &model.Inbox{UserID: v.User.UUID},
		}
		if diff := cmp.Diff(want, v); diff != "" {
			t.Errorf("viewer (-want +got):\n%s", diff)
		}
		again, found, err := s.ViewerByID(t.Context(), v.User.UUID)
		if err != nil || !found {
			t.Fatalf("ViewerByID = %v, %v", found, err)
		}
		if diff := cmp.Diff(v, again); diff != "" {
			t.Errorf("ViewerByID (-want +got):\n%s", diff)
		}
		savePlan(t, s, plan(v.Workspace.UUID, "k", 0, v.User.UUID)) // fails without an inbox
	})
	t.Run("a known person costs one statement", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		admit(t, s, "acme", "ann")
		ctx, statements := CountStatements(t.Context())
		if _, err := s.Admit(ctx, model.Claims{UserID: "ann", WorkspaceID: "acme", Name: "Another", Email: "x@example.com"}, noon); err != nil {
			t.Fatal(err)
		}
		if seen := statements.Seen(); len(seen) != 1 {
			t.Errorf("%d statements: %q", len(seen), seen)
		}
	})
	t.Run("a token fills what is empty and overwrites nothing", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		bare, err := s.Admit(t.Context(), model.Claims{UserID: "ann", WorkspaceID: "acme"}, noon)
		if err != nil {
			t.Fatal(err)
		}
		filled := admit(t, s, "acme", "ann")
		if filled.User.UUID != bare.User.UUID || filled.User.Email != "ann@example.com" || filled.Workspace.Name != "acme Ltd" {
			t.Errorf("not filled: %+v", filled)
		}
		other, err := s.Admit(t.Context(), model.Claims{
			UserID: "ann", WorkspaceID: "acme", Name: "Z", Email: "z@example.com", WorkspaceName: "Z Ltd",
		}, noon)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(filled, other); diff != "" {
			t.Errorf("overwritten (-before +after):\n%s", diff)
		}
	})
	t.Run("many first requests at once make one person", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		ids := make([]uuid.UUID, 20)
		var wg sync.WaitGroup
		for i := range ids {
			wg.Go(func() { ids[i] = admit(t, s, "acme", "ann").User.UUID })
		}
		wg.Wait()
		for _, id := range ids {
			if id != ids[0] {
				t.Fatalf("two people: %v and %v", ids[0], id)
			}
		}
	})
	t.Run("the same id in another workspace is somebody else", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		if a, b := admit(t, s, "acme", "ann"), admit(t, s, "bolt", "ann"); a.User.UUID == b.User.UUID {
			t.Error("one person in two workspaces")
		}
	})
	t.Run("nobody by that id", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		if _, found, err := s.ViewerByID(t.Context(), model.NewID()); found || err != nil {
			t.Errorf("ViewerByID = %v, %v", found, err)
		}
		if _, found, err := s.WorkspaceByExternalID(t.Context(), "none"); found || err != nil {
			t.Errorf("WorkspaceByExternalID = %v, %v", found, err)
		}
	})
	t.Run("ids are compared byte for byte", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		seen := map[uuid.UUID]string{}
		for _, id := range []string{"ann", "Ann", "ann ", "a\u0301nn", "\u00e1nn", "%", "_", "a'nn", `a"nn`, `a\nn`, "{a,b}", "NULL"} {
			v := admit(t, s, "acme", id)
			if before, ok := seen[v.User.UUID]; ok {
				t.Errorf("%q and %q are the same person", before, id)
			}
			seen[v.User.UUID] = id
			audience, err := s.Audience(t.Context(), v.Workspace.UUID, "deal.won", []string{id}, noon)
			if err != nil || len(audience.Recipients) != 1 || audience.Recipients[0].ExternalID != id {
				t.Errorf("Audience(%q) = %+v, %v", id, audience, err)
			}
		}
	})
}

func runSync(t *testing.T, open Open) {
	t.Run("it creates, overwrites and counts", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		before := admit(t, s, "acme", "ann")
		users := []model.SyncedUser{
			{WorkspaceID: "acme", ExternalID: "ann", Name: "Ann B.", Email: "", TimeZone: "Asia/Dubai", Active: true},
			{WorkspaceID: "acme", ExternalID: "bob", Name: "Bob", Email: "bob@example.com", Active: true},
		}
		synced, deactivated, err := s.SyncUsers(t.Context(), []model.SyncedWorkspace{{ExternalID: "acme", Name: "Acme Inc"}}, users, noon)
		if err != nil || synced != 2 || deactivated != nil {
			t.Fatalf("SyncUsers = %d, %v, %v", synced, deactivated, err)
		}
		after, _, err := s.ViewerByID(t.Context(), before.User.UUID)
		if err != nil {
			t.Fatal(err)
		}
		want := before
		want.Workspace.Name = "Acme Inc"
		want.User.Name, want.User.Email, want.User.TimeZone = "Ann B.", "", "Asia/Dubai"
		want.User.ViewerRevision++
		if diff := cmp.Diff(want, after); diff != "" {
			t.Errorf("ann (-want +got):\n%s", diff)
		}
		if bob := admit(t, s, "acme", "bob"); bob.User.Name != "Bob" {
			t.Errorf("bob is %+v", bob.User)
		} else {
			savePlan(t, s, plan(bob.Workspace.UUID, "k", 0, bob.User.UUID))
		}
	})
	t.Run("a repetition writes nothing", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		crowd(t, s, "acme", 3)
		before := admit(t, s, "acme", "user-00001")
		crowd(t, s, "acme", 3)
		if diff := cmp.Diff(before, admit(t, s, "acme", "user-00001")); diff != "" {
			t.Errorf("changed (-before +after):\n%s", diff)
		}
	})
	t.Run("another workspace's people stay as they are", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		ours := admit(t, s, "acme", "ann")
		if _, _, err := s.SyncUsers(t.Context(), nil, []model.SyncedUser{
			{WorkspaceID: "bolt", ExternalID: "ann", Name: "Thief", Email: "thief@example.com"},
		}, noon); err != nil {
			t.Fatal(err)
		}
		after, _, err := s.ViewerByID(t.Context(), ours.User.UUID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(ours, after); diff != "" {
			t.Errorf("touched (-before +after):\n%s", diff)
		}
	})
	t.Run("the last word counts when somebody is named twice", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		synced, _, err := s.SyncUsers(t.Context(), nil, []model.SyncedUser{
			{WorkspaceID: "acme", ExternalID: "ann", Name: "First", Active: true},
			{WorkspaceID: "acme", ExternalID: "ann", Name: "Last", Active: true},
		}, noon)
		if err != nil || synced != 1 {
			t.Fatalf("SyncUsers = %d, %v", synced, err)
		}
		if v := admit(t, s, "acme", "ann"); v.User.Name != "Last" {
			t.Errorf("name is %q", v.User.Name)
		}
	})
	t.Run("who leaves loses the connection and its tokens are revoked", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		ann, bob := admit(t, s, "acme", "ann"), admit(t, s, "acme", "bob")
		for _, v := range []model.Viewer{ann, bob} {
			if _, err := s.SaveConnected(t.Context(), model.NewConnection{
				UserID: v.User.UUID, WorkspaceID: v.Workspace.UUID, Region: model.CliqRegionCodeIn, RegionChosen: model.CliqRegionCodeUs,
				BotName: "heffl", Scopes: "a b", Access: []byte("access"), Refresh: []byte("refresh of " + v.User.ExternalID), ExpiresAt: noon, KeyID: 1,
			}, noon); err != nil {
				t.Fatal(err)
			}
		}
		leave := []model.SyncedUser{{WorkspaceID: "acme", ExternalID: "ann", Name: "Ann", Active: false}}
		_, deactivated, err := s.SyncUsers(t.Context(), nil, leave, noon)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]uuid.UUID{ann.User.UUID}, deactivated); diff != "" {
			t.Errorf("deactivated (-want +got):\n%s", diff)
		}
		if _, again, err := s.SyncUsers(t.Context(), nil, leave, noon); err != nil || again != nil {
			t.Errorf("the second time: %v, %v", again, err)
		}
		if c, err := s.Connection(t.Context(), ann.User.UUID); err != nil || c.Status != model.IntegrationStatusNotConnected || c.Scopes != "" {
			t.Errorf("ann's connection = %+v, %v", c, err)
		}
		if _, found, err := s.Tokens(t.Context(), ann.User.UUID); found || err != nil {
			t.Errorf("ann's tokens = %v, %v", found, err)
		}
		if _, found, err := s.Tokens(t.Context(), bob.User.UUID); !found || err != nil {
			t.Errorf("bob's tokens = %v, %v", found, err)
		}
		due, err := s.DueRevocations(t.Context(), noon, 10, 1)
		if err != nil || len(due) != 1 || string(due[0].Refresh) != "refresh of ann" ||
			due[0].Region != model.CliqRegionCodeIn || due[0].UserID != ann.User.UUID {
			t.Errorf("revocations = %+v, %v", due, err)
		}
		if v := admit(t, s, "acme", "ann"); v.User.Active {
			t.Error("ann is active")
		}
		audience, err := s.Audience(t.Context(), ann.Workspace.UUID, "deal.won", []string{"ann", "bob"}, noon)
		if err != nil || len(audience.Recipients) != 1 || !cmp.Equal(audience.Unknown, []string{"ann"}) {
			t.Errorf("audience = %+v, %v", audience, err)
		}
	})
	t.Run("the number of statements does not grow", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		count := func(n int) int {
			users := make([]model.SyncedUser, n)
			for i := range users {
				users[i] = model.SyncedUser{WorkspaceID: "acme", ExternalID: fmt.Sprint(n, " ", i), Name: "N", Active: i%2 == 0}
			}
			ctx, statements := CountStatements(t.Context())
			if _, _, err := s.SyncUsers(ctx, nil, users, noon); err != nil {
				t.Fatal(err)
			}
			return len(statements.Seen())
		}
		if few, many := count(3), count(1000); few != many {
			t.Errorf("%d statements for 3 people, %d for 1,000", few, many)
		}
	})
}
