package sandbox

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestExchange(t *testing.T) {
	t.Parallel()
	want := func(t *testing.T, got answer, code string) {
		t.Helper()
		if got.status != http.StatusOK {
			t.Errorf("got status %d, want 200", got.status)
		}
		if diff := cmp.Diff(map[string]any{"error": code}, got.json(t)); diff != "" {
			t.Error(diff)
		}
	}

	t.Run("OK", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		got := b.postForm(t, tokenPath(RegionIN), exchangeForm(b.code(t, RegionUS, RegionIN, "scope", scopeMessage+",ZohoCliq.Bots.READ"))).json(t)
		for _, name := range []string{"access_token", "refresh_token"} {
			if token, _ := got[name].(string); !strings.HasPrefix(token, "1000.") || len(token) != 70 {
				t.Errorf("%s is %q", name, token)
			}
			delete(got, name)
		}
		wantBody := map[string]any{
			"scope": scopeMessage + " ZohoCliq.Bots.READ", "api_domain": "https://www.zohoapis.in", "token_type": "Bearer", "expires_in": 3600.0,
		}
		if diff := cmp.Diff(wantBody, got); diff != "" {
			t.Error(diff)
		}
	})
	for name, build := range map[string]func(t *testing.T, b *testBundle, form url.Values) *http.Request{
		"Query": func(t *testing.T, b *testBundle, form url.Values) *http.Request {
			t.Helper()
			return b.request(t, http.MethodPost, tokenPath(RegionUS)+"?"+form.Encode(), "", "")
		},
		"Multipart": func(t *testing.T, b *testBundle, form url.Values) *http.Request {
			t.Helper()
			var body bytes.Buffer
			w := multipart.NewWriter(&body)
			for key := range form {
				_ = w.WriteField(key, form.Get(key))
			}
			_ = w.Close()
			return b.request(t, http.MethodPost, tokenPath(RegionUS), w.FormDataContentType(), body.String())
		},
		"Basic": func(t *testing.T, b *testBundle, form url.Values) *http.Request {
			t.Helper()
			form.Del("client_id")
			form.Del("client_secret")
			r := b.request(t, http.MethodPost, tokenPath(RegionUS), "application/x-www-form-urlencoded", form.Encode())
			r.SetBasicAuth(testClient, testSecret)
			return r
		},
	} {
		t.Run("Accepts"+name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			got := b.do(t, build(t, b, exchangeForm(b.code(t, RegionUS, RegionUS))))
			if got.status != http.StatusOK || got.json(t)["access_token"] == nil {
				t.Errorf("got %d %s", got.status, got.body)
			}
			secretSeen := slices.ContainsFunc(b.Violations(), func(v Violation) bool { return v.Kind == ViolationSecretInURL })
			if secretSeen != (name == "Query") {
				t.Errorf("secret in URL noted: %t", secretSeen)
			}
		})
	}
	t.Run("ErrUsedTwice", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		form := exchangeForm(b.code(t, RegionUS, RegionUS))
		b.postForm(t, tokenPath(RegionUS), form)
		want(t, b.postForm(t, tokenPath(RegionUS), form), "invalid_code")
	})
	t.Run("ErrExpired", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		form := exchangeForm(b.code(t, RegionUS, RegionUS))
		b.clock.advance(2 * time.Minute)
		want(t, b.postForm(t, tokenPath(RegionUS), form), "invalid_code")
	})
	t.Run("ErrCodeUnknown", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		want(t, b.postForm(t, tokenPath(RegionUS), exchangeForm("1000.x.y")), "invalid_code")
	})
	t.Run("ErrClientUnknown", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		want(t, b.postForm(t, tokenPath(RegionUS), exchangeForm(b.code(t, RegionUS, RegionUS), "client_id", "x")), "invalid_client")
	})
	t.Run("ErrSecret", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		want(t, b.postForm(t, tokenPath(RegionUS), exchangeForm(b.code(t, RegionUS, RegionUS), "client_secret", "x")), "invalid_client_secret")
	})
	t.Run("ErrRedirectURI", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		want(t, b.postForm(t, tokenPath(RegionUS), exchangeForm(b.code(t, RegionUS, RegionUS), "redirect_uri", testCallback+"x")), "invalid_redirect_uri")
	})
	t.Run("ErrGrantType", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		want(t, b.postForm(t, tokenPath(RegionUS), exchangeForm("x", "grant_type", "password")), "invalid_client")
	})
	t.Run("ErrWrongDataCentre", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		form := exchangeForm(b.code(t, RegionUS, RegionIN))
		want(t, b.postForm(t, tokenPath(RegionUS), form), "invalid_client")
		b.fault(t, FaultWrongDCInvalidCode, Setting{})
		want(t, b.postForm(t, tokenPath(RegionUS), form), "invalid_code")
		if got := b.postForm(t, tokenPath(RegionIN), form); got.json(t)["access_token"] == nil {
			t.Errorf("the right data centre answers %s", got.body)
		}
	})
	t.Run("ErrGrantTypeMissing", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		got := b.postForm(t, tokenPath(RegionUS), url.Values{"client_id": {testClient}})
		if got.status != http.StatusBadRequest || !strings.HasPrefix(got.header.Get("Content-Type"), "text/html") {
			t.Errorf("got %d %s", got.status, got.header.Get("Content-Type"))
		}
	})
	t.Run("ErrGet", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		if got := b.get(t, tokenPath(RegionUS)+"?"+exchangeForm("x").Encode()); got.status != http.StatusBadRequest {
			t.Errorf("got %d, want 400", got.status)
		}
	})
	t.Run("SecretPerRegion", func(t *testing.T) {
		t.Parallel()
		b := setup(t, func(c *Config) {
			c.Clients = []Client{{Region: RegionUS, ID: testClient, Secret: testSecret}, {Region: RegionIN, ID: testClient, Secret: "indian"}}
		})
		form := exchangeForm(b.code(t, RegionUS, RegionIN))
		want(t, b.postForm(t, tokenPath(RegionIN), form), "invalid_client_secret")
		form.Set("client_secret", "indian")
		if got := b.postForm(t, tokenPath(RegionIN), form); got.json(t)["access_token"] == nil {
			t.Errorf("got %s", got.body)
		}
	})
}

func TestPKCE(t *testing.T) {
	t.Parallel()
	verifier := strings.Repeat("v", 50)
	sum := sha256.Sum256([]byte(verifier))
	challenge := base64.RawURLEncoding.EncodeToString(sum[:])
	for name, tc := range map[string]struct {
		query []string
		given string
		ok    bool
	}{
		"OK":                    {[]string{"code_challenge", challenge, "code_challenge_method", "S256"}, verifier, true},
		"OKPlainByDefault":      {[]string{"code_challenge", verifier}, verifier, true},
		"OKVerifierUnasked":     {nil, verifier, true},
		"ErrVerifierMissing":    {[]string{"code_challenge", challenge, "code_challenge_method", "S256"}, "", false},
		"ErrVerifierWrong":      {[]string{"code_challenge", challenge, "code_challenge_method", "S256"}, verifier + "x", false},
		"ErrChallengeIsNoProof": {[]string{"code_challenge", challenge, "code_challenge_method", "S256"}, challenge, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			got := b.postForm(t, tokenPath(RegionUS), exchangeForm(b.code(t, RegionUS, RegionUS, tc.query...), "code_verifier", tc.given)).json(t)
			if ok := got["access_token"] != nil; ok != tc.ok {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestRefreshTokenIsGiven(t *testing.T) {
	t.Parallel()
	has := func(t *testing.T, b *testBundle, pairs ...string) bool {
		t.Helper()
		got := b.postForm(t, tokenPath(RegionUS), exchangeForm(b.code(t, RegionUS, RegionUS, pairs...))).json(t)
		if got["access_token"] == nil {
			t.Fatalf("got %v", got)
		}
		return got["refresh_token"] != nil
	}
	b := setup(t)
	if !has(t, b, "prompt", "") {
		t.Error("first consent gives none")
	}
	if has(t, b, "prompt", "") {
		t.Error("second consent without prompt gives one")
	}
	if !has(t, b) {
		t.Error("prompt=consent gives none")
	}
	if has(t, b, "access_type", "online") {
		t.Error("online access gives one")
	}
	b.fault(t, FaultRefreshTokenMissing, Setting{})
	if has(t, b) {
		t.Error("the fault gives one")
	}
}

func TestRefresh(t *testing.T) {
	t.Parallel()
	t.Run("OK", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		tokens := b.connect(t, RegionEU)
		got := b.postForm(t, tokenPath(RegionEU), refreshForm(tokens.RefreshToken)).json(t)
		if got["access_token"] == nil || got["access_token"] == tokens.AccessToken || got["refresh_token"] != nil {
			t.Errorf("got %v", got)
		}
		if b.Count(RegionEU, EndpointRefresh) != 1 || b.Count("", EndpointRefresh) != 1 || b.Count(RegionUS, EndpointRefresh) != 0 {
			t.Errorf("got counts %v", b.Counts())
		}
	})
	t.Run("ErrOtherDataCentre", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		got := b.postForm(t, tokenPath(RegionUS), refreshForm(b.connect(t, RegionEU).RefreshToken))
		if got.status != http.StatusOK || got.json(t)["error"] != "invalid_code" {
			t.Errorf("got %d %s", got.status, got.body)
		}
	})
	t.Run("ErrTooOften", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		form := refreshForm(b.connect(t, RegionEU).RefreshToken)
		for i := range 10 {
			if got := b.postForm(t, tokenPath(RegionEU), form); got.json(t)["access_token"] == nil {
				t.Fatalf("refresh %d: %s", i+1, got.body)
			}
		}
		b.clock.advance(9 * time.Minute)
		got := b.postForm(t, tokenPath(RegionEU), form)
		if got.status != http.StatusBadRequest || got.json(t)["error"] != "Access Denied" || got.json(t)["status"] != "failure" {
			t.Errorf("got %d %s", got.status, got.body)
		}
		b.clock.advance(time.Minute)
		if got := b.postForm(t, tokenPath(RegionEU), form); got.json(t)["access_token"] == nil {
			t.Errorf("after the window: %s", got.body)
		}
	})
	t.Run("TwentyFirstEvictsOldest", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		first := b.connect(t, RegionUS)
		second := b.connect(t, RegionUS)
		for range 19 {
			b.connect(t, RegionUS)
		}
		if got := b.postForm(t, tokenPath(RegionUS), refreshForm(first.RefreshToken)).json(t); got["error"] != "invalid_code" {
			t.Errorf("the oldest refresh token answers %v", got)
		}
		if got := b.send(t, RegionUS, first.AccessToken, "heffl", `{"text":"x"}`); got.status != http.StatusUnauthorized {
			t.Errorf("its access token answers %d", got.status)
		}
		if got := b.postForm(t, tokenPath(RegionUS), refreshForm(second.RefreshToken)).json(t); got["access_token"] == nil {
			t.Errorf("the second answers %v", got)
		}
	})
	t.Run("SixteenthAccessTokenEvictsOldest", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		tokens := b.connect(t, RegionUS)
		for range 15 {
			b.clock.advance(2 * time.Minute)
			b.postForm(t, tokenPath(RegionUS), refreshForm(tokens.RefreshToken))
		}
		if got := b.send(t, RegionUS, tokens.AccessToken, "heffl", `{"text":"x"}`); got.status != http.StatusUnauthorized {
			t.Errorf("got %d, want 401", got.status)
		}
	})
}

func TestTokenFaults(t *testing.T) {
	t.Parallel()
	refresh := func(t *testing.T, fault Fault, value string) answer {
		t.Helper()
		b := setup(t)
		b.fault(t, fault, Setting{Value: value})
		return b.postForm(t, tokenPath(RegionUS), refreshForm(b.connect(t, RegionUS).RefreshToken))
	}
	for value, want := range map[string]struct {
		status int
		text   string
	}{"en": {400, "Access Denied"}, "zh": {400, "拒绝访问"}, "en_200": {200, "Access Denied"}, "zh_200": {200, "拒绝访问"}} {
		t.Run("Throttled_"+value, func(t *testing.T) {
			t.Parallel()
			got := refresh(t, FaultAccountsThrottled, value)
			if got.status != want.status || got.json(t)["error"] != want.text || got.json(t)["error_description"] == "" {
				t.Errorf("got %d %s", got.status, got.body)
			}
		})
	}
	for value, want := range map[string]string{
		"milliseconds": `"expires_in":3600000,`, "string": `"expires_in":"3600"`, "float": `"expires_in":3600.5`, "negative": `"expires_in":-3600`,
		"zero": `"expires_in":0`, "huge": `"expires_in":1e+30`, "null": `"expires_in":null`, "text": `"expires_in":"soon"`,
	} {
		t.Run("ExpiresIn_"+value, func(t *testing.T) {
			t.Parallel()
			if got := refresh(t, FaultExpiresIn, value); !strings.Contains(got.body, want) {
				t.Errorf("got %s, want %s", got.body, want)
			}
		})
	}
	t.Run("ExpiresIn_missing", func(t *testing.T) {
		t.Parallel()
		if got := refresh(t, FaultExpiresIn, "missing"); strings.Contains(got.body, "expires_in") {
			t.Errorf("got %s", got.body)
		}
	})
	for _, value := range []string{"invalid_client", "invalid_client_secret", "invalid_redirect_uri"} {
		t.Run("ClientRejected_"+value, func(t *testing.T) {
			t.Parallel()
			if got := refresh(t, FaultClientRejected, value); got.status != http.StatusOK || got.json(t)["error"] != value {
				t.Errorf("got %d %s", got.status, got.body)
			}
		})
	}
	t.Run("Revoked", func(t *testing.T) {
		t.Parallel()
		if got := refresh(t, FaultTokenRevoked, ""); got.status != http.StatusOK || got.json(t)["error"] != "invalid_code" {
			t.Errorf("got %d %s", got.status, got.body)
		}
	})
}
