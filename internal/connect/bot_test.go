package connect_test

import (
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"github.com/heffl/bff/internal/cliq"
	"github.com/heffl/bff/internal/connect"
	"github.com/heffl/bff/internal/sandbox"
	"github.com/heffl/bff/model"
)

// regionLabels are all regions as the product shows them.
var regionLabels = map[model.CliqRegionCode]string{
	model.CliqRegionCodeUs: "Global (.com)", model.CliqRegionCodeIn: "India (.in)", model.CliqRegionCodeEu: "Europe (.eu)",
	model.CliqRegionCodeAu: "Australia (.com.au)", model.CliqRegionCodeCa: "Canada (.ca)", model.CliqRegionCodeUk: "United Kingdom (.uk)",
	model.CliqRegionCodeJp: "Japan (.jp)", model.CliqRegionCodeSa: "Saudi Arabia (.sa)", model.CliqRegionCodeCn: "China (.com.cn)",
}

// mismatch demands an error that names the region of the URL and says what it does not fit.
func mismatch(t *testing.T, err error, ofURL model.CliqRegionCode, but string) {
	t.Helper()
	problem, ok := err.(*model.UserError) //nolint:errorlint // the very value
	if !ok || problem.Code != model.UserErrorCodeRegionMismatch || strings.Join(problem.Field, ".") != "input.bot" ||
		!strings.Contains(problem.Message, "belongs to "+regionLabels[ofURL]) || !strings.Contains(problem.Message, but) {
		t.Errorf("URL of %s: %v; want it told that %s", ofURL, err, but)
	}
}

// silent demands that Zoho was asked nothing, by nobody.
func (w *world) silent(t *testing.T) {
	t.Helper()
	for _, endpoint := range []sandbox.Endpoint{
		sandbox.EndpointAuthorize, sandbox.EndpointConsent, sandbox.EndpointExchange, sandbox.EndpointRefresh, sandbox.EndpointToken,
		sandbox.EndpointRevoke, sandbox.EndpointMessage, sandbox.EndpointOther, sandbox.EndpointTrap,
	} {
		if n := w.zoho.Count("", endpoint); n != 0 {
			t.Errorf("%d requests to %s", n, endpoint)
		}
	}
}

// TestBotOfAnotherRegion pastes the bot's URL of every region into the form for every other one: it is told before anybody
// goes to Zoho, and nothing has begun.
func TestBotOfAnotherRegion(t *testing.T) {
	t.Parallel()
	if len(regionLabels) != len(sandbox.Regions()) {
		t.Fatalf("%d labels", len(regionLabels))
	}
	w := setup(t)
	started := 0
	for chosen := range regionLabels {
		for ofURL := range regionLabels {
			region, _ := w.Regions.Get(cliq.Code(ofURL))
			for _, address := range []string{
				region.CliqURL + "/api/v2/bots/heffl/message", " " + region.CliqURL + "/company/64396901/api/v3/bots/heffl/messages/?zapikey=1001.a ",
			} {
				got, err := w.Start(t.Context(), w.ann, model.ConnectCliqInput{Region: chosen, Bot: address})
				if chosen != ofURL {
					mismatch(t, err, ofURL, "the region chosen is "+regionLabels[chosen]+". Choose "+regionLabels[ofURL]+",")
					continue
				}
				if err != nil || !strings.HasPrefix(got.ConsentURL, region.AccountsURL+"/oauth/v2/auth?") {
					// Ten may be open: the eleventh is the first that is too much.
					if started < 10 || codeOf(err) != model.UserErrorCodeRateLimited {
						t.Errorf("URL of %s, chosen %s: %q, %v", ofURL, chosen, got.ConsentURL, err)
					}
					continue
				}
				started++
			}
		}
	}
	if lines := w.audit(t); len(lines) != started || started != 10 {
		t.Errorf("%d attempts have begun, %d are written down", started, len(lines))
	}
	w.silent(t)
}

// TestUpdateBot changes the bot of a connection in every form that a person can copy, without going to Zoho again. The
// region that counts is where the account lives.
func TestUpdateBot(t *testing.T) {
	t.Parallel()
	var told atomic.Int32
	w := setup(t, func(_ *cliq.RegionsConfig, c *connect.Config) { c.Changed = func(uuid.UUID) { told.Add(1) } })
	if _, err := w.SetBot(t.Context(), w.ann, "helper"); codeOf(err) != model.UserErrorCodeNotConnected {
		t.Errorf("before it is connected: %v", err)
	}
	b := newBrowser()
	if got := w.open(t, b, w.consent(t, w.start(t, b, w.ann, model.CliqRegionCodeUs), sandbox.Decision{Region: sandbox.RegionIN})); got.status != "connected" {
		t.Fatalf("landed %+v", got)
	}
	before, tokens := w.connection(t, w.ann), w.refreshHash(t, w.ann)
	india, _ := w.Regions.Get(cliq.IN)
	global, _ := w.Regions.Get(cliq.US)
	told.Store(0)
	for i, form := range []string{
		"%", " % ", india.CliqURL + "/api/v2/bots/%/message", "\t" + india.CliqURL + "/api/v3/bots/%/messages/\n", india.CliqURL + "/company/64396901/api/v2/bots/%",
		india.CliqURL + "/network/partners/api/v2/bots/%/message?zapikey=1001.a.b", "https://cliq.zoho.in/api/v2/bots/%/message/",
	} {
		name := "Bot_" + string(rune('a'+i))
		got, err := w.SetBot(t.Context(), w.ann, strings.ReplaceAll(form, "%", name))
		if err != nil || got.BotName != name || w.connection(t, w.ann).BotName != name || told.Load() != int32(i+1) {
			t.Errorf("%q: %q, told %d times, %v", form, got.BotName, told.Load(), err)
		}
	}
	last := w.connection(t, w.ann)
	_, err := w.SetBot(t.Context(), w.ann, global.CliqURL+"/api/v2/bots/evil/message")
	mismatch(t, err, model.CliqRegionCodeUs, "the connected account lives in India (.in).")
	for _, bad := range []string{
		"", " ", "a b", "../../channels/x/message", "https://evil.test/api/v2/bots/x/message", india.CliqURL + "/api/v2/bots/../channels/x/message",
		india.CliqURL + "/api/v2/bots/%2e%2e/message", "https://cliq.zoho.in@evil.test/api/v2/bots/x/message", strings.Repeat("b", 101),
	} {
		if _, err := w.SetBot(t.Context(), w.ann, bad); codeOf(err) != model.UserErrorCodeInvalidBot {
			t.Errorf("%q: %v", bad, err)
		}
	}
	after := w.connection(t, w.ann)
	if after != last || after.Status != before.Status || after.ConnectedAt != before.ConnectedAt || after.Region != before.Region || w.refreshHash(t, w.ann) != tokens {
		t.Errorf("the connection was %+v, is %+v", before, after)
	}
	if n := w.zoho.Count("", sandbox.EndpointExchange); n != 1 || w.zoho.Count("", sandbox.EndpointRefresh)+w.zoho.Count("", sandbox.EndpointRevoke) != 0 {
		t.Errorf("%d exchanges, and Zoho was asked for more", n)
	}
	if _, err := w.SetBot(t.Context(), w.bob, "helper"); codeOf(err) != model.UserErrorCodeNotConnected {
		t.Errorf("bob: %v", err)
	}
}
