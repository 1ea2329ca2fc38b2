package storetest

import (
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/heffl/bff/internal/store"
	"github.com/heffl/bff/model"
)

func runPurge(t *testing.T, open Open) {
	t.Helper()
	t.Run("the oldest go first, with all that is theirs", func(t *testing.T) { t.Parallel(); testPurge(t, open(t)) })
	t.Run("several at once", func(t *testing.T) { t.Parallel(); testPurgesAtOnce(t, open(t)) })
	t.Run("too many rows for one replay", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		v := admit(t, s, "acme", "ann")
		ids := fill(t, s, v, 21)
		if _, err := s.SetRead(t.Context(), v.User.UUID, ids, true, noon); err != nil {
			t.Fatal(err)
		}
		// One number stands for 21 notifications; a limit of 2 numbers holds 20 of them.
		for limit, want := range map[int]bool{2: true, 3: false} {
			got, err := s.Changes(t.Context(), v.User.UUID, 21, limit)
			if err != nil || got.TooFarBehind != want || want == (len(got.Notifications) > 0) {
				t.Errorf("limit %d: %+v, %v", limit, got, err)
			}
		}
	})
	t.Run("a reader from the future or of nothing gets nothing", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		v := admit(t, s, "acme", "ann")
		fill(t, s, v, 2)
		for _, after := range []int64{2, 3, 1 << 40} {
			got, err := s.Changes(t.Context(), v.User.UUID, after, 1000)
			want := model.InboxChanges{Inbox: model.Inbox{UserID: v.User.UUID, LastSeq: 2, UnreadCount: 2}}
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("after %d %v (-want +got):\n%s", after, err, diff)
			}
		}
		unknown := model.NewID()
		if got, err := s.Changes(t.Context(), unknown, 0, 1000); err != nil || got.Inbox.UserID != unknown || got.TooFarBehind {
			t.Errorf("unknown: %+v, %v", got, err)
		}
	})
}

func testPurge(t *testing.T, s *store.Store) {
	t.Helper()
	v, other := admit(t, s, "acme", "ann"), admit(t, s, "acme", "bob")
	ids := fill(t, s, v, 5) // numbers 1 to 5, a minute apart
	theirs := fill(t, s, other, 1)
	user, later := v.User.UUID, noon.Add(time.Hour)
	if _, err := s.MarkAllRead(t.Context(), user, 1, noon); err != nil { // number 6
		t.Fatal(err)
	}
	if _, err := s.SetArchived(t.Context(), user, ids[1:2], true, noon); err != nil { // number 7
		t.Fatal(err)
	}
	if _, err := s.MarkAllRead(t.Context(), user, 5, noon); err != nil { // number 8
		t.Fatal(err)
	}
	if _, err := s.SetRead(t.Context(), user, ids[2:], false, noon); err != nil { // number 9
		t.Fatal(err)
	}
	purge := func(minutes, limit, want int, unread int32, replayFrom, last int64) {
		t.Helper()
		n, err := s.Purge(t.Context(), noon.Add(time.Duration(minutes)*time.Minute), later, limit)
		box := inbox(t, s, v)
		if err != nil || n != want || box.UnreadCount != unread || box.ReplayFrom != replayFrom || box.LastSeq != last {
			t.Errorf("purge = %d, %v; inbox %+v", n, err, box)
		}
	}
	purge(0, 10, 0, 3, 0, 9)
	purge(2, 2, 2, 3, 1, 9) // ann's first, and bob's
	if box := inbox(t, s, other); box.UnreadCount != 0 || box.ReplayFrom != 1 || box.LastSeq != 2 {
		t.Errorf("the other inbox = %+v", box)
	}
	for _, gone := range [][]uuid.UUID{ids[:1], theirs} {
		for _, u := range []uuid.UUID{user, other.User.UUID} {
			if d, err := s.Deliveries(t.Context(), u, gone); err != nil || len(d) != 0 {
				t.Errorf("deliveries stayed: %v, %v", d, err)
			}
		}
	}
	purge(2, 10, 1, 3, 7, 9) // the archived one last changed with number 7
	got, err := s.Changes(t.Context(), user, 7, 1000)
	if err != nil || len(got.Marks) != 1 || got.Marks[0].Seq != 8 || len(got.Notifications) != 3 {
		t.Errorf("changes after 7 = %+v, %v", got, err)
	}
	if got, err := s.Changes(t.Context(), user, 6, 1000); err != nil || !got.TooFarBehind {
		t.Errorf("changes after 6 = %+v, %v", got, err)
	}
	purge(4, 10, 2, 1, 9, 10) // unread ones leave the count, and whoever follows is told
	got, err = s.Changes(t.Context(), user, 9, 1000)
	want := model.InboxChanges{
		Inbox: model.Inbox{UserID: user, LastSeq: 10, UnreadCount: 1, ReplayFrom: 9},
		Marks: []model.InboxMark{{UserID: user, Seq: 10, UpTo: 4, ReadAt: later}},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("changes after 9 %v (-want +got):\n%s", err, diff)
	}
	if rest, _ := page(t, s, model.InboxQuery{UserID: user, Limit: 9}); len(rest) != 1 || rest[0] != ids[4] {
		t.Errorf("left: %v", rest)
	}

	// Events follow a day later.
	event := plan(v.Workspace.UUID, "kept", 0)
	event.Event.UUID = idAt(noon)
	savePlan(t, s, event)
	for _, hours := range []int{0, 24, 25} {
		if _, err := s.Purge(t.Context(), noon.Add(time.Duration(hours)*time.Hour), later, 10); err != nil {
			t.Fatal(err)
		}
		if _, found, err := s.EventByKey(t.Context(), v.Workspace.UUID, "kept"); found != (hours < 25) || err != nil {
			t.Errorf("after %d hours the event is there: %v, %v", hours, found, err)
		}
	}
}

func testPurgesAtOnce(t *testing.T, s *store.Store) {
	t.Helper()
	users := crowd(t, s, "acme", 20)
	ws, _, err := s.WorkspaceByExternalID(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		p := plan(ws.UUID, uuid.NewString(), 0, users...)
		for j := range p.Notifications {
			p.Notifications[j].NotificationID = idAt(noon.Add(time.Duration(i) * time.Second))
		}
		savePlan(t, s, p)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for n := 30; n == 30; {
				var err error
				if n, err = s.Purge(t.Context(), noon.Add(time.Hour), noon, 30); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			if _, err := s.SavePlan(t.Context(), plan(ws.UUID, uuid.NewString(), 0, users...)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, user := range users {
		box, err := s.Inbox(t.Context(), user)
		left := databasePicture(t, s, user)
		if err != nil || int(box.UnreadCount) != len(left) || box.LastSeq < 14 {
			t.Errorf("inbox %+v with %d notifications, %v", box, len(left), err)
		}
	}
}
