package bench

import (
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats-server/v2/server"

	"github.com/heffl/bff/internal/live"
	"github.com/heffl/bff/internal/store"
	"github.com/heffl/bff/model"
)

const (
	trickleSize = 10  // messages at once
	trickleRate = 100 // times a second
	// trickleTime is long enough for collections of garbage to have the part in it that they have in the long run: of three
	// seconds, one takes a fortieth or nothing.
	trickleTime = 20 // seconds
)

// messenger makes events and tells the subscribers of a program.
type messenger struct {
	world     *world
	store     *store.Store
	workspace uuid.UUID
	turn      int
	tell      func(event *model.Event, entries []model.InboxEntry)
}

// BenchmarkLive measures W5: ten thousand subscribers, each with a connection of its own. Events come from another
// replica, which this process is: they are committed first and told then, and it is from there that time is taken.
// The bare program is told the same by a connection of its own.
func BenchmarkLive(b *testing.B) {
	w := newWorld(b)
	var workspace uuid.UUID
	if err := w.db.QueryRow(b.Context(), `SELECT id FROM workspaces WHERE external_id = $1`, Workspace).Scan(&workspace); err != nil {
		b.Fatal(err)
	}
	s := w.open(b)
	natsURL := startNATS(b)
	hub, err := live.New(live.Config{
		URL: natsURL, Epoch: w.epoch, Store: s, Decorate: func(*model.Notification) {}, Logger: slog.New(slog.DiscardHandler), Now: time.Now,
	})
	if err != nil {
		b.Fatal(err)
	}
	if err := hub.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { hub.Stop(b.Context()) })

	var f figures
	for range runs() {
		bare := start(b, nil, bareBinary, "-data-dir", w.dataDir, "-database", "")
		m := &messenger{world: w, store: s, workspace: workspace, turn: f.turn, tell: hints(b, bare.address)}
		f.bare.add(b, m, bare)
		f.turn = m.turn

		server := start(b, []string{
			"HEFFL_ADDR=127.0.0.1:0", "HEFFL_DATA_DIR=" + w.dataDir, "HEFFL_DATABASE_URL=" + w.url, "HEFFL_APP_URL=" + AppURL,
			"HEFFL_LOG_LEVEL=warn", "HEFFL_NATS_URL=" + natsURL,
		}, serverBinary)
		m.turn, m.tell = f.turn, func(event *model.Event, entries []model.InboxEntry) { hub.Arrived(b.Context(), event, entries) }
		f.server.add(b, m, server)
		f.turn = m.turn
	}
	compare(b, "W5 burst to 10,000 subscribers", "messages/s", "≥ 0.35, target 0.60", f.bare.burst, f.server.burst)
	compareLess("W5 trickle of 1,000 a second, p50", "ms", "", f.bare.p50, f.server.p50)
	compareLess("W5 trickle of 1,000 a second, p99", "ms", "≤ ×3, target ×1.5", f.bare.p99, f.server.p99)
	compareLess("W5 memory per idle subscriber", "KiB", "≤ 25, target 10", f.bare.memory, f.server.memory)
	compareLess("W5 goroutines per idle subscriber", "", "≤ 2, target 1", f.bare.goroutines, f.server.goroutines)
}

type figures struct {
	bare, server programFigures
	turn         int
}

// programFigures is what was measured of one program, a value a run.
type programFigures struct{ burst, p50, p99, memory, goroutines []float64 }

func (f *programFigures) add(b *testing.B, m *messenger, p *process) {
	b.Helper()
	before, _ := p.memory(b)
	a := m.world.subscribe(b, p.address)
	time.Sleep(3 * time.Second)
	idle, _ := p.memory(b)

	var n int64
	burst := func() float64 {
		event, entries := m.commit(b, 0, people)
		begin := time.Now()
		m.tell(event, entries)
		n += int64(len(entries))
		a.await(b, n)
		return float64(len(entries)) / time.Since(begin).Seconds()
	}
	burst()
	var rates []float64
	for range 5 {
		rates = append(rates, burst())
	}
	f.burst = append(f.burst, median(rates))

	time.Sleep(500 * time.Millisecond)
	a.measuring.Store(true)
	tick := time.NewTicker(time.Second / trickleRate)
	for i := range trickleTime * trickleRate {
		<-tick.C
		event, entries := m.commit(b, i*trickleSize%people, trickleSize)
		now := time.Since(started)
		for j := range trickleSize {
			a.sent[(i*trickleSize+j)%people].Store(int64(now))
		}
		m.tell(event, entries)
		n += trickleSize
	}
	tick.Stop()
	a.await(b, n)
	a.mu.Lock()
	slices.Sort(a.latencies)
	f.p50 = append(f.p50, milliseconds(a.latencies[len(a.latencies)/2]))
	f.p99 = append(f.p99, milliseconds(a.latencies[len(a.latencies)*99/100]))
	a.mu.Unlock()
	a.check(b)
	// Between its collections the server may grow while it has little to do.
	later, _ := p.memory(b)
	f.memory = append(f.memory, (max(idle, later)-before)*1024/people)
	a.closed.Store(true)
	f.goroutines = append(f.goroutines, float64(p.goroutines(b))/people)
	a.leave()
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// commit stores an event to some people, in the order of their numbers.
func (m *messenger) commit(b *testing.B, from, count int) (*model.Event, []model.InboxEntry) {
	b.Helper()
	m.turn++
	now := model.NewTime(time.Now())
	inAppOnly := model.Decision(0).Skip(model.ChannelEmail, model.SkipReasonEventOff).Skip(model.ChannelCliq, model.SkipReasonEventOff)
	plan := model.Plan{Event: model.Event{
		UUID: model.NewID(), WorkspaceID: m.workspace, Type: EventType, ActorID: "u_boss", ActorName: "The Boss", Data: model.JSONObject{},
		IdempotencyKey: fmt.Sprint("W5-", m.turn), ContentHash: slices.Repeat([]byte{1}, 32), OccurredAt: now, CreatedAt: now,
		Title: "Deal " + strconv.Itoa(m.turn) + " was won by the Northwind team", Body: "Worth 12,400.00 EUR.", Path: "/deals/7", Notified: int32(count),
	}}
	for i := range count {
		plan.Notifications = append(plan.Notifications, model.PlannedNotification{
			NotificationID: model.NewID(), UserID: UserID((from + i) % people), Decision: inAppOnly,
		})
	}
	saved, err := m.store.SavePlan(b.Context(), plan)
	if err != nil || len(saved.Entries) != count {
		b.Fatalf("%d entries: %v", len(saved.Entries), err)
	}
	return &saved.Event, saved.Entries
}

// hints tells the bare program.
func hints(b *testing.B, address string) func(*model.Event, []model.InboxEntry) {
	b.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close() })
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", HintPath); err != nil {
		b.Fatal(err)
	}
	numbers := make(map[uuid.UUID]uint32, people)
	for i := range people {
		numbers[UserID(i)] = uint32(i)
	}
	return func(e *model.Event, entries []model.InboxEntry) {
		list := make([]Hint, len(entries))
		for i, entry := range entries {
			list[i] = Hint{Number: numbers[entry.UserID], Unread: uint32(entry.UnreadCount), Seq: entry.Seq, Notification: entry.NotificationID}
		}
		content := fmt.Sprintf(`"eventType":%q,"title":%q,"url":%q,"createdAt":%q`, e.Type, e.Title, AppURL+e.Path, e.CreatedAt.String())
		if _, err := conn.Write(AppendHints(nil, []byte(content), list)); err != nil {
			b.Error(err)
		}
	}
}

// startNATS runs a NATS server on loopback.
func startNATS(b *testing.B) string {
	b.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true})
	if err != nil {
		b.Fatal(err)
	}
	s.Start()
	b.Cleanup(s.Shutdown)
	if !s.ReadyForConnections(10 * time.Second) {
		b.Fatal("NATS does not start")
	}
	return s.ClientURL()
}
