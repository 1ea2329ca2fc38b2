package httpd

import (
	"net/http"
	"strings"
	"testing"
)

// pages are where a browser may send a request from, and whether the server listens to them.
func pages(own string) map[string]struct {
	header []string
	ok     bool
} {
	return map[string]struct {
		header []string
		ok     bool
	}{
		"Listed":           {[]string{"Origin", appOrigin, "Sec-Fetch-Site", "cross-site"}, true},
		"Own":              {[]string{"Origin", own, "Sec-Fetch-Site", "same-origin"}, true},
		"Other":            {[]string{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}, false},
		"OtherOldBrowser":  {[]string{"Origin", "https://evil.example"}, false},
		"Null":             {[]string{"Origin", "null", "Sec-Fetch-Site", "cross-site"}, false},
		"LookAlikeSuffix":  {[]string{"Origin", appOrigin + ".evil.example", "Sec-Fetch-Site", "cross-site"}, false},
		"LookAlikePrefix":  {[]string{"Origin", "https://evilapp.heffl.test", "Sec-Fetch-Site", "same-site"}, false},
		"UserName":         {[]string{"Origin", appOrigin + "@evil.example", "Sec-Fetch-Site", "cross-site"}, false},
		"OtherScheme":      {[]string{"Origin", strings.Replace(appOrigin, "https", "http", 1), "Sec-Fetch-Site", "cross-site"}, false},
		"OtherPort":        {[]string{"Origin", appOrigin + ":8443", "Sec-Fetch-Site", "same-site"}, false},
		"UpperCase":        {[]string{"Origin", strings.ToUpper(appOrigin), "Sec-Fetch-Site", "cross-site"}, false},
		"TrailingSlash":    {[]string{"Origin", appOrigin + "/", "Sec-Fetch-Site", "cross-site"}, false},
		"TwoOrigins":       {[]string{"Origin", appOrigin, "Origin", "https://evil.example"}, false},
		"ListedAndOther":   {[]string{"Origin", appOrigin + " https://evil.example"}, false},
		"NoneWithCookie":   {nil, false},
		"OtherSaysOwnSite": {[]string{"Origin", "https://evil.example", "Sec-Fetch-Site", "same-origin"}, false},
	}
}

func TestOriginMatrix(t *testing.T) {
	t.Parallel()
	b := setup(t)
	cookie := "session=" + token(t, "u")
	for name, page := range pages(b.url) {
		t.Run("WebSocket/"+name, func(t *testing.T) {
			t.Parallel()
			p, status, err := b.tryDial(t, append([]string{"Cookie", cookie}, page.header...)...)
			if (err == nil) != page.ok || (!page.ok && status != http.StatusForbidden) {
				t.Fatalf("connected: %t (%d), want %t", err == nil, status, page.ok)
			}
			if !page.ok {
				return
			}
			p.write(`{"type":"connection_init"}`)
			p.read()
			p.subscribe("1", `{viewer{id}}`)
			if got := string(p.read().Payload); got != `{"data":{"viewer":{"id":"u"}}}` {
				t.Errorf("the cookie counts for nothing: %s", got)
			}
		})
		t.Run("CORS/"+name, func(t *testing.T) {
			t.Parallel()
			got := b.send(t, http.MethodOptions, "/graphql", "", append([]string{"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type"}, page.header...)...)
			allowed := got.header.Get("Access-Control-Allow-Origin")
			// With two Origin headers the first is answered: no browser sends them.
			if want := page.ok || name == "TwoOrigins"; (allowed != "") != want {
				t.Errorf("allowed %q, want %t", allowed, want)
			}
			if allowed == "*" || (allowed != "" && got.header.Get("Access-Control-Allow-Credentials") != "true") || got.header.Get("Vary") == "" {
				t.Errorf("headers %v", got.header)
			}
		})
	}
	t.Run("WebSocket/NoneWithoutCookie", func(t *testing.T) {
		t.Parallel()
		if _, _, err := b.tryDial(t); err != nil {
			t.Error(err)
		}
	})
	t.Run("CORS/Method", func(t *testing.T) {
		t.Parallel()
		got := b.send(t, http.MethodOptions, "/graphql", "", "Origin", appOrigin, "Access-Control-Request-Method", "PATCH")
		if got.header.Get("Access-Control-Allow-Methods") != "" {
			t.Errorf("headers %v", got.header)
		}
	})
}

func TestCSRFMatrix(t *testing.T) {
	t.Parallel()
	for name, development := range map[string]bool{"Development": true, "Production": false} {
		b := setup(t, func(c *Config) { c.Development = development })
		cookie := b.sessionCookie() + "=" + token(t, "u")
		bodies := map[string]string{
			jsonType:                            `{"query":"mutation{setCookie}"}`,
			"text/plain":                        `{"query":"mutation{setCookie}"}`,
			"application/x-www-form-urlencoded": "query=mutation%7BsetCookie%7D",
			"multipart/form-data; boundary=x":   "--x\r\ncontent-disposition: form-data; name=\"operations\"\r\n\r\n{\"query\":\"mutation{setCookie}\"}\r\n--x--\r\n",
			"":                                  `{"query":"mutation{setCookie}"}`,
		}
		for page, from := range pages(b.url) {
			for media, body := range bodies {
				if !development && page == "Own" {
					continue // in production a page of ours is in the list
				}
				t.Run(name+"/"+page+"/"+media, func(t *testing.T) {
					t.Parallel()
					header := append([]string{"Cookie", cookie}, from.header...)
					if media != "" {
						header = append(header, "Content-Type", media)
					}
					got := b.send(t, http.MethodPost, "/graphql", body, header...)
					if ran := got.header.Get("Set-Cookie") != "" || got.hasData(); ran != (from.ok && media == jsonType) {
						t.Errorf("ran: %t, %d %s", ran, got.status, got.text)
					}
					if !from.ok && got.status != http.StatusForbidden {
						t.Errorf("%d %s", got.status, got.text)
					}
				})
			}
			t.Run(name+"/"+page+"/GET", func(t *testing.T) {
				t.Parallel()
				for _, accept := range []string{jsonType, mediaEvents} {
					got := b.send(t, http.MethodGet, "/graphql?query=%7BcliqRegions%7Bcode%7D%7D", "", append([]string{"Cookie", cookie, "Accept", accept}, from.header...)...)
					if (got.status == http.StatusOK) != (from.ok || (page == "Own" && !development)) {
						t.Errorf("%s: %d %s", accept, got.status, got.text)
					}
				}
			})
		}
		for name, site := range map[string]string{"LinkClicked": "cross-site", "Typed": "none", "Sibling": "same-site"} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				got := b.send(t, http.MethodGet, "/graphql?query=%7Bviewer%7Bid%7D%7D", "", "Cookie", cookie, "Sec-Fetch-Site", site)
				if got.status != http.StatusForbidden {
					t.Errorf("%d %s", got.status, got.text)
				}
			})
		}
	}
}

func TestDevelopmentHost(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, port, _ := strings.Cut(strings.TrimPrefix(b.url, "http://"), ":")
	cases := map[string]struct {
		host, location string
		status         int
	}{
		"Localhost":    {"localhost:" + port, "", 200},
		"NoPort":       {"localhost", "", 200},
		"IPv4":         {"127.0.0.1:" + port, "http://localhost:" + port + "/graphql?query=%7B__typename%7D", 307},
		"IPv6":         {"[::1]:" + port, "http://localhost:" + port + "/graphql?query=%7B__typename%7D", 307},
		"Rebound":      {"evil.example:" + port, "", 421},
		"LookAlike":    {"localhost.evil.example:" + port, "", 421},
		"OtherAddress": {"127.0.0.2:" + port, "", 421},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := b.send(t, http.MethodGet, "/graphql?query=%7B__typename%7D", "", "Host", c.host)
			if got.status != c.status || got.header.Get("Location") != c.location {
				t.Errorf("%d %q", got.status, got.header.Get("Location"))
			}
		})
	}
	t.Run("HealthByAddress", func(t *testing.T) {
		t.Parallel()
		if got := b.send(t, http.MethodGet, "/healthz", "", "Host", "127.0.0.1:"+port); got.status != 200 {
			t.Errorf("%d", got.status)
		}
	})
	t.Run("ProductionDoesNotCare", func(t *testing.T) {
		t.Parallel()
		p := setup(t, func(c *Config) { c.Development = false })
		if got := p.send(t, http.MethodGet, "/graphql?query=%7B__typename%7D", "", "Host", "bff.heffl.example"); got.status != 200 {
			t.Errorf("%d", got.status)
		}
	})
}
