package inbox

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/heffl/bff/internal/store"
	"github.com/heffl/bff/internal/store/storetest"
	"github.com/heffl/bff/model"
)

// shown are the ids of a page; it demands that nodes and edges are the same, and that PageInfo has their ends.
func shown(t interface {
	Helper()
	Fatalf(string, ...any)
}, page *model.NotificationConnection,
) []uuid.UUID {
	t.Helper()
	ids := make([]uuid.UUID, len(page.Nodes))
	for i := range page.Nodes {
		ids[i] = page.Nodes[i].UUID
		if page.Edges[i].Node.UUID != ids[i] {
			t.Fatalf("edge %d has another node", i)
		}
	}
	info, n := page.PageInfo, len(page.Edges)
	if n != len(ids) || (info.StartCursor != nil) != (n > 0) || (info.EndCursor != nil) != (n > 0) ||
		n > 0 && (*info.StartCursor != page.Edges[0].Cursor || *info.EndCursor != page.Edges[n-1].Cursor) {
		t.Fatalf("%d nodes, %d edges, %+v", len(ids), n, info)
	}
	return ids
}

// TestPage compares pages with any arguments, in both lists, with the Relay algorithm on a slice.
func TestPage(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		b := setup(t, s)
		var kept []uuid.UUID
		for i := range 12 {
			b.arrive(t, []string{"deal.won", "deal.lost", "lead.assigned"}[i%3])
			kept = append(kept, b.deliver(t, "deal.won", noon.Add(time.Duration(i)*time.Millisecond), outOfInbox))
		}
		theirs := storetest.Person(t, s, "acme", "bob")
		storetest.Save(t, s, storetest.Plan(b.in, "deal.won", noon, 0, theirs.User.UUID))
		lists := map[bool][]uuid.UUID{true: slices.Clone(b.ids), false: kept}
		cursors := map[bool][]string{}
		for inApp, list := range lists {
			slices.Reverse(list)
			all := b.page(t, model.PageArgs{First: new(int32(100)), Filter: &model.NotificationFilter{InApp: graphql.OmittableOf(&inApp)}})
			if diff := cmp.Diff(list, shown(t, all)); diff != "" {
				t.Fatalf("everything (-want +got):\n%s", diff)
			}
			for _, e := range all.Edges {
				cursors[inApp] = append(cursors[inApp], e.Cursor)
			}
		}
		rapid.Check(t, func(rt *rapid.T) {
			inApp := rapid.Bool().Draw(rt, "inApp")
			list := lists[inApp]
			args := model.PageArgs{Filter: &model.NotificationFilter{InApp: graphql.OmittableOf(&inApp)}}
			size := rapid.Int32Range(0, 14).Draw(rt, "size")
			backward := rapid.Bool().Draw(rt, "backward")
			if backward {
				args.Last = &size
			} else {
				args.First = &size
			}
			from, to := 0, len(list)
			if rapid.Bool().Draw(rt, "has after") {
				i := rapid.IntRange(0, len(list)-1).Draw(rt, "after")
				args.After, from = &cursors[inApp][i], i+1
			}
			if rapid.Bool().Draw(rt, "has before") {
				i := rapid.IntRange(0, len(list)-1).Draw(rt, "before")
				args.Before, to = &cursors[inApp][i], i
			}
			want, n := list[from:max(from, to)], int(size)
			older, newer := len(want) > n, args.After != nil
			if backward {
				older, newer = args.Before != nil, len(want) > n
				want = want[max(0, len(want)-n):]
			} else {
				want = want[:min(len(want), n)]
			}
			page, err := b.Page(t.Context(), b.user, args)
			if err != nil {
				rt.Fatal(err)
			}
			if got := shown(rt, page); !slices.Equal(got, want) || page.PageInfo.HasNextPage != older || page.PageInfo.HasPreviousPage != newer {
				rt.Fatalf("got %v, next %v, previous %v\nwant %v, %v, %v", got, page.PageInfo.HasNextPage, page.PageInfo.HasPreviousPage, want, older, newer)
			}
			args.OneWay = true
			if page, err = b.Page(t.Context(), b.user, args); err != nil || !slices.Equal(shown(rt, page), want) {
				rt.Fatalf("one way: %v, %v", page, err)
			}
		})
	})
}

// TestPageWhileRowsArrive walks down the list and up again while others write: going down nothing is repeated, left out
// or slipped in; going up finds exactly what came meanwhile.
func TestPageWhileRowsArrive(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		b := setup(t, s)
		b.arrive(t, some(60)...)
		first := b.page(t, model.PageArgs{First: new(int32(7))})
		var writers sync.WaitGroup
		begun := make(chan struct{}, 4)
		for range 4 {
			writers.Go(func() {
				for i := range 15 {
					if _, err := s.SavePlan(t.Context(), storetest.Plan(b.in, "deal.won", noon, 0, b.user)); err != nil {
						t.Error(err)
					}
					if i == 0 {
						begun <- struct{}{}
					}
				}
			})
		}
		<-begun
		down := shown(t, first)
		for page := first; page.PageInfo.HasNextPage; {
			page = b.page(t, model.PageArgs{First: new(int32(7)), After: page.PageInfo.EndCursor})
			if !page.PageInfo.HasPreviousPage {
				t.Error("nothing newer behind the first page")
			}
			down = append(down, shown(t, page)...)
		}
		want := slices.Clone(b.ids)
		slices.Reverse(want)
		if diff := cmp.Diff(want, down); diff != "" {
			t.Errorf("going down (-want +got):\n%s", diff)
		}

		var up []int64
		climb := func() {
			for top, more := first.PageInfo.StartCursor, true; more; {
				page := b.page(t, model.PageArgs{Last: new(int32(7)), Before: top})
				if !page.PageInfo.HasNextPage {
					t.Error("nothing older below a page further up")
				}
				for _, n := range slices.Backward(page.Nodes) {
					up = append(up, n.Seq)
				}
				if more = page.PageInfo.HasPreviousPage; page.PageInfo.StartCursor != nil {
					top, first.PageInfo.StartCursor = page.PageInfo.StartCursor, page.PageInfo.StartCursor
				}
			}
		}
		climb()
		writers.Wait()
		climb()
		for i, seq := range up {
			if seq != int64(61+i) {
				t.Fatalf("going up: %v", up)
			}
		}
		if len(up) != 60 {
			t.Errorf("going up found %d of 60", len(up))
		}
	})
}

func TestPageFilters(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		b := setup(t, s)
		ids := b.arrive(t, "deal.won", "deal.lost", "lead.assigned", "deal.won", "deal.lost", "lead.assigned")
		if _, _, err := b.SetRead(t.Context(), b.user, global(ids[:2]...), true); err != nil {
			t.Fatal(err)
		}
		if _, _, err := b.SetArchived(t.Context(), b.user, global(ids[1:3]...), true); err != nil {
			t.Fatal(err)
		}
		b.deliver(t, "deal.won", noon, outOfInbox)
		yes, no := graphql.OmittableOf(new(true)), graphql.OmittableOf(new(false))
		for name, c := range map[string]struct {
			filter *model.NotificationFilter
			want   []int
		}{
			"None":             {nil, []int{5, 4, 3, 0}},
			"NullsAreNone":     {&model.NotificationFilter{Read: graphql.OmittableOf[*bool](nil), EventTypes: graphql.OmittableOf[[]string](nil)}, []int{5, 4, 3, 0}},
			"Read":             {&model.NotificationFilter{Read: yes}, []int{0}},
			"Unread":           {&model.NotificationFilter{Read: no}, []int{5, 4, 3}},
			"Archived":         {&model.NotificationFilter{Archived: yes}, []int{2, 1}},
			"ArchivedUnread":   {&model.NotificationFilter{Archived: yes, Read: no}, []int{2}},
			"NotArchived":      {&model.NotificationFilter{Archived: no}, []int{5, 4, 3, 0}},
			"Types":            {&model.NotificationFilter{EventTypes: graphql.OmittableOf([]string{"deal.won", "deal.won", "lead.assigned"})}, []int{5, 3, 0}},
			"NoTypes":          {&model.NotificationFilter{EventTypes: graphql.OmittableOf([]string{})}, nil},
			"Category":         {&model.NotificationFilter{Categories: graphql.OmittableOf([]string{"DEALS"})}, []int{4, 3, 0}},
			"TypeAndCategory":  {&model.NotificationFilter{EventTypes: graphql.OmittableOf([]string{"lead.assigned"}), Categories: graphql.OmittableOf([]string{"DEALS"})}, nil},
			"CategoryArchived": {&model.NotificationFilter{Archived: yes, Categories: graphql.OmittableOf([]string{"DEALS"})}, []int{1}},
		} {
			want := make([]uuid.UUID, len(c.want))
			for i, at := range c.want {
				want[i] = ids[at]
			}
			page := b.page(t, model.PageArgs{Filter: c.filter})
			if got := shown(t, page); !slices.Equal(got, want) || page.PageInfo.HasNextPage || page.PageInfo.HasPreviousPage {
				t.Errorf("%s: %v, %+v, want %v", name, got, page.PageInfo, want)
			}
		}
		// A cursor stays good when what it stood at has left the list.
		unread := &model.NotificationFilter{Read: no}
		top := b.page(t, model.PageArgs{First: new(int32(1)), Filter: unread}).PageInfo.EndCursor
		for _, newer := range []bool{true, false} {
			page := b.page(t, model.PageArgs{First: new(int32(9)), After: top, Filter: unread})
			if got := shown(t, page); !slices.Equal(got, []uuid.UUID{ids[4], ids[3], ids[2]}[:len(got)]) || len(got) < 2 || page.PageInfo.HasPreviousPage != newer {
				t.Errorf("behind the newest unread one: %v, %+v, want something newer: %v", got, page.PageInfo, newer)
			}
			if _, _, err := b.SetRead(t.Context(), b.user, global(ids[5]), true); err != nil {
				t.Fatal(err)
			}
		}
		if page := b.page(t, model.PageArgs{First: new(int32(1))}); page.Nodes[0].URL != "https://app.test/deals/1" || page.Nodes[0].Category != "LEADS" {
			t.Errorf("not decorated: %+v", page.Nodes[0])
		}
	})
}

// TestPageBadInput shows that what makes no sense is told and not guessed at.
func TestPageBadInput(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		b := setup(t, s)
		b.arrive(t, some(3)...)
		b.deliver(t, "deal.won", noon, outOfInbox)
		inside := b.page(t, model.PageArgs{First: new(int32(1))}).PageInfo.EndCursor
		hidden := &model.NotificationFilter{InApp: graphql.OmittableOf(new(false))}
		outside := b.page(t, model.PageArgs{Filter: hidden}).PageInfo.EndCursor
		stream := new(string(b.inbox(t).Cursor))
		for name, args := range map[string]model.PageArgs{
			"Both":              {First: new(int32(1)), Last: new(int32(1))},
			"NegativeFirst":     {First: new(int32(-1))},
			"NegativeLast":      {Last: new(int32(-1))},
			"TooMany":           {First: new(int32(101))},
			"Rubbish":           {After: new("???")},
			"EmptyCursor":       {Before: new("")},
			"CursorOfTheStream": {After: stream},
			"OfTheOtherList":    {After: outside},
			"OfThisInThat":      {Before: inside, Filter: hidden},
			"UnknownType":       {Filter: &model.NotificationFilter{EventTypes: graphql.OmittableOf([]string{"deal.eaten"})}},
			"UnknownCategory":   {Filter: &model.NotificationFilter{Categories: graphql.OmittableOf([]string{"FISH"})}},
		} {
			_, err := b.Page(t.Context(), b.user, args)
			var known *model.Error
			if !errors.As(err, &known) || known.Code != model.CodeBadUserInput {
				t.Errorf("%s: %v, want BAD_USER_INPUT", name, err)
			}
		}
	})
}
