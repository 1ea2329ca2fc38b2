package scenario

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/heffl/bff/internal/testkit"
)

// The load of D7: a thousand events a minute, and what ten minutes of it leave behind.
const (
	blackHoleEvery   = 60 * time.Millisecond
	blackHoleBacklog = 10_000
	blackHolePeople  = 5
)

// blackHoles are the regions that fall silent, one for each pair of runs; blackHoleQuiet never does.
var blackHoles = []string{"IN", "EU", "AU", "CA", "UK", "JP"}

const blackHoleQuiet = "US"

// BenchmarkCliqBlackHole shows D7: the same events with Cliq as it should be, and with a Cliq that accepts connections and never
// answers, in turns in one process. How long publishing takes, and how long an e-mail is under way, must not differ by
// more than a tenth: the percentiles are those of all events of either kind, since the hundredth part of one run is a handful of
// events. A hole begins with what ten minutes of it would have left behind, and has people and a region of its own, whose
// queue is emptied when it is over.
//
// Times depend on what else the machine does; how much of the processor an event costs, in the server and in PostgreSQL, hardly
// does, and is told beside them.
//
//	go test -run '^$' -bench CliqBlackHole -benchtime 1x ./internal/scenario [-full]
func BenchmarkCliqBlackHole(b *testing.B) {
	pairs, events := 3, 200
	if *full {
		pairs, events = len(blackHoles), 500
	}
	for b.Loop() {
		h := newBlackHole(b)
		h.run(b, "warm", blackHoleQuiet, events)
		var all [2]blackHoleRun // quiet, hole
		for pair := range pairs {
			for turn := range 2 {
				region := blackHoleQuiet
				hole := (turn + pair) % 2 // each goes first as often as the other
				if hole == 1 {
					region = blackHoles[pair]
				}
				all[hole].add(h.run(b, fmt.Sprintf("%d-%d", pair, hole), region, events))
			}
		}
		for name, of := range map[string]func(*blackHoleRun) time.Duration{
			"publish-p50":  func(r *blackHoleRun) time.Duration { return percentile(r.publish, 50) },
			"publish-p99":  func(r *blackHoleRun) time.Duration { return percentile(r.publish, 99) },
			"mail-p50":     func(r *blackHoleRun) time.Duration { return percentile(r.mail, 50) },
			"mail-p99":     func(r *blackHoleRun) time.Duration { return percentile(r.mail, 99) },
			"server-cpu":   func(r *blackHoleRun) time.Duration { return r.server / time.Duration(len(r.publish)) },
			"database-cpu": func(r *blackHoleRun) time.Duration { return r.database / time.Duration(len(r.publish)) },
		} {
			quiet, hole := of(&all[0]), of(&all[1])
			b.ReportMetric(quiet.Seconds()*1000, name+"-quiet-ms")
			b.ReportMetric(hole.Seconds()*1000, name+"-hole-ms")
			b.ReportMetric(hole.Seconds()/quiet.Seconds(), name+"-ratio")
		}
	}
}

// blackHole is a server with people in several regions, all of whom get everything on every channel.
type blackHole struct {
	*server
	services *person
	database *pgx.Conn
}

// blackHoleRun is how long each publishEvent took, and each e-mail from there on, both sorted; and what all of them cost of
// the processor.
type blackHoleRun struct {
	publish, mail    []time.Duration
	server, database time.Duration
}

func (r *blackHoleRun) add(other blackHoleRun) {
	r.publish, r.mail = append(r.publish, other.publish...), append(r.mail, other.mail...)
	slices.Sort(r.publish)
	slices.Sort(r.mail)
	r.server += other.server
	r.database += other.database
}

func newBlackHole(b *testing.B) *blackHole {
	b.Helper()
	database := testkit.DurablePostgres(b)
	s := start(b, b.TempDir(), "HEFFL_DATABASE_URL="+database, "HEFFL_LOG_LEVEL=error")
	c, err := pgx.Connect(b.Context(), database)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = c.Close(context.Background()) })
	h := &blackHole{server: s, services: s.bearer(b, "u_ada", "admin", "events:write", "users:write"), database: c}
	var users []map[string]any
	regions := append([]string{blackHoleQuiet}, blackHoles...)
	for _, region := range regions {
		for i := range blackHolePeople {
			id := blackHoleUser(region, i)
			users = append(users, map[string]any{"id": id, "name": id, "email": id + "@acme.test"})
		}
	}
	synced := ask[struct{ UserErrors []userError }](b, h.services, syncMutation, input(map[string]any{"users": users}))
	wantNoErrors(b, "syncUsers", synced.UserErrors)
	for _, region := range regions {
		for i := range blackHolePeople {
			p := s.signedIn(b, blackHoleUser(region, i))
			p.visit(b, s.consent(b, p.beginConnect(b, region, bot, s.url+"/"), strings.ToLower(region), p.id, p.id+"@acme.test"))
			if status := p.viewer(b).Cliq.Status; status != "CONNECTED" {
				b.Fatalf("%s is %s", p.id, status)
			}
		}
	}
	return h
}

func blackHoleUser(region string, i int) string {
	return fmt.Sprintf("u-%s-%d", strings.ToLower(region), i)
}

func (h *blackHole) exec(b *testing.B, statement string, args ...any) {
	b.Helper()
	if _, err := h.database.Exec(b.Context(), statement, args...); err != nil {
		b.Fatalf("%s: %v", statement, err)
	}
}

// run publishes events for the people of a region, and waits for their e-mails.
func (h *blackHole) run(b *testing.B, name, region string, events int) (r blackHoleRun) {
	b.Helper()
	waits := 3 // the same rows in either case: sent
	if region != blackHoleQuiet {
		waits = 0 // or due
		sandbox[any](b, h.server, http.MethodPost, "/faults", map[string]any{
			"fault": "black_hole", "value": "silent", "service": "cliq", "region": strings.ToLower(region),
		})
	}
	sandbox[any](b, h.server, http.MethodDelete, "/mail", nil)
	h.exec(b, `WITH n AS (
			INSERT INTO notifications (id, user_id, event_id, seq, changed_seq, created_at, decision)
			SELECT (lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint - 600000 + n * 30), 12, '0') || '7000' || substr(md5($1 || n), 1, 16))::uuid,
				u.id, e.id, 0, 0, date_trunc('milliseconds', now()) - interval '10 minutes' + n * interval '30 ms', 15
			FROM generate_series(1, $2::integer) n JOIN users u ON u.external_id = $3 || n % $4::integer
			CROSS JOIN (SELECT id FROM events LIMIT 1) e
			RETURNING id, user_id, created_at
		) INSERT INTO deliveries (notification_id, user_id, channel, status, next_attempt_at) SELECT id, user_id, 2, $5, created_at FROM n`,
		name, blackHoleBacklog, "u-"+strings.ToLower(region)+"-", blackHolePeople, waits)
	h.exec(b, `VACUUM ANALYZE`)

	server, database := h.processor(b)
	sent := map[string]time.Time{}
	pace := time.NewTicker(blackHoleEvery)
	defer pace.Stop()
	for i := range events {
		<-pace.C
		key := fmt.Sprintf("%s-%04d", name, i)
		begin := time.Now()
		got := h.services.publish(b, wonDeal(map[string]any{
			"idempotencyKey": key, "actor": map[string]any{"id": "u_boss", "name": "Boss"}, "data": map[string]any{"dealId": key, "dealTitle": key},
			"recipientIds": []string{blackHoleUser(region, i%blackHolePeople)},
		}))
		r.publish = append(r.publish, time.Since(begin))
		if got.Notified != 1 {
			b.Fatalf("published %+v", got)
		}
		sent[key] = begin
	}
	serverAfter, databaseAfter := h.processor(b)
	r.server, r.database = serverAfter-server, databaseAfter-database
	eventually(b, "every e-mail", time.Minute, func() bool { return len(h.mailsAbout(b, sent)) == events })
	for key, at := range h.mailsAbout(b, sent) {
		r.mail = append(r.mail, at.Sub(sent[key]))
	}
	slices.Sort(r.publish)
	slices.Sort(r.mail)
	if name != "warm" {
		h.drain(b, region)
	}
	return r
}

// drain ends everything that a run has left on Cliq, and waits until nobody works on it any more.
func (h *blackHole) drain(b *testing.B, region string) {
	b.Helper()
	var waiting int
	if err := h.database.QueryRow(b.Context(), `SELECT count(*) FROM deliveries WHERE channel = 2 AND status IN (0, 1, 2)`).Scan(&waiting); err != nil {
		b.Fatal(err)
	}
	told, silent := len(h.chats(b, blackHoleUser(region, 0)+"@acme.test")), region != blackHoleQuiet
	if silent != (waiting > blackHoleBacklog/2) || silent != (told == 0) {
		b.Fatalf("%d messages wait for %s, and %d were told", waiting, region, told)
	}
	eventually(b, "nobody works on Cliq", time.Minute, func() bool {
		h.exec(b, `UPDATE deliveries SET status = 6, finished_at = now(), lease_id = NULL, lease_until = NULL WHERE channel = 2 AND status IN (0, 1, 2)`)
		var left int
		if err := h.database.QueryRow(b.Context(), `SELECT count(*) FROM integrations WHERE lease_until > now()`).Scan(&left); err != nil {
			b.Fatal(err)
		}
		return left == 0
	})
}

// processor is how much of the processor the server and all of PostgreSQL have used so far, as Linux counts it: in hundredths
// of a second.
func (h *blackHole) processor(b *testing.B) (server, database time.Duration) {
	b.Helper()
	used := func(pid uint32) (parent uint32, d time.Duration) {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return 0, 0 // it has ended
		}
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		number := func(i int) int {
			n, err := strconv.Atoi(fields[i])
			if err != nil {
				b.Fatal(err)
			}
			return n
		}
		return uint32(number(1)), time.Duration(number(11)+number(12)+number(13)+number(14)) * 10 * time.Millisecond
	}
	_, server = used(uint32(h.cmd.Process.Pid))
	postgres, _ := used(h.database.PgConn().PID())
	_, database = used(postgres) // with those that have ended
	processes, err := os.ReadDir("/proc")
	if err != nil {
		b.Fatal(err)
	}
	for _, process := range processes {
		if pid, err := strconv.ParseUint(process.Name(), 10, 32); err == nil {
			if parent, d := used(uint32(pid)); parent == postgres {
				database += d
			}
		}
	}
	return server, database
}

// percentile is one of sorted values.
func percentile(sorted []time.Duration, percent int) time.Duration {
	return sorted[len(sorted)*percent/100]
}

// mailsAbout says when the mailbox got the e-mail about each event.
func (s *server) mailsAbout(tb testing.TB, events map[string]time.Time) map[string]time.Time {
	tb.Helper()
	found := map[string]time.Time{}
	mails := sandbox[struct {
		Messages []struct {
			ReceivedAt time.Time `json:"receivedAt"`
			Text       string    `json:"text"`
		}
	}](tb, s, http.MethodGet, "/mail", nil).Messages
	for _, mail := range mails {
		for _, word := range strings.FieldsFunc(mail.Text, func(r rune) bool { return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz-0123456789", r) }) {
			if _, ok := events[word]; ok {
				found[word] = mail.ReceivedAt
			}
		}
	}
	return found
}
