package storetest

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

func runPolicy(t *testing.T, open Open) {
	rule := func(eventType string, mode model.WorkspaceRuleMode, reason *string) model.WorkspaceRule {
		return model.WorkspaceRule{EventType: eventType, Channel: model.ChannelEmail, Mode: mode, Reason: reason}
	}
	because := new("because")

	t.Run("rules are made, changed and removed, counted and audited", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		ann, bob := admit(t, s, "acme", "ann"), admit(t, s, "bolt", "bob")
		apply := func(rules ...model.WorkspaceRule) model.WorkspacePolicy {
			t.Helper()
			p, conflict, err := s.ChangePolicy(t.Context(), model.PolicyChange{
				WorkspaceID: ann.Workspace.UUID, Rules: rules, ActorID: "ann",
			}, noon)
			if err != nil || conflict {
				t.Fatalf("ChangePolicy: %v, %v", conflict, err)
			}
			return p
		}
		first := apply(rule("b", model.WorkspaceRuleModeLockedOn, because), rule("a", model.WorkspaceRuleModeDefaultOff, nil))
		if again := apply(rule("b", model.WorkspaceRuleModeLockedOn, because)); again.Revision != 1 {
			t.Errorf("a repetition is revision %d", again.Revision)
		}
		second := apply(rule("b", "", nil), rule("a", model.WorkspaceRuleModeDefaultOff, because), rule("none", "", nil))

		withID := func(r model.WorkspaceRule) model.WorkspaceRule { r.WorkspaceID = ann.Workspace.UUID; return r }
		if diff := cmp.Diff(model.WorkspacePolicy{WorkspaceID: ann.Workspace.UUID, Revision: 1, Rules: []model.WorkspaceRule{
			withID(rule("a", model.WorkspaceRuleModeDefaultOff, nil)), withID(rule("b", model.WorkspaceRuleModeLockedOn, because)),
		}}, first); diff != "" {
			t.Errorf("first (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(model.WorkspacePolicy{WorkspaceID: ann.Workspace.UUID, Revision: 2, Rules: []model.WorkspaceRule{
			withID(rule("a", model.WorkspaceRuleModeDefaultOff, because)),
		}}, second); diff != "" {
			t.Errorf("second (-want +got):\n%s", diff)
		}
		if read, err := s.Policy(t.Context(), ann.Workspace.UUID); err != nil || !cmp.Equal(read, second) {
			t.Errorf("Policy = %+v, %v", read, err)
		}
		if v, _, err := s.ViewerByID(t.Context(), ann.User.UUID); err != nil || v.User.ViewerRevision != 2 {
			t.Errorf("ann's viewer revision is %d, %v", v.User.ViewerRevision, err)
		}
		if v, _, err := s.ViewerByID(t.Context(), bob.User.UUID); err != nil || v.User.ViewerRevision != 0 {
			t.Errorf("bob's viewer revision is %d, %v", v.User.ViewerRevision, err)
		}
		want := []string{
			"a/EMAIL DEFAULT_OFF→DEFAULT_OFF", "b/EMAIL LOCKED_ON→", "a/EMAIL →DEFAULT_OFF", "b/EMAIL →LOCKED_ON",
		}
		if diff := cmp.Diff(want, audited(t, s, model.AuditQuery{WorkspaceID: ann.Workspace.UUID, Limit: 10})); diff != "" {
			t.Errorf("audit (-want +got):\n%s", diff)
		}
	})
	t.Run("an old revision changes nothing", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		ann := admit(t, s, "acme", "ann")
		p, conflict, err := s.ChangePolicy(t.Context(), model.PolicyChange{
			WorkspaceID: ann.Workspace.UUID, ExpectedRevision: new(int32(7)), Rules: []model.WorkspaceRule{rule("a", model.WorkspaceRuleModeLockedOn, nil)},
		}, noon)
		if err != nil || !conflict || p.Revision != 0 || len(p.Rules) != 0 {
			t.Errorf("ChangePolicy = %+v, %v, %v", p, conflict, err)
		}
		if p, err := s.Policy(t.Context(), ann.Workspace.UUID); err != nil || len(p.Rules) != 0 {
			t.Errorf("Policy = %+v, %v", p, err)
		}
	})
	t.Run("no such workspace", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		if _, err := s.Policy(t.Context(), model.NewID()); err == nil {
			t.Error("nobody's policy was found")
		}
	})
}

func runAudit(t *testing.T, open Open) {
	t.Run("pages meet without gap and repetition, and everybody sees their own", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		ann, bob, eve := admit(t, s, "acme", "ann"), admit(t, s, "acme", "bob"), admit(t, s, "bolt", "eve")
		for i := range 7 {
			for _, v := range []model.Viewer{ann, bob, eve} {
				change(t, s, set(v.User.UUID, i%2 == 0, fmt.Sprintf("%s.%d/EMAIL", v.User.ExternalID, i)))
			}
		}
		read := func(q model.AuditQuery) (ids []uuid.UUID) {
			for range 20 {
				page, err := s.Audit(t.Context(), q)
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range page.Entries {
					if e.WorkspaceID != q.WorkspaceID || q.UserID != nil && *e.UserID != *q.UserID {
						t.Errorf("foreign entry %+v", e)
					}
					ids = append(ids, e.UUID)
				}
				if !page.More {
					return ids
				}
				q.Before = ids[len(ids)-1]
			}
			t.Fatal("the pages never end")
			return nil
		}
		own := read(model.AuditQuery{WorkspaceID: ann.Workspace.UUID, UserID: &ann.User.UUID, Limit: 3})
		all := read(model.AuditQuery{WorkspaceID: ann.Workspace.UUID, Limit: 4})
		if len(own) != 7 || len(all) != 14 {
			t.Errorf("%d own entries, %d of the workspace", len(own), len(all))
		}
		for i := range len(all) - 1 {
			if all[i].String() <= all[i+1].String() {
				t.Errorf("entry %d is not newer than the next", i)
			}
		}
		if foreign := read(model.AuditQuery{WorkspaceID: eve.Workspace.UUID, UserID: &ann.User.UUID, Limit: 3}); len(foreign) != 0 {
			t.Errorf("%d entries of somebody in another workspace", len(foreign))
		}
	})
	t.Run("an entry says everything", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		ann := admit(t, s, "acme", "ann")
		c := set(ann.User.UUID, false, "deal.won/CLIQ")
		c.Through, c.ActorID = model.ThroughUnsubscribe, ""
		change(t, s, c)
		page, err := s.Audit(t.Context(), model.AuditQuery{WorkspaceID: ann.Workspace.UUID, Limit: 5})
		if err != nil {
			t.Fatal(err)
		}
		want := model.AuditPage{Entries: []model.AuditEntry{{
			WorkspaceID: ann.Workspace.UUID, UserID: &ann.User.UUID, UserExternalID: "ann", CreatedAt: noon, EventType: "deal.won", Channel: model.ChannelCliq,
			New: model.AuditOff, Through: model.ThroughUnsubscribe,
		}}}
		if diff := cmp.Diff(want, page, cmpopts.IgnoreFields(model.AuditEntry{}, "UUID")); diff != "" {
			t.Errorf("page (-want +got):\n%s", diff)
		}
	})
}
