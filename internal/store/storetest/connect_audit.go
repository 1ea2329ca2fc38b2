package storetest

import (
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/heffl/bff/internal/store"
	"github.com/heffl/bff/model"
)

func runConnectAudit(t *testing.T, open Open) {
	t.Helper()
	t.Run("entries come back whole and in order", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		v := admit(t, s, "acme", "ann")
		full := model.ConnectAudit{
			ID: idAt(noon), CreatedAt: noon, Attempt: []byte("hash"), WorkspaceID: &v.Workspace.UUID, UserID: &v.User.UUID,
			ActorWorkspace: "bolt", ActorID: "eve", Outcome: model.ConnectRefused, Reason: model.ConnectOtherUser,
			Region: model.CliqRegionCodeEu, BotName: "bot", Omitted: 7,
		}
		bare := model.ConnectAudit{
			ID: idAt(noon.Add(time.Second)), CreatedAt: noon.Add(time.Second), Attempt: []byte("hash"), Outcome: model.ConnectStarted,
		}
		elsewhere := model.ConnectAudit{ID: model.NewID(), CreatedAt: noon, Outcome: model.ConnectRefused, Reason: model.ConnectMalformed}
		for _, e := range []model.ConnectAudit{bare, full, elsewhere} {
			if err := s.AddConnectAudit(t.Context(), e, 0); err != nil {
				t.Fatal(err)
			}
		}
		got, err := s.ConnectAttempt(t.Context(), []byte("hash"))
		if diff := cmp.Diff([]model.ConnectAudit{full, bare}, got); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
		if got, err := s.ConnectAttempt(t.Context(), []byte("another")); len(got) != 0 || err != nil {
			t.Errorf("of another attempt: %+v, %v", got, err)
		}
		if err := s.AddConnectAudit(t.Context(), full, 0); err == nil {
			t.Error("one id was taken twice")
		}
	})
	t.Run("so many of one attempt, actor and reason and no more", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		add := func(attempt, actor string, reason model.ConnectReason, most, times int) {
			t.Helper()
			for range times {
				e := model.ConnectAudit{
					ID: model.NewID(), CreatedAt: noon, Attempt: []byte(attempt), ActorID: actor, Outcome: model.ConnectRefused, Reason: reason,
				}
				if err := s.AddConnectAudit(t.Context(), e, most); err != nil {
					t.Fatal(err)
				}
			}
		}
		for i, test := range []struct {
			attempt, actor string
			reason         model.ConnectReason
			most, want     int
		}{
			{"a", "", model.ConnectStateUsed, 3, 3},
			{"a", "bob", model.ConnectStateUsed, 3, 6},
			{"a", "", model.ConnectOtherUser, 3, 9},
			{"a", "", model.ConnectStateUsed, 0, 19},
			{"b", "", model.ConnectStateUsed, 3, 3},
		} {
			add(test.attempt, test.actor, test.reason, test.most, 10)
			if got, err := s.ConnectAttempt(t.Context(), []byte(test.attempt)); len(got) != test.want || err != nil {
				t.Errorf("step %d: %d entries, %v; want %d", i, len(got), err, test.want)
			}
		}
	})
	t.Run("old entries go, the oldest first", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		for i := range 10 {
			at := noon.Add(time.Duration(i) * time.Hour)
			if err := s.AddConnectAudit(t.Context(), model.ConnectAudit{ID: idAt(at), CreatedAt: at, Attempt: []byte("hash"), BotName: strconv.Itoa(i)}, 0); err != nil {
				t.Fatal(err)
			}
		}
		for _, step := range []struct{ hours, limit, deleted, first int }{{0, 9, 0, 0}, {6, 4, 4, 4}, {6, 4, 2, 6}, {6, 4, 0, 6}} {
			n, err := s.PurgeConnectAudit(t.Context(), noon.Add(time.Duration(step.hours)*time.Hour), step.limit)
			left, err2 := s.ConnectAttempt(t.Context(), []byte("hash"))
			if n != step.deleted || err != nil || err2 != nil || len(left) != 10-step.first || left[0].BotName != strconv.Itoa(step.first) {
				t.Errorf("%+v: %d deleted, %d left, %v, %v", step, n, len(left), err, err2)
			}
		}
	})
	t.Run("an attempt that is over tells whose it was, once", func(t *testing.T) { t.Parallel(); testOver(t, open(t)) })
}

func testOver(t *testing.T, s *store.Store) {
	t.Helper()
	ann, eve := admit(t, s, "acme", "ann"), admit(t, s, "acme", "eve")
	st := connectState(ann)
	if saved, err := s.SaveConnectState(t.Context(), st, noon, 10); err != nil || !saved {
		t.Fatal(err)
	}
	late := noon.Add(10 * time.Minute)
	for i, want := range []model.ConnectState{st, {}} {
		got, open, err := s.ConsumeConnectState(t.Context(), []byte("hash"), late)
		if diff := cmp.Diff(want, got); diff != "" || open || err != nil {
			t.Errorf("time %d: %v, %v (-want +got):\n%s", i, open, err, diff)
		}
	}
	st.TicketHash, st.Answer, st.ExpiresAt = []byte("ticket"), []byte("answer"), noon.Add(time.Minute)
	if err := s.HandOverConnectState(t.Context(), st); err != nil {
		t.Fatal(err)
	}
	if got, open, err := s.RedeemTicket(t.Context(), []byte("ticket"), eve.User.UUID, noon); got.UserID != uuid.Nil || open || err != nil {
		t.Errorf("somebody else gets %+v, %v, %v", got, open, err)
	}
	for range 2 { // looking takes nothing out
		if got, found, err := s.HandedOver(t.Context(), []byte("ticket")); cmp.Diff(st, got) != "" || !found || err != nil {
			t.Errorf("handed over: %+v, %v, %v", got, found, err)
		}
	}
	for i, want := range []model.ConnectState{st, {}} {
		got, open, err := s.RedeemTicket(t.Context(), []byte("ticket"), ann.User.UUID, late)
		if diff := cmp.Diff(want, got); diff != "" || open || err != nil {
			t.Errorf("time %d: %v, %v (-want +got):\n%s", i, open, err, diff)
		}
	}
	if _, found, err := s.HandedOver(t.Context(), []byte("ticket")); found || err != nil {
		t.Errorf("the ticket is still there: %v, %v", found, err)
	}
}
