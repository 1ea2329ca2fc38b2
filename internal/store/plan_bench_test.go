package store

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/heffl/bff/internal/testkit"
	"github.com/heffl/bff/model"
)

// The fan-out that the benchmarks measure: an event to a thousand of ten thousand people, every channel delivering.
const (
	benchPeople     = 10_000
	benchRecipients = 1_000
)

// BenchmarkSavePlan1000 measures SavePlan on a server with PostgreSQL's own settings, beside the same statement sent
// by pgx alone: the difference is what gorm and database/sql cost.
func BenchmarkSavePlan1000(b *testing.B) {
	b.Run("store", func(b *testing.B) {
		s, workspace, users := benchStore(b)
		perNotification(b, func(i int) {
			if _, err := s.SavePlan(b.Context(), benchPlan(workspace, users, i)); err != nil {
				b.Fatal(err)
			}
		})
	})
	b.Run("bare", func(b *testing.B) {
		url := testkit.DurablePostgres(b)
		_, workspace, users := benchStoreAt(b, url)
		c, err := pgx.Connect(b.Context(), url)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = c.Close(b.Context()) })
		perNotification(b, func(i int) {
			p := benchPlan(workspace, users, i)
			list, err := newPlanList(p.Notifications)
			if err != nil {
				b.Fatal(err)
			}
			values := append(eventValues(&p.Event), uuidArray(list.ids), uuidArray(list.users), list.decisions, list.inInbox)
			args, err := bindAll(postgresDialect{}, values)
			if err != nil {
				b.Fatal(err)
			}
			var stored bool
			var places, seqs, unread []int64
			if err := c.QueryRow(b.Context(), savePlanPostgres, args...).Scan(&stored, &places, &seqs, &unread); err != nil || !stored {
				b.Fatal(stored, err)
			}
		})
	})
}

// BenchmarkAudience1000 measures the look-up that comes before it.
func BenchmarkAudience1000(b *testing.B) {
	s, workspace, _ := benchStore(b)
	names := make([]string, benchRecipients)
	i := 0
	for b.Loop() {
		for j := range names {
			names[j] = fmt.Sprintf("user-%05d", (i*benchRecipients+j*7)%benchPeople)
		}
		i++
		if audience, err := s.Audience(b.Context(), workspace, "deal.won", names, model.NewTime(time.Now())); err != nil || len(audience.Recipients) != benchRecipients {
			b.Fatal(len(audience.Recipients), err)
		}
	}
}

// BenchmarkChangeSettings measures one turned cell with its revision and its audit, committed, by many people at once.
func BenchmarkChangeSettings(b *testing.B) {
	s, _, users := benchStore(b)
	var turn atomic.Int64
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			n := turn.Add(1) - 1
			change := model.SettingsChange{
				UserID: users[n%benchPeople], Through: model.ThroughPage, ActorID: "a",
				Set: []model.Preference{{EventType: "deal.won", Channel: model.ChannelEmail, Enabled: n/benchPeople%2 == 1}},
			}
			if out, err := s.ChangeSettings(b.Context(), change, model.NewTime(time.Now())); err != nil || !out.Changed {
				b.Error(out, err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "changes/s")
}

// BenchmarkSettings measures everything that a settings page shows.
func BenchmarkSettings(b *testing.B) {
	s, _, users := benchStore(b)
	i := 0
	for b.Loop() {
		if _, err := s.Settings(b.Context(), users[i%benchPeople]); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

func perNotification(b *testing.B, do func(i int)) {
	b.Helper()
	i := 0
	for b.Loop() {
		do(i)
		i++
	}
	b.ReportMetric(float64(b.N)*benchRecipients/b.Elapsed().Seconds(), "notifications/s")
}

func benchStore(b *testing.B) (*Store, uuid.UUID, []uuid.UUID) {
	b.Helper()
	return benchStoreAt(b, testkit.DurablePostgres(b))
}

// benchStoreAt fills a database with people, some of whom changed cells, and answers them in a random order.
func benchStoreAt(b *testing.B, url string) (*Store, uuid.UUID, []uuid.UUID) {
	b.Helper()
	s := openForTest(b, url)
	now := model.NewTime(time.Now())
	for from := 0; from < benchPeople; from += 1000 {
		people := make([]model.SyncedUser, 1000)
		for i := range people {
			name := fmt.Sprintf("user-%05d", from+i)
			people[i] = model.SyncedUser{WorkspaceID: "acme", ExternalID: name, Name: name, Email: name + "@example.com", Active: true}
		}
		if _, _, err := s.SyncUsers(b.Context(), nil, people, now); err != nil {
			b.Fatal(err)
		}
	}
	w := s.writer(b.Context())
	if _, err := w.exec(`INSERT INTO preferences SELECT id, kind, 1, true FROM users,
		unnest(ARRAY['deal.won', 'deal.lost', 'task.due', 'a.b', 'c.d']) AS kind`); err != nil {
		b.Fatal(err)
	}
	if _, err := w.exec(`VACUUM ANALYZE`); err != nil {
		b.Fatal(err)
	}
	users, err := collect(w, func(id *uuid.UUID) []any { return []any{id} }, `SELECT id FROM users ORDER BY md5(external_id)`)
	if err != nil {
		b.Fatal(err)
	}
	ws, _, err := s.WorkspaceByExternalID(b.Context(), "acme")
	if err != nil {
		b.Fatal(err)
	}
	return s, ws.UUID, users
}

func benchPlan(workspace uuid.UUID, users []uuid.UUID, i int) model.Plan {
	now := model.NewTime(time.Now())
	p := model.Plan{Event: model.Event{
		UUID: model.NewID(), WorkspaceID: workspace, Type: "deal.won", ActorID: "boss", ActorName: "The Boss",
		Data:           model.JSONObject{"deal": map[string]any{"id": "d1", "name": "Ten thousand chairs", "amount": 1234}},
		IdempotencyKey: uuid.NewString(), ContentHash: slices.Repeat([]byte{1}, 32), OccurredAt: now, CreatedAt: now,
		Title: "Deal won: Ten thousand chairs", Body: "The Boss won the deal.", CliqText: "*Deal won*: Ten thousand chairs",
		Path: "/deals/d1", SubjectType: "deal", SubjectID: "d1", Notified: benchRecipients,
	}}
	from := i * benchRecipients % len(users)
	for _, user := range users[from : from+benchRecipients] {
		p.Notifications = append(p.Notifications, model.PlannedNotification{NotificationID: model.NewID(), UserID: user})
	}
	return p
}
