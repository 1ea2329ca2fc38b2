package inbox

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/heffl/bff/internal/catalog"
	"github.com/heffl/bff/internal/store"
	"github.com/heffl/bff/internal/store/storetest"
	"github.com/heffl/bff/model"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// noon is when tests happen.
var noon = model.NewTime(time.Date(2026, 11, 22, 12, 0, 0, 123_000_000, time.UTC))

const outOfInbox = model.Decision(1) // EVENT_OFF for IN_APP

// knownEvents is the catalog as the service asks it.
type knownEvents struct{ *catalog.Catalog }

func (k knownEvents) EventMeta(eventType string) (category string, importance model.Importance, ok bool) {
	et, ok := k.Event(eventType)
	if !ok {
		return "", "", false
	}
	return et.Category, et.Importance, true
}

// heard keeps what the other devices were told.
type heard struct {
	mu      sync.Mutex
	changed []int64
	counts  []int32
	marks   []model.InboxMark
}

func (h *heard) Changed(_ context.Context, inbox model.Inbox, seq int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.changed, h.counts = append(h.changed, seq), append(h.counts, inbox.UnreadCount)
}

func (h *heard) Marked(_ context.Context, inbox model.Inbox, mark model.InboxMark) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.marks, h.counts = append(h.marks, mark), append(h.counts, inbox.UnreadCount)
}

// bundle is a service over a real database, with somebody in it.
type bundle struct {
	*Service
	store *store.Store
	heard *heard
	user  uuid.UUID
	in    uuid.UUID // the workspace
	ids   []uuid.UUID
}

func setup(t *testing.T, s *store.Store) *bundle {
	t.Helper()
	events, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	v := storetest.Person(t, s, "acme", "ann")
	b := &bundle{store: s, heard: &heard{}, user: v.User.UUID, in: v.Workspace.UUID}
	b.Service, err = New(Config{
		Store: s, Publisher: b.heard, Catalog: knownEvents{events}, Epoch: s.Epoch(), AppURL: "https://app.test/",
		Now: noon.Std,
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// arrive gives the person one notification of each type and answers the ids, oldest first.
func (b *bundle) arrive(t *testing.T, types ...string) []uuid.UUID {
	t.Helper()
	ids := make([]uuid.UUID, len(types))
	for i, eventType := range types {
		ids[i] = b.deliver(t, eventType, noon, 0)
	}
	b.ids = append(b.ids, ids...)
	return ids
}

func (b *bundle) deliver(t *testing.T, eventType string, at model.Time, decision model.Decision) uuid.UUID {
	t.Helper()
	p := storetest.Plan(b.in, eventType, at, decision, b.user)
	storetest.Save(t, b.store, p)
	return p.Notifications[0].NotificationID
}

// some is so many times the same type.
func some(n int) []string {
	types := make([]string, n)
	for i := range types {
		types[i] = "deal.won"
	}
	return types
}

// global are ids as the API shows them.
func global(ids ...uuid.UUID) []string {
	all := make([]string, len(ids))
	for i, id := range ids {
		all[i] = model.GlobalID(model.KindNotification, id)
	}
	return all
}

func (b *bundle) inbox(t *testing.T) *model.Inbox {
	t.Helper()
	inbox, err := b.Inbox(t.Context(), b.user)
	if err != nil {
		t.Fatal(err)
	}
	return inbox
}

func (b *bundle) page(t *testing.T, args model.PageArgs) *model.NotificationConnection {
	t.Helper()
	page, err := b.Page(t.Context(), b.user, args)
	if err != nil {
		t.Fatal(err)
	}
	return page
}
