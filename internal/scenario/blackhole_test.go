package scenario

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/heffl/bff/internal/testkit"
)

// The load of D7: a thousand events a minute.
const (
	blackHoleEvents = 500
	blackHoleEvery  = 60 * time.Millisecond
)

// BenchmarkCliqBlackHole shows D7: the same events twice, first with Cliq as it should be, then with a Cliq that accepts
// connections and never answers. How long publishing takes, and how long an e-mail is under way, must not differ by
// more than a tenth.
//
//	go test -run '^$' -bench CliqBlackHole -benchtime 1x ./internal/scenario
func BenchmarkCliqBlackHole(b *testing.B) {
	for b.Loop() {
		s := start(b, b.TempDir(), "HEFFL_DATABASE_URL="+testkit.DurablePostgres(b), "HEFFL_LOG_LEVEL=warn")
		ada, grace := s.bearer(b, "u_ada", "admin", "events:write"), s.bearer(b, "u_grace")
		grace.email = "grace@acme.test"
		grace.visit(b, s.consent(b, grace.beginConnect(b, "IN", "heffl", s.url+"/"), "in", "Grace", grace.email))
		run := func(name string) (publish, lag []time.Duration) {
			sent := map[string]time.Time{}
			pace := time.NewTicker(blackHoleEvery)
			defer pace.Stop()
			for i := range blackHoleEvents {
				<-pace.C
				key := fmt.Sprintf("%s-%04d", name, i)
				begin := time.Now()
				got := ada.publish(b, wonDeal(map[string]any{
					"idempotencyKey": key, "actor": map[string]any{"id": "u_boss", "name": "Boss"}, "data": map[string]any{"dealId": key, "dealTitle": key},
				}))
				publish = append(publish, time.Since(begin))
				if got.Notified != 1 {
					b.Fatalf("published %+v", got)
				}
				sent[key] = begin
			}
			eventually(b, "every e-mail", time.Minute, func() bool { return len(s.mailsAbout(b, sent)) == blackHoleEvents })
			for key, at := range s.mailsAbout(b, sent) {
				lag = append(lag, at.Sub(sent[key]))
			}
			slices.Sort(publish)
			slices.Sort(lag)
			return publish, lag
		}
		run("warm")
		quiet, quietLag := run("quiet")
		sandbox[any](b, s, http.MethodPost, "/faults", map[string]any{"fault": "black_hole", "value": "silent", "service": "cliq"})
		hole, holeLag := run("hole")
		report := func(name string, values []time.Duration, percent int) {
			b.ReportMetric(float64(values[len(values)*percent/100].Microseconds())/1000, name)
		}
		report("quiet-publish-p99-ms", quiet, 99)
		report("hole-publish-p99-ms", hole, 99)
		report("quiet-publish-p50-ms", quiet, 50)
		report("hole-publish-p50-ms", hole, 50)
		report("quiet-mail-p50-ms", quietLag, 50)
		report("hole-mail-p50-ms", holeLag, 50)
		report("quiet-mail-p99-ms", quietLag, 99)
		report("hole-mail-p99-ms", holeLag, 99)
	}
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
