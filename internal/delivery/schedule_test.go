package delivery

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/heffl/bff/internal/mail"
	"github.com/heffl/bff/model"
)

// TestRetryAfter shows D8: after a limit with a hint in any form, for messages or for tokens, the next try lies within the
// hint and a fifth more, and never later than an hour and a fifth. Until then no replica asks Zoho for this person.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	in := func(d time.Duration) func(time.Time) string {
		return func(now time.Time) string { return now.Add(d).Format(http.TimeFormat) }
	}
	is := func(header string) func(time.Time) string { return func(time.Time) string { return header } }
	cases := map[string]struct {
		header func(now time.Time) string
		hint   time.Duration
	}{
		"Seconds":     {is("42"), 42 * time.Second},
		"Date":        {in(3 * time.Minute), 3 * time.Minute},
		"Absent":      {is(""), 10 * time.Minute},
		"Zero":        {is("0"), 10 * time.Minute},
		"Negative":    {is("-5"), 10 * time.Minute},
		"PastDate":    {in(-time.Hour), 10 * time.Minute},
		"Garbage":     {is("soon"), 10 * time.Minute},
		"TenYears":    {is("315360000"), time.Hour},
		"DateIn2036":  {in(10 * 365 * 24 * time.Hour), time.Hour},
		"Overflowing": {is("99999999999999999999"), time.Hour},
	}
	for jitter, random := range map[string]float64{"Earliest": 0, "Latest": 0.999999} {
		for place, ending := range map[string]string{"Message": "/message", "Token": "/oauth/v2/token"} {
			t.Run(jitter+place, func(t *testing.T) {
				t.Parallel()
				w := setup(t)
				w.config.Random = func() float64 { return random }
				other := w.replica(t, func(*Config) {})
				for name, tc := range cases {
					ann, asked := w.person(t, name), 0
					if place == "Token" {
						w.expire(t, ann)
					}
					w.clock.pass(time.Second - w.clock.now().Sub(w.clock.now().Truncate(time.Second)) - time.Millisecond) // dates have whole seconds
					w.instead(ending, func(rw http.ResponseWriter, _ *http.Request) {
						asked++
						if header := tc.header(w.clock.now()); header != "" {
							rw.Header().Set("Retry-After", header)
						}
						rw.WriteHeader(http.StatusTooManyRequests)
					})
					id := w.publish(t, ann, model.ChannelCliq, 1)[0]
					at := model.NewTime(w.clock.now())
					w.work(t)
					d := w.deliveries(t, ann, id)[0]
					took := d.NextAttemptAt.Sub(at)
					if d.Status != model.DeliveryStatusRetrying || took < tc.hint-2*time.Millisecond || took > tc.hint*12/10 {
						t.Errorf("%s: %s after %v, want within a fifth after %v", name, d.Status, took, tc.hint)
					}
					if c := w.connection(t, ann); !c.PausedUntil.Equal(d.NextAttemptAt) || c.Problem != model.ProblemCodeRateLimited {
						t.Errorf("%s: %s, paused until %v, next attempt at %v", name, c.Problem, c.PausedUntil, d.NextAttemptAt)
					}
					w.clock.pass(took - 2*time.Millisecond)
					w.publish(t, ann, model.ChannelCliq, 1) // takes a millisecond, and does not go either
					w.work(t, w.Workers, other)
					if _, err := other.SendTest(t.Context(), ann); err == nil {
						t.Errorf("%s: a test message was tried", name)
					}
					if asked != 1 {
						t.Errorf("%s: Zoho was asked %d times while it wanted to be left alone", name, asked)
					}
					if _, err := w.store.Disconnect(t.Context(), ann.User.UUID, model.NewTime(w.clock.now())); err != nil {
						t.Fatal(err)
					}
				}
				if n := len(w.zoho.Messages()); n != 0 {
					t.Errorf("%d messages were sent", n)
				}
			})
		}
	}
}

// TestRetrySchedule shows D9: what fails again and again is tried exactly as the schedule says through a virtual day,
// and what failed together does not come back together.
func TestRetrySchedule(t *testing.T) {
	t.Parallel()
	seconds := func(at ...int) (all []time.Duration) {
		for _, s := range at {
			all = append(all, time.Duration(s)*time.Second)
		}
		return all
	}
	for name, tc := range map[string]struct {
		channel model.Channel
		waits   []time.Duration // between attempts
		problem model.ProblemCode
	}{
		"Cliq":  {model.ChannelCliq, append([]time.Duration{37500 * time.Millisecond}, seconds(50, 120, 600, 1800)...), model.ProblemCodeProviderUnavailable},
		"Email": {model.ChannelEmail, append([]time.Duration{37500 * time.Millisecond}, seconds(50, 120, 600, 1800, 5*3600, 10*3600)...), model.ProblemCodeMailServerUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			ann := w.person(t, "ann")
			failing := http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
				rw.WriteHeader(http.StatusServiceUnavailable)
				_, _ = rw.Write([]byte(`{"code":"internal_server_error","message":"Try again."}`))
			})
			w.answer.Store(&failing)
			w.post.err = &mail.SendError{Class: mail.ClassUnavailable, Err: errors.New("down")}
			id := w.publish(t, ann, tc.channel, 1)[0]
			var waits []time.Duration
			for end := w.clock.now().Add(24 * time.Hour); w.clock.now().Before(end); {
				// The breaker lives in real time and is shown elsewhere.
				w.breakers = newBreakers()
				w.work(t)
				d := w.deliveries(t, ann, id)[0]
				if !d.FinishedAt.IsZero() {
					break
				}
				wait := d.NextAttemptAt.Std().Sub(w.clock.now())
				waits = append(waits, wait)
				w.clock.pass(wait - time.Millisecond)
				w.work(t)
				if again := w.deliveries(t, ann, id)[0]; again.Attempts != d.Attempts {
					t.Fatal("tried a millisecond early")
				}
				w.clock.pass(time.Millisecond)
			}
			if diff := cmp.Diff(tc.waits, waits); diff != "" {
				t.Errorf("waits (-want +got):\n%s", diff)
			}
			d := w.deliveries(t, ann, id)[0]
			if d.Status != model.DeliveryStatusFailed || d.Problem != tc.problem || int(d.Attempts) != len(tc.waits)+1 {
				t.Errorf("ended %s %s after %d attempts", d.Status, d.Problem, d.Attempts)
			}
		})
	}
	t.Run("Bounds", func(t *testing.T) {
		t.Parallel()
		for channel, waits := range map[model.Channel][]time.Duration{model.ChannelCliq: cliqWaits, model.ChannelEmail: emailWaits} {
			var longest time.Duration
			for attempt := range waits {
				low, _ := wait(waits, int32(attempt+1), func() float64 { return 0 })
				high, _ := wait(waits, int32(attempt+1), func() float64 { return 1 })
				if low != waits[attempt]/2 || high != waits[attempt]/2+max(waits[attempt], leastSpread) {
					t.Errorf("%s wait %d lies within %v and %v", channel, attempt, low, high)
				}
				longest += high
			}
			if limit := map[model.Channel]time.Duration{model.ChannelCliq: 2 * time.Hour, model.ChannelEmail: 24 * time.Hour}[channel]; longest > limit {
				t.Errorf("%s may take %v", channel, longest)
			}
		}
	})
	t.Run("Spread", func(t *testing.T) {
		t.Parallel()
		// The same spread in every run.
		random := rand.New(rand.NewPCG(1, 2))
		const most = 30
		for attempts := int32(1); int(attempts) <= len(cliqWaits); attempts++ {
			perSecond := map[time.Duration]int{}
			for range 1000 {
				var at time.Duration
				for attempt := range attempts {
					d, _ := wait(cliqWaits, attempt+1, random.Float64)
					at += d
				}
				perSecond[at.Truncate(time.Second)]++
			}
			for second, n := range perSecond {
				if n > most {
					t.Errorf("after %d attempts %d of 1000 come in second %v", attempts, n, second)
				}
			}
		}
	})
}
