package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/heffl/bff/internal/store"
	"github.com/heffl/bff/model"
)

const inAppOff = model.Decision(1) // EVENT_OFF for IN_APP

// fill gives somebody n notifications, a minute apart, and answers their ids, oldest first.
func fill(tb testing.TB, s *store.Store, v model.Viewer, n int) []uuid.UUID {
	tb.Helper()
	ids := make([]uuid.UUID, n)
	for i := range ids {
		ids[i] = deliver(tb, s, v, "deal.won", 0, noon.Add(time.Duration(i)*time.Minute))
	}
	return ids
}

// deliver gives somebody one notification that was made at a time, its id as well.
func deliver(tb testing.TB, s *store.Store, v model.Viewer, eventType string, decision model.Decision, at model.Time) uuid.UUID {
	tb.Helper()
	p := plan(v.Workspace.UUID, uuid.NewString(), decision, v.User.UUID)
	p.Event.Type, p.Event.CreatedAt, p.Event.Title = eventType, at, "Event of "+at.String()
	p.Event.UUID = idAt(at)
	p.Notifications[0].NotificationID = idAt(at)
	savePlan(tb, s, p)
	return p.Notifications[0].NotificationID
}

// idAt is a new UUIDv7 of a time of our own choosing.
func idAt(at model.Time) uuid.UUID {
	id := model.NewID()
	ms := at.UnixMilli()
	for i := 5; i >= 0; i-- {
		id[i] = byte(ms)
		ms >>= 8
	}
	return id
}

// inbox reads somebody's inbox.
func inbox(tb testing.TB, s *store.Store, v model.Viewer) model.Inbox {
	tb.Helper()
	box, err := s.Inbox(tb.Context(), v.User.UUID)
	if err != nil {
		tb.Fatalf("inbox: %v", err)
	}
	return box
}

// page reads a page and answers the ids.
func page(tb testing.TB, s *store.Store, q model.InboxQuery) (ids []uuid.UUID, more bool) {
	tb.Helper()
	p, err := s.InboxPage(tb.Context(), q)
	if err != nil {
		tb.Fatalf("page: %v", err)
	}
	for i := range p.Notifications {
		ids = append(ids, p.Notifications[i].UUID)
	}
	return ids, p.More
}

func reversed(ids []uuid.UUID) []uuid.UUID {
	ids = slices.Clone(ids)
	slices.Reverse(ids)
	return ids
}

func runInbox(t *testing.T, open Open) {
	t.Helper()
	t.Run("somebody unknown has an empty inbox", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		id := model.NewID()
		box, err := s.Inbox(t.Context(), id)
		if diff := cmp.Diff(model.Inbox{UserID: id}, box); err != nil || diff != "" {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	})
	t.Run("a page shows notifications with their events", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		v := admit(t, s, "acme", "ann")
		id := deliver(t, s, v, "deal.won", model.Decision(0).Skip(model.ChannelCliq, model.SkipReasonNotConnected), noon)
		p, err := s.InboxPage(t.Context(), model.InboxQuery{UserID: v.User.UUID, Limit: 5})
		if err != nil || len(p.Notifications) != 1 || p.More {
			t.Fatalf("page = %+v, %v", p, err)
		}
		got := p.Notifications[0]
		want := model.Notification{
			UUID: id, UserID: v.User.UUID, EventID: got.EventID, Seq: 1, ChangedSeq: 1, CreatedAt: noon,
			Decision: model.Decision(0).Skip(model.ChannelCliq, model.SkipReasonNotConnected),
			Event: &model.Event{
				UUID: got.EventID, WorkspaceID: v.Workspace.UUID, Type: "deal.won", ActorID: "boss", ActorName: "The Boss",
				OccurredAt: noon.Add(-time.Minute), Title: "Event of " + noon.String(), Body: "It is won.", Path: "/deals/1",
				SubjectType: "deal", SubjectID: "1",
			},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("notification (-want +got):\n%s", diff)
		}
	})
	t.Run("pages in both directions", func(t *testing.T) { t.Parallel(); testPages(t, open(t)) })
	t.Run("filters", func(t *testing.T) { t.Parallel(); testFilters(t, open(t)) })
	t.Run("what is kept out of the inbox goes by creation", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		v := admit(t, s, "acme", "ann")
		var out []uuid.UUID
		for i := range 5 {
			out = append(out, deliver(t, s, v, "deal.won", inAppOff, noon.Add(time.Duration(i)*time.Second)))
			deliver(t, s, v, "deal.won", 0, noon.Add(time.Duration(i)*time.Second))
		}
		q := model.InboxQuery{UserID: v.User.UUID, Limit: 2, OutOfInbox: true}
		first, more := page(t, s, q)
		if !slices.Equal(first, []uuid.UUID{out[4], out[3]}) || !more {
			t.Errorf("first page = %v, %v", first, more)
		}
		q.After = &model.PagePosition{ID: first[1]}
		q.Limit = 5
		rest, more := page(t, s, q)
		if !slices.Equal(rest, []uuid.UUID{out[2], out[1], out[0]}) || more {
			t.Errorf("second page = %v, %v", rest, more)
		}
		if box := inbox(t, s, v); box.UnreadCount != 5 || box.LastSeq != 5 {
			t.Errorf("inbox = %+v", box)
		}
	})
	t.Run("page and count cost two statements", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		v := admit(t, s, "acme", "ann")
		fill(t, s, v, 3)
		ctx, statements := CountStatements(t.Context())
		if _, err := s.Inbox(ctx, v.User.UUID); err != nil {
			t.Fatal(err)
		}
		if _, err := s.InboxPage(ctx, model.InboxQuery{UserID: v.User.UUID, Limit: 20}); err != nil {
			t.Fatal(err)
		}
		if seen := statements.Seen(); len(seen) != 2 {
			t.Errorf("%d statements: %q", len(seen), seen)
		}
	})
	t.Run("by id, in the order asked, nobody else's", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		ann, eve := admit(t, s, "acme", "ann"), admit(t, s, "bolt", "eve")
		mine, theirs := fill(t, s, ann, 3), fill(t, s, eve, 1)
		got, err := s.NotificationsByID(t.Context(), ann.User.UUID, []uuid.UUID{mine[2], theirs[0], mine[0], model.NewID(), mine[2]})
		if err != nil || len(got) != 2 || got[0].UUID != mine[2] || got[1].UUID != mine[0] {
			t.Errorf("got %v, %v", got, err)
		}
		if got, err := s.NotificationsByID(t.Context(), ann.User.UUID, nil); err != nil || len(got) != 0 {
			t.Errorf("none asked: %v, %v", got, err)
		}
	})
	t.Run("positions that differ from what was seen", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		ann, gone, nobody := admit(t, s, "acme", "ann"), admit(t, s, "acme", "gone"), model.NewID()
		fill(t, s, ann, 2)
		leave := []model.SyncedUser{{WorkspaceID: "acme", ExternalID: "gone", Name: "Gone", Active: false}}
		if _, _, err := s.SyncUsers(t.Context(), nil, leave, noon); err != nil {
			t.Fatal(err)
		}
		seen := func(user uuid.UUID, seq, revision int64) model.InboxSeen {
			return model.InboxSeen{UserID: user, LastSeq: seq, ViewerRevision: revision}
		}
		followed := func(user uuid.UUID, seq, revision int64) model.InboxSeen {
			return model.InboxSeen{UserID: user, LastSeq: seq, ViewerRevision: revision, FollowsViewer: true}
		}
		anns := model.InboxPosition{UserID: ann.User.UUID, LastSeq: 2, UnreadCount: 2, Active: true}
		left := model.InboxPosition{UserID: gone.User.UUID, LastSeq: 1, ViewerRevision: 1}
		empty := model.InboxPosition{UserID: nobody, Active: true}
		for name, c := range map[string]struct {
			seen []model.InboxSeen
			want []model.InboxPosition
		}{
			"none asked":                {nil, nil},
			"all as seen":               {[]model.InboxSeen{seen(ann.User.UUID, 2, 0), seen(nobody, 0, 0)}, nil},
			"all as seen, followed":     {[]model.InboxSeen{followed(ann.User.UUID, 2, 0), followed(nobody, 0, 0)}, nil},
			"number is higher":          {[]model.InboxSeen{seen(ann.User.UUID, 1, 0), seen(nobody, 0, 0)}, []model.InboxPosition{anns}},
			"number is lower":           {[]model.InboxSeen{seen(ann.User.UUID, 3, 0)}, []model.InboxPosition{anns}},
			"revision is another":       {[]model.InboxSeen{followed(ann.User.UUID, 2, 1), followed(nobody, 0, 0)}, []model.InboxPosition{anns}},
			"nobody follows":            {[]model.InboxSeen{seen(ann.User.UUID, 2, 1), seen(nobody, 1, 1)}, []model.InboxPosition{empty}},
			"nothing seen":              {[]model.InboxSeen{seen(nobody, -1, 0)}, []model.InboxPosition{empty}},
			"no revision seen":          {[]model.InboxSeen{seen(nobody, 0, -1)}, []model.InboxPosition{empty}},
			"unknown, after a recovery": {[]model.InboxSeen{seen(nobody, 7, 0)}, []model.InboxPosition{empty}},
			"left since":                {[]model.InboxSeen{seen(gone.User.UUID, 0, 0), seen(ann.User.UUID, 2, 0)}, []model.InboxPosition{left}},
			"left before, followed":     {[]model.InboxSeen{followed(gone.User.UUID, 1, 1), seen(ann.User.UUID, 2, 0)}, []model.InboxPosition{left}},
		} {
			ctx, statements := CountStatements(t.Context())
			got, err := s.Positions(ctx, c.seen)
			if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
				t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
			}
			if n := len(statements.Seen()); c.want == nil && n != min(len(c.seen), 1) {
				t.Errorf("%s: %d statements to find nothing", name, n)
			}
		}
	})
	t.Run("of somebody who leaves", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		v := admit(t, s, "acme", "ann")
		fill(t, s, v, 3)
		before, err := s.Inbox(t.Context(), v.User.UUID)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time nobody leaves any more
			leave := []model.SyncedUser{{WorkspaceID: "acme", ExternalID: "ann", Name: "Ann", Active: false}}
			if _, _, err := s.SyncUsers(t.Context(), nil, leave, noon); err != nil {
				t.Fatal(err)
			}
			before.LastSeq = 4
			want := model.InboxChanges{Inbox: before, Left: true}
			if got, err := s.Changes(t.Context(), v.User.UUID, 3, 1000); err != nil || cmp.Diff(want, got) != "" {
				t.Errorf("%v (-want +got):\n%s", err, cmp.Diff(want, got))
			}
		}
	})
}

func testPages(t *testing.T, s *store.Store) {
	t.Helper()
	v := admit(t, s, "acme", "ann")
	ids := fill(t, s, v, 7)
	deliver(t, s, v, "deal.won", inAppOff, noon)
	fill(t, s, admit(t, s, "acme", "bob"), 3)
	newest := reversed(ids)
	at := func(seq int64) *model.PagePosition { return &model.PagePosition{Seq: seq} }
	for name, c := range map[string]struct {
		q    model.InboxQuery
		want []uuid.UUID
		more bool
	}{
		"first":              {model.InboxQuery{Limit: 3}, newest[:3], true},
		"all":                {model.InboxQuery{Limit: 7}, newest, false},
		"after":              {model.InboxQuery{Limit: 3, After: at(5)}, newest[3:6], true},
		"after the last":     {model.InboxQuery{Limit: 3, After: at(1)}, nil, false},
		"before":             {model.InboxQuery{Limit: 9, Before: at(5)}, newest[:2], false},
		"between":            {model.InboxQuery{Limit: 9, After: at(6), Before: at(2)}, newest[2:5], false},
		"last":               {model.InboxQuery{Limit: 2, Backward: true}, newest[5:], true},
		"last before":        {model.InboxQuery{Limit: 2, Backward: true, Before: at(4)}, newest[1:3], true},
		"last before, whole": {model.InboxQuery{Limit: 3, Backward: true, Before: at(4)}, newest[:3], false},
	} {
		c.q.UserID = v.User.UUID
		got, more := page(t, s, c.q)
		if !slices.Equal(got, c.want) || more != c.more {
			t.Errorf("%s = %v, more %v", name, got, more)
		}
	}
}

func testFilters(t *testing.T, s *store.Store) {
	t.Helper()
	v := admit(t, s, "acme", "ann")
	var ids []uuid.UUID
	for i := range 6 {
		ids = append(ids, deliver(t, s, v, []string{"deal.won", "deal.lost", "lead.new"}[i%3], 0, noon))
	}
	if _, err := s.SetRead(t.Context(), v.User.UUID, ids[:2], true, noon); err != nil {
		t.Fatal(err)
	}
	if _, err := s.SetArchived(t.Context(), v.User.UUID, ids[1:3], true, noon); err != nil {
		t.Fatal(err)
	}
	yes, no := true, false
	for name, c := range map[string]struct {
		q    model.InboxQuery
		want []int
	}{
		"read":           {model.InboxQuery{Read: &yes}, []int{1, 0}},
		"unread":         {model.InboxQuery{Read: &no}, []int{5, 4, 3, 2}},
		"archived":       {model.InboxQuery{Archived: &yes}, []int{2, 1}},
		"unread, kept":   {model.InboxQuery{Read: &no, Archived: &no}, []int{5, 4, 3}},
		"of two types":   {model.InboxQuery{EventTypes: []string{"deal.lost", "lead.new"}}, []int{5, 4, 2, 1}},
		"of no type":     {model.InboxQuery{EventTypes: []string{}}, nil},
		"unknown type":   {model.InboxQuery{EventTypes: []string{"'; --"}}, nil},
		"everything set": {model.InboxQuery{Read: &no, Archived: &no, EventTypes: []string{"deal.won"}, After: &model.PagePosition{Seq: 6}}, []int{3}},
	} {
		c.q.UserID, c.q.Limit = v.User.UUID, 10
		var want []uuid.UUID
		for _, i := range c.want {
			want = append(want, ids[i])
		}
		if got, more := page(t, s, c.q); !slices.Equal(got, want) || more {
			t.Errorf("%s = %v, more %v", name, got, more)
		}
	}
	if got := inbox(t, s, v).UnreadCount; got != 3 {
		t.Errorf("%d unread", got)
	}
}
