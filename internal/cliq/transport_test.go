package cliq

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// TestNoRedirectFollow shows that whatever a redirect says, the second host gets
// not even a connection, and so no byte.
func TestNoRedirectFollow(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			second := newZoho(t, reply(200, fullAnswer))
			first := newZoho(t, func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, second.URL+r.URL.Path, status)
			})
			client := first.client(t)
			_, exchange := client.Exchange(t.Context(), IN, NewSecret("code"), NewSecret("v"), "r")
			_, refresh := client.Refresh(t.Context(), IN, NewSecret("refresh"))
			revoke := client.Revoke(t.Context(), IN, NewSecret("refresh"))
			for name, err := range map[string]error{"exchange": exchange, "refresh": refresh, "revoke": revoke} {
				if outcome(err) != "unavailable, sent true" {
					t.Errorf("%s: got %v", name, err)
				}
			}
			if _, err := client.Send(t.Context(), IN, "heffl", NewSecret("access"), Message{Text: "x"}); ClassOf(err) != ClassUnavailable {
				t.Errorf("send: got %v", err)
			}
			if got := len(first.seen()); got != 4 {
				t.Errorf("the first host saw %d requests; want 4", got)
			}
			// The older way to revoke holds the token in its URL.
			older := newZoho(t, func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "/revoke/token") {
					w.WriteHeader(http.StatusNotFound)
					return
				}
				http.Redirect(w, r, second.URL+r.URL.Path, status)
			})
			if err := older.client(t).Revoke(t.Context(), IN, NewSecret("refresh")); outcome(err) != "unavailable, sent true" || len(older.seen()) != 2 {
				t.Errorf("revoke by the older form: %d requests, %v", len(older.seen()), err)
			}
			if got := second.seen(); len(got) != 0 {
				t.Errorf("the second host saw %+v", got)
			}
		})
	}
}

// TestOAuthMixUpMatrix goes through every region chosen, location and
// accounts-server, foreign ones included: the secret of one data centre is never
// seen by another, and no connection goes outside the table.
func TestOAuthMixUpMatrix(t *testing.T) {
	t.Parallel()
	clients := make(map[Code]Credentials)
	for _, region := range table {
		clients[region.Code] = Credentials{ID: "id-" + region.Location, Secret: NewSecret("secret-" + region.Location)}
	}
	regions := newRegions(t, RegionsConfig{Clients: clients})

	var mu sync.Mutex // guards dialled and secrets
	dialled := make(map[string]int)
	secrets := make(map[string]map[string]int) // by host, what it saw
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		_, basic, _ := r.BasicAuth()
		mu.Lock()
		if secrets[r.Host] == nil {
			secrets[r.Host] = make(map[string]int)
		}
		secrets[r.Host][r.PostForm.Get("client_secret")+basic]++
		mu.Unlock()
		_, _ = io.WriteString(w, fullAnswer)
	}))
	t.Cleanup(server.Close)
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		mu.Lock()
		dialled[address]++
		mu.Unlock()
		return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
	}
	client := newClient(Config{Regions: regions, Now: now}, dial, &tls.Config{InsecureSkipVerify: true})
	t.Cleanup(client.Close)

	locations := []string{"", "xx", "evil.test"}
	servers := []string{"", "https://evil.test", "https://accounts.zoho.com@evil.test", "http://169.254.169.254"}
	for _, region := range table {
		locations = append(locations, region.Location)
		servers = append(servers, region.AccountsURL)
	}
	exchanged := 0
	for _, chosen := range table {
		for _, location := range locations {
			for _, accounts := range servers {
				region, err := regions.Resolve(accounts, location, chosen.Code)
				if err != nil {
					continue
				}
				exchanged++
				token, err := client.Exchange(t.Context(), region.Code, NewSecret("code"), NewSecret("v"), "r")
				if err != nil {
					t.Fatal(err)
				}
				if _, err := client.Refresh(t.Context(), region.Code, token.Refresh); err != nil {
					t.Fatal(err)
				}
				if err := client.Revoke(t.Context(), region.Code, token.Refresh); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if want := 9 * (1 + 9 + 9 + 9); exchanged != want {
		t.Errorf("%d of the cells led to an exchange; want %d", exchanged, want)
	}
	mu.Lock()
	defer mu.Unlock()
	for _, region := range table {
		host := strings.TrimPrefix(region.AccountsURL, "https://")
		if got := secrets[host]["secret-"+region.Location]; got != 3*28 || len(secrets[host]) != 1 {
			t.Errorf("%s saw %v", host, secrets[host])
		}
		delete(secrets, host)
		delete(dialled, host+":443")
	}
	if len(secrets) != 0 || len(dialled) != 0 {
		t.Errorf("outside the table: %v, dialled %v", secrets, dialled)
	}
}

func TestTransportReachesTheTableOnly(t *testing.T) {
	t.Parallel()
	reached := false
	dial := func(context.Context, string, string) (net.Conn, error) {
		reached = true
		return nil, errors.New("reached")
	}
	transport := newTransport(newRegions(t, RegionsConfig{}), dial, nil)
	if transport.Proxy != nil {
		t.Error("a proxy could be set by the environment")
	}
	for _, address := range []string{
		"evil.test:443", "accounts.zoho.in:80", "accounts.zoho.in:8443", "www.zohoapis.com:443", "cliq.zoho.ca:443",
		"accounts.zoho.in.evil.test:443", "127.0.0.1:443", "localhost:8080", "169.254.169.254:80", "",
	} {
		if _, err := transport.DialContext(t.Context(), "tcp", address); !errors.Is(err, errForeignHost) || reached {
			t.Errorf("%s: got %v", address, err)
		}
	}
	if _, err := transport.DialContext(t.Context(), "tcp", "cliq.zoho.in:443"); err == nil || !reached {
		t.Error("a host of the table is refused")
	}

	standin := newRegions(t, RegionsConfig{StandinURL: "http://[::1]:8080/sandbox"}).addresses()
	if len(standin) != 1 || !standin["[::1]:8080"] {
		t.Errorf("with a stand-in: %v", standin)
	}
	if plain := newRegions(t, RegionsConfig{StandinURL: "http://standin"}).addresses(); !plain["standin:80"] {
		t.Errorf("with a stand-in at the default port: %v", plain)
	}
}

func TestDialerRefusesPrivateAddresses(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	for _, host := range []string{"127.0.0.1", "localhost"} {
		_, port, _ := net.SplitHostPort(listener.Addr().String())
		connection, err := newDialer(true)(t.Context(), "tcp", net.JoinHostPort(host, port))
		if !errors.Is(err, errPrivateAddress) {
			t.Errorf("%s: got %v, %v; want it refused after the name was resolved", host, connection, err)
		}
	}
	connection, err := newDialer(false)(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatalf("with a stand-in: %v", err)
	}
	_ = connection.Close()

	for address, want := range map[string]bool{
		"136.143.190.155": true, "8.8.8.8": true, "2001:4860:4860::8888": true, "64:ff9b::808:808": true, "::ffff:8.8.8.8": true,
		"0.0.0.0": false, "10.1.2.3": false, "100.64.0.1": false, "127.0.0.1": false, "169.254.169.254": false, "172.16.0.1": false,
		"192.0.0.8": false, "192.168.0.1": false, "198.18.0.1": false, "203.0.113.7": false, "224.0.0.1": false, "240.0.0.1": false,
		"255.255.255.255": false, "::": false, "::1": false, "::7f00:1": false, "fe80::1": false, "fe80::1%eth0": false, "fc00::1": false,
		"fec0::1": false, "ff02::1": false, "::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "64:ff9b::7f00:1": false,
		"64:ff9b:1::808:808": false, "2002:7f00:1::": false, "2001::1": false, "2001:db8::1": false,
	} {
		if got := isPublic(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: got %t; want %t", address, got, want)
		}
	}
	if err := checkPublic("nonsense"); err == nil {
		t.Error("an address that cannot be read is accepted")
	}
}

func TestHTTP2(t *testing.T) {
	t.Parallel()
	protocol := make(chan string, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protocol <- r.Proto
		w.WriteHeader(http.StatusNoContent)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	regions := newRegions(t, RegionsConfig{StandinURL: server.URL})
	client := newClient(Config{Regions: regions, Now: now}, newDialer(false), &tls.Config{InsecureSkipVerify: true})
	t.Cleanup(client.Close)
	if _, err := client.Send(t.Context(), IN, "heffl", NewSecret("access"), Message{Text: "x"}); err != nil {
		t.Fatal(err)
	}
	if got := <-protocol; got != "HTTP/2.0" {
		t.Errorf("got %s", got)
	}
}

func TestCauses(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"connection refused by policy": fmt.Errorf("dial: %w", errForeignHost),
		"cancelled":                    &url.Error{Op: "Post", URL: "u", Err: context.Canceled},
		"timed out":                    context.DeadlineExceeded,
		"host name not resolved":       &net.OpError{Op: "dial", Err: &net.DNSError{Name: "n"}},
		"certificate not accepted":     &tls.CertificateVerificationError{Err: io.EOF},
		"connection failed":            &net.OpError{Op: "dial", Err: io.EOF},
		"connection broken":            io.ErrUnexpectedEOF,
	} {
		if got := causeOf(err); got != want {
			t.Errorf("%v: got %q; want %q", err, got, want)
		}
	}
}
