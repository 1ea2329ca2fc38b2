package storetest

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/heffl/bff/internal/store"
	"github.com/heffl/bff/model"
)

func runInboxChange(t *testing.T, open Open) {
	t.Helper()
	t.Run("read and unread", func(t *testing.T) { t.Parallel(); testRead(t, open(t)) })
	t.Run("archived ones do not count", func(t *testing.T) { t.Parallel(); testArchive(t, open(t)) })
	t.Run("all read up to a position", func(t *testing.T) { t.Parallel(); testMarkAll(t, open(t)) })
	t.Run("the count is exact whatever happens at once", func(t *testing.T) { t.Parallel(); testCountUnderLoad(t, open(t)) })
}

func testRead(t *testing.T, s *store.Store) {
	t.Helper()
	v := admit(t, s, "acme", "ann")
	ids := fill(t, s, v, 4)
	out := deliver(t, s, v, "deal.won", inAppOff, noon)
	foreign := fill(t, s, admit(t, s, "acme", "bob"), 1)[0]
	unknown := model.NewID()
	at := noon.Add(time.Hour)

	got, err := s.SetRead(t.Context(), v.User.UUID, []uuid.UUID{ids[2], unknown, ids[0], foreign, ids[2], out, unknown}, true, at)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(model.Inbox{UserID: v.User.UUID, LastSeq: 5, UnreadCount: 2}, got.Inbox); diff != "" || got.Seq != 5 {
		t.Errorf("seq %d, inbox (-want +got):\n%s", got.Seq, diff)
	}
	if !slices.Equal(got.Changed, []uuid.UUID{ids[2], ids[0]}) || !slices.Equal(got.Missing, []uuid.UUID{unknown, foreign}) {
		t.Errorf("changed %v, missing %v", got.Changed, got.Missing)
	}
	if n := got.Notifications; len(n) != 3 || n[0].UUID != ids[2] || n[1].UUID != ids[0] || n[2].UUID != out ||
		n[0].ReadAt == nil || !n[0].ReadAt.Equal(at) || n[0].ChangedSeq != 5 || n[0].Seq != 3 || n[2].ReadAt != nil {
		t.Errorf("notifications = %+v", n)
	}

	again, err := s.SetRead(t.Context(), v.User.UUID, []uuid.UUID{ids[0], out}, true, at.Add(time.Hour))
	if err != nil || again.Seq != 0 || len(again.Changed) != 0 || again.Inbox.LastSeq != 5 {
		t.Errorf("again = %+v, %v", again, err)
	}
	if n := again.Notifications; len(n) != 2 || !n[0].ReadAt.Equal(at) {
		t.Errorf("the time moved: %+v", n)
	}
	back, err := s.SetRead(t.Context(), v.User.UUID, ids, false, at)
	if err != nil || back.Seq != 6 || back.Inbox.UnreadCount != 4 || !slices.Equal(back.Changed, []uuid.UUID{ids[0], ids[2]}) {
		t.Errorf("back = %+v, %v", back, err)
	}
	nobody, err := s.SetRead(t.Context(), model.NewID(), ids[:1], true, at)
	if err != nil || nobody.Seq != 0 || !slices.Equal(nobody.Missing, ids[:1]) {
		t.Errorf("nobody = %+v, %v", nobody, err)
	}
	if box := inbox(t, s, v); box != back.Inbox {
		t.Errorf("inbox = %+v, was told %+v", box, back.Inbox)
	}
}

func testArchive(t *testing.T, s *store.Store) {
	t.Helper()
	v := admit(t, s, "acme", "ann")
	ids := fill(t, s, v, 3)
	step := func(name string, unread int32, changed int, do func() (model.InboxUpdate, error)) {
		t.Helper()
		got, err := do()
		if err != nil || got.Inbox.UnreadCount != unread || len(got.Changed) != changed || inbox(t, s, v) != got.Inbox {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	ctx, user := t.Context(), v.User.UUID
	step("archive an unread one", 2, 1, func() (model.InboxUpdate, error) { return s.SetArchived(ctx, user, ids[:1], true, noon) })
	step("read it", 2, 1, func() (model.InboxUpdate, error) { return s.SetRead(ctx, user, ids[:1], true, noon) })
	step("unread it", 2, 1, func() (model.InboxUpdate, error) { return s.SetRead(ctx, user, ids[:1], false, noon) })
	step("take it back", 3, 1, func() (model.InboxUpdate, error) { return s.SetArchived(ctx, user, ids[:1], false, noon) })
	step("read two", 1, 2, func() (model.InboxUpdate, error) { return s.SetRead(ctx, user, ids[:2], true, noon) })
	step("archive all", 0, 3, func() (model.InboxUpdate, error) { return s.SetArchived(ctx, user, ids, true, noon) })
	step("archive all again", 0, 0, func() (model.InboxUpdate, error) { return s.SetArchived(ctx, user, ids, true, noon) })
}

func testMarkAll(t *testing.T, s *store.Store) {
	t.Helper()
	v := admit(t, s, "acme", "ann")
	ids := fill(t, s, v, 5)
	if _, err := s.SetArchived(t.Context(), v.User.UUID, ids[1:2], true, noon); err != nil { // number 6
		t.Fatal(err)
	}
	at := noon.Add(time.Hour)
	got, err := s.MarkAllRead(t.Context(), v.User.UUID, 3, at)
	want := model.InboxMarkResult{
		Inbox: model.Inbox{UserID: v.User.UUID, LastSeq: 7, UnreadCount: 2}, Seq: 7, UpTo: 3, ReadAt: at, Changed: 3,
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	rows, err := s.NotificationsByID(t.Context(), v.User.UUID, ids)
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range rows {
		stamp := n.Seq
		if i == 1 {
			stamp = 6
		}
		if (n.ReadAt != nil) != (i < 3) || n.ChangedSeq != stamp {
			t.Errorf("notification %d: read at %v, changed %d", i, n.ReadAt, n.ChangedSeq)
		}
	}
	again, err := s.MarkAllRead(t.Context(), v.User.UUID, 3, at.Add(time.Hour))
	want = model.InboxMarkResult{Inbox: got.Inbox, UpTo: 3}
	if diff := cmp.Diff(want, again); err != nil || diff != "" {
		t.Errorf("again %v (-want +got):\n%s", err, diff)
	}
	if all, err := s.MarkAllRead(t.Context(), v.User.UUID, 1<<40, at); err != nil || all.UpTo != 7 || all.Changed != 2 || all.Inbox.UnreadCount != 0 {
		t.Errorf("everything = %+v, %v", all, err)
	}
	if nobody, err := s.MarkAllRead(t.Context(), model.NewID(), 3, at); err != nil || nobody.Changed != 0 {
		t.Errorf("nobody = %+v, %v", nobody, err)
	}
}

// testCountUnderLoad changes one inbox in every way at once. In the end the count is that of the rows, and so is the
// picture of somebody who followed.
func testCountUnderLoad(t *testing.T, s *store.Store) {
	t.Helper()
	v := admit(t, s, "acme", "ann")
	ids := fill(t, s, v, 12)
	user := v.User.UUID
	var wg sync.WaitGroup
	var done atomic.Bool
	for w := range 8 {
		wg.Go(func() {
			for i := range 15 {
				some := []uuid.UUID{ids[(w+i)%12], ids[(w*5+i*7)%12], ids[(w*3+i)%12]}
				var err error
				switch (w + i) % 5 {
				case 0:
					_, err = s.SetRead(t.Context(), user, some, true, noon.Add(time.Duration(i)*time.Second))
				case 1:
					_, err = s.SetRead(t.Context(), user, some, false, noon)
				case 2:
					_, err = s.SetArchived(t.Context(), user, some, i%2 == 0, noon)
				case 3:
					_, err = s.MarkAllRead(t.Context(), user, int64(3+i%9), noon.Add(time.Duration(w)*time.Hour))
				default:
					_, err = s.SavePlan(t.Context(), plan(v.Workspace.UUID, uuid.NewString(), 0, user))
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	go func() { wg.Wait(); done.Store(true) }()

	seen, after := newPicture(), int64(0)
	for last := false; !last; {
		last = done.Load()
		got, err := s.Changes(t.Context(), user, after, 1000)
		if err != nil || got.TooFarBehind {
			t.Fatalf("changes after %d: %+v, %v", after, got, err)
		}
		seen.apply(t, &got, after)
		after = got.Inbox.LastSeq
		if unread := seen.unread(); unread != got.Inbox.UnreadCount {
			t.Fatalf("at %d the reader counts %d, the inbox %d", after, unread, got.Inbox.UnreadCount)
		}
	}
	if diff := cmp.Diff(databasePicture(t, s, user), seen); diff != "" {
		t.Errorf("the reader's picture (-database +reader):\n%s", diff)
	}
}
