package delivery

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/heffl/bff/internal/sandbox"
	"github.com/heffl/bff/model"
)

// instead answers requests whose path ends so in place of the stand-in, which answers all others.
func (w *world) instead(ending string, answer http.HandlerFunc) {
	handler := w.zoho.Handler()
	mixed := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ending) {
			answer(rw, r)
			return
		}
		handler.ServeHTTP(rw, r)
	})
	w.answer.Store(&mixed)
}

// TestRefreshAnswers shows O12: everything that the accounts server may say to a refresh, and what becomes of the message
// and of the connection. What is not the end of the grant is tried again later, and then the message arrives.
func TestRefreshAnswers(t *testing.T) {
	t.Parallel()
	const (
		revoked, limited = model.ProblemCodeTokenRevoked, model.ProblemCodeRateLimited
		client, down     = model.ProblemCodeProviderMisconfigured, model.ProblemCodeProviderUnavailable
	)
	english := `{"error_description":"You have made too many requests continuously. Please try again after some time.","error":"Access Denied","status":"failure"}`
	chinese := `{"error_description":"您已连续提出过多请求，请稍后再试。","error":"拒绝访问","status":"failure"}`
	w := setup(t)
	for name, tc := range map[string]struct {
		status  int
		body    string
		problem model.ProblemCode
	}{
		"InvalidCode":            {200, `{"error":"invalid_code"}`, revoked},
		"InvalidCodeWith400":     {400, `{"error":"invalid_code"}`, revoked},
		"InvalidGrant":           {400, `{"error":"invalid_grant"}`, revoked},
		"InvalidClient":          {200, `{"error":"invalid_client"}`, client},
		"InvalidClientWith401":   {401, `{"error":"invalid_client"}`, client},
		"InvalidClientSecret":    {200, `{"error":"invalid_client_secret"}`, client},
		"InvalidRedirectURI":     {200, `{"error":"invalid_redirect_uri"}`, client},
		"Throttled":              {400, english, limited},
		"ThrottledWith200":       {200, english, limited},
		"ThrottledInChinese":     {400, chinese, limited},
		"ThrottledInChinese200":  {200, chinese, limited},
		"TooManyRequests":        {429, ``, limited},
		"BadRequestPage":         {400, `<html><body>400 Bad Request</body></html>`, down},
		"UnknownError":           {200, `{"error":"something_new"}`, down},
		"NoToken":                {200, `{"expires_in":3600}`, down},
		"Page":                   {200, `<html></html>`, down},
		"Empty":                  {200, ``, down},
		"ServerError":            {500, `<html></html>`, down},
		"InvalidCodeInServerErr": {503, `{"error":"invalid_code"}`, down}, // a server in trouble is not believed
	} {
		ann := w.person(t, name)
		w.expire(t, ann)
		w.breakers = newBreakers() // it is shown elsewhere
		w.zoho.ClearMessages()
		w.instead("/oauth/v2/token", says(tc.status, tc.body))
		id := w.publish(t, ann, model.ChannelCliq, 1)[0]
		at := model.NewTime(w.clock.now())
		w.work(t)
		c, d := w.connection(t, ann), w.deliveries(t, ann, id)[0]
		want := model.IntegrationStatusConnected
		if tc.problem == revoked {
			want = model.IntegrationStatusNeedsReconnect
		}
		if c.Status != want || c.Problem != tc.problem {
			t.Errorf("%s: the connection is %s with %q, want %s with %q", name, c.Status, c.Problem, want, tc.problem)
		}
		if tc.problem == revoked || tc.problem == client {
			if d.Status != model.DeliveryStatusFailed || d.Problem != tc.problem {
				t.Errorf("%s: the delivery is %s %s", name, d.Status, d.Problem)
			}
			continue
		}
		wait := d.NextAttemptAt.Sub(at)
		if d.Status != model.DeliveryStatusRetrying || !c.PausedUntil.Equal(d.NextAttemptAt) {
			t.Errorf("%s: the delivery is %s until %v, the person is left alone until %v", name, d.Status, d.NextAttemptAt, c.PausedUntil)
			continue
		}
		if tc.problem == limited && (wait < 10*time.Minute || wait > 12*time.Minute) {
			t.Errorf("%s: tried again after %v, Zoho's window is ten minutes", name, wait)
		}
		w.answer.Store(nil)
		w.clock.pass(wait - time.Millisecond)
		if w.work(t); len(w.zoho.Messages()) != 0 {
			t.Errorf("%s: tried a millisecond early", name)
		}
		w.clock.pass(time.Millisecond)
		w.work(t)
		c, d = w.connection(t, ann), w.deliveries(t, ann, id)[0]
		if d.Status != model.DeliveryStatusSent || len(w.zoho.Messages()) != 1 || c.Problem != "" || c.Status != model.IntegrationStatusConnected {
			t.Errorf("%s, later: %s, %d messages, the connection is %s with %q", name, d.Status, len(w.zoho.Messages()), c.Status, c.Problem)
		}
	}
}

// TestRefusedTokens shows that a person whose messages are refused with 401 again and again spends no more refreshes than
// Zoho allows.
func TestRefusedTokens(t *testing.T) {
	t.Parallel()
	t.Run("RightAfterARefresh", func(t *testing.T) {
		t.Parallel()
		eachDatabase(t, func(t *testing.T, w *world) {
			t.Helper()
			ann := w.person(t, "ann")
			asked := 0
			w.instead("/message", func(rw http.ResponseWriter, _ *http.Request) {
				asked++
				says(401, `{"code":"oauthtoken_invalid","message":"Invalid OAuth token passed."}`)(rw, nil)
			})
			for range 6 {
				w.publish(t, ann, model.ChannelCliq, 3)
				w.work(t)
				w.clock.pass(15 * time.Minute)
			}
			c := w.connection(t, ann)
			if n := w.zoho.Count("", sandbox.EndpointRefresh); n != 1 || asked != 2 || c.Status != model.IntegrationStatusNeedsReconnect {
				t.Errorf("%d refreshes, %d messages, the connection is %s", n, asked, c.Status)
			}
			if len(w.disconnected) != 1 || w.disconnected[0] != model.ProblemCodeTokenRevoked {
				t.Errorf("told %v", w.disconnected)
			}
		})
	})
	t.Run("AfterOneUse", func(t *testing.T) {
		t.Parallel()
		eachDatabase(t, func(t *testing.T, w *world) {
			t.Helper()
			ann, other := w.person(t, "ann"), w.replica(t, func(*Config) {})
			var ids []uuid.UUID
			for range 60 { // every half minute for half an hour
				w.zoho.ExpireTokens("", ann.User.Email)
				ids = append(ids, w.publish(t, ann, model.ChannelCliq, 1)...)
				w.work(t, w.Workers, other)
				w.clock.pass(30 * time.Second)
			}
			refreshed := w.refreshes()[ann.User.Email]
			for i, first := range refreshed {
				within := 0
				for _, at := range refreshed[i:] {
					if at.Sub(first) < 10*time.Minute {
						within++
					}
				}
				if within > 10 {
					t.Errorf("%d refreshes in ten minutes", within)
				}
			}
			if len(refreshed) < 10 {
				t.Errorf("%d refreshes: nothing was put to the test", len(refreshed))
			}
			for _, r := range w.zoho.Requests() {
				if r.Note == "Access Denied" {
					t.Error("Zoho had to say that it was too much")
				}
			}
			w.clock.pass(15 * time.Minute)
			w.work(t, w.Workers, other)
			for i, d := range w.deliveries(t, ann, ids...) {
				if d.Status != model.DeliveryStatusSent {
					t.Errorf("delivery %d is %s", i, d.Status)
				}
			}
			last := 0
			for _, n := range w.numbers(t, ann) {
				if n <= last {
					t.Errorf("event %d came after event %d", n, last)
				}
				last = n
			}
			if c := w.connection(t, ann); c.Status != model.IntegrationStatusConnected || c.Problem != "" {
				t.Errorf("the connection is %s with %q", c.Status, c.Problem)
			}
		})
	})
}
