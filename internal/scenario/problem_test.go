package scenario

import (
	"testing"
	"time"

	"github.com/heffl/bff/internal/testkit"
)

// TestProblemOnBothReplicas shows that a problem comes and goes on the open streams of both replicas, whichever of them sent the
// message that met it.
func TestProblemOnBothReplicas(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	settings := []string{"HEFFL_DATABASE_URL=" + testkit.Postgres(t), "HEFFL_NATS_URL=" + natsServer(t, -1).ClientURL()}
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
		failed := grace.latest(t)
		wantOn(*failed.on("CLIQ").FinishedAt, "BOT_NOT_FOUND")
		grace.setBot(t, bot)
		wantOn(time.Now(), "")
	}
}
