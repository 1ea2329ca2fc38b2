package storetest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"github.com/heffl/bff/internal/store"
	"github.com/heffl/bff/model"
)

// set is a change of cells of deal.won and others: "deal.won/EMAIL" on or off.
func set(user uuid.UUID, enabled bool, cells ...string) model.SettingsChange {
	c := model.SettingsChange{UserID: user, Through: model.ThroughPage, ActorID: "ann"}
	for _, cell := range cells {
		eventType, channel, _ := strings.Cut(cell, "/")
		c.Set = append(c.Set, model.Preference{UserID: user, EventType: eventType, Channel: model.Channel(channel), Enabled: enabled})
	}
	return c
}

// change also demands that what Apply foretells is what is stored then.
func change(t testing.TB, s *store.Store, c model.SettingsChange) model.SettingsOutcome {
	t.Helper()
	before, err := s.Settings(t.Context(), c.UserID)
	if err != nil {
		t.Fatalf("settings before: %v", err)
	}
	out, err := s.ChangeSettings(t.Context(), c, noon)
	if err != nil {
		t.Fatalf("change settings: %v", err)
	}
	after, err := s.Settings(t.Context(), c.UserID)
	if err != nil {
		t.Fatalf("settings after: %v", err)
	}
	if out.Changed && out.Revision == before.User.SettingsRevision+1 && out.Revision == after.User.SettingsRevision {
		foretold := before.Apply(c, out.Revision)
		for _, snapshot := range []*model.SettingsSnapshot{&foretold, &after} {
			snapshot.User.ViewerRevision = 0 // counts more than settings
			slices.SortFunc(snapshot.Cells, func(a, b model.Preference) int {
				return strings.Compare(a.EventType+"/"+string(a.Channel), b.EventType+"/"+string(b.Channel))
			})
		}
		if diff := cmp.Diff(foretold, after, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("Apply foretells otherwise than stored (-foretold +stored):\n%s", diff)
		}
	}
	return out
}

// cells are a person's own choices, sorted: "deal.won/EMAIL=false".
func cells(t testing.TB, s *store.Store, user uuid.UUID) []string {
	t.Helper()
	snapshot, err := s.Settings(t.Context(), user)
	if err != nil {
		t.Fatalf("settings: %v", err)
	}
	var all []string
	for _, c := range snapshot.Cells {
		all = append(all, fmt.Sprintf("%s/%s=%v", c.EventType, c.Channel, c.Enabled))
	}
	slices.Sort(all)
	return all
}

func runSettings(t *testing.T, open Open) {
	t.Run("somebody who changed nothing", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		v := admit(t, s, "acme", "ann")
		ctx, statements := CountStatements(t.Context())
		got, err := s.Settings(ctx, v.User.UUID)
		if err != nil {
			t.Fatal(err)
		}
		want := model.SettingsSnapshot{User: v.User, Connection: model.Connection{
			UserID: v.User.UUID, WorkspaceID: v.Workspace.UUID, Provider: model.IntegrationProviderZohoCliq,
			Status: model.IntegrationStatusNotConnected,
		}}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("settings (-want +got):\n%s", diff)
		}
		if seen := statements.Seen(); len(seen) != 1 {
			t.Errorf("%d statements", len(seen))
		}
	})
	t.Run("everything at one moment", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		v := admit(t, s, "acme", "ann")
		connection, err := s.SaveConnected(t.Context(), model.NewConnection{
			UserID: v.User.UUID, WorkspaceID: v.Workspace.UUID, Region: model.CliqRegionCodeIn, RegionChosen: model.CliqRegionCodeUs,
			BotName: "heffl", Scopes: "a b", Access: []byte("a"), Refresh: []byte("r"), ExpiresAt: noon, KeyID: 1,
		}, noon)
		if err != nil {
			t.Fatal(err)
		}
		reason := `Compliance says "no" \ ✓`
		if _, _, err := s.ChangePolicy(t.Context(), model.PolicyChange{WorkspaceID: v.Workspace.UUID, Rules: []model.WorkspaceRule{
			{EventType: "deal.won", Channel: model.ChannelEmail, Mode: model.WorkspaceRuleModeLockedOff, Reason: &reason},
			{EventType: "deal.lost", Channel: model.ChannelCliq, Mode: model.WorkspaceRuleModeDefaultOn},
		}}, noon); err != nil {
			t.Fatal(err)
		}
		change(t, s, set(v.User.UUID, false, "deal.won/EMAIL", "deal.lost/IN_APP"))
		got, err := s.Settings(t.Context(), v.User.UUID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(connection, got.Connection); diff != "" {
			t.Errorf("connection (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"deal.lost/IN_APP=false", "deal.won/EMAIL=false"}, cells(t, s, v.User.UUID)); diff != "" {
			t.Errorf("cells (-want +got):\n%s", diff)
		}
		slices.SortFunc(got.Rules, func(a, b model.WorkspaceRule) int { return strings.Compare(a.EventType, b.EventType) })
		want := []model.WorkspaceRule{
			{WorkspaceID: v.Workspace.UUID, EventType: "deal.lost", Channel: model.ChannelCliq, Mode: model.WorkspaceRuleModeDefaultOn},
			{WorkspaceID: v.Workspace.UUID, EventType: "deal.won", Channel: model.ChannelEmail, Mode: model.WorkspaceRuleModeLockedOff, Reason: &reason},
		}
		if diff := cmp.Diff(want, got.Rules); diff != "" {
			t.Errorf("rules (-want +got):\n%s", diff)
		}
		if got.User.SettingsRevision != 1 || got.User.ViewerRevision != 3 {
			t.Errorf("revisions %d, %d", got.User.SettingsRevision, got.User.ViewerRevision)
		}
	})
	t.Run("set, switch and reset are counted and audited once", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		v := admit(t, s, "acme", "ann")
		first := set(v.User.UUID, true, "deal.won/EMAIL", "deal.won/CLIQ")
		first.Master = map[model.Channel]bool{model.ChannelEmail: false, model.ChannelCliq: true}
		if got := change(t, s, first); got != (model.SettingsOutcome{Revision: 1, Changed: true}) {
			t.Errorf("first = %+v", got)
		}
		if got := change(t, s, first); got != (model.SettingsOutcome{Revision: 1}) {
			t.Errorf("repeated = %+v", got)
		}
		second := set(v.User.UUID, false, "deal.won/EMAIL")
		second.Reset = []model.CellKey{{EventType: "deal.won", Channel: model.ChannelCliq}, {EventType: "never", Channel: model.ChannelCliq}}
		if got := change(t, s, second); got != (model.SettingsOutcome{Revision: 2, Changed: true}) {
			t.Errorf("second = %+v", got)
		}
		if diff := cmp.Diff([]string{"deal.won/EMAIL=false"}, cells(t, s, v.User.UUID)); diff != "" {
			t.Errorf("cells (-want +got):\n%s", diff)
		}
		after, _, err := s.ViewerByID(t.Context(), v.User.UUID)
		if err != nil || after.User.EmailEnabled || !after.User.CliqEnabled || after.User.ViewerRevision != 2 {
			t.Errorf("user = %+v, %v", after.User, err)
		}
		want := []string{
			"deal.won/CLIQ ON→", "deal.won/EMAIL ON→OFF", // the second change
			"/EMAIL ON→OFF", "deal.won/CLIQ →ON", "deal.won/EMAIL →ON", // the first
		}
		if diff := cmp.Diff(want, audited(t, s, model.AuditQuery{WorkspaceID: v.Workspace.UUID, UserID: &v.User.UUID, Limit: 10})); diff != "" {
			t.Errorf("audit (-want +got):\n%s", diff)
		}
	})
	t.Run("an old revision changes nothing", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		v := admit(t, s, "acme", "ann")
		change(t, s, set(v.User.UUID, false, "deal.won/EMAIL"))
		for revision, want := range map[int32]model.SettingsOutcome{
			0: {Revision: 1, Conflict: true}, 2: {Revision: 1, Conflict: true},
		} {
			c := set(v.User.UUID, true, "deal.won/EMAIL")
			c.ExpectedRevision = &revision
			if got := change(t, s, c); got != want {
				t.Errorf("expecting %d: %+v", revision, got)
			}
		}
		same := set(v.User.UUID, true, "deal.won/EMAIL")
		same.ExpectedRevision = new(int32(1))
		if got := change(t, s, same); got != (model.SettingsOutcome{Revision: 2, Changed: true}) {
			t.Errorf("expecting 1: %+v", got)
		}
		if diff := cmp.Diff([]string{"deal.won/EMAIL=true"}, cells(t, s, v.User.UUID)); diff != "" {
			t.Errorf("cells (-want +got):\n%s", diff)
		}
	})
	t.Run("changes of different cells at once all survive", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		v := admit(t, s, "acme", "ann")
		const writers = 32
		var want []string
		var wg sync.WaitGroup
		for i := range writers {
			cell := fmt.Sprintf("event.%02d/EMAIL", i)
			want = append(want, cell+"=false")
			wg.Go(func() {
				if out, err := s.ChangeSettings(t.Context(), set(v.User.UUID, false, cell), noon); err != nil || !out.Changed {
					t.Errorf("change %s: %+v, %v", cell, out, err)
				}
			})
		}
		wg.Wait()
		if diff := cmp.Diff(want, cells(t, s, v.User.UUID)); diff != "" {
			t.Errorf("cells (-want +got):\n%s", diff)
		}
		if after, _, err := s.ViewerByID(t.Context(), v.User.UUID); err != nil || after.User.SettingsRevision != writers {
			t.Errorf("revision %d, %v", after.User.SettingsRevision, err)
		}
	})
	t.Run("what is answered is what holds, however many turn one switch", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		v := admit(t, s, "acme", "ann")
		const writers = 24
		revisions := make(chan int32, writers)
		var wg sync.WaitGroup
		for i := range writers {
			wg.Go(func() {
				out, err := s.ChangeSettings(t.Context(), set(v.User.UUID, i%2 == 0, "deal.won/EMAIL"), noon)
				if err != nil {
					t.Error(err)
				}
				if out.Changed {
					revisions <- out.Revision
				}
			})
		}
		wg.Wait()
		close(revisions)
		last := int32(0)
		for revision := range revisions {
			last = max(last, revision)
		}
		// Every counted change turned the switch, so the audit alternates and ends with what is stored.
		log := audited(t, s, model.AuditQuery{WorkspaceID: v.Workspace.UUID, Limit: 100})
		if len(log) != int(last) {
			t.Errorf("%d entries for revision %d", len(log), last)
		}
		turns := map[string]int{}
		for _, entry := range log {
			turns[entry]++
		}
		if d := turns["deal.won/EMAIL ON→OFF"] - turns["deal.won/EMAIL OFF→ON"]; d < -1 || d > 1 ||
			turns["deal.won/EMAIL →ON"]+turns["deal.won/EMAIL →OFF"] != 1 {
			t.Errorf("turns do not alternate: %v", turns)
		}
	})
	t.Run("nobody", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		if _, err := s.ChangeSettings(t.Context(), set(model.NewID(), true, "deal.won/EMAIL"), noon); err == nil {
			t.Error("the settings of nobody changed")
		}
		if _, err := s.Settings(t.Context(), model.NewID()); err == nil {
			t.Error("nobody has settings")
		}
	})
}

// audited is what the audit says, newest first: "deal.won/EMAIL ON→OFF".
func audited(t testing.TB, s *store.Store, q model.AuditQuery) []string {
	t.Helper()
	page, err := s.Audit(t.Context(), q)
	if err != nil {
		t.Fatalf("audit: %v", err)
	}
	var all []string
	for _, e := range page.Entries {
		all = append(all, fmt.Sprintf("%s/%s %s→%s", e.EventType, e.Channel, e.Old, e.New))
	}
	return all
}
