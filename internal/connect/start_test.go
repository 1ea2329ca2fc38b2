package connect_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/heffl/bff/internal/cliq"
	"github.com/heffl/bff/internal/connect"
	"github.com/heffl/bff/model"
)

// ownClients gives every region a client of its own.
func ownClients(standin string) option {
	return func(r *cliq.RegionsConfig, _ *connect.Config) {
		if standin != "" {
			r.StandinURL = standin
		}
		r.Default, r.Clients = cliq.Credentials{}, map[cliq.Code]cliq.Credentials{}
		for code := range regionLabels {
			r.Clients[cliq.Code(code)] = cliq.Credentials{ID: "id-of-" + string(code), Secret: cliq.NewSecret("secret-of-" + string(code))}
		}
	}
}

var fresh = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// TestStart reads the consent URL of every region: these parameters and no other, with the region's own client, and nothing
// that is secret but the state.
func TestStart(t *testing.T) {
	t.Parallel()
	w := setup(t, ownClients(""))
	seen := map[string]bool{}
	for code := range regionLabels {
		u, err := url.Parse(w.start(t, nil, w.ann, code))
		if err != nil {
			t.Fatal(err)
		}
		query := u.Query()
		state, challenge := query.Get("state"), query.Get("code_challenge")
		if !fresh.MatchString(state) || !fresh.MatchString(challenge) || seen[state] || seen[challenge] {
			t.Errorf("%s: state %q, challenge %q", code, state, challenge)
		}
		seen[state], seen[challenge] = true, true
		want := url.Values{
			"response_type": {"code"}, "client_id": {"id-of-" + string(code)}, "redirect_uri": {callbackURL}, "scope": {"ZohoCliq.Webhooks.CREATE"},
			"access_type": {"offline"}, "prompt": {"consent"}, "code_challenge_method": {"S256"}, "state": {state}, "code_challenge": {challenge},
		}
		if diff := cmp.Diff(want, query); diff != "" {
			t.Errorf("%s (-want +got):\n%s", code, diff)
		}
		u.RawQuery = ""
		if got, want := u.String(), w.base+"/"+strings.ToLower(string(code))+"/accounts/oauth/v2/auth"; got != want {
			t.Errorf("%s leads to %s, want %s", code, got, want)
		}
	}
}

// TestAttemptsAreStoredHashed looks into the very files of the database while attempts are open: there are the hashes of what
// browsers hold and of what Zoho says, and not one of them in plain.
func TestAttemptsAreStoredHashed(t *testing.T) {
	t.Parallel()
	w := setup(t)
	b := newBrowser()
	open, err := url.Parse(w.start(t, b, w.ann, model.CliqRegionCodeIn))
	if err != nil {
		t.Fatal(err)
	}
	callback, err := url.Parse(w.attempt(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	ticket := w.open(t, nil, callback.String()).ticket
	var files []byte
	for _, suffix := range []string{"", "-wal"} {
		file, err := os.ReadFile(strings.TrimPrefix(w.url, "file:") + suffix)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file...)
	}
	for name, secret := range map[string]string{
		"state": open.Query().Get("state"), "cookie": b.cookies["__Host-heffl_connect"], "state of a hand-over": callback.Query().Get("state"), "ticket": ticket,
	} {
		sum := sha256.Sum256([]byte(secret))
		raw, err := base64.RawURLEncoding.DecodeString(secret)
		if err != nil || len(raw) != 32 {
			t.Fatalf("%s %q", name, secret)
		}
		if bytes.Contains(files, []byte(secret)) || bytes.Contains(files, raw) {
			t.Errorf("the %s is in the database", name)
		}
		if !bytes.Contains(files, sum[:]) {
			t.Errorf("the hash of the %s is not in the database", name)
		}
	}
	if code := callback.Query().Get("code"); code == "" || bytes.Contains(files, []byte(code)) {
		t.Errorf("the code %q is in the database", code)
	}
}

// TestOAuthMixUpMatrix shows O3 for the whole flow: whatever region is chosen, and whatever location and accounts-server the
// callback names, a data centre sees its own client's secret or nothing. What names no single one of them exchanges nothing.
// Package cliq goes through every cell of the table below the flow.
func TestOAuthMixUpMatrix(t *testing.T) {
	t.Parallel()
	for chosen := range regionLabels {
		t.Run(string(chosen), func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			seen := map[string]int{} // path and credentials of token requests; guarded by mu
			zoho := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				seen[r.URL.Path+" "+r.PostFormValue("client_id")+" "+r.PostFormValue("client_secret")]++
				_, _ = w.Write([]byte(`{"access_token":"1000.a.b","refresh_token":"1000.c.d","scope":"ZohoCliq.Webhooks.CREATE","expires_in":3600}`))
			}))
			t.Cleanup(zoho.Close)
			w := setup(t, ownClients(zoho.URL))
			named := []string{"", "xx"} // nobody, and somebody who is none of them
			for code := range regionLabels {
				named = append(named, strings.ToLower(string(code)))
			}
			want, cells := map[string]int{}, 0
			for i, location := range named {
				for j, server := range named {
					// Where two are named that do not agree, the choice plays no part: one of them is enough.
					if i > 0 && j > 0 && i != j && j != i+1 && chosen != model.CliqRegionCodeUs {
						continue
					}
					cells++
					b := newBrowser()
					consent, err := url.Parse(w.start(t, b, w.ann, chosen))
					if err != nil {
						t.Fatal(err)
					}
					callback := url.Values{"state": {consent.Query().Get("state")}, "code": {"1000.code"}}
					if location != "" {
						callback.Set("location", location)
					}
					if server != "" {
						callback.Set("accounts-server", zoho.URL+"/"+server+"/accounts")
					}
					lives := strings.ToLower(string(chosen))
					for _, name := range []string{location, server} {
						if name != "" {
							lives = name
						}
					}
					good := location != "xx" && server != "xx" && (location == "" || server == "" || location == server)
					got := w.open(t, b, callbackURL+"?"+callback.Encode())
					switch {
					case !good && got.code != "UNKNOWN_REGION":
						t.Errorf("location %q, server %q landed %+v", location, server, got)
					case good:
						if c := w.connection(t, w.ann); got.status != "connected" || c.Region != model.CliqRegionCode(strings.ToUpper(lives)) || c.RegionChosen != chosen {
							t.Errorf("location %q, server %q landed %+v, lives in %s", location, server, got, c.Region)
						}
						of := strings.ToUpper(lives)
						want["/"+lives+"/accounts/oauth/v2/token id-of-"+of+" secret-of-"+of]++
					}
				}
			}
			mu.Lock()
			defer mu.Unlock()
			if diff := cmp.Diff(want, seen); diff != "" || cells < 40 || len(want) != 9 {
				t.Errorf("%d cells (-want +seen):\n%s", cells, diff)
			}
		})
	}
}
