package scenario

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
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

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go"

	standin "github.com/heffl/bff/internal/sandbox"
	"github.com/heffl/bff/internal/testkit"
)

const (
	canarySecret   = "canary-client-secret-5f1c07d4e2"
	canaryPassword = "canary-smtp-password-0b6ed39a71"
)

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

// traffic is all that anybody says on a NATS server.
func traffic(t *testing.T, url string) *transcript {
	t.Helper()
	heard := &transcript{}
	conn, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	if _, err := conn.Subscribe(">", func(m *nats.Msg) {
		_, _ = fmt.Fprintf(heard, "%s %s %v\n%s\n", m.Subject, m.Reply, m.Header, m.Data)
	}); err != nil {
		t.Fatal(err)
	}
	if err := conn.Flush(); err != nil {
		t.Fatal(err)
	}
	return heard
}

// dump is every row of every table of a PostgreSQL database as text, binary columns in hexadecimal.
func dump(t *testing.T, url string) []byte {
	t.Helper()
	db, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close(context.WithoutCancel(t.Context())) }()
	rows, err := db.Query(t.Context(), `SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'`)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(tables) < 15 {
		t.Fatal(len(tables), err)
	}
	var all bytes.Buffer
	for _, table := range tables {
		if _, err := db.PgConn().CopyTo(t.Context(), &all, `COPY `+pgx.Identifier{table}.Sanitize()+` TO STDOUT`); err != nil {
			t.Fatal(err)
		}
	}
	return all.Bytes()
}

// TestNoCanaryAnywhere shows O7: the client secret, codes, tokens of Zoho, the password of the mail server and the caller's
// own tokens stand in no file or dump of the database, in no message between replicas, in no log and in no answer.
func TestNoCanaryAnywhere(t *testing.T) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		noCanary(t, nil, nil)
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		database, bus := testkit.Postgres(t), natsServer(t, -1).ClientURL()
		heard := traffic(t, bus)
		noCanary(t, []string{"HEFFL_DATABASE_URL=" + database, "HEFFL_NATS_URL=" + bus}, func() map[string][]byte {
			if !strings.Contains(heard.String(), "inbox.") {
				t.Errorf("NATS was not listened to: %q", heard)
			}
			return map[string][]byte{"dump": dump(t, database), "NATS": []byte(heard.String())}
		})
	})
}

func noCanary(t *testing.T, settings []string, more func() map[string][]byte) {
	t.Helper()
	a := &aviary{secrets: map[string]string{canarySecret: "client secret", canaryPassword: "password of the mail server"}}
	zoho, err := standin.New(standin.Config{Clients: []standin.Client{{ID: "1000.CANARY", Secret: canarySecret}}, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(zoho.Close)
	outside := httptest.NewServer(a.watch(zoho.Handler()))
	t.Cleanup(outside.Close)
	mailbox, err := standin.NewMail(standin.MailConfig{Now: time.Now}) // it knows no STARTTLS: nothing gets through, and that is logged
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = mailbox.Close() })
	data := t.TempDir()
	s := start(t, data, append(settings, "HEFFL_LOG_LEVEL=debug", "HEFFL_ZOHO_CLIENT_ID=1000.CANARY", "HEFFL_ZOHO_CLIENT_SECRET="+canarySecret,
		"HEFFL_ZOHO_STANDIN_URL="+outside.URL+"/sandbox", "HEFFL_SMTP_URL=smtp://canary:"+canaryPassword+"@"+mailbox.Addr())...)
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
	if _, err := zoho.WaitMessages(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	grace.inbox(t)
	grace.viewer(t)
	grace.graphql(t, `{viewer{nothing}}`, nil)
	grace.setBot(t, "nobody")
	ask[any](t, grace, testMutation, nil)
	if err := mailbox.WaitConnections(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
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
		if more != nil {
			maps.Copy(places, more())
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		if len(a.secrets) < 7 || len(places) < 5 || a.said.Len() < 1000 {
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
