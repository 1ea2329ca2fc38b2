package scenario

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	standin "github.com/heffl/bff/internal/sandbox"
)

const canarySecret = "canary-client-secret-5f1c07d4e2"

// aviary collects secrets as they are made, and all that the server says to anybody who is not Zoho.
type aviary struct {
	mu      sync.Mutex // guards both
	secrets map[string]string
	said    bytes.Buffer

	inner http.RoundTripper
}

func (a *aviary) keep(name, secret string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.secrets[secret] = name
}

var tokenFields = regexp.MustCompile(`"(access_token|refresh_token)"\s*:\s*"([^"]+)"`)

// watch passes requests on to the stand-in and learns from its answers what is secret.
func (a *aviary) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		recorded := httptest.NewRecorder()
		next.ServeHTTP(recorded, r)
		for _, field := range tokenFields.FindAllStringSubmatch(recorded.Body.String(), -1) {
			a.keep(field[1], field[2])
		}
		maps.Copy(w.Header(), recorded.Header())
		w.WriteHeader(recorded.Code)
		_, _ = w.Write(recorded.Body.Bytes())
	})
}

// RoundTrip listens to every answer of the server.
func (a *aviary) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := a.inner.RoundTrip(r)
	if err != nil || strings.Contains(r.URL.Path, "/sandbox/") {
		return response, err
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	response.Body = io.NopCloser(bytes.NewReader(body))
	a.mu.Lock()
	defer a.mu.Unlock()
	a.said.Write(body)
	_ = response.Header.Write(&a.said)
	return response, err
}

// forms are a secret as it may be written: plain, escaped, in hexadecimal, and in base64 wherever it begins.
func forms(secret string) [][]byte {
	all := [][]byte{[]byte(secret), []byte(url.QueryEscape(secret)), []byte(hex.EncodeToString([]byte(secret)))}
	for shift := range 3 {
		for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
			text := encoding.EncodeToString(append(bytes.Repeat([]byte("x"), shift), secret...))
			all = append(all, []byte(text[4:len(text)-4])) // what does not depend on its neighbours
		}
	}
	return all
}

// TestNoCanaryAnywhere shows O7: the client secret, codes, tokens of Zoho and the caller's own token stand in no file of
// the database, in no log and in no answer.
func TestNoCanaryAnywhere(t *testing.T) {
	t.Parallel()
	a := &aviary{secrets: map[string]string{canarySecret: "client secret"}}
	zoho, err := standin.New(standin.Config{Clients: []standin.Client{{ID: "1000.CANARY", Secret: canarySecret}}, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(zoho.Close)
	outside := httptest.NewServer(a.watch(zoho.Handler()))
	t.Cleanup(outside.Close)
	data := t.TempDir()
	s := start(t, data, "HEFFL_LOG_LEVEL=debug", "HEFFL_ZOHO_CLIENT_ID=1000.CANARY", "HEFFL_ZOHO_CLIENT_SECRET="+canarySecret, "HEFFL_ZOHO_STANDIN_URL="+outside.URL+"/sandbox")
	if err := zoho.AllowRedirectURI(s.url + "/oauth/cliq/callback"); err != nil {
		t.Fatal(err)
	}
	ada, grace := s.bearer(t, "u_ada", "admin", "events:write"), s.signedIn(t, "u_grace")
	a.inner, grace.browser.Transport = grace.browser.Transport, a
	for _, p := range []*person{ada, grace} {
		p.email = p.id + "@acme.test"
	}
	a.keep("token", ada.token)
	a.keep("session", strings.SplitN(grace.sessionCookie(t), "=", 2)[1])

	elsewhere := &server{url: outside.URL, http: s.http}
	callback := elsewhere.consent(t, grace.beginConnect(t, "IN", "heffl", s.url+"/"), "in", "Grace", grace.email)
	query, err := url.Parse(callback)
	if err != nil {
		t.Fatal(err)
	}
	a.keep("code", query.Query().Get("code"))
	landed, _ := grace.visit(t, callback)
	if landed.Query().Get("status") != "connected" {
		t.Fatalf("landed at %s", landed)
	}
	if got := ask[struct{ Delivered bool }](t, grace, testMutation, nil); !got.Delivered {
		t.Errorf("the test message: %+v", got)
	}
	ada.publish(t, wonDeal(map[string]any{"idempotencyKey": "canary"}))
	grace.settledInbox(t)
	grace.viewer(t)
	grace.graphql(t, `{viewer{nothing}}`, nil)
	grace.setBot(t, "nobody")
	ask[any](t, grace, testMutation, nil)
	search := func(when string) {
		t.Helper()
		places := map[string][]byte{"log": []byte(s.log.String()), "answers": a.said.Bytes()}
		must := filepath.WalkDir(data, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			places[filepath.Base(path)] = text
			return err
		})
		if must != nil {
			t.Fatal(must)
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		if len(a.secrets) < 6 || len(places) < 5 || a.said.Len() < 1000 {
			t.Fatalf("%d secrets, %d places, %d bytes of answers: nothing was watched", len(a.secrets), len(places), a.said.Len())
		}
		for secret, name := range a.secrets {
			for _, form := range forms(secret) {
				for place, text := range places {
					if bytes.Contains(text, form) {
						t.Errorf("%s the %s stands in %s", when, name, place)
					}
				}
			}
		}
	}
	search("while connected")
	ask[any](t, grace, disconnectCliq, nil)
	if revoked, err := zoho.WaitRevocations(t.Context(), 1); err != nil || !revoked[0].OK {
		t.Errorf("revoked %+v, %v", revoked, err)
	}
	search("after the end")
}
