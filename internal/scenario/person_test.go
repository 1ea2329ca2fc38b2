package scenario

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"testing"
	"time"
)

// callTimeout bounds one request.
const callTimeout = 30 * time.Second

// newClient is a client that leaves nothing behind when the test ends.
func newClient(tb testing.TB) *http.Client {
	tb.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 4}
	tb.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: callTimeout}
}

// person is somebody who uses the server: by a token in the header, or with a browser that holds a session cookie.
type person struct {
	*server
	id    string
	email string
	// token goes into the header; empty: the cookie says who it is.
	token   string
	browser *http.Client
}

// bearer is somebody who sends a token.
func (s *server) bearer(tb testing.TB, id string, scopes ...string) *person {
	tb.Helper()
	return &person{server: s, id: id, token: s.token(tb, id, scopes...), browser: s.http}
}

// signedIn is somebody whose browser has a session: POST /session turned their token into a cookie.
func (s *server) signedIn(tb testing.TB, id string, scopes ...string) *person {
	tb.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		tb.Fatal(err)
	}
	p := &person{server: s, id: id, browser: newClient(tb)}
	p.browser.Jar = jar
	request := p.request(tb, http.MethodPost, s.url+"/session", nil)
	request.Header.Set("Authorization", "Bearer "+s.token(tb, id, scopes...))
	response, body := p.do(tb, request)
	if response.StatusCode != http.StatusNoContent {
		tb.Fatalf("POST /session = %d: %s", response.StatusCode, body)
	}
	cookies := response.Cookies()
	if len(cookies) != 1 || !cookies[0].HttpOnly || cookies[0].SameSite != http.SameSiteLaxMode {
		tb.Errorf("POST /session set %v, want one cookie that is HttpOnly and SameSite=Lax", cookies)
	}
	return p
}

// sessionCookie is the header that the browser would send.
func (p *person) sessionCookie(tb testing.TB) string {
	tb.Helper()
	u, err := url.Parse(p.url)
	if err != nil {
		tb.Fatal(err)
	}
	if p.browser.Jar == nil {
		tb.Fatal("this person has no browser")
	}
	header := ""
	for _, cookie := range p.browser.Jar.Cookies(u) {
		if header != "" {
			header += "; "
		}
		header += cookie.Name + "=" + cookie.Value
	}
	return header
}

func (p *person) request(tb testing.TB, method, target string, body []byte) *http.Request {
	tb.Helper()
	request, err := http.NewRequestWithContext(tb.Context(), method, target, bytes.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	if p.token != "" {
		request.Header.Set("Authorization", "Bearer "+p.token)
	} else {
		request.Header.Set("Origin", p.url) // as a browser does
	}
	return request
}

func (p *person) do(tb testing.TB, request *http.Request) (*http.Response, []byte) {
	tb.Helper()
	response, err := p.browser.Do(request)
	if err != nil {
		tb.Fatalf("%s %s: %v", request.Method, request.URL.Path, err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		tb.Fatalf("%s %s: read body: %v", request.Method, request.URL.Path, err)
	}
	return response, body
}

// answer is what GraphQL answers.
type answer struct {
	Data   json.RawMessage `json:"data"`
	Errors []graphError    `json:"errors"`
}

// graphError is one of its errors.
type graphError struct {
	Message    string `json:"message"`
	Extensions struct {
		Code      string `json:"code"`
		RequestID string `json:"requestId"`
	} `json:"extensions"`
}

// graphql asks and answers whatever comes, errors too.
func (p *person) graphql(tb testing.TB, query string, variables any) answer {
	tb.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		tb.Fatal(err)
	}
	request := p.request(tb, http.MethodPost, p.url+"/graphql", body)
	request.Header.Set("Content-Type", "application/json")
	_, raw := p.do(tb, request)
	var got answer
	if err := json.Unmarshal(raw, &got); err != nil {
		tb.Fatalf("answer is not JSON: %v\n%s", err, raw)
	}
	return got
}

// ask asks something that must be answered without a GraphQL error, and decodes the root field into T.
func ask[T any](tb testing.TB, p *person, query string, variables any) T {
	tb.Helper()
	got := p.graphql(tb, query, variables)
	if len(got.Errors) > 0 {
		tb.Fatalf("%s was refused: %+v\n%s", p.id, got.Errors, query)
	}
	var root map[string]T
	if err := json.Unmarshal(got.Data, &root); err != nil {
		tb.Fatalf("decode %s: %v", got.Data, err)
	}
	for _, value := range root {
		return value
	}
	tb.Fatalf("no root field in %s", got.Data)
	panic("unreachable")
}

// input wraps the variables of a mutation.
func input(fields map[string]any) map[string]any { return map[string]any{"input": fields} }

// userError is something that was asked wrongly.
type userError struct {
	Code    string   `json:"code"`
	Field   []string `json:"field"`
	Message string   `json:"message"`
}

// wantNoErrors fails on anything that was asked wrongly.
func wantNoErrors(tb testing.TB, what string, errs []userError) {
	tb.Helper()
	if len(errs) > 0 {
		tb.Fatalf("%s: %+v", what, errs)
	}
}

// eventually polls until check holds. Polling has an interval but no fixed length: a deadline says when it is too late.
func eventually(tb testing.TB, what string, within time.Duration, check func() bool) {
	tb.Helper()
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	ticker := time.NewTicker(15 * time.Millisecond)
	defer ticker.Stop()
	for !check() {
		select {
		case <-deadline.C:
			tb.Fatalf("not within %s: %s", within, what)
		case <-ticker.C:
		}
	}
}
