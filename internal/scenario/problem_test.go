package scenario

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/heffl/bff/internal/testkit"
)

// TestProblemOnBothReplicas shows that a problem comes and goes on the open streams of both replicas, whichever of them sent the
// message that met it.
func TestProblemOnBothReplicas(t *testing.T) {
	t.Parallel()
	data, database := t.TempDir(), testkit.Postgres(t)
	settings := []string{"HEFFL_DATABASE_URL=" + database, "HEFFL_NATS_URL=" + natsServer(t, -1).ClientURL()}
	one := start(t, data, settings...)
	other := start(t, data, append(settings,
		"HEFFL_ZOHO_STANDIN_URL="+one.url+"/sandbox", "HEFFL_ZOHO_CLIENT_ID=1000.SANDBOX", "HEFFL_ZOHO_CLIENT_SECRET=sandbox-secret")...)
	services, grace := one.bearer(t, "u_ada", "events:write"), one.signedIn(t, "u_grace")
	grace.visit(t, one.consent(t, grace.beginConnect(t, "IN", bot, one.url+"/"), "in", "Grace", "grace@acme.test"))
	streams := []*stream{
		grace.subscribe(t, viewerSubscription, nil), other.bearer(t, "u_grace").subscribe(t, viewerSubscription, nil),
	}
	wantOn := func(since time.Time, problem string) {
		t.Helper()
		for i, stream := range streams {
			_, at := until(t, stream, problem+" on a stream", func(v viewer) bool { return v.Cliq.Status == "CONNECTED" && v.problem() == problem })
			if late := at.Sub(since); late > promptly {
				t.Errorf("%q was seen after %v on replica %d", problem, late, i)
			} else {
				t.Logf("%q was seen after %v on replica %d", problem, late.Round(time.Millisecond), i)
			}
		}
	}
	for number := range 4 {
		grace.setBot(t, "nosuchbot")
		if _, err := services.try(t.Context(), publishMutation, numbered(number, []string{"u_grace"})); err != nil {
			t.Fatal(err)
		}
		failed := grace.latest(t, "deal.won")
		wantOn(*failed.on("CLIQ").FinishedAt, "BOT_NOT_FOUND")
		grace.setBot(t, bot)
		wantOn(time.Now(), "")
	}

	// The permission is gone, many messages and a test find out at once on both replicas, and the person is told once.
	one.fault(t, "token_revoked", "grace@acme.test")
	var sending sync.WaitGroup
	for i, from := range []*person{services, other.bearer(t, "u_ada", "events:write")} {
		for n := range 10 {
			sending.Go(func() {
				if _, err := from.try(t.Context(), publishMutation, numbered(100*(i+1)+n, []string{"u_grace"})); err != nil {
					t.Error(err)
				}
			})
		}
	}
	sending.Go(func() { _, _ = grace.try(t.Context(), testMutation, nil) })
	sending.Wait()
	for _, stream := range streams {
		until(t, stream, "NEEDS_RECONNECT on a stream", func(v viewer) bool { return v.Cliq.Status == "NEEDS_RECONNECT" })
	}
	told := func(reason string) (n int) {
		for _, one := range grace.settledInbox(t).Notifications.Nodes {
			if one.EventType == "integration.disconnected" && strings.Contains(one.Title, reason) {
				n++
			}
		}
		return n
	}
	eventually(t, "integration.disconnected in the inbox", waitLong, func() bool { return told("no longer accepts the permission") > 0 })

	// As if the process had ended right after the event was stored, for another reason than the first one even: told is told.
	c, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(context.Background()) }()
	for _, problem := range []string{"TOKEN_REVOKED", "SCOPE_MISSING"} {
		if _, err := c.Exec(t.Context(), `UPDATE integrations SET untold = true, problem_since = now() - interval '1 minute', problem = $1`, problem); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the sweep", waitLong, func() bool {
			untold := true
			if err := c.QueryRow(t.Context(), `SELECT bool_or(untold) FROM integrations`).Scan(&untold); err != nil {
				t.Fatal(err)
			}
			return !untold
		})
	}
	if n := told("does not cover sending messages"); n != 0 {
		t.Errorf("told %d times of another reason", n)
	}
	if n := told("no longer accepts the permission"); n != 1 {
		t.Errorf("told %d times of the permission", n)
	}
	if n := told("knows no bot with the unique name “nosuchbot”"); n != 4 {
		t.Errorf("told %d times of the bot, which was wrong four times", n)
	}
}
