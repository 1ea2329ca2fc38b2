package connect_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/heffl/bff/internal/cliq"
	"github.com/heffl/bff/internal/connect"
	"github.com/heffl/bff/internal/sandbox"
	"github.com/heffl/bff/model"
)

func TestWrongRegionWorks(t *testing.T) {
	t.Parallel()
	for _, lives := range sandbox.Regions() {
		t.Run(string(lives), func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			b := newBrowser()
			callback := w.consent(t, w.start(t, b, w.ann, model.CliqRegionCodeUs), sandbox.Decision{Region: lives})
			if got := w.open(t, b, callback); got.status != "connected" {
				t.Fatalf("landed %+v", got)
			}
			c := w.connection(t, w.ann)
			integration := model.CliqIntegration{Connection: c}
			if !strings.EqualFold(string(c.Region), string(lives)) || c.RegionChosen != model.CliqRegionCodeUs ||
				integration.RegionCorrected() != (lives != sandbox.RegionUS) {
				t.Errorf("lives in %s, chose %s, corrected %t", c.Region, c.RegionChosen, integration.RegionCorrected())
			}
			for _, region := range sandbox.Regions() {
				if n := w.zoho.Count(region, sandbox.EndpointExchange); (n == 1) != (region == lives) {
					t.Errorf("%d exchanges in %s", n, region)
				}
			}
			if _, _, err := w.tokens.Renew(t.Context(), &c, versionOf(t, w)); err != nil || w.zoho.Count(lives, sandbox.EndpointRefresh) != 1 {
				t.Errorf("refreshed %d times there: %v", w.zoho.Count(lives, sandbox.EndpointRefresh), err)
			}
		})
	}
	t.Run("where this server has no client", func(t *testing.T) {
		t.Parallel()
		notInChina := func(r *cliq.RegionsConfig, _ *connect.Config) { r.ChinaNeedsOwnClient = true }
		w := setup(t, notInChina)
		b := newBrowser()
		callback := w.consent(t, w.start(t, b, w.ann, model.CliqRegionCodeUs), sandbox.Decision{Region: sandbox.RegionCN})
		if got := w.open(t, b, callback); got.code != "REGION_NOT_AVAILABLE" {
			t.Errorf("landed %+v", got)
		}
		w.untouched(t)
		_, err := w.Start(t.Context(), w.ann, model.ConnectCliqInput{Region: model.CliqRegionCodeCn, Bot: "heffl"})
		if codeOf(err) != model.UserErrorCodeRegionNotAvailable {
			t.Errorf("start: %v", err)
		}
	})
	for _, says := range []string{"invalid_client", "invalid_code"} {
		t.Run("Zoho does not tell where, and says "+says, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			w.fault(t, sandbox.FaultCallbackNoRegion, "both")
			if says == "invalid_code" {
				w.fault(t, sandbox.FaultWrongDCInvalidCode, "")
			}
			b := newBrowser()
			callback := w.consent(t, w.start(t, b, w.ann, model.CliqRegionCodeUs), sandbox.Decision{Region: sandbox.RegionIN})
			if got := w.open(t, b, callback); got.code != "REGION_MISMATCH" {
				t.Errorf("landed %+v", got)
			}
			if c := w.connection(t, w.ann); c.Status != model.IntegrationStatusNotConnected {
				t.Errorf("connection %+v", c)
			}
		})
	}
}

func versionOf(t *testing.T, w *world) int64 {
	t.Helper()
	sealed, _, err := w.store.Tokens(t.Context(), w.ann.User.UUID)
	if err != nil {
		t.Fatal(err)
	}
	return sealed.Version
}

// TestExchangeFails goes through what Zoho says to the code, by both ways of ending an attempt.
func TestExchangeFails(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		fault sandbox.Fault
		value string
		late  bool // the code ran out
		code  string
		user  model.UserErrorCode
	}{
		"throttled":                 {fault: sandbox.FaultAccountsThrottled, value: "en", code: "PROVIDER_BUSY", user: model.UserErrorCodeProviderBusy},
		"throttled in Chinese":      {fault: sandbox.FaultAccountsThrottled, value: "zh", code: "PROVIDER_BUSY", user: model.UserErrorCodeProviderBusy},
		"throttled with status 200": {fault: sandbox.FaultAccountsThrottled, value: "zh_200", code: "PROVIDER_BUSY", user: model.UserErrorCodeProviderBusy},
		"down":                      {fault: sandbox.FaultDown, value: "503", code: "PROVIDER_BUSY", user: model.UserErrorCodeProviderBusy},
		"reset":                     {fault: sandbox.FaultDown, value: "reset", code: "PROVIDER_BUSY", user: model.UserErrorCodeProviderBusy},
		"redirected":                {fault: sandbox.FaultRedirect, value: "307", code: "PROVIDER_BUSY", user: model.UserErrorCodeProviderBusy},
		"client unknown":            {fault: sandbox.FaultClientRejected, value: "invalid_client", code: "PROVIDER_MISCONFIGURED", user: model.UserErrorCodeProviderRejected},
		"secret wrong":              {fault: sandbox.FaultClientRejected, value: "invalid_client_secret", code: "PROVIDER_MISCONFIGURED", user: model.UserErrorCodeProviderRejected},
		"redirect URI wrong":        {fault: sandbox.FaultClientRejected, value: "invalid_redirect_uri", code: "PROVIDER_MISCONFIGURED", user: model.UserErrorCodeProviderRejected},
		"no refresh token":          {fault: sandbox.FaultRefreshTokenMissing, code: "NO_REFRESH_TOKEN", user: model.UserErrorCodeProviderRejected},
		"code ran out":              {late: true, code: "PROVIDER_REJECTED", user: model.UserErrorCodeProviderRejected},
	} {
		begin := func(t *testing.T, b *browser) (*world, string) {
			t.Helper()
			w := setup(t)
			callback := w.attempt(t, b)
			if test.late {
				w.clock.pass(3 * time.Minute)
			} else {
				w.fault(t, test.fault, test.value)
			}
			return w, callback
		}
		t.Run(name+", by cookie", func(t *testing.T) {
			t.Parallel()
			b := newBrowser()
			w, callback := begin(t, b)
			if got := w.open(t, b, callback); got.status != "error" || got.code != test.code {
				t.Errorf("landed %+v", got)
			}
			if c := w.connection(t, w.ann); c.Status != model.IntegrationStatusNotConnected {
				t.Errorf("connection %+v", c)
			}
		})
		t.Run(name+", by ticket", func(t *testing.T) {
			t.Parallel()
			w, callback := begin(t, nil)
			_, err := w.Complete(t.Context(), w.ann, w.open(t, nil, callback).ticket)
			if codeOf(err) != test.user {
				t.Errorf("got %v", err)
			}
			var told *model.UserError
			if test.late || errors.As(err, &told) && strings.Contains(string(readme), "| `"+test.code+"`: "+told.Message+" |") {
				return
			}
			t.Errorf("the README does not say %s: %v", test.code, told)
		})
	}
	for _, odd := range []string{"missing", "milliseconds", "string", "float", "negative", "zero", "huge", "null", "text"} {
		t.Run("a lifetime that is "+odd, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			w.fault(t, sandbox.FaultExpiresIn, odd)
			w.connected(t)
			sealed, _, err := w.store.Tokens(t.Context(), w.ann.User.UUID)
			if life := sealed.ExpiresAt.Std().Sub(w.clock.now()); err != nil || life != time.Hour {
				t.Errorf("lives %s, %v", life, err)
			}
		})
	}
}

// TestExchangeOutlivesTheBrowser: a browser that leaves while Zoho thinks must not lose the grant.
func TestExchangeOutlivesTheBrowser(t *testing.T) {
	t.Parallel()
	w := setup(t)
	b := newBrowser()
	callback := w.attempt(t, b)
	w.fault(t, sandbox.FaultSlow, "200")
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	ended := make(chan landing, 1)
	go func() { ended <- w.visit(t, b, httptest.NewRequestWithContext(ctx, http.MethodGet, callback, nil)) }()
	if err := w.zoho.WaitCount(t.Context(), sandbox.RegionIN, sandbox.EndpointExchange, 1); err != nil {
		t.Fatal(err)
	}
	leave()
	<-ended
	if c := w.connection(t, w.ann); c.Status != model.IntegrationStatusConnected {
		t.Errorf("connection %+v", c)
	}
}

// brokenStore cannot keep connections.
type brokenStore struct{ connect.Store }

func (brokenStore) SaveConnected(context.Context, model.NewConnection, model.Time) (model.Connection, error) {
	return model.Connection{}, errors.New("disk full at /var/lib/secret-path")
}

// TestGrantIsGivenBack: what cannot be kept is revoked, or it would count against the person's twenty.
func TestGrantIsGivenBack(t *testing.T) {
	t.Parallel()
	w := setup(t, func(_ *cliq.RegionsConfig, c *connect.Config) { c.Store = brokenStore{c.Store} })
	b := newBrowser()
	if got := w.open(t, b, w.attempt(t, b)); got.code != "INTERNAL" || strings.Contains(got.to, "path") {
		t.Errorf("landed %+v", got)
	}
	revoked := w.zoho.Revocations()
	if len(revoked) != 1 || !revoked[0].OK || revoked[0].TokenType != "refresh_token" {
		t.Errorf("revoked %+v", revoked)
	}
}

// TestReconnect: the old connection works until the new one is there; then its refresh token is revoked, and nothing else.
func TestReconnect(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, w *world) {
		t.Helper()
		w.connected(t)
		old := w.refreshHash(t, w.ann)
		b := newBrowser()
		callback := w.attempt(t, b)
		if c := w.connection(t, w.ann); c.Status != model.IntegrationStatusConnected || w.refreshHash(t, w.ann) != old {
			t.Errorf("while consenting: %+v", c)
		}
		w.revoker.Start(t.Context())
		if got := w.open(t, b, callback); got.status != "connected" {
			t.Fatalf("landed %+v", got)
		}
		revoked, err := w.zoho.WaitRevocations(t.Context(), 1)
		if err != nil || len(revoked) != 1 || !revoked[0].OK || revoked[0].TokenHash != old || w.refreshHash(t, w.ann) == old {
			t.Errorf("revoked %+v, %v", revoked, err)
		}
		c := w.connection(t, w.ann)
		if _, _, err := w.tokens.Renew(t.Context(), &c, versionOf(t, w)); err != nil {
			t.Errorf("the new connection does not work: %v", err)
		}
	})
	t.Run("an attempt that fails leaves the old one", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		w.connected(t)
		old := w.refreshHash(t, w.ann)
		w.fault(t, sandbox.FaultClientRejected, "")
		b := newBrowser()
		if got := w.open(t, b, w.attempt(t, b)); got.status != "error" {
			t.Fatalf("landed %+v", got)
		}
		if c := w.connection(t, w.ann); c.Status != model.IntegrationStatusConnected || w.refreshHash(t, w.ann) != old || len(w.zoho.Revocations()) != 0 {
			t.Errorf("connection %+v", c)
		}
	})
}
