package delivery

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/heffl/bff/internal/sandbox"
	"github.com/heffl/bff/model"
)

// The rows of the README's table, by how their first cell begins.
const (
	rowBot           = "message: 404"
	rowSubscribe     = "message: not subscribed"
	rowOthers        = "the first message reached"
	rowRefresh       = "message: 401"
	rowRevoked       = "refresh: `invalid_code`"
	rowScope         = "scope missing"
	rowLimited       = "429"
	rowMisconfigured = "`invalid_client`"
	rowRejected      = "400 for one message"
	rowUnavailable   = "an error before"
	rowUnknown       = "no answer after"
	rowNone          = "a good answer that is late"
)

// faultCase is something that Zoho says, and what comes of it.
type faultCase struct {
	fault  sandbox.Fault // empty: answer
	values []string      // of the fault; empty: it takes none
	on     sandbox.Service
	// with is a second fault that the first one needs.
	with sandbox.Fault
	// expired lets the access token run out first, so that the accounts server is asked.
	expired bool
	answer  http.HandlerFunc
	// refused: nobody listens.
	refused bool

	row     string
	status  model.DeliveryStatus
	problem model.ProblemCode
	broken  bool // the person must connect again
}

func says(status int, body string) http.HandlerFunc {
	return func(rw http.ResponseWriter, _ *http.Request) {
		rw.WriteHeader(status)
		_, _ = rw.Write([]byte(body))
	}
}

// faultCases is every fault of the stand-in that concerns sending, and some that it does not have.
func faultCases() map[string]faultCase {
	const (
		sent, failed = model.DeliveryStatusSent, model.DeliveryStatusFailed
		again        = model.DeliveryStatusRetrying
		unknown      = model.DeliveryStatusOutcomeUnknown

		unavailable   = model.ProblemCodeProviderUnavailable
		misconfigured = model.ProblemCodeProviderMisconfigured
	)
	return map[string]faultCase{
		"Slow":     {fault: sandbox.FaultSlow, values: []string{"10"}, row: rowNone, status: sent},
		"TooSlow":  {fault: sandbox.FaultSlow, values: []string{"60000"}, on: "cliq", row: rowUnknown, status: unknown, problem: unavailable},
		"Down":     {fault: sandbox.FaultDown, values: []string{"503", "500", "502", "reset"}, on: "cliq", row: rowUnknown, status: unknown, problem: unavailable},
		"Silent":   {fault: sandbox.FaultBlackHole, values: []string{"silent"}, on: "cliq", row: rowUnknown, status: unknown, problem: unavailable},
		"Cut":      {fault: sandbox.FaultBlackHole, values: []string{"headers", "endless"}, on: "cliq", row: rowNone, status: sent},
		"Redirect": {fault: sandbox.FaultRedirect, values: []string{"302", "307"}, on: "cliq", row: rowUnavailable, status: again, problem: unavailable},

		"Revoked":          {fault: sandbox.FaultTokenRevoked, row: rowRevoked, status: failed, problem: model.ProblemCodeTokenRevoked, broken: true},
		"RevokedExpired":   {fault: sandbox.FaultTokenRevoked, expired: true, row: rowRevoked, status: failed, problem: model.ProblemCodeTokenRevoked, broken: true},
		"AccountsThrottle": {fault: sandbox.FaultAccountsThrottled, values: []string{"en", "zh", "en_200", "zh_200"}, expired: true, row: rowLimited, status: again, problem: model.ProblemCodeRateLimited},
		"AccountsDown":     {fault: sandbox.FaultDown, values: []string{"503", "500", "502", "reset"}, on: "accounts", expired: true, row: rowUnavailable, status: again, problem: unavailable},
		"AccountsSilent":   {fault: sandbox.FaultBlackHole, values: []string{"silent", "headers", "endless"}, on: "accounts", expired: true, row: rowUnavailable, status: again, problem: unavailable},
		"Client":           {fault: sandbox.FaultClientRejected, values: []string{"invalid_client", "invalid_client_secret", "invalid_redirect_uri"}, expired: true, row: rowMisconfigured, status: failed, problem: misconfigured},
		"ExpiresIn":        {fault: sandbox.FaultExpiresIn, values: []string{"missing", "milliseconds", "string", "float", "negative", "zero", "huge", "null", "text"}, expired: true, row: rowNone, status: sent},
		"Expired":          {expired: true, row: rowRefresh, status: sent},

		"Bot":       {fault: sandbox.FaultBotUnknown, row: rowBot, status: failed, problem: model.ProblemCodeBotNotFound},
		"Scope":     {fault: sandbox.FaultScopeInvalid, values: []string{"401", "403"}, row: rowScope, status: failed, problem: model.ProblemCodeScopeMissing, broken: true},
		"Throttled": {fault: sandbox.FaultCliqThrottled, values: []string{"429", "400"}, row: rowLimited, status: again, problem: model.ProblemCodeRateLimited},
		"Hint":      {fault: sandbox.FaultRetryAfter, values: []string{"30", "soon"}, with: sandbox.FaultCliqThrottled, row: rowLimited, status: again, problem: model.ProblemCodeRateLimited},
		"Stranger":  {fault: sandbox.FaultNotSubscribed, values: []string{"400", "403", "404"}, row: rowSubscribe, status: failed, problem: model.ProblemCodeNotSubscribed},
		"Others":    {fault: sandbox.FaultDeliveredToOthers, values: []string{"3"}, row: rowOthers, status: sent, problem: model.ProblemCodeDeliveredToOthers},
		"Shape":     {fault: sandbox.FaultSuccessShape, values: []string{"user_ids", "empty", "html"}, row: rowNone, status: sent},

		"ErrorIn200":    {answer: says(200, `{"code":"botmessage_no_valid_users","message":"x"}`), row: rowSubscribe, status: failed, problem: model.ProblemCodeNotSubscribed},
		"HTML500":       {answer: says(500, "<html>"), row: rowUnknown, status: unknown, problem: unavailable},
		"Zoho500":       {answer: says(500, `{"code":"internal_server_error","message":"x"}`), row: rowUnavailable, status: again, problem: unavailable},
		"Garbage":       {answer: says(400, "\x00\xff{"), row: rowRejected, status: failed, problem: model.ProblemCodeMessageRejected},
		"HugeRejection": {answer: says(400, strings.Repeat("x", 1<<20)), row: rowRejected, status: failed, problem: model.ProblemCodeMessageRejected},
		"Rejected":      {answer: says(400, `{"code":"input_pattern_mismatch"}`), row: rowRejected, status: failed, problem: model.ProblemCodeMessageRejected},
		"Refused":       {refused: true, row: rowUnavailable, status: again, problem: unavailable},
	}
}

// elsewhere are the faults that say nothing about sending: consent, exchange and revocation (package connect), the form
// of a name that this server never sends, and mail (package mail).
var elsewhere = map[sandbox.Fault]bool{
	sandbox.FaultWrongDCInvalidCode: true, sandbox.FaultRefreshTokenMissing: true, sandbox.FaultRevokeFormMissing: true,
	sandbox.FaultBotNameStatus: true,
}

// TestEveryFault sends one message through each fault and compares what came of it with the README's table.
func TestEveryFault(t *testing.T) {
	t.Parallel()
	rows := readmeRows(t)
	seen := map[string]bool{}
	covered := map[sandbox.Fault]map[string]bool{}
	for name, tc := range faultCases() {
		seen[tc.row] = true
		values := tc.values
		if len(values) == 0 {
			values = []string{""}
		}
		if covered[tc.fault] == nil {
			covered[tc.fault] = map[string]bool{}
		}
		for _, value := range values {
			covered[tc.fault][value] = true
			t.Run(name+value, func(t *testing.T) {
				t.Parallel()
				tc.run(t, value)
			})
		}
		tc.compare(t, name, rows)
	}
	readme := readmeText(t)
	for _, info := range sandbox.Faults() {
		if info.Group != sandbox.GroupMail && info.Fault != sandbox.FaultBotNameStatus && !strings.Contains(readme, "`"+string(info.Fault)+"`") {
			t.Errorf("the README does not name the fault %s", info.Fault)
		}
		if elsewhere[info.Fault] || info.Group == sandbox.GroupConsent || info.Group == sandbox.GroupMail {
			continue
		}
		if len(covered[info.Fault]) == 0 {
			t.Errorf("no case has the fault %s", info.Fault)
		}
		for _, choice := range info.Choices {
			if !covered[info.Fault][choice] {
				t.Errorf("no case has the fault %s %s", info.Fault, choice)
			}
		}
	}
	for first := range rows {
		found := false
		for row := range seen {
			found = found || strings.HasPrefix(first, row)
		}
		if !found {
			t.Errorf("no case shows the README's row %q", first)
		}
	}
}

func (tc *faultCase) run(t *testing.T, value string) {
	t.Helper()
	w := setup(t)
	ann := w.person(t, "ann")
	if tc.expired {
		w.clock.pass(2 * time.Hour)
	}
	if tc.fault != "" {
		w.fault(t, tc.fault, sandbox.Setting{Value: value, Service: tc.on})
	}
	if tc.with != "" {
		w.fault(t, tc.with, sandbox.Setting{})
	}
	if tc.answer != nil {
		w.answer.Store(&tc.answer)
	}
	if tc.refused {
		w.server.CloseClientConnections()
		w.server.Listener.Close()
	}
	id := w.publish(t, ann, model.ChannelCliq, 1)[0]
	w.work(t)
	d, c := w.deliveries(t, ann, id)[0], w.connection(t, ann)
	if d.Status != tc.status || c.Problem != tc.problem {
		t.Errorf("the delivery is %s, the person reads %q, want %s and %q", d.Status, c.Problem, tc.status, tc.problem)
	}
	if broken := c.Status == model.IntegrationStatusNeedsReconnect; broken != tc.broken {
		t.Errorf("the connection is %s", c.Status)
	}
	if (tc.status == model.DeliveryStatusRetrying) != d.FinishedAt.IsZero() {
		t.Errorf("%s finished at %v", d.Status, d.FinishedAt)
	}
	if d.Status == model.DeliveryStatusRetrying && !d.NextAttemptAt.After(model.NewTime(w.clock.now())) {
		t.Error("tried again at once")
	}
	if c.Problem.NeedsPerson() && !c.ProbeAt.Equal(model.NewTime(w.clock.now().Add(10*time.Minute))) {
		t.Errorf("probed at %v", c.ProbeAt)
	}
	asked := w.zoho.Count("", sandbox.EndpointMessage)
	if asked > 2 || asked > 1 && tc.row != rowRevoked {
		t.Errorf("%d requests", asked)
	}
	mustAct := tc.broken || c.Problem.NeedsPerson() && c.Problem != model.ProblemCodeProviderMisconfigured
	if n := len(w.disconnected); n != 0 != mustAct || n > 1 {
		t.Errorf("told %d times that a person must act", n)
	}
	if told := len(w.changed) > 0; told != (tc.problem != "") {
		t.Errorf("open streams were told: %t", told)
	}
}

// compare holds a case against its row.
func (tc *faultCase) compare(t *testing.T, name string, rows map[string][2]string) {
	t.Helper()
	for first, cells := range rows {
		if !strings.HasPrefix(first, tc.row) {
			continue
		}
		if tc.fault != "" && !strings.Contains(first, "`"+string(tc.fault)+"`") {
			t.Errorf("%s: the README's row %q does not name the fault", name, first)
		}
		sees, does := cells[0], cells[1]
		if tc.problem != "" && !strings.HasPrefix(sees, "`"+string(tc.problem)+"`") || tc.problem == "" && sees != "nothing" {
			t.Errorf("%s: the person reads %q, the README says %q", name, tc.problem, sees)
		}
		want := map[model.DeliveryStatus][]string{
			model.DeliveryStatusRetrying:       {"retries", "leaves the person alone"},
			model.DeliveryStatusOutcomeUnknown: {"`OUTCOME_UNKNOWN`"},
			model.DeliveryStatusFailed:         {"fails", "as above"},
		}[tc.status]
		if tc.broken {
			want = []string{"NEEDS_RECONNECT"}
		}
		found := len(want) == 0
		for _, phrase := range want {
			found = found || strings.Contains(does, phrase)
		}
		if !found {
			t.Errorf("%s: the delivery is %s, the README says %q", name, tc.status, does)
		}
		return
	}
	t.Errorf("%s: the README has no row %q", name, tc.row)
}

func readmeText(t *testing.T) string {
	t.Helper()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(readme)
}

// readmeRows are the rows of the README's table of what Zoho says, by their first cell.
func readmeRows(t *testing.T) map[string][2]string {
	t.Helper()
	_, table, found := strings.Cut(readmeText(t), "\n| Zoho says | the person reads | the server does |\n|---|---|---|\n")
	if !found {
		t.Fatal("the README has no table of what Zoho says")
	}
	rows := map[string][2]string{}
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 3 {
			break
		}
		rows[strings.TrimSpace(cells[0])] = [2]string{strings.TrimSpace(cells[1]), strings.TrimSpace(cells[2])}
	}
	return rows
}
