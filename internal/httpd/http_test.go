package httpd

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/heffl/bff/internal/auth"
)

const jsonType = "application/json"

func TestHTTPStatus(t *testing.T) {
	t.Parallel()
	b := setup(t)
	good := "Bearer " + token(t, "u")
	query := `{"query":"{__typename}"}`
	get := func(values ...string) string {
		q := url.Values{}
		for i := 0; i < len(values); i += 2 {
			q.Set(values[i], values[i+1])
		}
		return "/graphql?" + q.Encode()
	}
	cases := map[string]struct {
		method, path, body string
		header             []string
		status             int
		code               string
	}{
		"Query":                 {"POST", "/graphql", query, []string{"Content-Type", jsonType}, 200, ""},
		"Charset":               {"POST", "/graphql", query, []string{"Content-Type", jsonType + "; charset=UTF-8"}, 200, ""},
		"OtherCharset":          {"POST", "/graphql", query, []string{"Content-Type", jsonType + "; charset=utf-16"}, 415, "BAD_USER_INPUT"},
		"NoContentType":         {"POST", "/graphql", query, nil, 415, "BAD_USER_INPUT"},
		"TwoContentTypes":       {"POST", "/graphql", query, []string{"Content-Type", jsonType, "Content-Type", "text/plain"}, 415, "BAD_USER_INPUT"},
		"ContentTypeList":       {"POST", "/graphql", query, []string{"Content-Type", "application/json, text/plain"}, 415, "BAD_USER_INPUT"},
		"TextPlain":             {"POST", "/graphql", query, []string{"Content-Type", "text/plain"}, 415, "BAD_USER_INPUT"},
		"Compressed":            {"POST", "/graphql", query, []string{"Content-Type", jsonType, "Content-Encoding", "gzip"}, 415, "BAD_USER_INPUT"},
		"Empty":                 {"POST", "/graphql", "", []string{"Content-Type", jsonType}, 400, "BAD_USER_INPUT"},
		"NoQuery":               {"POST", "/graphql", `{}`, []string{"Content-Type", jsonType}, 400, "BAD_USER_INPUT"},
		"EmptyQuery":            {"POST", "/graphql", `{"query":""}`, []string{"Content-Type", jsonType}, 400, "BAD_USER_INPUT"},
		"QueryIsNull":           {"POST", "/graphql", `{"query":null}`, []string{"Content-Type", jsonType}, 400, "BAD_USER_INPUT"},
		"Null":                  {"POST", "/graphql", `null`, []string{"Content-Type", jsonType}, 400, "BAD_USER_INPUT"},
		"Batch":                 {"POST", "/graphql", "[" + query + "]", []string{"Content-Type", jsonType}, 400, "BAD_USER_INPUT"},
		"Trailing":              {"POST", "/graphql", query + "x", []string{"Content-Type", jsonType}, 400, "BAD_USER_INPUT"},
		"TwoValues":             {"POST", "/graphql", query + query, []string{"Content-Type", jsonType}, 400, "BAD_USER_INPUT"},
		"TrailingSpace":         {"POST", "/graphql", " " + query + " \n", []string{"Content-Type", jsonType}, 200, ""},
		"VariablesAreAList":     {"POST", "/graphql", `{"query":"{__typename}","variables":[]}`, []string{"Content-Type", jsonType}, 400, "BAD_USER_INPUT"},
		"TooLarge":              {"POST", "/graphql", `{"query":"{__typename}","extensions":{"x":"` + strings.Repeat("x", 64<<10) + `"}}`, []string{"Content-Type", jsonType}, 413, "BAD_USER_INPUT"},
		"Put":                   {"PUT", "/graphql", query, []string{"Content-Type", jsonType}, 405, "BAD_USER_INPUT"},
		"Patch":                 {"PATCH", "/graphql", query, []string{"Content-Type", jsonType}, 405, "BAD_USER_INPUT"},
		"Delete":                {"DELETE", "/graphql", query, []string{"Content-Type", jsonType}, 405, "BAD_USER_INPUT"},
		"Override":              {"POST", "/graphql", query, []string{"Content-Type", jsonType, "X-HTTP-Method-Override", "DELETE"}, 200, ""},
		"AcceptHTML":            {"POST", "/graphql", query, []string{"Content-Type", jsonType, "Accept", "text/html"}, 406, "BAD_USER_INPUT"},
		"AcceptNothing":         {"POST", "/graphql", query, []string{"Content-Type", jsonType, "Accept", "application/json;q=0"}, 406, "BAD_USER_INPUT"},
		"AcceptOtherCharset":    {"POST", "/graphql", query, []string{"Content-Type", jsonType, "Accept", "application/json;charset=utf-16"}, 406, "BAD_USER_INPUT"},
		"Get":                   {"GET", get("query", "{__typename}"), "", nil, 200, ""},
		"GetNothing":            {"GET", "/graphql", "", nil, 400, "BAD_USER_INPUT"},
		"GetVariables":          {"GET", get("query", "query($t:String!){echo(text:$t)}", "variables", `{"t":"x"}`), "", nil, 200, ""},
		"GetBadVariables":       {"GET", get("query", "{__typename}", "variables", `[1]`), "", nil, 400, "BAD_USER_INPUT"},
		"GetTwoVariables":       {"GET", get("query", "{__typename}", "variables", `{}{}`), "", nil, 400, "BAD_USER_INPUT"},
		"GetBadEscape":          {"GET", "/graphql?query=%zz", "", nil, 400, "BAD_USER_INPUT"},
		"GetMutation":           {"GET", get("query", "mutation{setCookie}"), "", []string{"Authorization", good}, 405, "BAD_USER_INPUT"},
		"Subscription":          {"POST", "/graphql", `{"query":"subscription{ticks{n}}"}`, []string{"Content-Type", jsonType}, 406, "BAD_USER_INPUT"},
		"GetSubscription":       {"GET", get("query", "subscription{ticks{n}}"), "", nil, 406, "BAD_USER_INPUT"},
		"Syntax":                {"POST", "/graphql", `{"query":"{"}`, []string{"Content-Type", jsonType}, 200, "GRAPHQL_PARSE_FAILED"},
		"SyntaxGraphQL":         {"POST", "/graphql", `{"query":"{"}`, []string{"Content-Type", jsonType, "Accept", mediaGraphQL}, 400, "GRAPHQL_PARSE_FAILED"},
		"Validation":            {"POST", "/graphql", `{"query":"{nope}"}`, []string{"Content-Type", jsonType}, 200, "GRAPHQL_VALIDATION_FAILED"},
		"ValidationGraphQL":     {"POST", "/graphql", `{"query":"{nope}"}`, []string{"Content-Type", jsonType, "Accept", mediaGraphQL}, 400, "GRAPHQL_VALIDATION_FAILED"},
		"Variables":             {"POST", "/graphql", `{"query":"query($t:String!){echo(text:$t)}"}`, []string{"Content-Type", jsonType}, 200, "BAD_USER_INPUT"},
		"VariablesGraphQL":      {"POST", "/graphql", `{"query":"query($t:String!){echo(text:$t)}"}`, []string{"Content-Type", jsonType, "Accept", mediaGraphQL}, 400, "BAD_USER_INPUT"},
		"UnknownOperation":      {"POST", "/graphql", `{"query":"query A{__typename}","operationName":"B"}`, []string{"Content-Type", jsonType}, 200, "GRAPHQL_VALIDATION_FAILED"},
		"NoOperation":           {"POST", "/graphql", `{"query":"fragment f on Query{__typename}"}`, []string{"Content-Type", jsonType}, 200, "GRAPHQL_VALIDATION_FAILED"},
		"Defer":                 {"POST", "/graphql", `{"query":"{...@defer{__typename}}"}`, []string{"Content-Type", jsonType}, 200, "GRAPHQL_VALIDATION_FAILED"},
		"Anonymous":             {"POST", "/graphql", `{"query":"{viewer{id}}"}`, []string{"Content-Type", jsonType}, 200, "UNAUTHENTICATED"},
		"AnonymousPublic":       {"POST", "/graphql", `{"query":"{cliqRegions{code}}"}`, []string{"Content-Type", jsonType}, 200, ""},
		"BadToken":              {"POST", "/graphql", `{"query":"{cliqRegions{code}}"}`, []string{"Content-Type", jsonType, "Authorization", "Bearer x"}, 401, "UNAUTHENTICATED"},
		"BasicAuth":             {"POST", "/graphql", query, []string{"Content-Type", jsonType, "Authorization", "Basic dTpw"}, 401, "UNAUTHENTICATED"},
		"TwoTokens":             {"POST", "/graphql", query, []string{"Content-Type", jsonType, "Authorization", good, "Authorization", good}, 401, "UNAUTHENTICATED"},
		"TwoTokensInOne":        {"POST", "/graphql", query, []string{"Content-Type", jsonType, "Authorization", good + ", " + good}, 401, "UNAUTHENTICATED"},
		"LowerCaseScheme":       {"POST", "/graphql", `{"query":"{viewer{id}}"}`, []string{"Content-Type", jsonType, "Authorization", "b" + good[1:]}, 200, ""},
		"TokenInURL":            {"GET", get("query", "{viewer{id}}", "token", good[7:], "access_token", good[7:]), "", nil, 200, "UNAUTHENTICATED"},
		"Disabled":              {"POST", "/graphql", query, []string{"Content-Type", jsonType, "Authorization", "Bearer " + token(t, "disabled")}, 401, "UNAUTHENTICATED"},
		"DatabaseAway":          {"POST", "/graphql", query, []string{"Content-Type", jsonType, "Authorization", "Bearer " + token(t, "broken")}, 503, "UNAVAILABLE"},
		"UnknownPersisted":      {"POST", "/graphql", `{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"` + strings.Repeat("0", 64) + `"}}}`, []string{"Content-Type", jsonType, "Accept", mediaGraphQL}, 200, "PERSISTED_QUERY_NOT_FOUND"},
		"WrongPersistedHash":    {"POST", "/graphql", `{"query":"{__typename}","extensions":{"persistedQuery":{"version":1,"sha256Hash":"` + strings.Repeat("0", 64) + `"}}}`, []string{"Content-Type", jsonType}, 200, "BAD_USER_INPUT"},
		"OtherPersistedVersion": {"POST", "/graphql", `{"extensions":{"persistedQuery":{"version":2,"sha256Hash":"x"}}}`, []string{"Content-Type", jsonType}, 200, "BAD_USER_INPUT"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := b.send(t, c.method, c.path, c.body, c.header...)
			if got.status != c.status || got.code() != c.code {
				t.Errorf("%d %q, want %d %q: %s", got.status, got.code(), c.status, c.code, got.text)
			}
			if (c.code == "") != got.hasData() {
				t.Errorf("data: %t in %s", got.hasData(), got.text)
			}
			if id := got.header.Get("X-Request-Id"); id == "" || (c.code != "" && !strings.Contains(got.text, id)) {
				t.Errorf("request id %q in %s", id, got.text)
			}
			if c.status == 405 && got.header.Get("Allow") != allowedMethods {
				t.Errorf("Allow: %q", got.header.Get("Allow"))
			}
			if c.status == 401 && got.header.Get("WWW-Authenticate") == "" {
				t.Error("no WWW-Authenticate")
			}
			if c.status >= 400 && c.code != "UNAUTHENTICATED" && strings.Contains(got.text, `"data"`) {
				t.Errorf("a data entry in %s", got.text)
			}
		})
	}
}

func TestNegotiation(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for accept, want := range map[string]string{
		"":    mediaJSON,
		"*/*": mediaJSON,
		"application/graphql-response+json, application/json;q=0.9":                                                         mediaGraphQL,
		"application/json, application/graphql-response+json":                                                               mediaJSON,
		"application/json;q=0.5, application/graphql-response+json;q=0.6":                                                   mediaGraphQL,
		"text/html, application/json;q=0.1":                                                                                 mediaJSON,
		"application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed": mediaGraphQL,
		"multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/graphql-response+json,application/json;q=0.9":    mediaGraphQL,
		"application/json;q=nonsense, application/graphql-response+json;q=0.1":                                              mediaGraphQL,
		"text/event-stream;q=0.1, application/*":                                                                            mediaJSON,
		"text/event-stream, application/json":                                                                               mediaEvents,
		"garbage;;;,application/json; charset=utf-8":                                                                        mediaJSON,
	} {
		t.Run(accept, func(t *testing.T) {
			t.Parallel()
			got := b.post(t, "{__typename}", "Accept", accept)
			if media := got.header.Get("Content-Type"); got.status != 200 || media != want+"; charset=utf-8" {
				t.Errorf("%d %q, want %q", got.status, media, want)
			}
		})
	}
}

func TestBodyLimits(t *testing.T) {
	t.Parallel()
	b := setup(t)
	service := token(t, "svc", auth.ScopeEventsWrite)
	longQuery := mustJSON(t, map[string]string{"query": "{__typename} #" + strings.Repeat("x", 64<<10)})
	cases := map[string]struct {
		body, token string
		status      int
	}{
		"JustFits":         {padded(64 << 10), token(t, "u"), 200},
		"OneByteMore":      {padded(64<<10 + 1), token(t, "u"), 413},
		"ServiceFits":      {padded(1 << 20), service, 200},
		"ServiceTooMuch":   {padded(1<<20 + 1), service, 413},
		"QueryOfService":   {longQuery, service, 413},
		"NotReadForBad":    {padded(100 << 10), "bad", 401},
		"ScopeAdminAsUser": {padded(64<<10 + 1), token(t, "u", auth.ScopeAdmin), 413},
	}
	for name, c := range cases {
		for mode, header := range map[string]string{"": "", "Chunked": "chunked"} {
			t.Run(name+mode, func(t *testing.T) {
				t.Parallel()
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url+"/graphql", strings.NewReader(c.body))
				if err != nil {
					t.Fatal(err)
				}
				if header != "" {
					req.ContentLength = -1
				}
				req.Header.Set("Content-Type", jsonType)
				req.Header.Set("Authorization", "Bearer "+c.token)
				client := httpClient()
				if c.status == http.StatusUnauthorized { // it waits to be asked for the body, and is not
					req.Header.Set("Expect", "100-continue")
					client.Transport = &http.Transport{DisableKeepAlives: true, ExpectContinueTimeout: client.Timeout}
				}
				resp, err := client.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				_ = resp.Body.Close()
				if resp.StatusCode != c.status {
					t.Errorf("%d, want %d", resp.StatusCode, c.status)
				}
			})
		}
	}
}

func TestErrorsAreOpaque(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *Config) { c.Development = false })
	for _, query := range []string{"{secret}", "{panic}", "{a:secret b:panic}"} {
		got := b.post(t, query)
		if got.status != 200 || got.code() != "INTERNAL" || strings.Contains(got.text, "pq:") {
			t.Errorf("%s: %d %s", query, got.status, got.text)
		}
	}
	for _, body := range []string{`{"query": "{ __typename }", secret-7431`, `{"query":{"secret-7431":1}}`, `{"query":"{__typename}","variables":"secret-7431"}`} {
		if got := b.send(t, "POST", "/graphql", body, "Content-Type", jsonType); got.status != 400 || strings.Contains(got.text, "7431") {
			t.Errorf("%d %s", got.status, got.text)
		}
	}
}

func TestNoSuggestionsInProduction(t *testing.T) {
	t.Parallel()
	queries := map[string]string{
		"Field":      `{viewr{id}}`,
		"Argument":   `{echo(txt:"x")}`,
		"Type":       `{viewer{...f}} fragment f on Viewr{id}`,
		"InputField": `mutation{markNotificationsRead(input:{idz:[]}){inbox{cursor}}}`,
		"Leaf":       `{viewer}`,
		"Enum":       `{paint(colour:CRIMSN)}`,
		"EnumInList": `{paint(colours:[CRIMSN])}`,
	}
	production, development := setup(t, func(c *Config) { c.Development = false }), setup(t)
	for name, query := range queries {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := production.post(t, query)
			if got.code() != "GRAPHQL_VALIDATION_FAILED" || strings.Contains(got.text, "Did you mean") {
				t.Errorf("production: %s", got.text)
			}
			if got := development.post(t, query); !strings.Contains(got.text, "Did you mean") {
				t.Errorf("development: %s", got.text)
			}
		})
	}
	for name, variables := range map[string]string{"EnumVariable": `{"c":"CRIMSN"}`, "InputFieldVariable": `{"m":{"idz":[]}}`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			query := `query($c:Colour){paint(colour:$c)}`
			if name != "EnumVariable" {
				query = `mutation($m:MarkInput!){markNotificationsRead(input:$m){inbox{cursor}}}`
			}
			got := production.send(t, "POST", "/graphql", `{"query":"`+query+`","variables":`+variables+`}`, "Content-Type", jsonType)
			if got.code() != "BAD_USER_INPUT" || strings.Contains(got.text, "Did you mean") || strings.Contains(got.text, "CRIMSON") || strings.Contains(got.text, `"ids"`) {
				t.Errorf("production: %s", got.text)
			}
		})
	}
	t.Run("Introspection", func(t *testing.T) {
		t.Parallel()
		if got := production.post(t, `{__type(name:"Viewer"){name}}`); strings.Contains(got.text, `"Viewer"`) {
			t.Errorf("production: %s", got.text)
		}
		if got := development.post(t, `{__type(name:"Viewer"){name}}`); !strings.Contains(got.text, `"Viewer"`) {
			t.Errorf("development: %s", got.text)
		}
	})
}

func TestPersistedQuery(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const text, hash = "{ __typename }", "7f56e67dd21ab3f30d1ff8b7bed08893f0a0db86449836189b361dd1e56ddb4b"
	extensions := map[string]any{"persistedQuery": map[string]any{"version": 1, "sha256Hash": hash}}
	send := func(body map[string]any) reply {
		return b.send(t, "POST", "/graphql", mustJSON(t, body), "Content-Type", jsonType)
	}
	if got := send(map[string]any{"extensions": extensions}); got.code() != "PERSISTED_QUERY_NOT_FOUND" || !strings.Contains(got.text, "PersistedQueryNotFound") {
		t.Fatalf("before: %s", got.text)
	}
	if got := send(map[string]any{"query": text, "extensions": extensions}); !got.hasData() {
		t.Fatalf("with the query: %s", got.text)
	}
	if got := send(map[string]any{"extensions": extensions}); !got.hasData() {
		t.Errorf("after: %s", got.text)
	}
	if got := b.send(t, "GET", "/graphql?extensions="+url.QueryEscape(mustJSON(t, extensions)), ""); !got.hasData() {
		t.Errorf("by GET: %s", got.text)
	}
}

func TestResponseIsOneDocument(t *testing.T) {
	t.Parallel()
	b := setup(t)
	got := b.post(t, `{viewer{id} secret echo(text:"</script>")}`, bearerOf(token(t, "u"))...)
	var body struct {
		Errors []struct {
			Path       []any
			Locations  []any
			Extensions map[string]any
		}
		Data map[string]any
	}
	if err := json.Unmarshal([]byte(got.text), &body); err != nil {
		t.Fatal(err)
	}
	if len(body.Errors) != 1 || body.Errors[0].Extensions["code"] != "INTERNAL" || len(body.Errors[0].Path) != 1 || body.Data["echo"] != "</script>" {
		t.Errorf("got %s", got.text)
	}
}

// padded is a request of a given size.
func padded(size int) string {
	body := `{"query":"{__typename}","extensions":{"x":""}}`
	return strings.Replace(body, `""`, `"`+strings.Repeat("x", size-len(body))+`"`, 1)
}

// TestFarTooLarge shows that the answer reaches a client that sends much more than is taken in, one that keeps its connection
// and one that does not.
func TestFarTooLarge(t *testing.T) {
	t.Parallel()
	b := setup(t)
	body := padded(64<<10 + patience + 90<<10)
	for name, client := range map[string]*http.Client{"Closes": httpClient(), "Keeps": {Transport: &http.Transport{}}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			defer client.CloseIdleConnections()
			for i := range 50 {
				got := b.sendBy(t, client, http.MethodPost, "/graphql", body, "Content-Type", jsonType, "Authorization", "Bearer "+token(t, "u"))
				if got.status != http.StatusRequestEntityTooLarge {
					t.Fatalf("request %d: %d", i, got.status)
				}
			}
		})
	}
}
