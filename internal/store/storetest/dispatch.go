package storetest

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"github.com/heffl/bff/internal/store"
	"github.com/heffl/bff/model"
)

func runAudience(t *testing.T, open Open) {
	t.Run("everything that decides", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		ann, bob := admit(t, s, "acme", "ann"), admit(t, s, "acme", "bob")
		admit(t, s, "bolt", "eve")
		off := set(ann.User.UUID, false, "deal.won/EMAIL", "deal.lost/CLIQ")
		off.Master = map[model.Channel]bool{model.ChannelCliq: false}
		change(t, s, off)
		change(t, s, set(ann.User.UUID, true, "deal.won/CLIQ"))
		if _, err := s.SaveConnected(t.Context(), model.NewConnection{
			UserID: bob.User.UUID, WorkspaceID: bob.Workspace.UUID, Region: "IN", RegionChosen: "IN", BotName: "b",
			Access: []byte("a"), Refresh: []byte("r"), ExpiresAt: noon, KeyID: 1,
		}, noon); err != nil {
			t.Fatal(err)
		}
		if _, err := s.MarkNeedsReconnect(t.Context(), bob.User.UUID, nil, model.ProblemCodeTokenRevoked, noon); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.ChangePolicy(t.Context(), model.PolicyChange{WorkspaceID: ann.Workspace.UUID, Rules: []model.WorkspaceRule{
			{EventType: "deal.won", Channel: model.ChannelCliq, Mode: model.WorkspaceRuleModeLockedOff},
			{EventType: "deal.won", Channel: model.ChannelInApp, Mode: model.WorkspaceRuleModeDefaultOn},
			{EventType: "deal.lost", Channel: model.ChannelEmail, Mode: model.WorkspaceRuleModeLockedOn},
		}}, noon); err != nil {
			t.Fatal(err)
		}

		ctx, statements := CountStatements(t.Context())
		got, err := s.Audience(ctx, ann.Workspace.UUID, "deal.won", []string{"zoe", "ann", "eve", "bob", "zoe", "ann"}, noon)
		if err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(got.Recipients, func(a, b model.Recipient) int { return strings.Compare(a.ExternalID, b.ExternalID) })
		want := model.Audience{
			Recipients: []model.Recipient{
				{
					UserID: ann.User.UUID, ExternalID: "ann", HasEmail: true, EmailEnabled: true, CliqEnabled: false,
					Cells: [3]model.Toggle{1: model.ToggleOff, 2: model.ToggleOn}, CliqStatus: model.IntegrationStatusNotConnected,
				},
				{
					UserID: bob.User.UUID, ExternalID: "bob", HasEmail: true, EmailEnabled: true, CliqEnabled: true,
					CliqStatus: model.IntegrationStatusNeedsReconnect, CliqProblem: model.ProblemCodeTokenRevoked,
				},
			},
			Unknown: []string{"zoe", "eve"},
			Rules:   [3]model.WorkspaceRuleMode{0: model.WorkspaceRuleModeDefaultOn, 2: model.WorkspaceRuleModeLockedOff},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("audience (-want +got):\n%s", diff)
		}
		if seen := statements.Seen(); len(seen) != 1 {
			t.Errorf("%d statements", len(seen))
		}
	})
	t.Run("a problem is not told while one message may find out whether it is solved", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		ann := admit(t, s, "acme", "ann")
		if _, err := s.SaveConnected(t.Context(), model.NewConnection{
			UserID: ann.User.UUID, WorkspaceID: ann.Workspace.UUID, Region: model.CliqRegionCodeIn, RegionChosen: model.CliqRegionCodeIn,
			BotName: "bot", Access: []byte("a"), Refresh: []byte("r"), ExpiresAt: noon.Add(time.Hour),
		}, noon); err != nil {
			t.Fatal(err)
		}
		probeAt := noon.Add(10 * time.Minute)
		told := func(at model.Time) model.ProblemCode {
			t.Helper()
			got, err := s.Audience(t.Context(), ann.Workspace.UUID, "deal.won", []string{"ann"}, at)
			if err != nil || len(got.Recipients) != 1 {
				t.Fatalf("audience: %+v, %v", got, err)
			}
			return got.Recipients[0].CliqProblem
		}
		if _, err := s.NoteProblem(t.Context(), ann.User.UUID, nil, model.ProblemCodeBotNotFound, probeAt, model.Time{}, noon); err != nil {
			t.Fatal(err)
		}
		for at, want := range map[model.Time]model.ProblemCode{
			noon: model.ProblemCodeBotNotFound, probeAt.Add(-time.Millisecond): model.ProblemCodeBotNotFound,
			probeAt: "", probeAt.Add(time.Hour): "",
		} {
			if got := told(at); got != want {
				t.Errorf("problem at %v: %q, want %q", at, got, want)
			}
		}
		// The page goes on showing it.
		if c, err := s.Connection(t.Context(), ann.User.UUID); err != nil || c.Problem != model.ProblemCodeBotNotFound {
			t.Errorf("connection shows %q, %v", c.Problem, err)
		}
	})
	t.Run("nobody asked for", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		ann := admit(t, s, "acme", "ann")
		got, err := s.Audience(t.Context(), ann.Workspace.UUID, "deal.won", nil, noon)
		if diff := cmp.Diff(model.Audience{}, got, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Errorf("audience %v:\n%s", err, diff)
		}
	})
}

func runPlan(t *testing.T, open Open) {
	emailOff := model.Decision(0).Skip(model.ChannelEmail, model.SkipReasonChannelOff)

	t.Run("an event reaches inboxes and queues", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		users := crowd(t, s, "acme", 3)
		ws, _, err := s.WorkspaceByExternalID(t.Context(), "acme")
		if err != nil {
			t.Fatal(err)
		}
		p := plan(ws.UUID, "k", 0, users...)
		p.Notifications[1].Decision = emailOff
		p.Notifications[2].Decision = inAppOff
		saved := savePlan(t, s, p)
		if diff := cmp.Diff(p.Event, saved.Event); diff != "" {
			t.Errorf("event (-want +got):\n%s", diff)
		}
		want := []model.InboxEntry{
			{UserID: users[0], NotificationID: p.Notifications[0].NotificationID, Seq: 1, UnreadCount: 1},
			{UserID: users[1], NotificationID: p.Notifications[1].NotificationID, Seq: 1, UnreadCount: 1},
		}
		byUser := cmpopts.SortSlices(func(a, b model.InboxEntry) bool { return a.UserID.String() < b.UserID.String() })
		if diff := cmp.Diff(want, saved.Entries, byUser); diff != "" {
			t.Errorf("entries (-want +got):\n%s", diff)
		}
		for i, wantSeq := range []int64{1, 1, 0} {
			box, err := s.Inbox(t.Context(), users[i])
			if err != nil || box.LastSeq != wantSeq || int64(box.UnreadCount) != wantSeq {
				t.Errorf("inbox %d = %+v, %v", i, box, err)
			}
			n, err := s.NotificationsByID(t.Context(), users[i], []uuid.UUID{p.Notifications[i].NotificationID})
			if err != nil || len(n) != 1 {
				t.Fatalf("notification %d = %+v, %v", i, n, err)
			}
			if n[0].Seq != wantSeq || n[0].ChangedSeq != wantSeq || !n[0].CreatedAt.Equal(noon) || n[0].ReadAt != nil ||
				n[0].Decision != p.Notifications[i].Decision || n[0].EventID != p.Event.UUID {
				t.Errorf("notification %d = %+v", i, n[0])
			}
		}
		for i, channels := range [][]model.Channel{
			{model.ChannelEmail, model.ChannelCliq}, {model.ChannelCliq}, {model.ChannelEmail, model.ChannelCliq},
		} {
			got, err := s.Deliveries(t.Context(), users[i], []uuid.UUID{p.Notifications[i].NotificationID})
			var want []model.Delivery
			for _, channel := range channels {
				want = append(want, model.Delivery{
					NotificationID: p.Notifications[i].NotificationID, Channel: channel, UserID: users[i],
					Status: model.DeliveryStatusQueued, NextAttemptAt: noon,
				})
			}
			byChannel := cmpopts.SortSlices(func(a, b model.Delivery) bool { return a.Channel.Number() < b.Channel.Number() })
			if diff := cmp.Diff(want, got, byChannel); err != nil || diff != "" {
				t.Errorf("deliveries %d, %v (-want +got):\n%s", i, err, diff)
			}
		}
		read, found, err := s.EventByKey(t.Context(), ws.UUID, "k")
		if diff := cmp.Diff(p.Event, read); !found || err != nil || diff != "" {
			t.Errorf("EventByKey %v, %v (-want +got):\n%s", found, err, diff)
		}
		if _, found, err := s.EventByKey(t.Context(), model.NewID(), "k"); found || err != nil {
			t.Errorf("another workspace's key: %v, %v", found, err)
		}
	})
	t.Run("a repeated key stores nothing", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		v := admit(t, s, "acme", "ann")
		first := savePlan(t, s, plan(v.Workspace.UUID, "k", 0, v.User.UUID))
		again := plan(v.Workspace.UUID, "k", 0, v.User.UUID)
		got, err := s.SavePlan(t.Context(), again)
		if diff := cmp.Diff(model.SavedPlan{Event: first.Event, Duplicate: true}, got); err != nil || diff != "" {
			t.Errorf("again %v (-want +got):\n%s", err, diff)
		}
		again.Event.ContentHash = []byte("other")
		got, err = s.SavePlan(t.Context(), again)
		if diff := cmp.Diff(model.SavedPlan{Event: first.Event, Conflict: true}, got); err != nil || diff != "" {
			t.Errorf("other content %v (-want +got):\n%s", err, diff)
		}
		if box, err := s.Inbox(t.Context(), v.User.UUID); err != nil || box.LastSeq != 1 {
			t.Errorf("inbox = %+v, %v", box, err)
		}
	})
	t.Run("an event for nobody", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		v := admit(t, s, "acme", "ann")
		if saved := savePlan(t, s, plan(v.Workspace.UUID, "k", 0)); len(saved.Entries) != 0 {
			t.Errorf("entries = %+v", saved.Entries)
		}
	})
	t.Run("a recipient who does not exist undoes everything", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		v := admit(t, s, "acme", "ann")
		if _, err := s.SavePlan(t.Context(), plan(v.Workspace.UUID, "k", 0, v.User.UUID, model.NewID())); err == nil {
			t.Error("it was stored")
		}
		if _, err := s.SavePlan(t.Context(), plan(v.Workspace.UUID, "k", 0, v.User.UUID, v.User.UUID)); err == nil {
			t.Error("somebody was told twice")
		}
		if _, found, err := s.EventByKey(t.Context(), v.Workspace.UUID, "k"); found || err != nil {
			t.Errorf("event = %v, %v", found, err)
		}
		if box, err := s.Inbox(t.Context(), v.User.UUID); err != nil || box.LastSeq != 0 {
			t.Errorf("inbox = %+v, %v", box, err)
		}
	})
	t.Run("the number of statements does not depend on the recipients", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		users := crowd(t, s, "acme", 1000)
		ws, _, err := s.WorkspaceByExternalID(t.Context(), "acme")
		if err != nil {
			t.Fatal(err)
		}
		count := func(n int) int {
			ctx, statements := CountStatements(t.Context())
			saved, err := s.SavePlan(ctx, plan(ws.UUID, strconv.Itoa(n), 0, users[:n]...))
			if err != nil || len(saved.Entries) != n {
				t.Fatalf("%d entries, %v", len(saved.Entries), err)
			}
			return len(statements.Seen())
		}
		few, many := count(3), count(1000)
		limit := map[string]int{store.Postgres: 1, store.SQLite: 4}[s.Dialect()]
		if few != many || many > limit {
			t.Errorf("%d statements for 3 people, %d for 1,000, the limit is %d", few, many, limit)
		}
	})
	t.Run("TestIdempotentIngest: a key a hundred times at once is one event", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		users := crowd(t, s, "acme", 5)
		ws, _, err := s.WorkspaceByExternalID(t.Context(), "acme")
		if err != nil {
			t.Fatal(err)
		}
		const senders = 100
		saved := make([]model.SavedPlan, senders)
		var wg sync.WaitGroup
		for i := range senders {
			wg.Go(func() {
				var err error
				if saved[i], err = s.SavePlan(t.Context(), plan(ws.UUID, "k", 0, users...)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		stored := 0
		for _, one := range saved {
			if !one.Duplicate {
				stored++
			}
			if one.Conflict || one.Event.UUID != saved[0].Event.UUID {
				t.Errorf("conflict %v, event %v", one.Conflict, one.Event.UUID)
			}
		}
		if stored != 1 {
			t.Errorf("%d events were stored", stored)
		}
		for _, user := range users {
			page, err := s.InboxPage(t.Context(), model.InboxQuery{UserID: user, Limit: 10})
			if err != nil || len(page.Notifications) != 1 {
				t.Errorf("%d notifications, %v", len(page.Notifications), err)
			}
		}
	})
	t.Run("events at once give every inbox its numbers without a gap", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		const people, events = 24, 32
		users := crowd(t, s, "acme", people)
		ws, _, err := s.WorkspaceByExternalID(t.Context(), "acme")
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		seqs := map[uuid.UUID][]int64{}
		var wg sync.WaitGroup
		for i := range events {
			wg.Go(func() {
				to := slices.Clone(users[i%4 : people-i%3])
				if i%2 == 1 {
					slices.Reverse(to) // who asks in another order must not wait in a circle
				}
				saved, err := s.SavePlan(t.Context(), plan(ws.UUID, strconv.Itoa(i), 0, to...))
				if err != nil || len(saved.Entries) != len(to) {
					t.Errorf("%d entries, %v", len(saved.Entries), err)
				}
				mu.Lock()
				defer mu.Unlock()
				for _, e := range saved.Entries {
					if e.Seq != int64(e.UnreadCount) {
						t.Errorf("number %d with %d unread", e.Seq, e.UnreadCount)
					}
					seqs[e.UserID] = append(seqs[e.UserID], e.Seq)
				}
			})
		}
		wg.Wait()
		for user, got := range seqs {
			slices.Sort(got)
			for i, seq := range got {
				if seq != int64(i+1) {
					t.Errorf("%v has numbers %v", user, got)
					break
				}
			}
		}
	})
}
