package cliq

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is what every test that needs no real time runs at.
var clock = time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)

func now() time.Time { return clock }

func newRegions(tb testing.TB, config RegionsConfig) *Regions {
	tb.Helper()
	if config.Default.ID == "" && len(config.Clients) == 0 {
		config.Default = Credentials{ID: "1000.CLIENT", Secret: NewSecret("client-secret")}
	}
	regions, err := NewRegions(config)
	if err != nil {
		tb.Fatalf("regions: %v", err)
	}
	return regions
}

func newTestClient(tb testing.TB, regions *Regions) *Client {
	tb.Helper()
	client, err := New(Config{Regions: regions, Now: now})
	if err != nil {
		tb.Fatalf("client: %v", err)
	}
	tb.Cleanup(client.Close)
	return client
}

func TestSecretNeverPrints(t *testing.T) {
	t.Parallel()
	const canary = "canary"
	hidden := NewSecret(canary)
	holder := struct {
		Public  Secret
		private Secret
	}{hidden, hidden}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, value := range []any{hidden, holder, &holder, Token{Access: hidden}, Credentials{Secret: hidden}} {
			got := fmt.Sprintf(verb, value)
			if strings.Contains(got, canary) || strings.Contains(got, fmt.Sprintf("%x", canary)) {
				t.Errorf("%s of %T shows the secret: %s", verb, value, got)
			}
		}
	}
	if !holder.private.Equal(NewSecret(canary)) || hidden.Equal(Secret{}) || hidden.LogValue().String() != redacted {
		t.Error("comparing or logging does not work")
	}
	if text, err := hidden.MarshalText(); err != nil || string(text) != redacted {
		t.Errorf("marshalled: %s, %v", text, err)
	}
}
