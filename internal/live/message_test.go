package live

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"pgregory.net/rapid"

	"github.com/heffl/bff/model"
)

func samples() map[string]*message {
	user := uuid.New()
	return map[string]*message{
		"Received": {
			kind: kindReceived, user: user, seq: 1 << 40, unread: math.MaxInt32, notification: uuid.New(), event: uuid.New(),
			createdAt: testStart, content: encodeContent(testEvent(uuid.New(), "Grüße <b>")),
		},
		"ReceivedWithoutContent": {kind: kindReceived, user: user, seq: 1, notification: uuid.New(), event: uuid.New(), createdAt: testStart, content: []byte{}},
		"Changed":                {kind: kindChanged, user: user, seq: 3, unread: 2},
		"Marked":                 {kind: kindMarked, user: user, seq: 9, upTo: 8, readAt: testStart},
		"Viewer":                 {kind: kindViewer, user: user},
	}
}

func TestMessage(t *testing.T) {
	t.Parallel()
	for name, m := range samples() {
		t.Run("Keeps"+name, func(t *testing.T) {
			t.Parallel()
			got := *samples()["Received"] // what was there before is of no account
			got.upTo, got.readAt = 5, testStart
			if err := got.decode(m.appendTo(nil)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(m, &got, cmp.AllowUnexported(message{}), cmp.Comparer(model.Time.Equal)); diff != "" {
				t.Errorf("message differs (-want +got):\n%s", diff)
			}
		})
	}
	whole := samples()["Marked"].appendTo(nil)
	alter := func(at int, b ...byte) []byte {
		raw := bytes.Clone(whole)
		copy(raw[at:], b)
		return raw
	}
	for name, raw := range map[string][]byte{
		"Nothing":          nil,
		"JSON":             []byte(`{"version":1,"user":"x","seq":5,"unread_count":3,"kind":"received"}`),
		"AnotherVersion":   alter(0, messageVersion+1),
		"UnknownKind":      alter(1, 99),
		"NumberZero":       alter(18, make([]byte, 8)...),
		"NegativeNumber":   alter(18, 0xFF),
		"NegativeCount":    alter(26, 0xFF),
		"MarkOfTheFuture":  alter(30, 0, 0, 0, 0, 0, 0, 0, 9),
		"CutOff":           whole[:len(whole)-1],
		"TooLong":          append(bytes.Clone(whole), 0),
		"TwoMegabytes":     append(samples()["Received"].appendTo(nil), make([]byte, 2<<20)...),
		"ViewerWithBody":   append(samples()["Viewer"].appendTo(nil), 1),
		"ReceivedTooShort": samples()["ReceivedWithoutContent"].appendTo(nil)[:receivedLength-1],
	} {
		t.Run("Refuses"+name, func(t *testing.T) {
			t.Parallel()
			var m message
			if err := m.decode(raw); err == nil {
				t.Errorf("read as %+v", m)
			}
		})
	}
}

func FuzzMessage(f *testing.F) {
	for _, m := range samples() {
		f.Add(m.appendTo(nil))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var m message
		if m.decode(raw) != nil {
			return
		}
		if again := m.appendTo(nil); !bytes.Equal(again, raw) {
			t.Errorf("read %x, wrote %x", raw, again)
		}
		e, err := decodeContent(m.event, m.content)
		if err != nil {
			return
		}
		again, err := decodeContent(m.event, encodeContent(e))
		if err != nil || e.WorkspaceID == uuid.Nil {
			t.Fatalf("%+v, then %v", e, err)
		}
		if diff := cmp.Diff(e, again, cmp.Comparer(model.Time.Equal)); diff != "" {
			t.Errorf("read once more, the event differs:\n%s", diff)
		}
	})
}

func TestContent(t *testing.T) {
	t.Parallel()
	event := testEvent(uuid.New(), "Title")
	got, err := decodeContent(event.UUID, encodeContent(event))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(event, got, cmp.Comparer(model.Time.Equal)); diff != "" {
		t.Errorf("event differs (-want +got):\n%s", diff)
	}
	whole := encodeContent(event)
	for name, raw := range map[string][]byte{
		"Nothing":       nil,
		"JSON":          []byte(`{"workspace_id":"x","type":"deal.won","title":"Title"}`),
		"CutOff":        whole[:len(whole)-1],
		"TooLong":       append(bytes.Clone(whole), 0),
		"NoWorkspace":   append(make([]byte, 16), whole[16:]...),
		"LongerThanAll": append(bytes.Clone(whole[:contentHead]), 0xFF, 0xFF, 0x03),
		"EndlessLength": append(bytes.Clone(whole[:contentHead]), bytes.Repeat([]byte{0xFF}, 11)...),
		"NoType":        append(bytes.Clone(whole[:contentHead]), make([]byte, 8)...),
		"NotUTF8":       bytes.Replace(whole, []byte("Title"), []byte("T\xFFtle"), 1),
	} {
		t.Run("Refuses"+name, func(t *testing.T) {
			t.Parallel()
			if e, err := decodeContent(event.UUID, raw); err == nil {
				t.Errorf("read as %+v", e)
			}
		})
	}
	event.Body = strings.Repeat("x", maxContent)
	if encodeContent(event) != nil {
		t.Error("too much content travels")
	}
}

func TestEventCacheIsBounded(t *testing.T) {
	t.Parallel()
	c := newEventCache(decorate)
	var last *model.Event
	for range 3 * cachedEvents {
		last = testEvent(uuid.New(), "x")
		c.add(last)
	}
	if len(c.known) > cachedEvents {
		t.Errorf("%d events are kept", len(c.known))
	}
	if got := c.of(&message{event: last.UUID}); got == nil || got.Event != last {
		t.Error("the newest is not kept")
	}
}

// TestSubject shows that no id can reach another person's subject, or many at once.
func TestSubject(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		id := uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
		subject := subjectOf(inboxSubject, id)
		if token := strings.TrimPrefix(subject, inboxSubject); strings.ContainsAny(token, ".*> \r\n\t") {
			t.Fatalf("%q is not one plain token", token)
		}
		if got, ok := idOf(inboxSubject, subject); !ok || got != id {
			t.Fatalf("%q names %s, want %s", subject, got, id)
		}
		if _, ok := idOf(workspaceSubject, subject); ok {
			t.Fatal("an inbox is taken for a workspace")
		}
	})
	for _, s := range []string{"", "inbox.", "inbox.*", "inbox.>", "inbox." + strings.Repeat("*", 22), "inbox." + strings.Repeat(".", 22), "wake.>", "wake.", "wake.PIGEON"} {
		if _, ok := idOf(inboxSubject, s); ok {
			t.Errorf("%q names somebody", s)
		}
		if c, ok := wakeChannelOf(s); ok {
			t.Errorf("%q wakes %s", s, c)
		}
	}
}

// TestHostileMessages puts everything on a person's subject that does not belong there.
func TestHostileMessages(t *testing.T) {
	t.Parallel()
	b := setup(t, 2)
	changes := b.follow(t, 0, nil)
	expect(t, changes, "reset STARTED")
	b.publish(1, "first")
	expect(t, changes, "received first")
	conn, err := nats.Connect(b.hubs[0].config.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	valid := func(change func(*message)) []byte {
		m := &message{
			kind: kindReceived, user: b.user, seq: 2, notification: uuid.New(), event: uuid.New(), createdAt: testStart,
			content: encodeContent(testEvent(b.workspace, "forged")),
		}
		change(m)
		return m.appendTo(nil)
	}
	stranger := encodeContent(testEvent(uuid.New(), "of another workspace"))
	for _, raw := range [][]byte{
		nil,
		[]byte("no message"),
		[]byte(`{"version":1}`),
		make([]byte, 2<<20),
		append([]byte{messageVersion + 1}, valid(func(*message) {})[1:]...),
		valid(func(m *message) { m.user = uuid.New() }),
		valid(func(m *message) { m.content = []byte("{") }),
		valid(func(m *message) { m.content = stranger }),
		valid(func(m *message) { m.seq = 1 << 61 }),
		valid(func(m *message) { m.kind, m.seq = kindChanged, 1<<61 }),
		valid(func(m *message) { m.kind, m.seq, m.upTo = kindMarked, 1<<61, 1 }),
	} {
		if err := conn.Publish(subjectOf(inboxSubject, b.user), raw); err != nil {
			t.Fatal(err)
		}
	}
	if err := conn.Flush(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all messages seen", func() bool { return b.hubs[0].Stats().Unreadable == 6 })
	b.publish(1, "second", "third")
	expect(t, changes, "received second", "received third")

	// A well-formed lie is told, and taken back as soon as the database is asked.
	if err := conn.Publish(subjectOf(inboxSubject, b.user), valid(func(m *message) { m.seq = 4 })); err != nil {
		t.Fatal(err)
	}
	expect(t, changes, "received forged", "reset UNKNOWN_CURSOR")
	b.publish(1, "fourth")
	expect(t, changes, "received fourth")
}

func TestWake(t *testing.T) {
	t.Parallel()
	b := setup(t, 2)
	woken := make(chan model.Channel, 10)
	b.hubs[0].OnWake(func(c model.Channel) { woken <- c })
	b.hubs[1].OnWake(func(model.Channel) { t.Error("a replica wakes itself") })
	b.hubs[1].Wake(model.ChannelCliq)
	if c := receive(t, woken); c != model.ChannelCliq {
		t.Errorf("woke %s", c)
	}
	b.hubs[1].Wake(model.ChannelEmail)
	if c := receive(t, woken); c != model.ChannelEmail {
		t.Errorf("woke %s", c)
	}
}
