package scenario

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	standin "github.com/heffl/bff/internal/sandbox"
	"github.com/heffl/bff/internal/testkit"
)

// mailing is what two replicas send to people by e-mail and Cliq while the first of them is frozen, with as much of it
// under way as it can hold: e-mails before and after their text was taken, a message whose answer does not come, and one
// that Zoho asks to repeat with another token.
type mailing struct {
	zoho   *standin.Sandbox
	worlds []*abroad
	people map[string]*mailed
	stop   chan struct{}
	ended  chan struct{}

	mu       sync.Mutex        // guards the rest
	sent     map[int]time.Time // by number of the event, when it was accepted
	frozen   map[int]bool      // sent while the first replica was frozen
	occupied map[string]int    // what the first replica had under way
}

// mailed is one of those people, with the bot they chose.
type mailed struct {
	bot  string
	gets []int // guarded by the mailing's mu
}

// Who has something under way at the frozen replica, and who has not.
var (
	occupiedPeople = []string{"m-told", "m-refused"}
	freePeople     = []string{"m-free", "m-other"}
)

func newMailing(tb testing.TB) *mailing {
	tb.Helper()
	zoho, err := standin.New(standin.Config{Clients: []standin.Client{{ID: zohoClientID, Secret: zohoClientSecret}}, Now: time.Now})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(zoho.Close)
	return &mailing{
		zoho: zoho, worlds: []*abroad{goAbroad(tb, zoho), goAbroad(tb, zoho)}, stop: make(chan struct{}), ended: make(chan struct{}),
		people: map[string]*mailed{"m-told": {bot: botTells}, "m-refused": {bot: botRefuses}, "m-free": {bot: botTells}, "m-other": {bot: botTells}},
		sent:   map[int]time.Time{}, frozen: map[int]bool{},
	}
}

// replicas starts two, each with a world of its own, and connects everybody.
func (m *mailing) replicas(tb testing.TB, nats string) []*server {
	tb.Helper()
	data, database := tb.TempDir(), testkit.Postgres(tb)
	var both []*server
	for _, world := range m.worlds {
		s := start(tb, data, append([]string{"HEFFL_DATABASE_URL=" + database, "HEFFL_NATS_URL=" + nats}, world.settings...)...)
		if err := m.zoho.AllowRedirectURI(s.url + "/oauth/cliq/callback"); err != nil {
			tb.Fatal(err)
		}
		both = append(both, s)
	}
	var users []map[string]any
	for id := range m.people {
		users = append(users, map[string]any{"id": id, "name": id, "email": id + "@acme.test", "timeZone": "UTC"})
	}
	synced := ask[struct{ UserErrors []userError }](tb, both[0].bearer(tb, "u_ada", "users:write"), syncMutation, input(map[string]any{"users": users}))
	wantNoErrors(tb, "syncUsers", synced.UserErrors)
	for id, p := range m.people {
		connectAbroad(tb, m.worlds[0], both[0], id, p.bot)
	}
	return both
}

// write publishes one event to some of the people.
func (m *mailing) write(t *testing.T, as *person, frozen bool, to ...string) {
	t.Helper()
	m.mu.Lock()
	number := 100_000 + len(m.sent)
	m.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), waitLong)
	defer cancel()
	if _, err := as.try(ctx, publishMutation, numbered(number, to)); err != nil {
		t.Errorf("event %d: %v", number, err)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sent[number] = time.Now()
	m.frozen[number] = frozen
	for _, id := range to {
		m.people[id].gets = append(m.people[id].gets, number)
	}
}

// occupy publishes through a replica until it has something of everything under way.
func (m *mailing) occupy(t *testing.T, on *server) {
	t.Helper()
	world, as := m.worlds[0], on.bearer(t, "u_ada", "events:write")
	world.hold()
	kinds := []string{"before the text", "after the text", botTells, botRefuses}
	next := time.Now()
	eventually(t, "the replica has something of everything under way", waitLong, func() bool {
		if !slices.ContainsFunc(kinds, func(kind string) bool { return world.holds(kind) == 0 }) {
			return true
		}
		if time.Now().After(next) {
			m.write(t, as, false, occupiedPeople...)
			next = time.Now().Add(200 * time.Millisecond)
		}
		return false
	})
	m.occupied = map[string]int{}
	for _, kind := range kinds {
		m.occupied[kind] = world.holds(kind)
	}
}

// begin gives the frozen replica all the answers that it waits for, and publishes through the other one until end.
func (m *mailing) begin(t *testing.T, on *server) {
	t.Helper()
	for kind := range m.occupied {
		m.occupied[kind] = m.worlds[0].holds(kind)
	}
	m.worlds[0].letGo()
	as, every := on.bearer(t, "u_ada", "events:write"), time.Second
	if *full {
		every = 4 * time.Second // fewer than ten are told one by one
	}
	go func() {
		defer close(m.ended)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-m.stop:
				return
			case <-tick.C:
			}
			to := freePeople
			if i < 3 {
				to = slices.Concat(freePeople, occupiedPeople)
			}
			m.write(t, as, true, to...)
		}
	}()
}

func (m *mailing) end() {
	close(m.stop)
	<-m.ended
}

// check waits for the end of everything and compares what people got with what they were sent.
func (m *mailing) check(t *testing.T, on *server, thawed time.Time) {
	t.Helper()
	letters := m.checkLetters(t, on)
	unknown, chats := m.checkChats(t, on)
	for _, v := range m.zoho.Violations() {
		t.Errorf("the stand-in saw %+v", v)
	}
	late := 0
	if *full { // else its leases were still good
		late = m.lateOf(thawed)
	}
	if late > 0 {
		t.Errorf("%d requests under lost leases left after it thawed", late)
	}
	twice := 0
	for _, copies := range letters {
		twice += len(copies) - 1
	}
	if most := m.occupied["before the text"] + m.occupied["after the text"]; twice > most {
		t.Errorf("%d e-mails came twice, with %d under way", twice, most)
	}
	if most := m.occupied[botTells] + m.occupied[botRefuses]; unknown > most {
		t.Errorf("%d messages are unknown, with %d under way", unknown, most)
	}
	var lag []time.Duration
	for number, at := range m.sent {
		for _, copies := range letters {
			if m.frozen[number] && copies[0].number == number {
				lag = append(lag, max(copies[0].at.Sub(at), 0))
			}
		}
	}
	if len(lag) == 0 {
		t.Fatal("no e-mail was sent in the meantime")
	}
	slices.Sort(lag)
	p99 := lag[len(lag)*99/100]
	t.Logf("frozen with %v under way: %d e-mails lost 0, again %d with the same Message-ID, those sent meanwhile after p99 %v; %d Cliq messages, twice 0, unknown %d; sent late %d",
		m.occupied, len(letters), twice, p99.Round(time.Millisecond), chats, unknown, late)
	if p99 > 5*time.Second {
		t.Errorf("e-mails meanwhile took %v", p99)
	}
}

// checkLetters expects every e-mail once or more, always with the one Message-ID that is its own.
func (m *mailing) checkLetters(t *testing.T, on *server) map[string][]letter {
	t.Helper()
	for id := range m.people {
		p := on.bearer(t, id)
		// When an answer comes too late for its request, the person's next message waits for up to 73 s.
		eventually(t, id+"'s deliveries have ended", 2*time.Minute, func() bool {
			return !slices.ContainsFunc(p.inbox(t).Notifications.Nodes, func(n notification) bool { return !n.settled() })
		})
	}
	byID := map[string][]letter{}
	ids := map[string]string{}
	for _, world := range m.worlds {
		world.mu.Lock()
		for _, got := range world.letters {
			about := fmt.Sprint(got.to, " ", got.number)
			if other, ok := ids[about]; ok && other != got.messageID {
				t.Errorf("the e-mail to %s came as %s and as %s", about, other, got.messageID)
			}
			ids[about] = got.messageID
			byID[got.messageID] = append(byID[got.messageID], got)
		}
		world.mu.Unlock()
	}
	for id, p := range m.people {
		for _, number := range p.gets {
			if _, ok := ids[fmt.Sprintf("%s@acme.test %d", id, number)]; !ok {
				t.Errorf("the e-mail to %s about %d is lost", id, number)
			}
		}
	}
	for messageID, copies := range byID {
		slices.SortFunc(copies, func(a, b letter) int { return a.at.Compare(b.at) })
		if strings.TrimSpace(messageID) == "" || copies[0].to != copies[len(copies)-1].to || copies[0].number != copies[len(copies)-1].number {
			t.Errorf("Message-ID %q stands for %+v", messageID, copies)
		}
	}
	return byID
}

// checkChats expects every message once, or told as unknown and at most once.
func (m *mailing) checkChats(t *testing.T, on *server) (unknown, all int) {
	t.Helper()
	arrived := map[string]int{}
	for _, message := range m.zoho.Messages() {
		arrived[fmt.Sprint(message.Account.Email, " ", numberIn(message.Text))]++
	}
	for id, p := range m.people {
		box := on.bearer(t, id).inbox(t)
		if len(box.Notifications.Nodes) != len(p.gets) {
			t.Errorf("%s has %d notifications of %d", id, len(box.Notifications.Nodes), len(p.gets))
		}
		for i := range box.Notifications.Nodes {
			n := &box.Notifications.Nodes[i]
			times := arrived[fmt.Sprintf("%s@acme.test %d", id, numberOf(t, n.Title))]
			all++
			told := n.on("CLIQ")
			switch said := told.says(); {
			case said == "SENT" && times == 1:
			case said == "SENT" && times == 0 && told.Folded: // another message told of it
			case told.Status == "OUTCOME_UNKNOWN" && times <= 1:
				unknown++
			default:
				t.Errorf("%s: message %q is %s and came %d times", id, n.Title, said, times)
			}
			if said := n.on("EMAIL").says(); said != "SENT" {
				t.Errorf("%s: e-mail %q is %s", id, n.Title, said)
			}
		}
	}
	return unknown, all
}

// lateOf counts what the frozen replica went on with that was no longer its own.
func (m *mailing) lateOf(thawed time.Time) (late int) {
	world := m.worlds[0]
	world.mu.Lock()
	defer world.mu.Unlock()
	for _, got := range world.letters {
		if got.resumed && got.at.After(thawed) {
			late++
		}
	}
	for i, request := range world.requests {
		again := func(other botRequest) bool { return other.number == request.number && other.bot == request.bot }
		if request.at.After(thawed) && slices.ContainsFunc(world.requests[:i], again) {
			late++
		}
	}
	return late
}
