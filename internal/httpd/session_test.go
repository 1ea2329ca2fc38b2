package httpd

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestSession(t *testing.T) {
	t.Parallel()
	development := setup(t)
	production := setup(t, func(c *Config) { c.Development = false })

	t.Run("Open", func(t *testing.T) {
		t.Parallel()
		end := time.Now().Add(time.Hour).Truncate(time.Second)
		text := tokenUntil(t, "u", end)
		for b, want := range map[*bench]string{
			development: "session=" + text + "; Path=/; Expires=" + end.UTC().Format(http.TimeFormat) + "; HttpOnly; SameSite=Lax",
			production:  "__Host-session=" + text + "; Path=/; Expires=" + end.UTC().Format(http.TimeFormat) + "; HttpOnly; Secure; SameSite=Lax",
		} {
			got := b.send(t, http.MethodPost, "/session", "", bearerOf(text)...)
			if got.status != http.StatusNoContent || got.header.Get("Set-Cookie") != want {
				t.Errorf("%d %q, want %q", got.status, got.header.Get("Set-Cookie"), want)
			}
		}
	})

	t.Run("Use", func(t *testing.T) {
		t.Parallel()
		got := development.post(t, `{viewer{id}}`, "Cookie", "session="+token(t, "u"), "Origin", development.url, "Sec-Fetch-Site", "same-origin")
		if got.text != `{"data":{"viewer":{"id":"u"}}}` {
			t.Errorf("%d %s", got.status, got.text)
		}
	})

	t.Run("HeaderWins", func(t *testing.T) {
		t.Parallel()
		got := development.post(t, `{viewer{id}}`, append([]string{"Cookie", "session=" + token(t, "cookie")}, bearerOf(token(t, "header"))...)...)
		if got.text != `{"data":{"viewer":{"id":"header"}}}` {
			t.Errorf("%d %s", got.status, got.text)
		}
	})

	t.Run("PlainNameInProduction", func(t *testing.T) {
		t.Parallel()
		got := production.post(t, `{viewer{id}}`, "Cookie", "session="+token(t, "u"), "Origin", appOrigin)
		if got.code() != "UNAUTHENTICATED" || got.hasData() {
			t.Errorf("%d %s", got.status, got.text)
		}
	})

	t.Run("Close", func(t *testing.T) {
		t.Parallel()
		got := development.send(t, http.MethodDelete, "/session", "", "Cookie", "session=x", "Origin", development.url, "Sec-Fetch-Site", "same-origin")
		if got.status != http.StatusNoContent || !strings.HasPrefix(got.header.Get("Set-Cookie"), "session=; Path=/; Max-Age=0") {
			t.Errorf("%d %q", got.status, got.header.Get("Set-Cookie"))
		}
		if got = development.send(t, http.MethodDelete, "/session", "", "Cookie", "session=x", "Origin", "https://evil.example"); got.status != http.StatusForbidden {
			t.Errorf("by a foreign page: %d", got.status)
		}
	})

	refused := map[string]struct {
		header []string
		status int
	}{
		"NoToken":      {nil, 401},
		"ByCookie":     {[]string{"Cookie", "session=" + token(t, "u"), "Sec-Fetch-Site", "same-origin"}, 401},
		"BadToken":     {bearerOf("x"), 401},
		"JustExpired":  {bearerOf(tokenUntil(t, "u", time.Now().Add(-time.Second))), 401},
		"Disabled":     {bearerOf(token(t, "disabled")), 401},
		"DatabaseAway": {bearerOf(token(t, "broken")), 503},
	}
	for name, c := range refused {
		t.Run("Err"+name, func(t *testing.T) {
			t.Parallel()
			got := development.send(t, http.MethodPost, "/session", "", c.header...)
			if got.status != c.status || got.header.Get("Set-Cookie") != "" {
				t.Errorf("%d %q", got.status, got.header.Get("Set-Cookie"))
			}
		})
	}
	t.Run("ErrMethod", func(t *testing.T) {
		t.Parallel()
		if got := development.send(t, http.MethodGet, "/session", ""); got.status != 405 || got.header.Get("Allow") == "" {
			t.Errorf("%d %v", got.status, got.header)
		}
	})
}

func TestCookiesInResolvers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	got := b.post(t, `mutation{setCookie}`)
	if got.text != `{"data":{"setCookie":true}}` || !strings.HasPrefix(got.header.Get("Set-Cookie"), "heffl_connect=secret") {
		t.Errorf("%s %v", got.text, got.header)
	}
	if got = b.post(t, `mutation{setCookie}`, "Accept", mediaEvents); !strings.Contains(got.text, `{"setCookie":false}`) || got.header.Get("Set-Cookie") != "" {
		t.Errorf("on a stream: %s %v", got.text, got.header)
	}
}
