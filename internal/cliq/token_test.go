package cliq

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const fullAnswer = `{"access_token":"1000.a.b","refresh_token":"1000.c.d","scope":"ZohoCliq.Webhooks.CREATE",` +
	`"api_domain":"https://www.zohoapis.com","token_type":"Bearer","expires_in":3600}`

// outcome puts an error of the token endpoint into a word that tables can hold.
func outcome(err error) string {
	var misconfigured *MisconfiguredError
	var throttled *ThrottledError
	var unavailable *UnavailableError
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, ErrInvalidGrant):
		return "reconnect"
	case errors.Is(err, ErrScopeMissing):
		return "scope"
	case errors.Is(err, ErrNoRefreshToken):
		return "no refresh token"
	case errors.Is(err, ErrRegionNotOffered):
		return "not offered"
	case errors.As(err, &misconfigured):
		return "misconfigured " + misconfigured.Code
	case errors.As(err, &throttled):
		return fmt.Sprintf("throttled %s %t", throttled.RetryAfter, throttled.Stated)
	case errors.As(err, &unavailable):
		return fmt.Sprintf("unavailable, sent %t", unavailable.WasSent)
	}
	return "unexpected: " + err.Error()
}

// TestTokenAnswers goes through everything Zoho is known to answer: a throttle in
// any language is waited for, and only a dead grant ends a connection.
func TestTokenAnswers(t *testing.T) {
	t.Parallel()
	const unavailable = "unavailable, sent true"
	const english = `{"error_description":"You have made too many requests continuously. Please try again after some time.",` +
		`"error":"Access Denied","status":"failure"}`
	const chinese = `{"error_description":"您已连续提出过多请求，请稍后再试。","error":"拒绝访问","status":"failure"}`
	for name, test := range map[string]struct {
		status     int
		retryAfter string
		body       string
		want       string
	}{
		"invalid_code with 200":          {200, "", `{"error":"invalid_code"}`, "reconnect"},
		"invalid_code with 400":          {400, "", `{"error":"invalid_code"}`, "reconnect"},
		"invalid_code and failure":       {400, "", `{"error":"invalid_code","status":"failure"}`, "reconnect"},
		"invalid_code with 500":          {500, "", `{"error":"invalid_code"}`, unavailable},
		"invalid_code with 429":          {429, "", `{"error":"invalid_code"}`, "throttled 10m0s false"},
		"the name of the standard":       {400, "", `{"error":"invalid_grant"}`, "reconnect"},
		"an error beside a token":        {200, "", `{"error":"invalid_code","access_token":"1000.a.b"}`, "reconnect"},
		"invalid_client":                 {200, "", `{"error":"invalid_client"}`, "misconfigured invalid_client"},
		"invalid_client with 401":        {401, "", `{"error":"invalid_client"}`, "misconfigured invalid_client"},
		"invalid_client_secret":          {200, "", `{"error":"invalid_client_secret"}`, "misconfigured invalid_client_secret"},
		"invalid_redirect_uri":           {200, "", `{"error":"invalid_redirect_uri"}`, "misconfigured invalid_redirect_uri"},
		"bad request page":               {400, "", `<html>400 Bad Request</html>`, unavailable},
		"throttled":                      {400, "", english, "throttled 10m0s false"},
		"throttled in Chinese":           {400, "", chinese, "throttled 10m0s false"},
		"throttled with 200":             {200, "", english, "throttled 10m0s false"},
		"throttled in Chinese with 200":  {200, "", chinese, "throttled 10m0s false"},
		"throttled with a hint":          {400, "120", chinese, "throttled 2m0s true"},
		"throttled by a gateway":         {429, "7", `<html>`, "throttled 7s true"},
		"throttled for ten years":        {429, "315360000", ``, "throttled 1h0m0s true"},
		"an unknown error":               {200, "", `{"error":"general_error"}`, unavailable},
		"an unknown error with 400":      {400, "", `{"error":"general_error"}`, unavailable},
		"an error that is no string":     {200, "", `{"error":{"code":5},"access_token":"1000.a.b"}`, unavailable},
		"server trouble":                 {500, "", `<html>`, unavailable},
		"server trouble with a token":    {503, "", fullAnswer, unavailable},
		"a redirect":                     {307, "", fullAnswer, unavailable},
		"a client error with a token":    {403, "", fullAnswer, unavailable},
		"a page with 200":                {200, "", `<html>hello</html>`, unavailable},
		"nothing with 200":               {200, "", ``, unavailable},
		"nothing with 204":               {204, "", ``, unavailable},
		"an empty object":                {200, "", `{}`, unavailable},
		"an array":                       {200, "", `[` + fullAnswer + `]`, unavailable},
		"null":                           {200, "", `null`, unavailable},
		"bytes after the object":         {200, "", fullAnswer + `x`, unavailable},
		"two objects":                    {200, "", fullAnswer + fullAnswer, unavailable},
		"half an object":                 {200, "", fullAnswer[:len(fullAnswer)-1], unavailable},
		"a name twice":                   {200, "", `{"access_token":"1000.a.b","access_token":"1000.x.y"}`, unavailable},
		"a name in capitals":             {200, "", `{"Access_Token":"1000.a.b"}`, unavailable},
		"an empty token":                 {200, "", `{"access_token":""}`, unavailable},
		"a token of null":                {200, "", `{"access_token":null}`, unavailable},
		"a token that is a number":       {200, "", `{"access_token":1000}`, unavailable},
		"a token with a line break":      {200, "", `{"access_token":"1000.a\r\nX-Evil: 1"}`, unavailable},
		"a token with a space":           {200, "", `{"access_token":"1000 a"}`, unavailable},
		"a token beyond ASCII":           {200, "", `{"access_token":"1000.ä"}`, unavailable},
		"a token of 2,048":               {200, "", `{"access_token":"` + strings.Repeat("a", 2048) + `"}`, "ok"},
		"a token of 2,049":               {200, "", `{"access_token":"` + strings.Repeat("a", 2049) + `"}`, unavailable},
		"a refresh token with NUL":       {200, "", `{"access_token":"1000.a.b","refresh_token":"a\u0000"}`, unavailable},
		"a refresh token of a number":    {200, "", `{"access_token":"1000.a.b","refresh_token":7}`, unavailable},
		"everything":                     {200, "", fullAnswer, "ok"},
		"no scope named":                 {200, "", `{"access_token":"1000.a.b"}`, "ok"},
		"scopes with spaces":             {200, "", `{"access_token":"1","scope":"A.b.C ZohoCliq.Webhooks.CREATE"}`, "ok"},
		"scopes with commas":             {200, "", `{"access_token":"1","scope":"ZohoCliq.Webhooks.CREATE,A.b.C"}`, "ok"},
		"another scope":                  {200, "", `{"access_token":"1","scope":"ZohoCliq.Webhooks.READ"}`, "scope"},
		"a scope that begins like it":    {200, "", `{"access_token":"1","scope":"ZohoCliq.Webhooks.CREATED"}`, "scope"},
		"no scope at all":                {200, "", `{"access_token":"1","scope":""}`, "scope"},
		"an evil API domain is not read": {200, "", `{"access_token":"1","api_domain":"https://evil.test"}`, "ok"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			header := http.Header{}
			if test.retryAfter != "" {
				header.Set("Retry-After", test.retryAfter)
			}
			token, err := parseTokenAnswer(answer{status: test.status, header: header, body: []byte(test.body)}, clock)
			if got := outcome(err); got != test.want {
				t.Errorf("got %s; want %s", got, test.want)
			}
			if err == nil && token.Access.IsEmpty() {
				t.Error("success without a token")
			}
			if err != nil && !errors.Is(err, ErrScopeMissing) && !token.Access.IsEmpty() {
				t.Error("a token beside an error")
			}
		})
	}
}

func TestTokenFields(t *testing.T) {
	t.Parallel()
	token, err := parseTokenAnswer(answer{status: 200, header: http.Header{}, body: []byte(fullAnswer)}, clock)
	want := Token{
		Access: NewSecret("1000.a.b"), Refresh: NewSecret("1000.c.d"),
		ExpiresAt: clock.Add(time.Hour), Scopes: []string{Scope},
	}
	if diff := cmp.Diff(want, token); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	cut := answer{status: 200, header: http.Header{}, body: []byte(fullAnswer), cut: true}
	if _, err := parseTokenAnswer(cut, clock); outcome(err) != "unavailable, sent true" {
		t.Errorf("an answer that broke off: got %v", err)
	}
}

func TestLifetime(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]time.Duration{
		``: time.Hour, `null`: time.Hour, `true`: time.Hour, `{}`: time.Hour, `[]`: time.Hour, `""`: time.Hour,
		`"soon"`: time.Hour, `"NaN"`: time.Hour, `"Inf"`: time.Hour, `"0x10"`: time.Hour,
		`3600`: time.Hour, `"3600"`: time.Hour, `" 3600 "`: time.Hour, `3600.5`: time.Hour, `3.6e3`: time.Hour,
		`3600000`: time.Hour, `"3600000"`: time.Hour, `1800000`: 30 * time.Minute, `7200`: 2 * time.Hour,
		`60`: time.Minute, `1`: time.Second, `0.5`: time.Hour, `0`: time.Hour, `-5`: time.Hour, `"-3600"`: time.Hour,
		`86400`: 24 * time.Hour, `86401`: time.Hour, `1e12`: time.Hour, `99999999999`: time.Hour,
		`1e400`: time.Hour, `9223372036854775808`: time.Hour,
	} {
		t.Run(raw, func(t *testing.T) {
			t.Parallel()
			if got := lifetime([]byte(raw)); got != want {
				t.Errorf("got %s; want %s", got, want)
			}
		})
	}
}

func FuzzTokenAnswer(f *testing.F) {
	f.Add(200, fullAnswer)
	f.Add(400, `{"error":"拒绝访问","status":"failure"}`)
	f.Add(200, `{"error":"invalid_code"}`)
	f.Add(200, `{"access_token":"a","expires_in":"1e308"}`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		token, err := parseTokenAnswer(answer{status: status, header: http.Header{}, body: []byte(body)}, clock)
		if strings.HasPrefix(outcome(err), "unexpected") {
			t.Fatalf("an error of no class: %v", err)
		}
		if err != nil && !errors.Is(err, ErrScopeMissing) {
			if token.Access.Reveal() != "" || token.Refresh.Reveal() != "" {
				t.Fatal("a token beside an error")
			}
			return
		}
		if status < 200 || status > 299 || !isToken(token.Access.Reveal()) {
			t.Fatalf("status %d gives %q", status, token.Access.Reveal())
		}
		if !token.Refresh.IsEmpty() && !isToken(token.Refresh.Reveal()) {
			t.Fatalf("refresh token %q", token.Refresh.Reveal())
		}
		if life := token.ExpiresAt.Sub(clock); life < time.Second || life > 24*time.Hour {
			t.Fatalf("lifetime %s", life)
		}
	})
}
