package scenario

import (
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// chat is a message that arrived in Cliq.
type chat struct {
	ID      int `json:"id"`
	Account struct {
		Email  string `json:"email"`
		Region string `json:"region"`
	} `json:"account"`
	Bot       string `json:"bot"`
	Text      string `json:"text"`
	Broadcast bool   `json:"broadcast"`
	Buttons   []struct {
		Label string `json:"label"`
		URL   string `json:"url"`
	} `json:"buttons"`
}

// email is a mail that arrived in the mailbox.
type email struct {
	ID        int      `json:"id"`
	To        []string `json:"to"`
	Subject   string   `json:"subject"`
	MessageID string   `json:"messageId"`
	Text      string   `json:"text"`
	HTML      string   `json:"html"`
	Links     []string `json:"links"`
	Problem   string   `json:"problem"`
}

// sandbox calls the stand-in's JSON API and decodes its answer into T.
func sandbox[T any](tb testing.TB, s *server, method, path string, body any) T {
	tb.Helper()
	var raw []byte
	if body != nil {
		var err error
		if raw, err = json.Marshal(body); err != nil {
			tb.Fatal(err)
		}
	}
	outsider := &person{server: s, id: "sandbox", browser: s.http, token: "none"}
	request := outsider.request(tb, method, s.url+"/sandbox/api"+path, raw)
	request.Header.Del("Authorization")
	response, got := outsider.do(tb, request)
	if response.StatusCode >= http.StatusBadRequest {
		tb.Fatalf("%s %s = %d: %s", method, path, response.StatusCode, got)
	}
	var value T
	if len(got) > 0 {
		if err := json.Unmarshal(got, &value); err != nil {
			tb.Fatalf("%s %s: %v\n%s", method, path, err, got)
		}
	}
	return value
}

// chats are somebody's messages in Cliq, oldest first; of everybody for an empty address.
func (s *server) chats(tb testing.TB, address string) []chat {
	tb.Helper()
	return sandbox[struct{ Messages []chat }](tb, s, http.MethodGet, "/messages?account="+url.QueryEscape(address), nil).Messages
}

// mails are what the mailbox holds for somebody, oldest first; for everybody with an empty address.
func (s *server) mails(tb testing.TB, address string) []email {
	tb.Helper()
	return sandbox[struct{ Messages []email }](tb, s, http.MethodGet, "/mail?to="+url.QueryEscape(address), nil).Messages
}

// fault switches a fault of Zoho on, for one account.
func (s *server) fault(tb testing.TB, fault, account string) {
	tb.Helper()
	sandbox[any](tb, s, http.MethodPost, "/faults", map[string]any{"fault": fault, "account": account})
}

func (s *server) clearFaults(tb testing.TB) {
	tb.Helper()
	sandbox[any](tb, s, http.MethodDelete, "/faults", nil)
}

// expectNoViolations fails when the server did to Zoho what a well-behaved client never does.
func (s *server) expectNoViolations(tb testing.TB) {
	tb.Helper()
	if got := sandbox[struct{ Violations []any }](tb, s, http.MethodGet, "/violations", nil).Violations; len(got) > 0 {
		tb.Errorf("the server misbehaved towards Zoho: %v", got)
	}
}

// consent answers a consent URL by the JSON API as the account of this address in a data centre, and answers where
// the browser is sent.
func (s *server) consent(tb testing.TB, consentURL, region, name, address string) string {
	tb.Helper()
	return sandbox[struct{ Location string }](tb, s, http.MethodPost, "/consent", map[string]any{
		"url": consentURL, "region": region, "account": map[string]string{"name": name, "email": address},
	}).Location
}

var formAction = regexp.MustCompile(`<form method="post" action="([^"]+)"`)

// consentByForm opens the consent page in a browser, fills in its form and follows the redirects to where they end.
func (p *person) consentByForm(tb testing.TB, consentURL, region, address string) *url.URL {
	tb.Helper()
	page, body := p.do(tb, p.request(tb, http.MethodGet, consentURL, nil))
	match := formAction.FindSubmatch(body)
	if page.StatusCode != http.StatusOK || match == nil {
		tb.Fatalf("consent page = %d without a form:\n%s", page.StatusCode, body)
	}
	action, err := page.Request.URL.Parse(html.UnescapeString(string(match[1])))
	if err != nil {
		tb.Fatal(err)
	}
	form := url.Values{"account": {"other"}, "email": {address}, "region": {region}, "decision": {"accept"}}
	post := p.request(tb, http.MethodPost, action.String(), []byte(form.Encode()))
	post.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	landed, body := p.do(tb, post)
	if landed.StatusCode != http.StatusOK {
		tb.Fatalf("the consent ended at %s with %d:\n%s", landed.Request.URL, landed.StatusCode, body)
	}
	return landed.Request.URL
}

// visit follows a URL and its redirects to where they end.
func (p *person) visit(tb testing.TB, target string) (*url.URL, int) {
	tb.Helper()
	landed, _ := p.do(tb, p.request(tb, http.MethodGet, target, nil))
	return landed.Request.URL, landed.StatusCode
}

// asRead is chat text as a person reads it: what keeps Cliq from formatting it cannot be seen.
func asRead(text string) string {
	return strings.NewReplacer("\u200b", "", "\u2217", "*", "\u02cd", "_", "\u223c", "~", "\u02cb", "`").Replace(text)
}
