package cliq

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSendRequest(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		message Message
		body    string
	}{
		"text alone": {Message{Text: "Deal <won> & \"closed\"\n😀"}, `{"text":"Deal <won> & \"closed\"\n😀"}`},
		"with sync":  {Message{Text: "x", Sync: true}, `{"text":"x","sync_message":true}`},
		"with a button": {
			Message{Text: "x", Button: &Button{Label: "View", URL: page}},
			`{"text":"x","buttons":[{"label":"View","type":"+","action":{"type":"open.url","data":{"web":"` + page + `"}}}]}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newZoho(t, reply(204, ""))
			if _, err := server.client(t).Send(t.Context(), IN, "Heffl_bot-1", NewSecret("1000.a.b"), test.message); err != nil {
				t.Fatal(err)
			}
			calls := server.seen()
			if len(calls) != 1 {
				t.Fatalf("%d requests", len(calls))
			}
			var want, got any
			if err := errors.Join(json.Unmarshal([]byte(test.body), &want), json.Unmarshal([]byte(calls[0].Body), &got)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
			calls[0].Body = ""
			wantCall := seen{
				Method: "POST", Path: "/in/cliq/api/v2/bots/Heffl_bot-1/message",
				Authorization: "Zoho-oauthtoken 1000.a.b", ContentType: "application/json",
			}
			if diff := cmp.Diff(wantCall, calls[0]); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReceipt(t *testing.T) {
	t.Parallel()
	many := `{"user_ids":["0"`
	for i := 1; len(many) < 2*maxBody; i++ {
		many += fmt.Sprintf(`,"%d"`, i)
	}
	for name, test := range map[string]struct {
		status int
		body   string
		ids    []string
		others bool
	}{
		"204":                 {204, ``, nil, false},
		"200 without a body":  {200, ``, nil, false},
		"200 with a page":     {200, `<html>`, nil, false},
		"201":                 {201, `{}`, nil, false},
		"one person":          {200, `{"user_ids":["55743307"]}`, []string{"55743307"}, false},
		"a number":            {200, `{"user_ids":[55743307]}`, []string{"55743307"}, false},
		"details of the same": {200, `{"user_ids":["1"],"message_details":{"1":{"chat_id":"C","message_id":"1%20"}}}`, []string{"1"}, false},
		"details alone":       {200, `{"message_details":{"1":{}}}`, []string{"1"}, false},
		"two people":          {200, `{"user_ids":["1","2"]}`, []string{"1", "2"}, true},
		"two in the details":  {200, `{"x":{"y":[1]},"message_details":{"1":{},"2":null}}`, []string{"1", "2"}, true},
		"one here, one there": {200, `{"message_details":{"1":{}},"user_ids":["2"]}`, []string{"1", "2"}, true},
		"an odd shape":        {200, `{"user_ids":"1","message_details":[1]}`, nil, false},
		"nested":              {200, `{"user_ids":[["1"],"2"]}`, nil, false},
		"broken off":          {200, `{"user_ids":["1","2",`, []string{"1", "2"}, true},
		"an array":            {200, `["1","2"]`, nil, false},
		"a known id and code": {200, `{"code":"botmessage_no_valid_users","user_ids":["1"]}`, []string{"1"}, false},
		"an unknown code":     {200, `{"code":"done","message":"Sent."}`, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newZoho(t, reply(test.status, test.body))
			receipt, err := server.client(t).Send(t.Context(), IN, "heffl", NewSecret("a"), Message{Text: "x", Sync: true})
			if diff := cmp.Diff(test.ids, receipt.UserIDs); diff != "" || err != nil || receipt.ReachedOthers() != test.others {
				t.Errorf("%v, others %t (-want +got):\n%s", err, receipt.ReachedOthers(), diff)
			}
		})
	}
	t.Run("more people than fit into an answer", func(t *testing.T) {
		t.Parallel()
		server := newZoho(t, reply(200, many+`]}`))
		receipt, err := server.client(t).Send(t.Context(), IN, "heffl", NewSecret("a"), Message{Text: "x"})
		if err != nil || !receipt.ReachedOthers() || len(receipt.UserIDs) != maxReceivers {
			t.Errorf("got %d, %v", len(receipt.UserIDs), err)
		}
	})
}

func TestSendWithoutRequest(t *testing.T) {
	t.Parallel()
	server := newZoho(t, reply(204, ""))
	client := server.client(t)
	message := Message{Text: "x"}
	button := func(label, address string) Message {
		return Message{Text: "x", Button: &Button{Label: label, URL: address}}
	}
	for name, test := range map[string]struct {
		code    Code
		bot     string
		token   string
		message Message
		want    Class
	}{
		"unknown region":     {"XX", "heffl", "a", message, ClassMisconfigured},
		"path as a bot":      {IN, "../../channels/x", "a", message, ClassBotNotFound},
		"no bot":             {IN, "", "a", message, ClassBotNotFound},
		"no token":           {IN, "heffl", "", message, ClassTokenInvalid},
		"token of two lines": {IN, "heffl", "a\r\nX-Evil: 1", message, ClassTokenInvalid},
		"no text":            {IN, "heffl", "a", Message{Text: " \n"}, ClassRejected},
		"text of 5,001":      {IN, "heffl", "a", Message{Text: strings.Repeat("😀", 2500) + "a"}, ClassRejected},
		"text of no form":    {IN, "heffl", "a", Message{Text: "\xff"}, ClassRejected},
		"no label":           {IN, "heffl", "a", button("", page), ClassRejected},
		"label of 21":        {IN, "heffl", "a", button(strings.Repeat("a", 21), page), ClassRejected},
		"URL of 257":         {IN, "heffl", "a", button("a", "https://a.example/"+strings.Repeat("a", 239)), ClassRejected},
		"script":             {IN, "heffl", "a", button("a", "javascript:alert(1)"), ClassRejected},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := client.Send(t.Context(), test.code, test.bot, NewSecret(test.token), test.message); ClassOf(err) != test.want {
				t.Errorf("got %v; want %s", err, test.want)
			}
		})
	}
	t.Cleanup(func() {
		if calls := server.seen(); len(calls) != 0 {
			t.Errorf("sent %+v", calls)
		}
	})
}

// rawServer accepts connections and hands each to serve, which ends with the test.
func rawServer(tb testing.TB, serve func(ctx context.Context, connection net.Conn)) string {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			serve(ctx, connection)
			_ = connection.Close()
		}
	}()
	tb.Cleanup(func() { cancel(); _ = listener.Close(); <-done })
	return "http://" + listener.Addr().String()
}

// TestFate shows what is believed about a message when something breaks: it surely
// did not arrive only when there was no connection for it.
func TestFate(t *testing.T) {
	t.Parallel()
	say := func(text string) func(context.Context, net.Conn) {
		return func(_ context.Context, connection net.Conn) {
			_, _ = connection.Read(make([]byte, 8192))
			_, _ = io.WriteString(connection, text)
		}
	}
	hang := func(text string) func(context.Context, net.Conn) {
		return func(ctx context.Context, connection net.Conn) {
			_, _ = connection.Read(make([]byte, 8192))
			_, _ = io.WriteString(connection, text)
			<-ctx.Done()
		}
	}
	for name, test := range map[string]struct {
		serve func(context.Context, net.Conn)
		want  Class
	}{
		"closed at once":           {func(context.Context, net.Conn) {}, ClassUnknown},
		"closed after the request": {say(""), ClassUnknown},
		"reset after the request": {func(_ context.Context, connection net.Conn) {
			_, _ = connection.Read(make([]byte, 8192))
			_ = connection.(*net.TCPConn).SetLinger(0)
		}, ClassUnknown},
		"never an answer":              {hang(""), ClassUnknown},
		"half a status line":           {hang("HTTP/1.1 2"), ClassUnknown},
		"an answer that is no HTTP":    {say("220 mail.example ESMTP\r\n\r\n"), ClassUnknown},
		"success, then silence":        {hang("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"), ""},
		"success, then broken off":     {say("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"), ""},
		"success without end":          {say("HTTP/1.1 200 OK\r\n\r\n" + strings.Repeat("x", 1<<20)), ""},
		"an error of a gateway":        {say("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 6\r\n\r\n<html>"), ClassUnknown},
		"an error of Zoho, broken off": {say("HTTP/1.1 500 Oops\r\nContent-Length: 500\r\n\r\n{\"message\":"), ClassUnknown},
		"a limit, then silence":        {hang("HTTP/1.1 429 Slow down\r\nContent-Length: 50\r\n\r\n"), ClassRateLimited},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			regions := newRegions(t, RegionsConfig{StandinURL: rawServer(t, test.serve)})
			client, err := New(Config{Regions: regions, Now: now, Timeout: 300 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(client.Close)
			if _, err := client.Send(t.Context(), IN, "heffl", NewSecret("a"), Message{Text: "x"}); ClassOf(err) != test.want {
				t.Errorf("got %v; want %q", err, test.want)
			}
		})
	}

	t.Run("nobody listens", func(t *testing.T) {
		t.Parallel()
		server := newZoho(t, reply(204, ""))
		client := server.client(t)
		server.Close()
		_, err := client.Send(t.Context(), IN, "heffl", NewSecret("a"), Message{Text: "x"})
		if ClassOf(err) != ClassUnavailable || err.Error() != "send to cliq: UNAVAILABLE: connection failed" {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a connection of before is dead and no new one is to be had", func(t *testing.T) {
		t.Parallel()
		server := newZoho(t, reply(204, ""))
		client := server.client(t)
		if _, err := client.Send(t.Context(), IN, "heffl", NewSecret("a"), Message{Text: "x"}); err != nil {
			t.Fatal(err)
		}
		server.Close()
		client.Close()
		if _, err := client.Send(t.Context(), IN, "heffl", NewSecret("a"), Message{Text: "x"}); ClassOf(err) != ClassUnavailable {
			t.Errorf("got %v", err)
		}
	})
	t.Run("the handshake fails", func(t *testing.T) {
		t.Parallel()
		server := newZoho(t, reply(204, ""))
		regions := newRegions(t, RegionsConfig{StandinURL: strings.Replace(server.URL, "http", "https", 1)})
		if _, err := newTestClient(t, regions).Send(t.Context(), IN, "heffl", NewSecret("a"), Message{Text: "x"}); ClassOf(err) != ClassUnavailable {
			t.Errorf("got %v", err)
		}
	})
	t.Run("the caller has given up before", func(t *testing.T) {
		t.Parallel()
		server := newZoho(t, reply(204, ""))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := server.client(t).Send(ctx, IN, "heffl", NewSecret("a"), Message{Text: "x"})
		if ClassOf(err) != ClassUnavailable || !errors.Is(err, context.Canceled) || len(server.seen()) != 0 {
			t.Errorf("got %v", err)
		}
	})
	t.Run("the caller gives up meanwhile", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		release := make(chan struct{})
		server := newZoho(t, func(http.ResponseWriter, *http.Request) { cancel(); <-release })
		_, err := server.client(t).Send(ctx, IN, "heffl", NewSecret("a"), Message{Text: "x"})
		close(release)
		if ClassOf(err) != ClassUnknown || !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}
