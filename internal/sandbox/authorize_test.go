package sandbox

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestAuthorizeRefusals(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		pairs []string
		title string
	}{
		"ErrClientUnknown":     {[]string{"client_id", "1000.OTHER"}, "Invalid Client"},
		"ErrClientMissing":     {[]string{"client_id", ""}, "Invalid Client"},
		"ErrResponseType":      {[]string{"response_type", "token"}, "Invalid response type"},
		"ErrRedirectElsewhere": {[]string{"redirect_uri", "https://evil.example/"}, "Invalid Redirect Uri"},
		"ErrRedirectLonger":    {[]string{"redirect_uri", testCallback + "/"}, "Invalid Redirect Uri"},
		"ErrScopeMissing":      {[]string{"scope", ""}, "Invalid OAuth scope"},
		"ErrScopeSpaces":       {[]string{"scope", "ZohoCliq.Webhooks.CREATE ZohoCliq.Bots.READ"}, "Invalid OAuth scope"},
		"ErrScopeCase":         {[]string{"scope", "ZohoCliq.Webhooks.create"}, "Invalid OAuth scope"},
		"ErrAccessType":        {[]string{"access_type", "forever"}, "Invalid access type"},
		"ErrPrompt":            {[]string{"prompt", "login"}, "Invalid prompt"},
		"ErrChallengeShort":    {[]string{"code_challenge", "abc", "code_challenge_method", "S256"}, "Invalid code challenge"},
		"ErrChallengeMethod":   {[]string{"code_challenge", strings.Repeat("a", 43), "code_challenge_method", "S512"}, "Invalid code challenge"},
		"ErrMethodAlone":       {[]string{"code_challenge_method", "S256"}, "Invalid code challenge"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			got := b.get(t, "/in/accounts/oauth/v2/auth?"+authorizeQuery(tc.pairs...).Encode())
			if got.status != http.StatusBadRequest || got.header.Get("Location") != "" || !strings.Contains(got.body, "<h1>"+tc.title) {
				t.Errorf("got %d, location %q, want 400 page %q", got.status, got.header.Get("Location"), tc.title)
			}
		})
	}
	t.Run("ErrParameterTwice", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		query := authorizeQuery()
		query.Add("state", "another")
		if got := b.get(t, "/in/accounts/oauth/v2/auth?"+query.Encode()); got.status != http.StatusBadRequest {
			t.Errorf("got %d, want 400", got.status)
		}
	})
}

func TestConsentPage(t *testing.T) {
	t.Parallel()
	approve := "/us/accounts/oauth/v2/approve?" + authorizeQuery().Encode()

	t.Run("OffersAskedRegionFirst", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		got := b.get(t, "/jp/accounts/oauth/v2/auth?"+authorizeQuery().Encode())
		if got.status != http.StatusOK || !strings.Contains(got.body, `<option value="jp" selected>`) || !strings.Contains(got.body, "Sandbox") {
			t.Errorf("got %d, page lacks the asked region or the warning", got.status)
		}
		if csp := got.header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "http: https:") {
			t.Errorf("got policy %q", csp)
		}
	})
	t.Run("AcceptGoesToCallback", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		got := b.postForm(t, approve, url.Values{"decision": {"accept"}, "region": {"in"}, "account": {"asha.rao@sandbox.example"}})
		location := got.header.Get("Location")
		if got.status != http.StatusSeeOther || !strings.HasPrefix(location, testCallback+"?state=st%26ate+1&code=1000.") {
			t.Fatalf("got %d to %q", got.status, location)
		}
		query := queryOf(t, location)
		if query.Get("location") != "in" || query.Get("accounts-server") != b.base+"/in/accounts" {
			t.Errorf("got %v", query)
		}
		if accounts := b.Accounts(); len(accounts) != 1 || accounts[0].Region != RegionIN || accounts[0].Name != "Asha Rao" {
			t.Errorf("got accounts %+v", accounts)
		}
	})
	t.Run("TypedAddress", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.postForm(t, approve, url.Values{"decision": {"accept"}, "region": {"us"}, "account": {"other"}, "email": {" New@Company.example "}})
		if accounts := b.Accounts(); len(accounts) != 1 || accounts[0].Email != "new@company.example" {
			t.Errorf("got accounts %+v", accounts)
		}
	})
	t.Run("ErrTypedNonsense", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		got := b.postForm(t, approve, url.Values{"decision": {"accept"}, "region": {"us"}, "account": {"other"}, "email": {"<b>"}})
		if got.status != http.StatusBadRequest || strings.Contains(got.body, "<b>\"") || !strings.Contains(got.body, "no e-mail address") {
			t.Errorf("got %d %s", got.status, got.body)
		}
	})
	t.Run("ErrRegionUnknown", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		got := b.postForm(t, approve, url.Values{"decision": {"accept"}, "region": {"xx"}, "account": {"a@b.example"}})
		if got.status != http.StatusBadRequest || got.header.Get("Location") != "" {
			t.Errorf("got %d", got.status)
		}
	})
	t.Run("RejectTellsTheApplication", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		got := b.postForm(t, approve, url.Values{"decision": {"reject"}})
		if want := testCallback + "?state=st%26ate+1&error=access_denied"; got.header.Get("Location") != want {
			t.Errorf("got %q, want %q", got.header.Get("Location"), want)
		}
	})
	t.Run("ErrForeignPage", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		r := b.request(t, http.MethodPost, approve, "application/x-www-form-urlencoded", "decision=accept&region=in&account=a@b.example")
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		if got := b.do(t, r); got.status != http.StatusForbidden || len(b.Accounts()) != 0 {
			t.Errorf("got %d and %d accounts", got.status, len(b.Accounts()))
		}
	})
	t.Run("ErrRequestChangedMeanwhile", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		got := b.postForm(t, "/us/accounts/oauth/v2/approve?"+authorizeQuery("redirect_uri", "https://evil.example/").Encode(),
			url.Values{"decision": {"accept"}, "region": {"in"}, "account": {"a@b.example"}})
		if got.status != http.StatusBadRequest || got.header.Get("Location") != "" {
			t.Errorf("got %d to %q", got.status, got.header.Get("Location"))
		}
	})
	t.Run("OnlyRegionsOfTheClient", func(t *testing.T) {
		t.Parallel()
		b := setup(t, func(c *Config) { c.Clients = []Client{{Region: RegionCN, ID: testClient, Secret: testSecret}} })
		got := b.get(t, "/cn/accounts/oauth/v2/auth?"+authorizeQuery().Encode())
		if !strings.Contains(got.body, `value="cn"`) || strings.Contains(got.body, `value="us"`) {
			t.Error("the page offers data centres that do not know the client")
		}
		if got := b.get(t, "/us/accounts/oauth/v2/auth?"+authorizeQuery().Encode()); got.status != http.StatusBadRequest {
			t.Errorf("got %d in another region, want 400", got.status)
		}
	})
}

func TestConsentFaults(t *testing.T) {
	t.Parallel()
	const path = "/us/accounts/oauth/v2/auth?"
	visit := func(t *testing.T, fault Fault, setting Setting) string {
		t.Helper()
		b := setup(t)
		b.fault(t, FaultAutoApprove, Setting{Value: "eu"})
		b.fault(t, fault, setting)
		return b.get(t, path+authorizeQuery().Encode()).header.Get("Location")
	}

	t.Run("AutoApproveElsewhere", func(t *testing.T) {
		t.Parallel()
		if got := queryOf(t, visit(t, FaultAutoApprove, Setting{Value: "eu"})); got.Get("location") != "eu" || got.Get("code") == "" {
			t.Errorf("got %v", got)
		}
	})
	t.Run("DenyWithState", func(t *testing.T) {
		t.Parallel()
		if got := visit(t, FaultDeny, Setting{}); got != testCallback+"?state=st%26ate+1&error=access_denied" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("DenyBare", func(t *testing.T) {
		t.Parallel()
		if got := visit(t, FaultDeny, Setting{Value: "bare", Region: RegionUS}); got != testCallback+"?error=access_denied" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("TrailingAmpersand", func(t *testing.T) {
		t.Parallel()
		if got := visit(t, FaultCallbackAmpersand, Setting{}); !strings.HasSuffix(got, "%2Feu%2Faccounts&") {
			t.Errorf("got %q", got)
		}
	})
	for value, want := range map[string]string{"both": "", "location": "accounts-server", "accounts-server": "location"} {
		t.Run("CallbackWithout_"+value, func(t *testing.T) {
			t.Parallel()
			got := queryOf(t, visit(t, FaultCallbackNoRegion, Setting{Value: value}))
			for _, name := range []string{"location", "accounts-server"} {
				if got.Has(name) != (name == want) {
					t.Errorf("%s present: %t", name, got.Has(name))
				}
			}
		})
	}
}

func TestDecide(t *testing.T) {
	t.Parallel()
	b := setup(t)
	good := b.base + "/us/accounts/oauth/v2/auth?" + authorizeQuery().Encode()
	if callback, err := b.Decide(t.Context(), good, Decision{}); err != nil || queryOf(t, callback).Get("location") != "us" {
		t.Errorf("got %q, %v", callback, err)
	}
	if callback, err := b.Decide(t.Context(), good, Decision{Deny: true}); err != nil || queryOf(t, callback).Get("error") != "access_denied" {
		t.Errorf("got %q, %v", callback, err)
	}
	for _, bad := range []string{
		"https://accounts.zoho.com/oauth/v2/auth?" + authorizeQuery().Encode(),
		b.base + "/xx/accounts/oauth/v2/auth?" + authorizeQuery().Encode(),
		b.base + "/us/accounts/oauth/v2/auth?" + authorizeQuery("client_id", "nobody").Encode(),
	} {
		if callback, err := b.Decide(t.Context(), bad, Decision{}); err == nil {
			t.Errorf("%s was approved: %s", bad, callback)
		}
	}
}

func TestCallbackKeepsItsQuery(t *testing.T) {
	t.Parallel()
	const uri = "http://localhost:8080/callback?tenant=1"
	b := setup(t, func(c *Config) { c.RedirectURIs = []string{uri} })
	b.fault(t, FaultAutoApprove, Setting{})
	got := b.get(t, "/us/accounts/oauth/v2/auth?"+authorizeQuery("redirect_uri", uri, "state", "").Encode()).header.Get("Location")
	if !strings.HasPrefix(got, uri+"&code=") || strings.Contains(got, "state") || queryOf(t, got).Get("location") != "us" {
		t.Errorf("got %q", got)
	}
}

func TestServerInfo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	locations, _ := b.get(t, "/us/accounts/oauth/serverinfo").json(t)["locations"].(map[string]any)
	if len(locations) != 9 || locations["ca"] != b.base+"/ca/accounts" {
		t.Errorf("got %v", locations)
	}
}
