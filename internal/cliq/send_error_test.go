package cliq

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestClassify goes through everything Cliq is known to answer to a message.
func TestClassify(t *testing.T) {
	t.Parallel()
	coded := func(code string) string { return fmt.Sprintf(`{"code":%q,"message":"Some words."}`, code) }
	const throttle = `{"error_description":"您已连续提出过多请求，请稍后再试。","error":"拒绝访问","status":"failure"}`
	for name, test := range map[string]struct {
		status int
		body   string
		want   Class
	}{
		"204":                          {204, ``, ""},
		"200 with a page":              {200, `<html>`, ""},
		"200 with an unknown code":     {200, coded("sent"), ""},
		"200 with an error of Zoho":    {200, coded("botmessage_no_valid_users"), ClassNotSubscribed},
		"token invalid":                {401, coded("oauthtoken_invalid"), ClassTokenInvalid},
		"token invalid, in words":      {401, `{"message":"Request was rejected because of invalid AuthToken."}`, ClassTokenInvalid},
		"token invalid, a blank page":  {401, "\n\n", ClassTokenInvalid},
		"scope":                        {401, coded("oauthtoken_scope_invalid"), ClassScopeInvalid},
		"scope with 403":               {403, coded("oauthtoken_scope_invalid"), ClassScopeInvalid},
		"scope, in words":              {401, `{"message":"The OAuth token passed does not have the required scope."}`, ClassScopeInvalid},
		"unknown key":                  {400, `{"code":"extra_key_found","message":"'chatid' is an extra key in the JSON Object."}`, ClassRejected},
		"unknown parameter":            {400, coded("extra_param_found"), ClassRejected},
		"missing parameter":            {400, coded("param_missing"), ClassRejected},
		"pattern":                      {400, coded("input_pattern_mismatch"), ClassRejected},
		"method":                       {400, coded("request_method_invalid"), ClassRejected},
		"an unknown code with 400":     {400, coded("something_new"), ClassRejected},
		"a page with 400":              {400, `<html>`, ClassRejected},
		"too big":                      {413, ``, ClassRejected},
		"URL with 400":                 {400, coded("request_url_invalid"), ClassBotNotFound},
		"URL with 404":                 {404, coded("request_url_invalid"), ClassBotNotFound},
		"no bot with 404":              {404, `{"message":"The bot you're looking for couldn't be found."}`, ClassBotNotFound},
		"no bot with 400":              {400, `{"message":"The bot you're looking for couldn't be found."}`, ClassBotNotFound},
		"no bot with a code":           {400, `{"code":"bot_not_exists","message":"The bot you’re looking for couldn’t be found."}`, ClassBotNotFound},
		"404 with a page":              {404, `<html>`, ClassBotNotFound},
		"nobody with 400":              {400, coded("botmessage_no_valid_users"), ClassNotSubscribed},
		"nobody with 404":              {404, coded("botmessage_no_valid_users"), ClassNotSubscribed},
		"no access":                    {403, coded("bot_unauthorized_message_access"), ClassNotSubscribed},
		"forbidden":                    {403, coded("bot_message_forbidden"), ClassNotSubscribed},
		"forbidden, in words":          {403, `{"message":"The user does not have enough permission or possibly not an user."}`, ClassNotSubscribed},
		"forbidden by a gateway":       {403, `<html>`, ClassUnavailable},
		"sending failed":               {400, coded("botmessage_sending_failed"), ClassUnavailable},
		"too many":                     {429, `{"message":"Too many requests within a certain time frame."}`, ClassRateLimited},
		"too many, a page":             {429, `<html>`, ClassRateLimited},
		"too many with 400":            {400, coded("request_limit_exceeded"), ClassRateLimited},
		"too many, in Chinese":         {400, throttle, ClassRateLimited},
		"request timeout":              {408, ``, ClassUnavailable},
		"wrong server":                 {421, ``, ClassUnavailable},
		"redirect":                     {302, ``, ClassUnavailable},
		"permanent redirect":           {308, ``, ClassUnavailable},
		"not modified":                 {304, ``, ClassUnavailable},
		"trouble at Zoho":              {500, `{"message":"Cliq server encountered an error"}`, ClassUnavailable},
		"trouble at Zoho, with a code": {503, coded("internal_error"), ClassUnavailable},
		"trouble, a page":              {500, `<html>`, ClassUnknown},
		"trouble, nothing":             {500, ``, ClassUnknown},
		"trouble, JSON of another":     {502, `{"detail":"upstream"}`, ClassUnknown},
		"trouble, half of Zoho's":      {500, `{"message":"Cliq server`, ClassUnknown},
		"trouble, a name twice":        {500, `{"message":"a","message":"b"}`, ClassUnknown},
		"gateway timeout":              {504, `<html>`, ClassUnknown},
		"a status that is none":        {999, ``, ClassUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failure := classify(answer{status: test.status, header: http.Header{}, body: []byte(test.body)}, clock)
			if failure == nil {
				if test.want != "" {
					t.Fatalf("success; want %s", test.want)
				}
				return
			}
			if failure.Class != test.want || failure.Status != test.status {
				t.Errorf("got %v; want %s", failure, test.want)
			}
			if (failure.RetryAfter == lockout) != (test.want == ClassRateLimited) || failure.Stated {
				t.Errorf("wait %s, stated %t", failure.RetryAfter, failure.Stated)
			}
		})
	}
}

func TestClassifyRetryAfter(t *testing.T) {
	t.Parallel()
	header := http.Header{"Retry-After": {"30"}}
	for name, test := range map[string]struct {
		status int
		body   string
		wait   time.Duration
	}{
		"a limit":                   {429, ``, 30 * time.Second},
		"a limit with 400":          {400, `{"code":"request_limit_exceeded"}`, 30 * time.Second},
		"trouble that names a time": {503, `{"message":"Maintenance."}`, 30 * time.Second},
		"a rejection":               {400, `{"code":"param_missing"}`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failure := classify(answer{status: test.status, header: header, body: []byte(test.body)}, clock)
			if failure == nil || failure.RetryAfter != test.wait || failure.Stated != (test.wait > 0) {
				t.Errorf("got %+v; want %s", failure, test.wait)
			}
		})
	}
}

func TestSendErrorQuotesNothing(t *testing.T) {
	t.Parallel()
	failure := classify(answer{status: 400, header: http.Header{}, body: []byte(`{"code":"Canary <x>","message":"canary"}`)}, clock)
	if failure.Code != "" || failure.Error() != "send to cliq: REJECTED: status 400" {
		t.Errorf("got %v", failure)
	}
	long := classify(answer{status: 400, header: http.Header{}, body: []byte(`{"code":"` + strings.Repeat("a", 65) + `"}`)}, clock)
	if long.Code != "" {
		t.Errorf("a code of 65: %v", long)
	}
	known := classify(answer{status: 401, header: http.Header{}, body: []byte(`{"code":"oauthtoken_invalid"}`)}, clock)
	if known.Error() != "send to cliq: TOKEN_INVALID: status 401 oauthtoken_invalid" {
		t.Errorf("got %v", known)
	}
}

func TestClassOf(t *testing.T) {
	t.Parallel()
	wrapped := fmt.Errorf("send: %w", &SendError{Class: ClassRejected})
	for want, err := range map[Class]error{"": nil, ClassRejected: wrapped, ClassUnknown: errors.New("other")} {
		if got := ClassOf(err); got != want {
			t.Errorf("%v: got %q; want %q", err, got, want)
		}
	}
}

func FuzzClassify(f *testing.F) {
	f.Add(400, `{"code":"extra_key_found","message":"x"}`, "30")
	f.Add(200, `{"user_ids":["1"],"message_details":{"1":{}}}`, "")
	f.Add(500, `{"message":"x"}`, "0")
	f.Fuzz(func(t *testing.T, status int, body, wait string) {
		in := answer{status: status, header: http.Header{"Retry-After": {wait}}, body: []byte(body)}
		failure := classify(in, clock)
		if failure == nil {
			if status/100 != 2 {
				t.Fatalf("status %d is success", status)
			}
			_ = readReceipt(in.body)
			return
		}
		if failure.Class == "" || failure.RetryAfter < 0 || failure.RetryAfter > time.Hour {
			t.Fatalf("got %+v", failure)
		}
		if failure.Class == ClassRateLimited && failure.RetryAfter == 0 {
			t.Fatal("a limit without a wait")
		}
		if failure.Code != "" && !codePattern.MatchString(failure.Code) {
			t.Fatalf("code %q", failure.Code)
		}
	})
}
