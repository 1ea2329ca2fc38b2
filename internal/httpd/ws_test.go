package httpd

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"github.com/heffl/bff/internal/auth"
)

const ticks = `subscription{ticks{n}}`

func TestWSConformance(t *testing.T) {
	t.Parallel()
	b := setup(t)
	good := token(t, "u")

	// What breaks the protocol, sent on a connection that is ready, and the code it is closed with.
	violations := map[string]struct {
		message string
		code    int
	}{
		"InvalidJSON":            {`no JSON`, 4400},
		"Truncated":              {`{"type":"ping"`, 4400},
		"TwoValues":              {`{"type":"ping"}{"type":"ping"}`, 4400},
		"NoObject":               {`["ping"]`, 4400},
		"Null":                   {`null`, 4400},
		"NoType":                 {`{}`, 4400},
		"TypeIsNumber":           {`{"type":1}`, 4400},
		"UnknownType":            {`{"type":"start","id":"1","payload":{"query":"{__typename}"}}`, 4400},
		"ServersType":            {`{"type":"next","id":"1","payload":{"data":{}}}`, 4400},
		"SubscribeWithoutID":     {`{"type":"subscribe","payload":{"query":"{__typename}"}}`, 4400},
		"SubscribeWithEmptyID":   {`{"type":"subscribe","id":"","payload":{"query":"{__typename}"}}`, 4400},
		"SubscribeWithHugeID":    {`{"type":"subscribe","id":"` + strings.Repeat("x", 200) + `","payload":{"query":"{__typename}"}}`, 4400},
		"SubscribeIDIsNumber":    {`{"type":"subscribe","id":1,"payload":{"query":"{__typename}"}}`, 4400},
		"SubscribeWithoutLoad":   {`{"type":"subscribe","id":"1"}`, 4400},
		"SubscribeLoadIsText":    {`{"type":"subscribe","id":"1","payload":"{__typename}"}`, 4400},
		"QueryIsNumber":          {`{"type":"subscribe","id":"1","payload":{"query":1}}`, 4400},
		"QueryIsMissing":         {`{"type":"subscribe","id":"1","payload":{}}`, 4400},
		"VariablesAreText":       {`{"type":"subscribe","id":"1","payload":{"query":"{__typename}","variables":"x"}}`, 4400},
		"OperationNameIsNumber":  {`{"type":"subscribe","id":"1","payload":{"query":"{__typename}","operationName":1}}`, 4400},
		"CompleteWithoutID":      {`{"type":"complete"}`, 4400},
		"SecondInit":             {`{"type":"connection_init"}`, 4429},
		"MessageTooBig":          {`{"type":"ping","payload":{"x":"` + strings.Repeat("x", 70<<10) + `"}}`, 1009},
		"MessageMuchTooBig":      {`{"type":"ping","payload":{"x":"` + strings.Repeat("x", 2<<20) + `"}}`, 1009},
		"NotUTF8":                {"{\"type\":\"\xff\"}", 1007},
		"DuplicateKeysLastCount": {`{"type":"ping","type":"nonsense"}`, 4400},
	}
	for name, v := range violations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := b.ready(t, good)
			p.write(v.message)
			if code, _ := p.closeCode(); code != v.code {
				t.Errorf("closed with %d, want %d", code, v.code)
			}
		})
	}

	t.Run("Binary", func(t *testing.T) {
		t.Parallel()
		p := b.ready(t, good)
		if err := p.Write(p.ctx, websocket.MessageBinary, []byte(`{"type":"ping"}`)); err != nil {
			t.Fatal(err)
		}
		if code, _ := p.closeCode(); code != 4400 {
			t.Errorf("closed with %d", code)
		}
	})

	t.Run("DuplicateID", func(t *testing.T) {
		t.Parallel()
		p := b.ready(t, good)
		p.subscribe("1", ticks)
		p.subscribe("1", ticks)
		if code, _ := p.closeCode(); code != 4409 {
			t.Errorf("closed with %d", code)
		}
	})

	// Before connection_init was accepted.
	beginnings := map[string]struct {
		message string
		code    int
	}{
		"InvalidJSON":        {`no JSON`, 4400},
		"SubscribeBeforeAck": {`{"type":"subscribe","id":"1","payload":{"query":"{__typename}"}}`, 4401},
		"PayloadIsText":      {`{"type":"connection_init","payload":"text"}`, 4400},
		"PayloadIsList":      {`{"type":"connection_init","payload":[]}`, 4400},
		"BadToken":           {`{"type":"connection_init","payload":{"authorization":"Bearer not-a-token"}}`, 4403},
		"NoBearer":           {`{"type":"connection_init","payload":{"authorization":"` + good + `"}}`, 4403},
		"TokenIsNumber":      {`{"type":"connection_init","payload":{"authorization":1}}`, 4403},
		"TwoTokens":          {`{"type":"connection_init","payload":{"authorization":"Bearer a","Authorization":"Bearer b"}}`, 4403},
		"Expired":            {`{"type":"connection_init","payload":{"authorization":"Bearer ` + tokenUntil(t, "u", time.Now().Add(-time.Second)) + `"}}`, 4403},
		"Disabled":           {`{"type":"connection_init","payload":{"authorization":"Bearer ` + token(t, "disabled") + `"}}`, 4403},
		"DatabaseAway":       {`{"type":"connection_init","payload":{"authorization":"Bearer ` + token(t, "broken") + `"}}`, 1012},
	}
	for name, v := range beginnings {
		t.Run("Init/"+name, func(t *testing.T) {
			t.Parallel()
			p := b.dial(t)
			p.write(v.message)
			if code, _ := p.closeCode(); code != v.code {
				t.Errorf("closed with %d, want %d", code, v.code)
			}
		})
	}

	t.Run("Init/Silence", func(t *testing.T) {
		t.Parallel()
		if code, _ := b.dial(t).closeCode(); code != 4408 {
			t.Errorf("closed with %d", code)
		}
	})
}

func TestWSHandshake(t *testing.T) {
	t.Parallel()
	b := setup(t)
	key := base64.StdEncoding.EncodeToString(make([]byte, 16))
	upgrade := func(t *testing.T, header ...string) reply {
		t.Helper()
		return b.send(t, http.MethodGet, "/graphql", "", append([]string{"Connection", "Upgrade", "Upgrade", "websocket"}, header...)...)
	}
	cases := map[string]struct {
		header []string
		status int
	}{
		"NoKey":       {[]string{"Sec-WebSocket-Version", "13"}, 400},
		"ShortKey":    {[]string{"Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "AAAA"}, 400},
		"OldVersion":  {[]string{"Sec-WebSocket-Version", "8", "Sec-WebSocket-Key", key}, 426},
		"NoVersion":   {[]string{"Sec-WebSocket-Key", key}, 426},
		"BasicAuth":   {[]string{"Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", key, "Authorization", "Basic dTpw"}, 401},
		"TwoOrigins":  {[]string{"Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", key, "Origin", appOrigin, "Origin", appOrigin}, 403},
		"OtherOrigin": {[]string{"Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", key, "Origin", "https://evil.example"}, 403},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := upgrade(t, c.header...); got.status != c.status {
				t.Errorf("%d %s", got.status, got.text)
			}
		})
	}

	for name, protocols := range map[string][]string{"NoSubprotocol": nil, "Unknown": {"foo"}, "Legacy": {"graphql-ws"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, _, err := websocket.Dial(t.Context(), b.url+"/graphql", &websocket.DialOptions{HTTPClient: httpClient(), Subprotocols: protocols}) //nolint:bodyclose // there is none
			if err != nil {
				t.Fatal(err)
			}
			p := &peer{Conn: conn, tb: t, ctx: t.Context()}
			if code, _ := p.closeCode(); code != 4406 {
				t.Errorf("closed with %d", code)
			}
		})
	}

	t.Run("TokenInHeader", func(t *testing.T) {
		t.Parallel()
		p := b.dial(t, bearerOf(token(t, "header"))...)
		p.write(`{"type":"connection_init"}`)
		p.read()
		p.subscribe("1", `{viewer{id}}`)
		if got := string(p.read().Payload); got != `{"data":{"viewer":{"id":"header"}}}` {
			t.Error(got)
		}
	})

	t.Run("TokenInInitWins", func(t *testing.T) {
		t.Parallel()
		p := b.dial(t, bearerOf("not-a-token")...)
		p.init(token(t, "init"))
		p.read()
		p.subscribe("1", `{viewer{id}}`)
		if got := string(p.read().Payload); got != `{"data":{"viewer":{"id":"init"}}}` {
			t.Error(got)
		}
	})
}

func TestWSOperations(t *testing.T) {
	t.Parallel()
	b := setup(t)
	cases := map[string]struct {
		payload string
		want    []string // types and payloads
	}{
		"Query":         {`{"query":"{viewer{id}}"}`, []string{"next", `{"data":{"viewer":{"id":"u"}}}`, "complete", ""}},
		"Mutation":      {`{"query":"mutation{setCookie}"}`, []string{"next", `{"data":{"setCookie":false}}`, "complete", ""}},
		"OperationName": {`{"query":"query A{a:__typename} query B{b:__typename}","operationName":"B"}`, []string{"next", `{"data":{"b":"Query"}}`, "complete", ""}},
		"Variables":     {`{"query":"query($t:String!){echo(text:$t)}","variables":{"t":"ü\u0000"}}`, []string{"next", `{"data":{"echo":"ü\u0000"}}`, "complete", ""}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := b.ready(t, token(t, "u"))
			p.write(`{"id":"\"\\ü","type":"subscribe","payload":` + c.payload + `}`)
			var got []string
			for {
				m := p.read()
				if m.ID != `"\ü` {
					t.Errorf("id %q", m.ID)
				}
				got = append(got, m.Type, string(m.Payload))
				if m.Type != "next" {
					break
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}

	for name, query := range map[string]string{"Syntax": `{`, "Validation": `{nope}`, "Variables": `query($t:String!){echo(text:$t)}`, "Unauthenticated": `subscription{inboxChanged{__typename}}`} {
		t.Run("Err"+name, func(t *testing.T) {
			t.Parallel()
			p := b.dial(t)
			p.write(`{"type":"connection_init"}`)
			p.read()
			p.subscribe("1", query)
			if m := p.read(); m.Type != "error" || m.Payload[0] != '[' {
				t.Errorf("%s %s", m.Type, m.Payload)
			}
			p.subscribe("1", `{__typename}`) // the id is free again
			if m := p.read(); m.Type != "next" {
				t.Errorf("%s %s", m.Type, m.Payload)
			}
		})
	}

	t.Run("PingPong", func(t *testing.T) {
		t.Parallel()
		p := b.dial(t)
		p.write(`{"type":"ping","payload":{"at":1}}`)
		if m := p.read(); m.Type != "pong" {
			t.Errorf("got %+v", m)
		}
		p.write(`{"type":"pong"}`)
		p.write(`{"type":"complete","id":"unknown"}`)
		p.write(`{"type":"ping"}`)
		if m := p.read(); m.Type != "pong" {
			t.Errorf("got %+v", m)
		}
		if err := p.CloseRead(p.ctx); err == nil {
			t.Error("no context")
		}
		if err := p.Ping(p.ctx); err != nil {
			t.Errorf("ping of the frame layer: %v", err)
		}
	})

	t.Run("MostOperations", func(t *testing.T) {
		t.Parallel()
		own := setup(t)
		p := own.ready(t, token(t, "u"))
		for i := range 50 {
			p.subscribe(strconv.Itoa(i), ticks)
			<-own.inbox.started
		}
		p.subscribe("more", ticks)
		if m := p.read(); m.Type != "error" || m.ID != "more" || !strings.Contains(string(m.Payload), "RATE_LIMITED") {
			t.Errorf("got %s %s %s", m.Type, m.ID, m.Payload)
		}
		p.write(`{"type":"complete","id":"7"}`)
		p.subscribe("more", ticks)
		<-own.inbox.started
	})

	t.Run("NothingAfterComplete", func(t *testing.T) {
		t.Parallel()
		own := setup(t)
		p := own.ready(t, token(t, "u"))
		p.subscribe("a", ticks)
		<-own.inbox.started
		p.write(`{"type":"complete","id":"a"}`)
		p.write(`{"type":"ping"}`)
		p.read() // the complete has been served
		p.subscribe("a", ticks)
		<-own.inbox.started
		own.inbox.ticks <- map[string]any{"__typename": "Tick", "n": 1}
		if m := p.read(); m.Type != "next" || string(m.Payload) != `{"data":{"ticks":{"n":1}}}` {
			t.Errorf("got %+v", m)
		}
	})

	t.Run("ConnectionsOfOneIdentity", func(t *testing.T) {
		t.Parallel()
		own := setup(t, func(c *Config) { c.Limits.Connections = 2 })
		own.ready(t, token(t, "u"))
		last := own.ready(t, token(t, "u"))
		p := own.dial(t)
		p.init(token(t, "u"))
		if code, _ := p.closeCode(); code != 4429 {
			t.Errorf("closed with %d", code)
		}
		own.ready(t, token(t, "other", auth.ScopeAdmin))
		_ = last.Close(websocket.StatusNormalClosure, "")
		own.waitFor(t, func() bool { return own.Stats().WebSockets == 2 })
		own.ready(t, token(t, "u"))
	})
}
