package delivery

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/heffl/bff/internal/sandbox"
	"github.com/heffl/bff/internal/testkit"
	"github.com/heffl/bff/model"
)

// lifeModel is all there is to know of one person's connection: what state it is in, what is wrong with it, from when
// on a message may find out whether it still is, and how many requests Zoho's bot may have seen.
type lifeModel struct {
	status  model.IntegrationStatus
	problem model.ProblemCode
	probeAt time.Time
	// Zoho's bot sees one request a message, two when it does not take the token, none when that is known before.
	fewest, most int
	arrived      int
}

// zohoSays is what each fault of the stand-in leads to; the empty one lets messages through.
var zohoSays = map[sandbox.Fault]model.ProblemCode{
	"": "", sandbox.FaultBotUnknown: model.ProblemCodeBotNotFound, sandbox.FaultNotSubscribed: model.ProblemCodeNotSubscribed,
	sandbox.FaultTokenRevoked: model.ProblemCodeTokenRevoked,
}

// send is one message.
func (m *lifeModel) send(fault sandbox.Fault, now time.Time) {
	if m.status != model.IntegrationStatusConnected || m.problem != "" && now.Before(m.probeAt) {
		return // nothing leaves the house
	}
	m.most += 2
	if zohoSays[fault] != model.ProblemCodeTokenRevoked {
		m.fewest++
	}
	switch problem := zohoSays[fault]; problem {
	case "":
		m.problem = ""
		m.arrived++
	case model.ProblemCodeTokenRevoked:
		m.status, m.problem = model.IntegrationStatusNeedsReconnect, problem
	default:
		m.problem, m.probeAt = problem, now.Add(probeInterval)
	}
}

// TestConnectionLife takes connections through their life at random (connect, send, bot gone, subscription gone, grant
// gone, time, disconnect, another bot, connect again) and compares each step with the model.
func TestConnectionLife(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(testing.TB) string{"SQLite": testkit.SQLite, "PostgreSQL": testkit.Postgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, open(t))
			lives := 0
			rapid.Check(t, func(r *rapid.T) {
				lives++
				live(t, r, w, fmt.Sprint("person-", lives))
			})
		})
	}
}

func live(t *testing.T, r *rapid.T, w *world, name string) {
	t.Helper()
	w.zoho.ResetFaults()
	v := w.person(t, name)
	account := name + "@acme.example"
	m := lifeModel{status: model.IntegrationStatusConnected}
	fault := sandbox.Fault("")
	arrived := func() (n int) {
		for _, message := range w.zoho.Messages() {
			if message.Account.Email == account {
				n++
			}
		}
		return n
	}
	requests := w.zoho.Count("", sandbox.EndpointMessage)
	for range rapid.IntRange(1, 15).Draw(r, "steps") {
		step := rapid.SampledFrom([]string{"send", "send", "send", "fault", "fault", "time", "disconnect", "connect", "bot"}).Draw(r, "step")
		switch step {
		case "send":
			w.publish(t, v, model.ChannelCliq, 1)
			m.send(fault, w.clock.now())
			w.work(t)
		case "fault":
			w.zoho.ResetFaults()
			if fault = rapid.SampledFrom([]sandbox.Fault{"", sandbox.FaultBotUnknown, sandbox.FaultNotSubscribed, sandbox.FaultTokenRevoked}).Draw(r, "fault"); fault != "" {
				w.fault(t, fault, sandbox.Setting{})
			}
		case "time":
			w.clock.pass(rapid.SampledFrom([]time.Duration{time.Minute, probeInterval, 2 * time.Hour}).Draw(r, "time"))
		case "disconnect":
			if _, err := w.store.Disconnect(t.Context(), v.User.UUID, model.NewTime(w.clock.now())); err != nil {
				r.Fatal(err)
			}
			m.status, m.problem = model.IntegrationStatusNotConnected, ""
		case "connect":
			w.person(t, name)
			m.status, m.problem = model.IntegrationStatusConnected, ""
		case "bot":
			if _, connected, err := w.store.SetBot(t.Context(), v.User.UUID, "heffl", model.NewTime(w.clock.now())); err != nil || connected != (m.status != model.IntegrationStatusNotConnected) {
				r.Fatalf("set bot: %t, %v", connected, err)
			}
			if m.status == model.IntegrationStatusConnected {
				m.problem = ""
			}
		}
		c := w.connection(t, v)
		if c.Status != m.status || c.Problem != m.problem {
			r.Fatalf("after %s the connection is %s with %q, the model says %s with %q", step, c.Status, c.Problem, m.status, m.problem)
		}
		if n := arrived(); n != m.arrived {
			r.Fatalf("after %s %d messages arrived, the model says %d", step, n, m.arrived)
		}
		if n := w.zoho.Count("", sandbox.EndpointMessage) - requests; n < m.fewest || n > m.most {
			r.Fatalf("after %s Zoho was asked %d times, the model says %d to %d", step, n, m.fewest, m.most)
		}
	}
}
