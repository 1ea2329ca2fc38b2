package scenario

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestStreamDiesWithPerson shows G9 for people who leave: from the moment in which the directory says that somebody is no
// longer there, on another replica than theirs, nothing more reaches their streams, which end within 5 s.
func TestStreamDiesWithPerson(t *testing.T) {
	t.Parallel()
	both := replicas(t, 2, natsServer(t, -1).ClientURL())
	ann, bob := both[0].bearer(t, "u-ann"), both[0].bearer(t, "u-bob")
	directory := both[1].bearer(t, "u_ada", "events:write", "users:write")
	socket, other := ann.subscribe(t, inboxSubscription, nil), bob.subscribe(t, inboxSubscription, nil)
	for _, s := range []*stream{socket, other} {
		if first, _ := next[change](t, s); first.Reason != "STARTED" {
			t.Fatalf("a stream begins with %+v", first)
		}
	}
	events := ann.eventStream(t, inboxSubscription)
	if first := <-events; !strings.Contains(first, "STARTED") {
		t.Fatalf("a stream begins with %s", first)
	}
	publish := func(number int) {
		t.Helper()
		if _, err := directory.try(t.Context(), publishMutation, numbered(number, []string{"u-ann", "u-bob"})); err != nil {
			t.Fatal(err)
		}
		if got, _ := next[change](t, other); got.Notification == nil || numberOf(t, got.Notification.Title) != number {
			t.Fatalf("bob was told %+v", got)
		}
	}
	publish(1)
	if got, _ := next[change](t, socket); got.Notification == nil {
		t.Fatalf("ann was told %+v", got)
	}
	if got := <-events; !strings.Contains(got, "NotificationReceived") {
		t.Fatalf("ann was told %s", got)
	}

	gone := ask[struct{ UserErrors []userError }](t, directory, syncMutation, input(map[string]any{
		"users": []map[string]any{{"id": "u-ann", "name": "Ann", "active": false}},
	}))
	wantNoErrors(t, "syncUsers", gone.UserErrors)
	left := time.Now()
	for number := 2; number < 6; number++ {
		publish(number)
	}
	within := time.NewTimer(5 * time.Second)
	defer within.Stop()
	for what, ended := range map[string]func() (any, bool){
		"WebSocket":    func() (any, bool) { return receiveOr(within.C, socket.results) },
		"event stream": func() (any, bool) { return receiveOr(within.C, events) },
	} {
		if got, ok := ended(); ok {
			t.Errorf("after she left, ann's %s told her %v", what, got)
		}
	}
	t.Logf("both streams had ended %v after she left", time.Since(left).Round(time.Millisecond))
	if _, err := ann.try(t.Context(), inboxQuery, nil); err == nil {
		t.Error("ann may still ask")
	}
	ann.expectRefusedSubscription(t)
}

// receiveOr is what comes next; false when the stream has ended. It fails the wait by answering a word.
func receiveOr[T any](late <-chan time.Time, from <-chan T) (any, bool) {
	select {
	case got, ok := <-from:
		return got, ok
	case <-late:
		return "nothing, and went on for 5 s", true
	}
}

// eventStream reads an event stream until it ends; the channel has the data of each event and is closed then.
func (p *person) eventStream(t *testing.T, query string) <-chan string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url+"/graphql", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+p.token)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "text/event-stream")
	client := &http.Client{Transport: p.browser.Transport} // a stream has no time limit
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	data, ended := make(chan string, 64), make(chan struct{})
	go func() {
		defer close(ended)
		defer close(data)
		defer func() { _ = response.Body.Close() }()
		lines := bufio.NewScanner(response.Body)
		for lines.Scan() {
			if text, ok := strings.CutPrefix(lines.Text(), "data: "); ok && strings.Contains(text, "inboxChanged") {
				data <- text
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-ended })
	return data
}

// expectRefusedSubscription fails when the person may open another stream.
func (p *person) expectRefusedSubscription(t *testing.T) {
	t.Helper()
	events := p.eventStream(t, inboxSubscription)
	late := time.NewTimer(waitLong)
	defer late.Stop()
	if got, ok := receiveOr(late.C, events); ok {
		t.Errorf("%s opened a stream, which said %v", p.id, got)
	}
}
