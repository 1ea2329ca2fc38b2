package cliq

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// thawed is a context whose time is over, in a process whose timers have not fired yet.
type thawed struct{ context.Context }

// Deadline is long ago.
func (thawed) Deadline() (time.Time, bool) { return time.Now().Add(-time.Minute), true }

// TestFrozenRequest shows that no message leaves after its time, even when nothing but the clock tells so: on a
// connection that is open already, where the transport looks at nothing before it writes.
func TestFrozenRequest(t *testing.T) {
	t.Parallel()
	for name, http2 := range map[string]bool{"HTTP1": false, "HTTP2": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			var texts []string
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body := make([]byte, 1024)
				n, _ := r.Body.Read(body)
				mu.Lock()
				defer mu.Unlock()
				texts = append(texts, string(body[:n]))
				w.WriteHeader(http.StatusNoContent)
			}))
			server.EnableHTTP2 = http2
			server.StartTLS()
			t.Cleanup(server.Close)
			client := newClient(Config{Regions: newRegions(t, RegionsConfig{StandinURL: server.URL}), Now: now}, newDialer(false), &tls.Config{InsecureSkipVerify: true})
			t.Cleanup(client.Close)
			send := func(ctx context.Context, text string) error {
				_, err := client.Send(ctx, IN, "heffl", NewSecret("access"), Message{Text: text})
				return err
			}
			if err := send(t.Context(), "before"); err != nil {
				t.Fatal(err)
			}
			if err := send(thawed{t.Context()}, "late"); ClassOf(err) != ClassUnavailable {
				t.Errorf("a late message ended with %v; it surely did not arrive", err)
			}
			if err := send(t.Context(), "after"); err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			var arrived []string
			for _, text := range texts {
				if text != "" { // headers alone, of a request that was broken off
					arrived = append(arrived, text)
				}
			}
			if len(arrived) != 2 || arrived[0] != `{"text":"before"}` || arrived[1] != `{"text":"after"}` {
				t.Errorf("arrived: %q", arrived)
			}
		})
	}
}
