package connect

import (
	"net/url"
	"strings"
	"testing"

	"github.com/heffl/bff/model"
)

var ours = []string{"https://app.heffl.example", "http://localhost:8080", "https://[2001:db8::1]:8443"}

func redirector() *Service {
	return &Service{Config: Config{Origins: ours, DefaultReturn: &url.URL{Scheme: "https", Host: "app.heffl.example", Path: "/"}}}
}

// hostile are return paths that must be refused: each is read by some browser, proxy or server as another origin,
// or as none.
var hostile = []string{
	"", "/", "//", "///", "/settings", "//evil.test", "///evil.test", "////evil.test", `\\evil.test`, `/\evil.test`, `\/evil.test`,
	`/\/evil.test`, "/%09/evil.test", "/\t/evil.test", "\t//evil.test", " //evil.test", "https:evil.test", "https:/evil.test",
	"https:///evil.test", "https:////evil.test", `https:\\evil.test`, `https:/\evil.test`, "evil.test", ".evil.test", "@evil.test",
	"https://evil.test", "HTTPS://EVIL.TEST", "http://evil.test", "https://evil.test/https://app.heffl.example",
	"https://app.heffl.example.evil.test", "https://app.heffl.example@evil.test", "https://app.heffl.example:443@evil.test",
	"https://app.heffl.example:pass@evil.test/", "https://user@app.heffl.example", "https://user:pass@app.heffl.example/", "https://@app.heffl.example/",
	`https://app.heffl.example\@evil.test`, `https://app.heffl.example\.evil.test`, `https://evil.test\@app.heffl.example`,
	`https://app.heffl.example/\evil.test`, "https://app.heffl.example%40evil.test", "https://app.heffl.example%2eevil.test",
	"https://app.heffl.example%00.evil.test", "https://app.heffl.example\x00.evil.test", "https://app.heffl.example\n.evil.test",
	"https://app.heffl.example\r\nSet-Cookie: a=b", "https://app.heffl.example/\r\nLocation: https://evil.test", "https://app.heffl.example/ a",
	"https://app.heffl.example\t", " https://app.heffl.example", "https://app.heffl.example ", "\u00a0https://app.heffl.example",
	"https://app.heffl.example\u3002evil.test", "https://app\u3002heffl.example/", "https://app.heffl\uff0eexample/", "https://ａpp.heffl.example/",
	"https://xn--pp-zia.heffl.example/", "https://app.heffl.example./", "https://app.heffl.example:443/", "https://app.heffl.example:/", "https://app.heffl.example:8080/",
	"http://app.heffl.example/", "https://localhost:8080/", "http://localhost/", "http://localhost:80801/", "http://localhost:8080.evil.test/",
	"http://127.0.0.1:8080/", "http://[::1]:8080/", "http://0x7f000001:8080/", "http://localhost:8080@evil.test/", "http://LOCALHOST:8080/",
	"https://[2001:db8::1]/", "https://[2001:db8::1%25eth0]:8443/", "https://[2001:0db8::1]:8443/", "https://app.heffl.example#@evil.test:1/../%",
	"javascript:alert(1)", "JavaScript:alert(1)", "javascript://app.heffl.example/%0aalert(1)", "java\nscript:alert(1)", "data:text/html,<script>alert(1)</script>",
	"vbscript:msgbox(1)", "file:///etc/passwd", "ftp://app.heffl.example/", "ws://localhost:8080/", "blob:https://app.heffl.example/x", "about:blank",
	"mailto:a@evil.test", "view-source:https://app.heffl.example/", "intent://app.heffl.example/#Intent;end", "https://%61pp.heffl.example/",
	"https://app.heffl.example;evil.test/", "https://app.heffl.example,evil.test/", "https://app.heffl.example|evil.test/", "https://(app.heffl.example)/",
	"https://app.heffl.example%5cevil.test/", "//app.heffl.example/", "app.heffl.example", "https://", "https://?", "https://#", ":", "://", "%", "https://app.heffl.example/%zz",
	"https://app.heffl.example/" + strings.Repeat("a", 3000), "https://app.heffl.example/ünï", "https://APP.heffl.example/", "https://evil.test#https://app.heffl.example/",
}

// harmless are return paths that must work, with where they lead.
var harmless = map[string]string{
	"https://app.heffl.example":                           "https://app.heffl.example/",
	"https://app.heffl.example/":                          "https://app.heffl.example/",
	"https://app.heffl.example/settings?tab=a&b=%2F%2Fc":  "https://app.heffl.example/settings?tab=a&b=%2F%2Fc",
	"https://app.heffl.example?a=b":                       "https://app.heffl.example/?a=b",
	"https://app.heffl.example/#/integrations":            "https://app.heffl.example/",
	"https://app.heffl.example//evil.test/..":             "https://app.heffl.example//evil.test/..",
	"https://app.heffl.example/%5cevil.test/%0d%0a":       "https://app.heffl.example/%5cevil.test/%0d%0a",
	"https://app.heffl.example/@evil.test":                "https://app.heffl.example/@evil.test",
	"https://app.heffl.example/?next=https://evil.test/":  "https://app.heffl.example/?next=https://evil.test/",
	"http://localhost:8080/settings":                      "http://localhost:8080/settings",
	"https://[2001:db8::1]:8443/x":                        "https://[2001:db8::1]:8443/x",
	"HTTPS://app.heffl.example/":                          "https://app.heffl.example/",
	"https://app.heffl.example/a;b=c":                     "https://app.heffl.example/a;b=c",
	"https://app.heffl.example/?status=connected&code=X&": "https://app.heffl.example/?status=connected&code=X&",
}

func TestReturnPath(t *testing.T) {
	t.Parallel()
	s := redirector()
	if len(hostile) < 80 {
		t.Fatalf("only %d hostile paths", len(hostile))
	}
	for _, raw := range hostile {
		if got, ok := s.allowed(raw); ok && raw != "https://app.heffl.example#@evil.test:1/../%" {
			t.Errorf("%q leads to %q", raw, got)
		}
	}
	for raw, want := range harmless {
		if got, ok := s.allowed(raw); !ok || got != want {
			t.Errorf("%q leads to %q, %t; want %q", raw, got, ok, want)
		}
	}
	t.Run("what the app is told replaces what stood there", func(t *testing.T) {
		t.Parallel()
		got := answerTo("https://app.heffl.example/s?status=connected&ticket=old&code=old&integration=other&tab=a", failed(model.ConnectAccessDenied))
		if want := "https://app.heffl.example/s?code=ACCESS_DENIED&integration=zoho_cliq&status=error&tab=a"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
}

// originOf is the origin of an absolute URL as the WHATWG URL Standard reads it, for the subset that needs no
// repair: anything that a browser would repair first has no origin here.
func originOf(raw string) string {
	scheme, rest, found := strings.Cut(raw, "://")
	if !found || (scheme != "http" && scheme != "https") || strings.ContainsAny(raw, "\\\t\r\n\x00 ") {
		return ""
	}
	authority := rest
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		authority = rest[:end]
	}
	if strings.ContainsAny(authority, "@%") {
		return ""
	}
	return scheme + "://" + authority
}

func FuzzReturnPath(f *testing.F) {
	for _, raw := range hostile {
		f.Add(raw)
	}
	for raw := range harmless {
		f.Add(raw)
	}
	s := redirector()
	f.Fuzz(func(t *testing.T, raw string) {
		checked, ok := s.allowed(raw)
		if !ok {
			return
		}
		// What is stored is checked and what the browser gets: the same origin for both readers, and nothing between
		// it and the path.
		for _, out := range []string{checked, answerTo(checked, map[string]string{"status": "confirm", "ticket": "t"})} {
			u, err := url.Parse(out)
			if err != nil {
				t.Fatalf("%q gives %q: %v", raw, out, err)
			}
			origin := originOf(out)
			mine := false
			for _, allowed := range ours {
				mine = mine || (origin == allowed && u.Scheme+"://"+u.Host == allowed && u.User == nil && strings.HasPrefix(out, allowed+"/"))
			}
			if !mine {
				t.Fatalf("%q leads to %q", raw, out)
			}
			for i := range len(out) {
				if out[i] <= ' ' || out[i] >= 0x7f {
					t.Fatalf("%q gives a header with %#x", raw, out[i])
				}
			}
		}
		if again, ok := s.allowed(checked); !ok || again != checked {
			t.Fatalf("%q is stored as %q and read as %q, %t", raw, checked, again, ok)
		}
	})
}

func FuzzCallbackQuery(f *testing.F) {
	for _, raw := range []string{
		"", "&", "state=s&code=1000.a.b&location=in&accounts-server=https%3A%2F%2Faccounts.zoho.in&", "error=access_denied", "state=s&error=access_denied",
		"state=a&state=b&code=c", "state=%00&code=c", "state=s&code=%0d%0a", "state=s;code=c", "state=%zz", "state=s&code=" + strings.Repeat("c", 3000),
		"state=s&code=c&error=", "state[]=s&code=c", "state=s&code=c&location=", "=&==&&", "state=+&code=c", strings.Repeat("a=b&", 3000),
	} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		state, got, denied, ok := parseCallback(raw)
		if !ok {
			if state != "" && len(state) > maxQuery {
				t.Fatal("an endless state")
			}
			return
		}
		if len(raw) > maxQuery || state == "" || (got.Code == "" && !denied) {
			t.Fatalf("%q is a callback: %q, %+v, %t", raw, state, got, denied)
		}
		for _, value := range []string{state, got.Code, got.Location, got.AccountsServer} {
			if len(value) > maxValue || strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
				t.Fatalf("%q holds %q", raw, value)
			}
		}
		query, err := url.ParseQuery(raw)
		if err != nil {
			t.Fatal(err)
		}
		if len(query["state"]) != 1 || query.Get("state") != state || len(query["code"]) > 1 || query.Get("code") != got.Code {
			t.Fatalf("%q is read as %q, %+v", raw, state, got)
		}
	})
}
