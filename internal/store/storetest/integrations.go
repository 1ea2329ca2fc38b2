package storetest

import (
	"bytes"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/heffl/bff/internal/store"
	"github.com/heffl/bff/model"
)

// connect gives somebody a connection that works.
func connect(tb testing.TB, s *store.Store, v model.Viewer, refresh string) model.Connection {
	tb.Helper()
	c, err := s.SaveConnected(tb.Context(), model.NewConnection{
		UserID: v.User.UUID, WorkspaceID: v.Workspace.UUID, Region: model.CliqRegionCodeIn, RegionChosen: model.CliqRegionCodeUs,
		BotName: "bot", Scopes: "a.b c.d", Access: []byte("access"), Refresh: []byte(refresh), ExpiresAt: noon.Add(time.Hour), KeyID: 7,
	}, noon)
	if err != nil {
		tb.Fatalf("connect: %v", err)
	}
	return c
}

func connection(tb testing.TB, s *store.Store, v model.Viewer) model.Connection {
	tb.Helper()
	c, err := s.Connection(tb.Context(), v.User.UUID)
	if err != nil {
		tb.Fatalf("connection: %v", err)
	}
	return c
}

// revision is how often the person was told that something changed.
func revision(tb testing.TB, s *store.Store, v model.Viewer) int64 {
	tb.Helper()
	now, found, err := s.ViewerByID(tb.Context(), v.User.UUID)
	if err != nil || !found {
		tb.Fatalf("viewer: %v, %v", found, err)
	}
	return now.User.ViewerRevision
}

// refreshes are the refresh tokens that wait for their revocation.
func refreshes(tb testing.TB, s *store.Store) map[string]model.PendingRevocation {
	tb.Helper()
	due, err := s.DueRevocations(tb.Context(), noon.Add(time.Hour), 100, 0)
	if err != nil {
		tb.Fatalf("revocations: %v", err)
	}
	all := make(map[string]model.PendingRevocation)
	for _, r := range due {
		all[string(r.Refresh)] = r
	}
	return all
}

func runIntegrations(t *testing.T, open Open) {
	t.Helper()
	t.Run("connecting, again, and disconnecting", func(t *testing.T) { t.Parallel(); testConnect(t, open(t)) })
	t.Run("problems come, count and go", func(t *testing.T) { t.Parallel(); testProblems(t, open(t)) })
	t.Run("who must act is told", func(t *testing.T) { t.Parallel(); testUntold(t, open(t)) })
	t.Run("another bot solves what lay with the bot", func(t *testing.T) { t.Parallel(); testBot(t, open(t)) })
	t.Run("many connect at once: one refresh token stays, all others are revoked", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		v := admit(t, s, "acme", "ann")
		const n = 20
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() { connect(t, s, v, strconv.Itoa(i)) })
		}
		wg.Wait()
		kept, found, err := s.Tokens(t.Context(), v.User.UUID)
		if waiting := refreshes(t, s); !found || err != nil || len(waiting) != n-1 || waiting[string(kept.Refresh)].ID != uuid.Nil {
			t.Errorf("%d wait, kept %+v, %v", len(waiting), kept, err)
		}
	})
	t.Run("tokens are swapped by version: one of many wins", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		v := admit(t, s, "acme", "ann")
		connect(t, s, v, "refresh")
		before, _, err := s.Tokens(t.Context(), v.User.UUID)
		if err != nil {
			t.Fatal(err)
		}
		var won atomic.Int32
		var wg sync.WaitGroup
		for i := range 64 {
			wg.Go(func() {
				ok, err := s.SaveRefreshed(t.Context(), v.User.UUID, before.Version, []byte(strconv.Itoa(i)), before.Refresh, noon.Add(2*time.Hour), 7)
				if err != nil {
					t.Error(err)
				}
				if ok {
					won.Add(1)
				}
			})
		}
		wg.Wait()
		after, _, err := s.Tokens(t.Context(), v.User.UUID)
		if err != nil || won.Load() != 1 || after.Version != before.Version+1 || len(after.Access) > 2 || !after.ExpiresAt.Equal(noon.Add(2*time.Hour)) {
			t.Errorf("%d won: %+v, %v", won.Load(), after, err)
		}
	})
	t.Run("refreshes are counted", func(t *testing.T) { t.Parallel(); testTakeRefresh(t, open(t)) })
	t.Run("a refresh that began before a new connection loses", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		v := admit(t, s, "acme", "ann")
		for _, between := range []func() error{
			func() error { return nil },
			func() error { _, err := s.Disconnect(t.Context(), v.User.UUID, noon); return err },
		} {
			connect(t, s, v, "old")
			before, _, err := s.Tokens(t.Context(), v.User.UUID)
			if err != nil {
				t.Fatal(err)
			}
			if err := between(); err != nil {
				t.Fatal(err)
			}
			if _, err := s.SaveConnected(t.Context(), model.NewConnection{
				UserID: v.User.UUID, WorkspaceID: v.Workspace.UUID, Access: []byte("new"), Refresh: []byte("new"), ExpiresAt: noon,
			}, noon.Add(time.Millisecond)); err != nil {
				t.Fatal(err)
			}
			if ok, err := s.SaveRefreshed(t.Context(), v.User.UUID, before.Version, []byte("late"), []byte("late"), noon, 7); ok || err != nil {
				t.Errorf("it won: %v", err)
			}
		}
	})
}

func testConnect(t *testing.T, s *store.Store) {
	t.Helper()
	v := admit(t, s, "acme", "ann")
	none := model.Connection{UserID: v.User.UUID, Provider: model.IntegrationProviderZohoCliq, Status: model.IntegrationStatusNotConnected}
	if diff := cmp.Diff(none, connection(t, s, v)); diff != "" {
		t.Errorf("before (-want +got):\n%s", diff)
	}
	if queued, err := s.Disconnect(t.Context(), v.User.UUID, noon); queued || err != nil {
		t.Errorf("nothing to disconnect: %v, %v", queued, err)
	}
	want := model.Connection{
		UserID: v.User.UUID, Provider: model.IntegrationProviderZohoCliq, WorkspaceID: v.Workspace.UUID,
		Status: model.IntegrationStatusConnected, Region: model.CliqRegionCodeIn, RegionChosen: model.CliqRegionCodeUs,
		BotName: "bot", Scopes: "a.b c.d", ConnectedAt: noon,
	}
	got := connect(t, s, v, "first")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("connected (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, connection(t, s, v)); diff != "" || revision(t, s, v) != 1 {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
	tokens, found, err := s.Tokens(t.Context(), v.User.UUID)
	if !found || err != nil || string(tokens.Access) != "access" || string(tokens.Refresh) != "first" || tokens.KeyID != 7 ||
		!tokens.ExpiresAt.Equal(noon.Add(time.Hour)) {
		t.Errorf("tokens = %+v, %v", tokens, err)
	}

	// What is known about the old connection ends with it, the lease of whoever works with it too.
	lease := model.NewID()
	if _, ok, err := s.ClaimCliqUser(t.Context(), v.User.UUID, noon, lease, noon.Add(time.Minute)); !ok || err != nil {
		t.Fatalf("claim: %v, %v", ok, err)
	}
	if _, err := s.NoteProblem(t.Context(), v.User.UUID, &lease, model.ProblemCodeBotNotFound, noon, noon, noon); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, connect(t, s, v, "second")); diff != "" {
		t.Errorf("again (-want +got):\n%s", diff)
	}
	if changed, err := s.MarkNeedsReconnect(t.Context(), v.User.UUID, &lease, model.ProblemCodeTokenRevoked, noon); changed || err != nil {
		t.Errorf("the lease of before still counts: %v", err)
	}
	r := refreshes(t, s)["first"]
	if r.Region != model.CliqRegionCodeIn || r.UserID != v.User.UUID || r.WorkspaceID != v.Workspace.UUID || r.KeyID != 7 {
		t.Errorf("revocation = %+v", r)
	}

	queued, err := s.Disconnect(t.Context(), v.User.UUID, noon)
	if !queued || err != nil || refreshes(t, s)["second"].ID == uuid.Nil {
		t.Errorf("disconnect: %v, %v", queued, err)
	}
	want.Status, want.Scopes, want.ConnectedAt = model.IntegrationStatusNotConnected, "", model.Time{}
	if diff := cmp.Diff(want, connection(t, s, v)); diff != "" {
		t.Errorf("disconnected (-want +got):\n%s", diff)
	}
	if _, found, err := s.Tokens(t.Context(), v.User.UUID); found || err != nil {
		t.Errorf("tokens stayed: %v", err)
	}
	at := revision(t, s, v)
	if queued, err := s.Disconnect(t.Context(), v.User.UUID, noon); queued || err != nil || revision(t, s, v) != at {
		t.Errorf("again: %v, %v", queued, err)
	}
}

func testProblems(t *testing.T, s *store.Store) {
	t.Helper()
	v := admit(t, s, "acme", "ann")
	ctx, user := t.Context(), v.User.UUID
	later := noon.Add(time.Minute)
	if appeared, err := s.NoteProblem(ctx, user, nil, model.ProblemCodeRateLimited, noon, noon, noon); appeared || err != nil {
		t.Errorf("nobody to have a problem: %v", err)
	}
	connect(t, s, v, "r")
	rev := revision(t, s, v)
	note := func(code model.ProblemCode, now model.Time) bool {
		t.Helper()
		appeared, err := s.NoteProblem(ctx, user, nil, code, now.Add(time.Second), now.Add(time.Hour), now)
		if err != nil {
			t.Fatal(err)
		}
		return appeared
	}
	if !note(model.ProblemCodeBotNotFound, noon) || note(model.ProblemCodeBotNotFound, later) {
		t.Error("a problem appears once")
	}
	c := connection(t, s, v)
	if c.Problem != model.ProblemCodeBotNotFound || c.ProblemCount != 2 || !c.ProblemSince.Equal(noon) ||
		!c.ProbeAt.Equal(later.Add(time.Second)) || !c.PausedUntil.Equal(later.Add(time.Hour)) || revision(t, s, v) != rev+1 {
		t.Errorf("connection = %+v", c)
	}
	if !note(model.ProblemCodeRateLimited, later) || revision(t, s, v) != rev+2 {
		t.Error("another code is another problem")
	}
	other := model.NewID()
	if cleared, err := s.ClearProblem(ctx, user, &other, later); cleared || err != nil || connection(t, s, v).Problem == "" {
		t.Errorf("cleared without the lease: %v", err)
	}
	if cleared, err := s.ClearProblem(ctx, user, nil, later); !cleared || err != nil || revision(t, s, v) != rev+3 {
		t.Errorf("cleared = %v, %v", cleared, err)
	}
	c = connection(t, s, v)
	if c.Problem != "" || c.ProblemCount != 0 || !c.ProblemSince.IsZero() || !c.PausedUntil.IsZero() || !c.ProbeAt.IsZero() || !c.LastDeliveredAt.Equal(later) {
		t.Errorf("cleared: %+v", c)
	}
	clearing, statements := CountStatements(ctx)
	if cleared, err := s.ClearProblem(clearing, user, nil, later.Add(time.Second)); cleared || err != nil ||
		len(statements.Seen()) != 1 || !connection(t, s, v).LastDeliveredAt.Equal(later.Add(time.Second)) || revision(t, s, v) != rev+3 {
		t.Errorf("a delivery without a problem: %v, %v, %d statements", cleared, err, len(statements.Seen()))
	}
	for i, want := range []bool{true, false} {
		if changed, err := s.MarkNeedsReconnect(ctx, user, nil, model.ProblemCodeTokenRevoked, noon); changed != want || err != nil {
			t.Errorf("needs reconnect, time %d: %v, %v", i, changed, err)
		}
	}
	if note(model.ProblemCodeRateLimited, later) || connection(t, s, v).Problem != model.ProblemCodeTokenRevoked {
		t.Error("the reason to reconnect was overwritten")
	}
	if cleared, err := s.ClearProblem(ctx, user, nil, later); cleared || err != nil || connection(t, s, v).Status != model.IntegrationStatusNeedsReconnect {
		t.Errorf("a late message mended the connection: %v", err)
	}
}

func testBot(t *testing.T, s *store.Store) {
	t.Helper()
	v := admit(t, s, "acme", "ann")
	set := func(bot string) (model.Connection, bool) {
		t.Helper()
		c, ok, err := s.SetBot(t.Context(), v.User.UUID, bot, noon)
		if err != nil {
			t.Fatal(err)
		}
		return c, ok
	}
	if c, ok := set("other"); ok || c.Status != model.IntegrationStatusNotConnected {
		t.Errorf("not connected: %+v", c)
	}
	connect(t, s, v, "r")
	rev := revision(t, s, v)
	for i, code := range []model.ProblemCode{
		model.ProblemCodeBotNotFound, model.ProblemCodeDeliveredToOthers, model.ProblemCodeNotSubscribed,
		model.ProblemCodeProviderMisconfigured, model.ProblemCodeRateLimited,
	} {
		if _, err := s.NoteProblem(t.Context(), v.User.UUID, nil, code, noon, noon, noon); err != nil {
			t.Fatal(err)
		}
		solved := code != model.ProblemCodeRateLimited
		c, ok := set("bot")
		if diff := cmp.Diff(connection(t, s, v), c); !ok || diff != "" || (c.Problem == "") != solved || c.ProbeAt.IsZero() != solved {
			t.Errorf("%s: %+v\n%s", code, c, diff)
		}
		if want := rev + 2*int64(i+1); solved && revision(t, s, v) != want {
			t.Errorf("%s: revision %d, want %d", code, revision(t, s, v), want)
		}
	}
	rev = revision(t, s, v)
	if c, _ := set("other"); c.BotName != "other" || connection(t, s, v).BotName != "other" || revision(t, s, v) != rev+1 {
		t.Errorf("renamed: %+v", c)
	}
	if set("other"); revision(t, s, v) != rev+1 {
		t.Error("the same bot once more was told")
	}
}

func runSecrets(t *testing.T, open Open) {
	t.Helper()
	t.Run("sealed anew, row by row, until none is left", func(t *testing.T) { t.Parallel(); testReseal(t, open(t)) })
}

func testReseal(t *testing.T, s *store.Store) {
	t.Helper()
	ann, bob := admit(t, s, "acme", "ann"), admit(t, s, "acme", "bob")
	connect(t, s, ann, "old")
	connect(t, s, ann, "current") // queues old
	connect(t, s, bob, "bobs")
	keys := func(want ...uint32) {
		t.Helper()
		got, err := s.SealKeys(t.Context())
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("keys %v (-want +got):\n%s", err, diff)
		}
	}
	keys(7)
	type place struct{ table, column, row, user string }
	var places []place
	reseal := func(table, column, row, user string, sealed []byte) ([]byte, uint32, error) {
		places = append(places, place{table, column, row, user})
		return append([]byte("9:"), bytes.TrimPrefix(sealed, []byte("9:"))...), 9, nil
	}
	batches := 0
	for n := 1; n > 0; batches++ {
		var err error
		if n, err = s.ResealBatch(t.Context(), 9, 2, reseal); err != nil || batches > 10 {
			t.Fatal(n, err)
		}
	}
	if batches != 3 || len(places) != 5 {
		t.Errorf("%d batches, places %v", batches, places)
	}
	for _, p := range places {
		if p.table != "integration_tokens" || p.row != p.user || p.column != "access" && p.column != "refresh" {
			t.Errorf("place = %+v", p)
		}
	}
	keys(9)
	tokens, _, err := s.Tokens(t.Context(), ann.User.UUID)
	if err != nil || string(tokens.Access) != "9:access" || string(tokens.Refresh) != "9:current" || tokens.KeyID != 9 {
		t.Errorf("tokens = %+v, %v", tokens, err)
	}
	if r := refreshes(t, s)["9:old"]; r.KeyID != 9 {
		t.Errorf("revocation = %+v", r)
	}
	// A replica that still seals with the old key takes the row back to it; the next batch mends that. The version stays.
	if ok, err := s.SaveRefreshed(t.Context(), ann.User.UUID, tokens.Version, []byte("by 7"), []byte("current by 7"), noon, 7); !ok || err != nil {
		t.Fatal(ok, err)
	}
	keys(7, 9)
	if n, err := s.ResealBatch(t.Context(), 9, 5, reseal); n != 1 || err != nil {
		t.Errorf("by the old key: %d, %v", n, err)
	}
	again, _, err := s.Tokens(t.Context(), ann.User.UUID)
	if err != nil || again.KeyID != 9 || string(again.Access) != "9:by 7" || string(again.Refresh) != "9:current by 7" || again.Version != tokens.Version+1 {
		t.Errorf("tokens = %+v, %v", again, err)
	}
	if _, err := s.ResealBatch(t.Context(), 10, 5, reseal); err == nil {
		t.Error("a key that is not the asked one was accepted")
	}
}
