package inbox

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/heffl/bff/internal/store"
	"github.com/heffl/bff/internal/store/storetest"
	"github.com/heffl/bff/model"
)

// unread counts what is in the inbox, not read and not archived, from the rows.
func (b *bundle) unread(t *testing.T) (n int32) {
	t.Helper()
	page, err := b.store.InboxPage(t.Context(), model.InboxQuery{UserID: b.user, Limit: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	for i := range page.Notifications {
		if page.Notifications[i].ReadAt == nil && page.Notifications[i].ArchivedAt == nil {
			n++
		}
	}
	return n
}

// TestChange shows that read, unread, archived and taken back keep the count exact, that each change is told once, and
// that what changes nothing is told to nobody.
func TestChange(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		b := setup(t, s)
		ids := b.arrive(t, some(5)...)
		told := 0
		step := func(what string, do func() (model.InboxResult, []model.UserError, error), want int32, news bool) {
			t.Helper()
			result, problems, err := do()
			if err != nil || len(problems) > 0 {
				t.Fatalf("%s: %v, %v", what, problems, err)
			}
			if news {
				told++
			}
			if result.Inbox.UnreadCount != want || b.unread(t) != want || b.inbox(t).UnreadCount != want {
				t.Errorf("%s: %d unread, the rows say %d, want %d", what, result.Inbox.UnreadCount, b.unread(t), want)
			}
			if seq, ok := result.Inbox.Cursor.Position(s.Epoch(), b.user); !ok || seq != int64(5+told) || result.Inbox.Cursor != b.inbox(t).Cursor {
				t.Errorf("%s: the cursor is at %d", what, seq)
			}
			if len(b.heard.changed) != told || told > 0 && (b.heard.changed[told-1] != int64(5+told) || b.heard.counts[told-1] != want) {
				t.Errorf("%s: told %v with %v", what, b.heard.changed, b.heard.counts)
			}
		}
		change := func(do func([]string) (model.InboxResult, []model.UserError, error), of ...uuid.UUID) func() (model.InboxResult, []model.UserError, error) {
			return func() (model.InboxResult, []model.UserError, error) { return do(global(of...)) }
		}
		read := func(ids []string) (model.InboxResult, []model.UserError, error) {
			return b.SetRead(t.Context(), b.user, ids, true)
		}
		unread := func(ids []string) (model.InboxResult, []model.UserError, error) {
			return b.SetRead(t.Context(), b.user, ids, false)
		}
		archive := func(ids []string) (model.InboxResult, []model.UserError, error) {
			return b.SetArchived(t.Context(), b.user, ids, true)
		}
		restore := func(ids []string) (model.InboxResult, []model.UserError, error) {
			return b.SetArchived(t.Context(), b.user, ids, false)
		}
		step("read two", change(read, ids[0], ids[1]), 3, true)
		step("read them again", change(read, ids[0], ids[1]), 3, false)
		step("read one of them and another", change(read, ids[1], ids[2]), 2, true)
		step("archive a read and an unread one", change(archive, ids[0], ids[3]), 1, true)
		step("read the archived one", change(read, ids[3]), 1, true)
		step("unread all", change(unread, ids...), 3, true)
		step("archive all", change(archive, ids...), 0, true)
		step("take all back", change(restore, ids...), 5, true)
		step("nothing at all", change(read), 5, false)
	})
}

// TestChangeOfWhatIsNotThere shows that one wrong id spoils nothing, and that what is missing, malformed or
// somebody else's looks the same.
func TestChangeOfWhatIsNotThere(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		b := setup(t, s)
		ids := b.arrive(t, some(2)...)
		kept := b.deliver(t, "deal.won", noon, outOfInbox)
		other := storetest.Person(t, s, "acme", "bob")
		p := storetest.Plan(b.in, "deal.won", noon, 0, other.User.UUID)
		storetest.Save(t, s, p)
		foreign := p.Notifications[0].NotificationID
		asked := []string{
			global(ids[1])[0], "rubbish", global(foreign)[0], global(ids[0])[0], model.GlobalID(model.KindInbox, ids[0]),
			global(model.NewID())[0], global(ids[1])[0], "", global(kept)[0],
		}
		result, problems, err := b.SetRead(t.Context(), b.user, asked, true)
		if err != nil || result.Inbox.UnreadCount != 0 {
			t.Fatalf("%+v, %v", result.Inbox, err)
		}
		var at []string
		for _, p := range problems {
			at = append(at, strings.Join(p.Field, "."))
			if p.Code != model.UserErrorCodeNotFound || p.Message != problems[0].Message {
				t.Errorf("%v: %s %q", p.Field, p.Code, p.Message)
			}
		}
		if diff := cmp.Diff([]string{"input.ids.1", "input.ids.2", "input.ids.4", "input.ids.5", "input.ids.7"}, at); diff != "" {
			t.Errorf("problems (-want +got):\n%s", diff)
		}
		var got []uuid.UUID
		for i := range result.Notifications {
			got = append(got, result.Notifications[i].UUID)
			if result.Notifications[i].URL == "" {
				t.Error("not decorated")
			}
		}
		if diff := cmp.Diff([]uuid.UUID{ids[1], ids[0], kept}, got); diff != "" {
			t.Errorf("notifications (-want +got):\n%s", diff)
		}
		if box, err := s.Inbox(t.Context(), other.User.UUID); err != nil || box.UnreadCount != 1 || box.LastSeq != 1 {
			t.Errorf("the other inbox = %+v, %v", box, err)
		}

		many := slices.Repeat([]string{"x"}, maxIDs+1)
		result, problems, err = b.SetArchived(t.Context(), b.user, many, true)
		if err != nil || len(problems) != 1 || problems[0].Code != model.UserErrorCodeTooMany || result.Inbox != *b.inbox(t) {
			t.Errorf("too many: %+v, %v, %v", result, problems, err)
		}
	})
}

// TestMarkAllRead shows that everything up to a cursor is read by one statement with one entry of the stream, whatever the
// size, and that nothing which came later is touched.
func TestMarkAllRead(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		b := setup(t, s)
		var statements []int
		for i, size := range []int{1, 10, 300} {
			b.arrive(t, some(size)...)
			upTo := b.inbox(t).Cursor
			later := b.arrive(t, some(3)...)
			ctx, counted := storetest.CountStatements(t.Context())
			result, problems, err := b.MarkAllRead(ctx, b.user, upTo)
			if err != nil || len(problems) > 0 {
				t.Fatal(problems, err)
			}
			statements = append(statements, len(counted.Seen()))
			want := int32(size)
			if i > 0 {
				want += 3 // what came after the last cursor
			}
			if result.Changed != want || result.UpTo != upTo || !result.ReadAt.Equal(noon) || result.Inbox.UnreadCount != 3 || b.unread(t) != 3 {
				t.Errorf("of %d: %+v", size, result)
			}
			after, _ := upTo.Position(s.Epoch(), b.user)
			changes, err := s.Changes(t.Context(), b.user, after, 1000)
			if err != nil || len(changes.Marks) != 1 || len(changes.Notifications) != 3 {
				t.Fatalf("of %d: %d marks, %d notifications, %v", size, len(changes.Marks), len(changes.Notifications), err)
			}
			for j, n := range changes.Notifications {
				if n.UUID != later[j] || n.ReadAt != nil {
					t.Errorf("what came later was touched: %+v", n)
				}
			}
			if mark := changes.Marks[0]; len(b.heard.marks) != i+1 || b.heard.marks[i] != mark || mark.UpTo != after || b.heard.counts[i] != 3 {
				t.Errorf("told %+v, the stream has %+v", b.heard.marks, mark)
			}
		}
		if statements[0] != statements[2] || statements[1] != statements[2] {
			t.Errorf("statements by size: %v", statements)
		}
		t.Logf("%d statements for 1, 13 and 303 notifications", statements[0])
	})
}

// TestMarkAllReadEdges shows what happens with cursors that are of no use, and where nothing is unread.
func TestMarkAllReadEdges(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		b := setup(t, s)
		b.arrive(t, some(3)...)
		other := storetest.Person(t, s, "acme", "bob")
		for name, cursor := range map[string]model.Cursor{
			"Rubbish":       "rubbish",
			"Empty":         "",
			"Future":        model.NewCursor(s.Epoch(), b.user, 4),
			"AnotherPerson": model.NewCursor(s.Epoch(), other.User.UUID, 2),
			"AnotherEpoch":  model.NewCursor(model.Epoch{1}, b.user, 2),
		} {
			result, problems, err := b.MarkAllRead(t.Context(), b.user, cursor)
			if err != nil || len(problems) != 1 || problems[0].Code != model.UserErrorCodeInvalidCursor || problems[0].Field[1] != "upTo" {
				t.Errorf("%s: %v, %v", name, problems, err)
			}
			if result.Changed != 0 || result.Inbox.UnreadCount != 3 || result.UpTo != b.inbox(t).Cursor {
				t.Errorf("%s: %+v", name, result)
			}
		}
		before := model.NewCursor(s.Epoch(), b.user, 0)
		result, problems, err := b.MarkAllRead(t.Context(), b.user, before)
		if err != nil || len(problems) > 0 || result.Changed != 0 || result.ReadAt != nil || result.Inbox.LastSeq != 3 || len(b.heard.marks) != 0 {
			t.Errorf("nothing to read: %+v, %v, %v, told %v", result, problems, err, b.heard.marks)
		}
	})
}

// TestOutcomes shows what is said of every channel, and that one answer costs one statement for all of it.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		b := setup(t, s)
		b.deliver(t, "deal.won", noon, model.Decision(0).Skip(model.ChannelCliq, model.SkipReasonNotConnected))
		b.deliver(t, "deal.won", noon.Add(time.Millisecond), model.Decision(0).Skip(model.ChannelEmail, model.SkipReasonEventOff))
		page := b.page(t, model.PageArgs{})
		ctx, counted := storetest.CountStatements(t.Context())
		says := func(n *model.Notification) string {
			t.Helper()
			outcomes, err := b.Outcomes(ctx, n)
			if err != nil {
				t.Fatal(err)
			}
			var all strings.Builder
			for i, o := range outcomes {
				if o.Channel != model.Channels[i] {
					t.Errorf("place %d has %s", i, o.Channel)
				}
				all.WriteString(string(o.Status))
				if o.Reason != nil {
					all.WriteString(" " + string(*o.Reason))
				}
				all.WriteString(" " + strconv.FormatBool(o.NextAttemptAt != nil) + strconv.FormatBool(o.FinishedAt != nil) + "; ")
			}
			return all.String()
		}
		want := []string{
			"SENT falsetrue; SKIPPED EVENT_OFF falsefalse; QUEUED truefalse; ",
			"SENT falsetrue; QUEUED truefalse; SKIPPED NOT_CONNECTED falsefalse; ",
		}
		for i := range page.Nodes {
			if got := says(&page.Nodes[i]); got != want[i] {
				t.Errorf("%d: %s, want %s", i, got, want[i])
			}
		}
		if seen := counted.Seen(); len(seen) != 1 {
			t.Errorf("%d statements for one answer: %q", len(seen), seen)
		}
		// By a live message comes only the id: what was decided is read from the database.
		alone := model.Notification{UUID: page.Nodes[0].UUID, UserID: b.user, CreatedAt: page.Nodes[0].CreatedAt, Event: page.Nodes[0].Event}
		if got := says(&alone); got != want[0] {
			t.Errorf("alone: %s", got)
		}
	})
}
