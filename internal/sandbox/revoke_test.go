package sandbox

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRevoke(t *testing.T) {
	t.Parallel()
	basic := func(t *testing.T, b *testBundle, region Region, form url.Values, id, secret string) answer {
		t.Helper()
		r := b.request(t, http.MethodPost, "/"+string(region)+"/accounts/oauth/v2/revoke/token", "application/x-www-form-urlencoded", form.Encode())
		r.SetBasicAuth(id, secret)
		return b.do(t, r)
	}
	dead := func(t *testing.T, b *testBundle, tokens Tokens) {
		t.Helper()
		region := tokens.Account.Region
		if got := b.postForm(t, tokenPath(region), refreshForm(tokens.RefreshToken)).json(t); got["error"] != "invalid_code" {
			t.Errorf("refresh answers %v", got)
		}
		if got := b.send(t, region, tokens.AccessToken, "heffl", `{"text":"x"}`); got.status != http.StatusUnauthorized {
			t.Errorf("message answers %d", got.status)
		}
	}

	t.Run("Basic", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		tokens := b.connect(t, RegionIN)
		got := basic(t, b, RegionIN, url.Values{"token": {tokens.RefreshToken}}, testClient, testSecret)
		if got.status != http.StatusOK || got.json(t)["status"] != "success" {
			t.Fatalf("got %d %s", got.status, got.body)
		}
		dead(t, b, tokens)
		want := []Revocation{{
			At: b.clock.Now(), Region: RegionIN, Account: tokens.Account, Form: "basic", TokenType: "refresh_token",
			TokenHash: TokenHash(tokens.RefreshToken), OK: true,
		}}
		if diff := cmp.Diff(want, b.Revocations()); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("Query", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		tokens := b.connect(t, RegionIN)
		got := b.do(t, b.request(t, http.MethodPost, "/in/accounts/oauth/v2/token/revoke?token="+url.QueryEscape(tokens.RefreshToken), "", ""))
		if got.status != http.StatusOK || got.json(t)["status"] != "success" {
			t.Fatalf("got %d %s", got.status, got.body)
		}
		dead(t, b, tokens)
	})
	t.Run("AccessTokenOnly", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		tokens := b.connect(t, RegionIN)
		form := url.Values{"token": {tokens.AccessToken}, "token_type": {"access_token"}}
		if got := basic(t, b, RegionIN, form, testClient, testSecret); got.status != http.StatusOK {
			t.Fatalf("got %d", got.status)
		}
		if got := b.postForm(t, tokenPath(RegionIN), refreshForm(tokens.RefreshToken)).json(t); got["access_token"] == nil {
			t.Errorf("refresh answers %v", got)
		}
		if got := b.send(t, RegionIN, tokens.AccessToken, "heffl", `{"text":"x"}`); got.status != http.StatusUnauthorized {
			t.Errorf("message answers %d", got.status)
		}
	})
	for name, tc := range map[string]struct {
		region             Region
		token, kind        string // token "" is the refresh token of the connection
		clientID, password string
	}{
		"ErrTokenUnknown":    {RegionIN, "1000.x.y", "", testClient, testSecret},
		"ErrOtherDataCentre": {RegionUS, "", "", testClient, testSecret},
		"ErrTypeMismatch":    {RegionIN, "", "access_token", testClient, testSecret},
		"ErrSecret":          {RegionIN, "", "", testClient, "x"},
		"ErrOtherClient":     {RegionIN, "", "", "1000.SECOND", "second"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, func(c *Config) { c.Clients = append(c.Clients, Client{ID: "1000.SECOND", Secret: "second"}) })
			tokens := b.connect(t, RegionIN)
			form := url.Values{"token": {tokens.RefreshToken}}
			if tc.token != "" {
				form.Set("token", tc.token)
			}
			if tc.kind != "" {
				form.Set("token_type", tc.kind)
			}
			if got := basic(t, b, tc.region, form, tc.clientID, tc.password); got.status != http.StatusBadRequest {
				t.Errorf("got %d, want 400", got.status)
			}
			if got := b.postForm(t, tokenPath(RegionIN), refreshForm(tokens.RefreshToken)).json(t); got["access_token"] == nil {
				t.Errorf("the connection died of it: %v", got)
			}
			if revocations := b.Revocations(); len(revocations) != 1 || revocations[0].OK {
				t.Errorf("got %+v", revocations)
			}
		})
	}
	t.Run("FormMissing", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		tokens := b.connect(t, RegionIN)
		b.fault(t, FaultRevokeFormMissing, Setting{})
		if got := basic(t, b, RegionIN, url.Values{"token": {tokens.RefreshToken}}, testClient, testSecret); got.status != http.StatusNotFound {
			t.Errorf("basic form answers %d, want 404", got.status)
		}
		path := "/in/accounts/oauth/v2/token/revoke?token=" + tokens.RefreshToken
		if got := b.do(t, b.request(t, http.MethodPost, path, "", "")); got.status != http.StatusOK {
			t.Errorf("query form answers %d, want 200", got.status)
		}
		if got, err := b.WaitRevocations(soon(t), 1); err != nil || len(got) != 1 {
			t.Errorf("got %d revocations, %v", len(got), err)
		}
	})
}

func TestRevokeAndExpireAll(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tokens, other := b.connect(t, RegionIN), b.connect(t, RegionEU)
	if n := b.ExpireTokens(RegionIN, "ASHA@heffl.example"); n != 1 {
		t.Errorf("expired %d, want 1", n)
	}
	if got := b.send(t, RegionIN, tokens.AccessToken, "heffl", `{"text":"x"}`); got.status != http.StatusUnauthorized {
		t.Errorf("expired token answers %d", got.status)
	}
	fresh, _ := b.postForm(t, tokenPath(RegionIN), refreshForm(tokens.RefreshToken)).json(t)["access_token"].(string)
	if got := b.send(t, RegionIN, fresh, "heffl", `{"text":"x"}`); got.status != http.StatusNoContent {
		t.Errorf("refreshed token answers %d", got.status)
	}
	if n := b.RevokeTokens("", tokens.Account.ZUID); n != 1 {
		t.Errorf("revoked %d, want 1", n)
	}
	if got := b.postForm(t, tokenPath(RegionIN), refreshForm(tokens.RefreshToken)).json(t); got["error"] != "invalid_code" {
		t.Errorf("got %v", got)
	}
	if got := b.send(t, RegionEU, other.AccessToken, "heffl", `{"text":"x"}`); got.status != http.StatusNoContent {
		t.Errorf("the account in the other region answers %d", got.status)
	}
}
