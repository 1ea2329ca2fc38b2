package connect_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	sqlitedriver "github.com/ncruces/go-sqlite3/driver"

	"github.com/heffl/bff/internal/cliq"
	"github.com/heffl/bff/internal/connect"
	"github.com/heffl/bff/internal/sandbox"
	"github.com/heffl/bff/model"
)

// audit is what the database holds, past the store and oldest first, one line for each entry: outcome and reason, whose attempt
// it is, who came, region, bot, and what was left out before it.
func (w *world) audit(t *testing.T) []string {
	t.Helper()
	var db *sql.DB
	var err error
	if strings.HasPrefix(w.url, "postgres") {
		db, err = sql.Open("pgx", w.url)
	} else {
		db, err = sqlitedriver.Open(w.url + "?_pragma=busy_timeout(10000)")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	rows, err := db.QueryContext(t.Context(), `SELECT attempt, user_id, workspace_id, actor_workspace, actor_id, outcome, reason, region, bot_name, omitted
		FROM connect_audit ORDER BY id`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	people := map[string]string{w.ann.User.UUID.String(): "ann", w.bob.User.UUID.String(): "bob"}
	var lines []string
	for rows.Next() {
		var attempt []byte
		var user, workspace sql.NullString
		var actorWorkspace, actor, outcome, reason, region, bot string
		var omitted int
		if err := rows.Scan(&attempt, &user, &workspace, &actorWorkspace, &actor, &outcome, &reason, &region, &bot, &omitted); err != nil {
			t.Fatal(err)
		}
		whose := "nobody's"
		if user.Valid {
			whose = people[user.String] + "'s"
		}
		if user.Valid != workspace.Valid || user.Valid && workspace.String != w.ann.Workspace.UUID.String() {
			t.Errorf("user %v of workspace %v", user, workspace)
		}
		if len(attempt) != 0 && len(attempt) != 32 {
			t.Errorf("an attempt is called %x", attempt)
		}
		by := "a stranger"
		if actor != "" || actorWorkspace != "" {
			by = actorWorkspace + "/" + actor
		}
		line := strings.TrimSuffix(outcome+" "+reason, " ") + ", " + whose + " by " + by
		if region != "" || bot != "" {
			line += ", " + region + " " + bot
		}
		if omitted != 0 {
			line += fmt.Sprintf(", %d left out", omitted)
		}
		lines = append(lines, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return lines
}

// audited demands these entries and no other.
func (w *world) audited(t *testing.T, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, w.audit(t)); diff != "" {
		t.Errorf("audit (-want +got):\n%s", diff)
	}
}

const startedByAnn = "STARTED, ann's by acme/ann, IN heffl"

// TestConnectAudit follows a connection through everything that is written of it.
func TestConnectAudit(t *testing.T) {
	t.Parallel()
	t.Run("a connection's life", func(t *testing.T) {
		t.Parallel()
		eachDatabase(t, func(t *testing.T, w *world) {
			t.Helper()
			b := newBrowser().signIn(w.ann)
			callback := w.consent(t, w.start(t, b, w.ann, model.CliqRegionCodeUs), sandbox.Decision{Region: sandbox.RegionEU})
			if got := w.open(t, b, callback); got.status != "connected" {
				t.Fatalf("landed %+v", got)
			}
			for _, bot := range []string{"heffl", "helper", "https://cliq.zoho.eu/api/v2/bots/helper/message"} { // one changes it
				if _, err := w.SetBot(t.Context(), w.ann, bot); err != nil {
					t.Fatal(err)
				}
			}
			got := w.open(t, nil, w.attempt(t, nil))
			if _, err := w.Complete(t.Context(), w.ann, got.ticket); err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second time there is nothing to forget
				if _, err := w.Disconnect(t.Context(), w.ann); err != nil {
					t.Fatal(err)
				}
			}
			w.audited(t,
				"STARTED, ann's by acme/ann, US heffl",
				"CONNECTED, ann's by acme/ann, EU heffl",
				"BOT_CHANGED, ann's by acme/ann, EU helper",
				startedByAnn,
				"HANDED_OVER, ann's by a stranger, IN heffl",
				"CONNECTED, ann's by acme/ann, IN heffl",
				"DISCONNECTED, ann's by acme/ann, IN heffl",
			)
		})
	})
	for name, test := range map[string]struct {
		begin func(t *testing.T, w *world, b *browser) string // answers the callback
		want  []string
	}{
		"denied": {func(t *testing.T, w *world, b *browser) string {
			t.Helper()
			return w.consent(t, w.start(t, b, w.ann, model.CliqRegionCodeIn), sandbox.Decision{Deny: true})
		}, []string{startedByAnn, "FAILED ACCESS_DENIED, ann's by acme/ann, IN heffl"}},
		"denied, and Zoho leaves the state out": {func(t *testing.T, w *world, b *browser) string {
			t.Helper()
			_ = w.attempt(t, b)
			return callbackURL + "?error=access_denied"
		}, []string{startedByAnn, "REFUSED ACCESS_DENIED, nobody's by acme/ann"}},
		"Zoho is busy": {func(t *testing.T, w *world, b *browser) string {
			t.Helper()
			callback := w.attempt(t, b)
			w.fault(t, sandbox.FaultAccountsThrottled, "zh")
			return callback
		}, []string{startedByAnn, "FAILED PROVIDER_BUSY, ann's by acme/ann, IN heffl"}},
		"no server of Zoho's": {func(t *testing.T, w *world, b *browser) string {
			t.Helper()
			return strings.Replace(w.attempt(t, b), "accounts-server=", "accounts-server=https%3A%2F%2Fevil.test%2F", 1)
		}, []string{startedByAnn, "REFUSED UNKNOWN_REGION, ann's by acme/ann, IN heffl"}},
		"text instead of a state": {func(*testing.T, *world, *browser) string {
			return callbackURL + "?state=<script>&code=a%20secret"
		}, []string{"REFUSED MALFORMED, nobody's by acme/ann"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			b := newBrowser().signIn(w.ann)
			w.open(t, b, test.begin(t, w, b))
			w.audited(t, test.want...)
		})
	}
	t.Run("an attempt that the janitor took away before its callback came", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		b := newBrowser()
		callback := w.attempt(t, b)
		w.clock.pass(3 * time.Hour)
		if n, err := w.store.PurgeConnectStates(t.Context(), model.NewTime(w.clock.now()), 10); n != 1 || err != nil {
			t.Fatalf("%d taken away, %v", n, err)
		}
		w.open(t, b, callback)
		w.audited(t, startedByAnn, "REFUSED STATE_EXPIRED, ann's by a stranger, IN heffl")
	})
}

// TestConnectAuditIsBounded lets strangers and people knock for hours: the table does not grow with them, and tells how much
// it left out.
func TestConnectAuditIsBounded(t *testing.T) {
	t.Parallel()
	t.Run("what belongs to no attempt", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		knock := func(b *browser, times int) {
			for i := range times {
				w.open(t, b, callbackURL+fmt.Sprintf("?state=%043d&code=1000.a", i))
			}
		}
		knock(nil, 100)
		if n := len(w.audit(t)); n != 30 {
			t.Errorf("%d entries of 100", n)
		}
		// A person who is signed in is not drowned by it.
		if _, err := w.Complete(t.Context(), w.bob, "no such ticket"); codeOf(err) != model.UserErrorCodeTicketInvalid {
			t.Errorf("got %v", err)
		}
		w.clock.pass(2 * time.Minute)
		knock(nil, 100)
		lines := w.audit(t)
		if len(lines) != 32 || lines[30] != "REFUSED TICKET_UNKNOWN, nobody's by acme/bob" || lines[31] != "REFUSED STATE_UNKNOWN, nobody's by a stranger, 70 left out" {
			t.Errorf("%d entries, at last %q", len(lines), lines[30:])
		}
		if n := w.log.count("connect refused"); n != 201 {
			t.Errorf("%d lines of 201", n)
		}
	})
	t.Run("one callback again and again", func(t *testing.T) {
		t.Parallel()
		eachDatabase(t, func(t *testing.T, w *world) {
			t.Helper()
			b := newBrowser()
			callback := w.attempt(t, b)
			for range 40 {
				w.open(t, b, callback)
			}
			for range 40 {
				w.open(t, newBrowser().signIn(w.bob), callback)
			}
			want := []string{startedByAnn, "CONNECTED, ann's by a stranger, IN heffl"}
			for range 5 {
				want = append(want, "REFUSED STATE_USED, ann's by a stranger, IN heffl")
			}
			for range 5 {
				want = append(want, "REFUSED STATE_USED, ann's by acme/bob, IN heffl")
			}
			w.audited(t, want...)
		})
	})
}

// forgetful cannot write or read the audit.
type forgetful struct{ connect.Store }

var errForgetful = errors.New("disk full")

func (forgetful) AddConnectAudit(context.Context, model.ConnectAudit, int) error { return errForgetful }

func (forgetful) ConnectAttempt(context.Context, []byte) ([]model.ConnectAudit, error) {
	return nil, errForgetful
}

func (forgetful) HandedOver(context.Context, []byte) (model.ConnectState, bool, error) {
	return model.ConnectState{}, false, errForgetful
}

// TestConnectAuditDecidesNothing breaks the audit: what is good connects, what is refused stays refused, and the log tells.
func TestConnectAuditDecidesNothing(t *testing.T) {
	t.Parallel()
	w := setup(t, func(_ *cliq.RegionsConfig, c *connect.Config) { c.Store = forgetful{c.Store} })
	callback := w.attempt(t, newBrowser())
	planted := newBrowser()
	planted.cookies["__Host-heffl_connect"] = "planted"
	if got := w.open(t, planted, callback); got.code != "OTHER_BROWSER" {
		t.Errorf("landed %+v", got)
	}
	if got := w.open(t, nil, callback); got.page != http.StatusBadRequest {
		t.Errorf("landed %+v", got)
	}
	handedOver := w.open(t, nil, w.attempt(t, nil))
	if _, err := w.Complete(t.Context(), w.bob, handedOver.ticket); codeOf(err) != model.UserErrorCodeTicketInvalid {
		t.Errorf("bob redeems: %v", err)
	}
	w.untouched(t)
	if _, err := w.Complete(t.Context(), w.ann, handedOver.ticket); err != nil {
		t.Errorf("ann redeems: %v", err)
	}
	w.connected(t)
	if _, err := w.Disconnect(t.Context(), w.ann); err != nil {
		t.Error(err)
	}
	// started three times, other browser, unknown state, handed over, unknown ticket, connected twice, disconnected
	if n := w.log.count("connect audit cannot be written"); n != 10 {
		t.Errorf("%d lines tell of what could not be written", n)
	}
	w.audited(t)
}

// leaving is a database during whose answer the browser leaves.
type leaving struct {
	connect.Store
	leave *context.CancelFunc
}

func (l leaving) ConsumeConnectState(ctx context.Context, stateHash []byte, now model.Time) (model.ConnectState, bool, error) {
	st, open, err := l.Store.ConsumeConnectState(ctx, stateHash, now)
	(*l.leave)()
	return st, open, err
}

// TestConnectAuditOutlivesTheBrowser hangs up as soon as the state is consumed: who came is written all the same.
func TestConnectAuditOutlivesTheBrowser(t *testing.T) {
	t.Parallel()
	var leave context.CancelFunc
	w := setup(t, func(_ *cliq.RegionsConfig, c *connect.Config) { c.Store = leaving{c.Store, &leave} })
	callback := w.attempt(t, newBrowser())
	planted := newBrowser().signIn(w.bob)
	planted.cookies["__Host-heffl_connect"] = "planted"
	ctx, cancel := context.WithCancel(t.Context())
	leave = cancel
	w.visit(t, planted, httptest.NewRequestWithContext(ctx, http.MethodGet, callback, nil))
	w.audited(t, startedByAnn, "REFUSED OTHER_BROWSER, ann's by acme/bob, IN heffl")
}

// TestConnectAuditHoldsNoSecret looks for everything that a callback brings in what is written of it.
func TestConnectAuditHoldsNoSecret(t *testing.T) {
	t.Parallel()
	w := setup(t)
	var said []string
	b := newBrowser().signIn(w.ann)
	for range 2 {
		callback := w.attempt(t, b)
		said = append(said, b.cookies["__Host-heffl_connect"])
		_, query, _ := strings.Cut(callback, "?")
		for part := range strings.SplitSeq(query, "&") {
			if name, value, _ := strings.Cut(part, "="); name == "state" || name == "code" {
				said = append(said, value)
			}
		}
		w.open(t, b, callback)
		w.open(t, nil, callback+"&code=another-secret")
	}
	said = append(said, "another-secret", w.open(t, nil, w.attempt(t, nil)).ticket)
	all := strings.Join(w.audit(t), "\n")
	if len(said) != 8 || strings.Count(all, "\n") < 6 {
		t.Fatalf("%d secrets, entries:\n%s", len(said), all)
	}
	for _, secret := range said {
		if secret == "" || strings.Contains(all, secret) || w.log.count(secret) != 0 {
			t.Errorf("%q is in the audit or the log", secret)
		}
	}
}
