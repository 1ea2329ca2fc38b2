package cliq_test

import (
	"errors"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/heffl/bff/internal/cliq"
	"github.com/heffl/bff/internal/sandbox"
)

const redirectURI = "http://localhost:8080/oauth/cliq/callback"

var verifier = cliq.NewSecret("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")

// world is a client and the whole of Zoho it speaks to.
type world struct {
	*cliq.Client
	regions *cliq.Regions
	zoho    *sandbox.Sandbox
}

func setup(t *testing.T) world {
	t.Helper()
	zoho, err := sandbox.New(sandbox.Config{
		Clients:      []sandbox.Client{{ID: "1000.TEST", Secret: "sandbox-secret"}},
		RedirectURIs: []string{redirectURI},
		Now:          time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(zoho.Handler())
	regions, err := cliq.NewRegions(cliq.RegionsConfig{
		StandinURL: server.URL + "/sandbox",
		Default:    cliq.Credentials{ID: "1000.TEST", Secret: cliq.NewSecret("sandbox-secret")},
	})
	if err != nil {
		t.Fatal(err)
	}
	client, err := cliq.New(cliq.Config{Regions: regions, Now: time.Now, Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		client.Close()
		zoho.Close()
		server.Close()
		for _, violation := range zoho.Violations() {
			t.Errorf("the stand-in saw %+v", violation)
		}
	})
	return world{client, regions, zoho}
}

func (w world) fault(t *testing.T, fault sandbox.Fault, value string) {
	t.Helper()
	if err := w.zoho.SetFault(fault, sandbox.Setting{Value: value}); err != nil {
		t.Fatal(err)
	}
}

// connect walks a person of the region lives through consent, as asked in region asked.
func (w world) connect(t *testing.T, asked cliq.Code, lives sandbox.Region) (cliq.Code, cliq.Token) {
	t.Helper()
	consent, err := w.ConsentURL(asked, cliq.Consent{State: "state", Verifier: verifier, RedirectURI: redirectURI})
	if err != nil {
		t.Fatal(err)
	}
	callback, err := w.zoho.Decide(t.Context(), consent, sandbox.Decision{Region: lives})
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := url.Parse(callback)
	if err != nil {
		t.Fatal(err)
	}
	query := parsed.Query()
	region, err := w.regions.Resolve(query.Get("accounts-server"), query.Get("location"), asked)
	if err != nil {
		t.Fatal(err)
	}
	token, err := w.Exchange(t.Context(), region.Code, cliq.NewSecret(query.Get("code")), verifier, redirectURI)
	if err != nil {
		t.Fatal(err)
	}
	return region.Code, token
}

func TestSandboxEveryRegion(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, region := range w.regions.Offered() {
		t.Run(region.Location, func(t *testing.T) {
			t.Parallel()
			code, token := w.connect(t, cliq.US, sandbox.Region(region.Location))
			if code != region.Code || token.Refresh.IsEmpty() {
				t.Fatalf("connected in %s, refresh token %t", code, !token.Refresh.IsEmpty())
			}
			fresh, err := w.Refresh(t.Context(), code, token.Refresh)
			if err != nil || fresh.Access.Equal(token.Access) || !fresh.Refresh.IsEmpty() {
				t.Fatalf("refresh: %v", err)
			}
			message := cliq.Compose(cliq.Notice{
				Title: "Deal *won*", Body: "[x](https://evil.test)", Link: cliq.Link{Label: "View", URL: "https://app.heffl.example/1"},
			})
			message.Sync = true
			receipt, err := w.Send(t.Context(), code, "heffl", fresh.Access, message)
			if err != nil || len(receipt.UserIDs) != 1 || receipt.ReachedOthers() {
				t.Fatalf("send: %+v, %v", receipt, err)
			}
			if err := w.Revoke(t.Context(), code, token.Refresh); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Refresh(t.Context(), code, token.Refresh); !errors.Is(err, cliq.ErrInvalidGrant) {
				t.Errorf("refresh after revocation: %v", err)
			}
			if _, err := w.Send(t.Context(), code, "heffl", fresh.Access, message); cliq.ClassOf(err) != cliq.ClassTokenInvalid {
				t.Errorf("send after revocation: %v", err)
			}
			if err := w.Revoke(t.Context(), code, token.Refresh); err != nil {
				t.Errorf("revoke again: %v", err)
			}
		})
	}
}

func TestSandboxSendFaults(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault sandbox.Fault
		value string
		want  cliq.Class
	}{
		"bot unknown":             {sandbox.FaultBotUnknown, "", cliq.ClassBotNotFound},
		"scope, 401":              {sandbox.FaultScopeInvalid, "401", cliq.ClassScopeInvalid},
		"scope, 403":              {sandbox.FaultScopeInvalid, "403", cliq.ClassScopeInvalid},
		"revoked":                 {sandbox.FaultTokenRevoked, "", cliq.ClassTokenInvalid},
		"throttled, 429":          {sandbox.FaultCliqThrottled, "429", cliq.ClassRateLimited},
		"throttled, 400":          {sandbox.FaultCliqThrottled, "400", cliq.ClassRateLimited},
		"not subscribed, 400":     {sandbox.FaultNotSubscribed, "400", cliq.ClassNotSubscribed},
		"not subscribed, 403":     {sandbox.FaultNotSubscribed, "403", cliq.ClassNotSubscribed},
		"not subscribed, 404":     {sandbox.FaultNotSubscribed, "404", cliq.ClassNotSubscribed},
		"redirected":              {sandbox.FaultRedirect, "307", cliq.ClassUnavailable},
		"a page with 503":         {sandbox.FaultDown, "503", cliq.ClassUnknown},
		"reset":                   {sandbox.FaultDown, "reset", cliq.ClassUnknown},
		"success with user_ids":   {sandbox.FaultSuccessShape, "user_ids", ""},
		"success without a body":  {sandbox.FaultSuccessShape, "empty", ""},
		"success with a page":     {sandbox.FaultSuccessShape, "html", ""},
		"success for some others": {sandbox.FaultDeliveredToOthers, "3", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			code, token := w.connect(t, cliq.IN, sandbox.RegionIN)
			w.fault(t, test.fault, test.value)
			others := test.fault == sandbox.FaultDeliveredToOthers
			receipt, err := w.Send(t.Context(), code, "heffl", token.Access, cliq.Message{Text: "Hello", Sync: others})
			if got := cliq.ClassOf(err); got != test.want || receipt.ReachedOthers() != others {
				t.Errorf("got %q (%v), %+v; want %q", got, err, receipt, test.want)
			}
		})
	}
	t.Run("wait named", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		code, token := w.connect(t, cliq.IN, sandbox.RegionIN)
		w.fault(t, sandbox.FaultCliqThrottled, "429")
		w.fault(t, sandbox.FaultRetryAfter, "30")
		_, err := w.Send(t.Context(), code, "heffl", token.Access, cliq.Message{Text: "Hello"})
		var failure *cliq.SendError
		if !errors.As(err, &failure) || failure.RetryAfter != 30*time.Second || !failure.Stated {
			t.Errorf("got %+v", failure)
		}
	})
	t.Run("token of another region", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		_, token := w.connect(t, cliq.IN, sandbox.RegionIN)
		_, err := w.Send(t.Context(), cliq.EU, "heffl", token.Access, cliq.Message{Text: "Hello"})
		if cliq.ClassOf(err) != cliq.ClassTokenInvalid {
			t.Errorf("got %v", err)
		}
	})
}

func TestSandboxRefreshFaults(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault sandbox.Fault
		value string
		check func(error) bool
	}{
		"throttled":            {sandbox.FaultAccountsThrottled, "en", isA[*cliq.ThrottledError]},
		"throttled in Chinese": {sandbox.FaultAccountsThrottled, "zh", isA[*cliq.ThrottledError]},
		"throttled with 200":   {sandbox.FaultAccountsThrottled, "zh_200", isA[*cliq.ThrottledError]},
		"client rejected":      {sandbox.FaultClientRejected, "", isA[*cliq.MisconfiguredError]},
		"revoked":              {sandbox.FaultTokenRevoked, "", func(err error) bool { return errors.Is(err, cliq.ErrInvalidGrant) }},
		"down":                 {sandbox.FaultDown, "503", isA[*cliq.UnavailableError]},
		"reset":                {sandbox.FaultDown, "reset", isA[*cliq.UnavailableError]},
		"redirected":           {sandbox.FaultRedirect, "308", isA[*cliq.UnavailableError]},
		"endless":              {sandbox.FaultBlackHole, "endless", isA[*cliq.UnavailableError]},
		"odd lifetime":         {sandbox.FaultExpiresIn, "milliseconds", func(err error) bool { return err == nil }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			code, token := w.connect(t, cliq.IN, sandbox.RegionIN)
			w.fault(t, test.fault, test.value)
			before := time.Now()
			fresh, err := w.Refresh(t.Context(), code, token.Refresh)
			if !test.check(err) {
				t.Errorf("got %v", err)
			}
			if life := fresh.ExpiresAt.Sub(before); err == nil && (life < 59*time.Minute || life > 61*time.Minute) {
				t.Errorf("lives %s", life)
			}
		})
	}
}

func isA[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
