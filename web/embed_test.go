package web

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

const script = "console.log('the script, long enough to be worth packing')"

// testBuild is a build as scripts/compress.mjs leaves it: pages three times, everything else packed only.
func testBuild(t *testing.T) fstest.MapFS {
	t.Helper()
	return fstest.MapFS{
		"index.html":               {Data: []byte("<title>reference</title>")},
		"index.html.br":            {Data: []byte("br of the reference page")},
		"index.html.gz":            {Data: pack(t, "<title>reference</title>")},
		"playground/index.html":    {Data: []byte("<title>playground</title>")},
		"playground/index.html.gz": {Data: pack(t, "<title>playground</title>")},
		"assets/app-Ab12.js.br":    {Data: []byte("br of the script")},
		"assets/app-Ab12.js.gz":    {Data: pack(t, script)},
		"favicon.svg.gz":           {Data: pack(t, "<svg/>")},
	}
}

func pack(t *testing.T, text string) []byte {
	t.Helper()
	var buffer bytes.Buffer
	w := gzip.NewWriter(&buffer)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buffer.Bytes()
}

func setup(t *testing.T) *Handler {
	t.Helper()
	h, err := newHandler(testBuild(t))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// call sends one request; headers are name, value pairs.
func call(h http.Handler, method, target string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestHandlerPages(t *testing.T) {
	t.Parallel()

	t.Run("ReferencePage", func(t *testing.T) {
		t.Parallel()
		w := call(setup(t), http.MethodGet, "/?integration=zoho_cliq&status=connected")
		if w.Code != http.StatusOK || w.Body.String() != "<title>reference</title>" {
			t.Fatalf("GET / = %d %q", w.Code, w.Body)
		}
		want := map[string]string{
			"Content-Type":            "text/html; charset=utf-8",
			"Content-Security-Policy": referencePolicy,
			"Cache-Control":           "no-cache",
			"Vary":                    "Accept-Encoding",
			"X-Content-Type-Options":  "nosniff",
			"Referrer-Policy":         "same-origin",
			"Content-Length":          "24",
		}
		for name, value := range want {
			if got := w.Header().Get(name); got != value {
				t.Errorf("%s = %q, want %q", name, got, value)
			}
		}
	})

	t.Run("PlaygroundHasItsOwnPolicy", func(t *testing.T) {
		t.Parallel()
		w := call(setup(t), http.MethodGet, "/playground/")
		if w.Code != http.StatusOK || w.Body.String() != "<title>playground</title>" {
			t.Fatalf("GET /playground/ = %d %q", w.Code, w.Body)
		}
		if got := w.Header().Get("Content-Security-Policy"); got != playgroundPolicy {
			t.Errorf("policy = %q", got)
		}
	})

	t.Run("OtherAddressesRedirect", func(t *testing.T) {
		t.Parallel()
		h := setup(t)
		for from, to := range map[string]string{"/playground": "/playground/", "/favicon.ico": "/favicon.svg"} {
			w := call(h, http.MethodGet, from)
			if w.Code != http.StatusPermanentRedirect || w.Header().Get("Location") != to {
				t.Errorf("GET %s = %d to %q, want %q", from, w.Code, w.Header().Get("Location"), to)
			}
			if got := call(h, http.MethodGet, to).Code; got != http.StatusOK {
				t.Errorf("GET %s = %d", to, got)
			}
		}
	})

	t.Run("HeadHasNoBody", func(t *testing.T) {
		t.Parallel()
		w := call(setup(t), http.MethodHead, "/")
		if w.Code != http.StatusOK || w.Body.Len() != 0 || w.Header().Get("Content-Length") != "24" {
			t.Errorf("HEAD / = %d, %d bytes, Content-Length %q", w.Code, w.Body.Len(), w.Header().Get("Content-Length"))
		}
	})

	t.Run("OtherMethodsAreRefused", func(t *testing.T) {
		t.Parallel()
		w := call(setup(t), http.MethodPost, "/")
		if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("POST / = %d, Allow %q", w.Code, w.Header().Get("Allow"))
		}
	})
}

func TestHandlerUnknownPaths(t *testing.T) {
	t.Parallel()
	h := setup(t)
	for _, target := range []string{
		"/assets/gone-Zz99.js", "/assets/", "/assets", "/playground/users.json", "/graphql", "/index.html",
		"/assets/app-Ab12.js.br", "/assets/../index.html", "//", "/playground/index.html",
	} {
		t.Run(target, func(t *testing.T) {
			t.Parallel()
			w := call(h, http.MethodGet, "http://localhost"+target)
			if w.Code != http.StatusNotFound {
				t.Errorf("GET %s = %d, want 404", target, w.Code)
			}
			if got := w.Header().Get("Cache-Control"); got != "no-store" {
				t.Errorf("Cache-Control = %q: a missing asset must not stay missing after a deploy", got)
			}
		})
	}
}

func TestHandlerEncodings(t *testing.T) {
	t.Parallel()
	h := setup(t)
	cases := map[string]struct {
		accept       string
		wantEncoding string
		wantBody     string
	}{
		"Browser":              {"gzip, deflate, br, zstd", "br", "br of the script"},
		"OnlyGzip":             {"gzip", "gzip", string(pack(t, script))},
		"OldNameOfGzip":        {"x-gzip", "gzip", string(pack(t, script))},
		"BrotliRefused":        {"br;q=0, gzip;q=0.5", "gzip", string(pack(t, script))},
		"Anything":             {"*", "br", "br of the script"},
		"AnythingButBrotli":    {"br; q=0, *", "gzip", string(pack(t, script))},
		"None":                 {"", "", script},
		"IdentityOnly":         {"identity", "", script},
		"EverythingRefused":    {"*;q=0", "", script},
		"UnknownCodings":       {"zstd, deflate", "", script},
		"UnreadableWeight":     {"br;q=high, gzip;q=2", "", script},
		"WeightOfAnotherName":  {"br;level=1", "", script},
		"NamesIgnoreCase":      {"BR", "br", "br of the script"},
		"EmptyItemsAreSkipped": {",,gzip,", "gzip", string(pack(t, script))},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := call(h, http.MethodGet, "/assets/app-Ab12.js", "Accept-Encoding", tc.accept)
			if w.Code != http.StatusOK {
				t.Fatalf("status %d", w.Code)
			}
			if got := w.Header().Get("Content-Encoding"); got != tc.wantEncoding {
				t.Errorf("Content-Encoding = %q, want %q", got, tc.wantEncoding)
			}
			if diff := cmp.Diff(tc.wantBody, w.Body.String()); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
			if got := w.Header().Get("Content-Type"); got != "text/javascript; charset=utf-8" {
				t.Errorf("Content-Type = %q", got)
			}
		})
	}
}

func TestHandlerCaching(t *testing.T) {
	t.Parallel()

	t.Run("HashedAssetsAreImmutable", func(t *testing.T) {
		t.Parallel()
		w := call(setup(t), http.MethodGet, "/assets/app-Ab12.js")
		if got := w.Header().Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
			t.Errorf("Cache-Control = %q", got)
		}
		if got := w.Header().Get("Content-Security-Policy"); got != assetPolicy {
			t.Errorf("policy = %q", got)
		}
	})

	t.Run("UnhashedFilesAreRevalidated", func(t *testing.T) {
		t.Parallel()
		w := call(setup(t), http.MethodGet, "/favicon.svg")
		if got := w.Header().Get("Cache-Control"); got != "no-cache" {
			t.Errorf("Cache-Control = %q", got)
		}
	})

	t.Run("EachRepresentationHasItsTag", func(t *testing.T) {
		t.Parallel()
		h := setup(t)
		tags := map[string]string{}
		for _, accept := range []string{"br", "gzip", ""} {
			tag := call(h, http.MethodGet, "/assets/app-Ab12.js", "Accept-Encoding", accept).Header().Get("Etag")
			if other, taken := tags[tag]; taken || tag == "" {
				t.Errorf("%q and %q share the tag %q", accept, other, tag)
			}
			tags[tag] = accept
		}
	})

	t.Run("UnchangedIs304", func(t *testing.T) {
		t.Parallel()
		h := setup(t)
		tag := call(h, http.MethodGet, "/", "Accept-Encoding", "br").Header().Get("Etag")
		for _, condition := range []string{tag, "W/" + tag, `"other", ` + tag, "*"} {
			w := call(h, http.MethodGet, "/", "Accept-Encoding", "br", "If-None-Match", condition)
			if w.Code != http.StatusNotModified || w.Body.Len() != 0 {
				t.Errorf("If-None-Match %s = %d with %d bytes", condition, w.Code, w.Body.Len())
			}
			if got := w.Header().Get("Etag"); got != tag {
				t.Errorf("Etag = %q, want %q", got, tag)
			}
		}
	})

	t.Run("ChangedIsSentAgain", func(t *testing.T) {
		t.Parallel()
		h := setup(t)
		gzipTag := call(h, http.MethodGet, "/", "Accept-Encoding", "gzip").Header().Get("Etag")
		w := call(h, http.MethodGet, "/", "Accept-Encoding", "br", "If-None-Match", gzipTag)
		if w.Code != http.StatusOK {
			t.Errorf("status %d: the tag of another representation must not match", w.Code)
		}
	})
}

func TestNewHandlerRefusesAnIncompleteBuild(t *testing.T) {
	t.Parallel()
	cases := map[string]func(fstest.MapFS){
		"NoReferencePage": func(b fstest.MapFS) {
			delete(b, "index.html")
			delete(b, "index.html.br")
			delete(b, "index.html.gz")
		},
		"OnlyBrotli":      func(b fstest.MapFS) { delete(b, "assets/app-Ab12.js.gz") },
		"UnknownFileType": func(b fstest.MapFS) { b["assets/film.mkv"] = &fstest.MapFile{} },
	}
	for name, spoil := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			build := testBuild(t)
			spoil(build)
			if _, err := newHandler(build); err == nil {
				t.Error("an incomplete build was accepted")
			}
		})
	}
}

// The committed build itself: both pages, and every asset they name, are there and can be read in every form.
func TestEmbeddedBuild(t *testing.T) {
	t.Parallel()
	h, err := New()
	if err != nil {
		t.Fatal(err)
	}
	address := regexp.MustCompile(`(?:src|href)="(/[^"]*)"`)
	for _, page := range []string{"/", "/playground/"} {
		t.Run(page, func(t *testing.T) {
			t.Parallel()
			html := call(h, http.MethodGet, page).Body.String()
			if strings.Contains(html, "<script>") || strings.Contains(html, "<style") || strings.Contains(html, "://") {
				t.Errorf("the page has inline code or names another host, which its policy forbids:\n%s", html)
			}
			named := address.FindAllStringSubmatch(html, -1)
			if len(named) < 3 {
				t.Fatalf("the page names %d files:\n%s", len(named), html)
			}
			for _, match := range named {
				plain := call(h, http.MethodGet, match[1])
				packed := call(h, http.MethodGet, match[1], "Accept-Encoding", "gzip")
				if plain.Code != http.StatusOK || packed.Code != http.StatusOK {
					t.Errorf("GET %s = %d, with gzip %d", match[1], plain.Code, packed.Code)
					continue
				}
				r, err := gzip.NewReader(packed.Body)
				if err != nil {
					t.Errorf("%s: %v", match[1], err)
					continue
				}
				unpacked, err := io.ReadAll(r)
				if err != nil || !bytes.Equal(unpacked, plain.Body.Bytes()) {
					t.Errorf("%s: the packed form differs from the plain one (%v)", match[1], err)
				}
			}
		})
	}
}

func FuzzParseAcceptEncoding(f *testing.F) {
	for _, seed := range []string{"", "gzip, br", "br;q=0", "*;q=0.1", "gzip;q=NaN", ";;,=,q=", "identity;q=0, *;q=0"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		accepted := parseAcceptEncoding([]string{value})
		for _, enc := range []coding{brotli, gzipped} {
			if accepted.has(enc) && !strings.Contains(strings.ToLower(value), enc.String()) && !strings.Contains(value, "*") {
				t.Errorf("%q accepts %s without naming it", value, enc)
			}
		}
	})
}
