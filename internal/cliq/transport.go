package cliq

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

// errForeignHost and errPrivateAddress stop a connection before its first byte.
var (
	errForeignHost    = errors.New("host is not in the table")
	errPrivateAddress = errors.New("host resolves to an address that is not public")
)

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// newTransport builds a transport that can reach the hosts of the table and
// nothing else: no proxy from the environment, no name that leads inside.
func newTransport(regions *Regions, dial dialFunc, roots *tls.Config) *http.Transport {
	allowed := regions.addresses()
	return &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if !allowed[address] {
				return nil, errForeignHost
			}
			return dial(ctx, network, address)
		},
		TLSClientConfig: roots,
		// A custom dialer switches HTTP/2 off unless asked for.
		ForceAttemptHTTP2: true,
		// An answer has a few hundred bytes; nothing is gained by unpacking it.
		DisableCompression:  true,
		MaxIdleConns:        128,
		MaxIdleConnsPerHost: 32,
		MaxConnsPerHost:     128,
		// Shorter than any server waits: a connection that the server is closing while
		// a message goes out would leave its fate unknown.
		IdleConnTimeout:     30 * time.Second,
		TLSHandshakeTimeout: 5 * time.Second,
		// Zoho's own headers are far smaller than the default of 1 MiB.
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// newDialer checks the address that is really connected to, after the name was
// resolved, so that a name cannot change its mind between check and use.
func newDialer(publicOnly bool) dialFunc {
	dialer := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}
	if publicOnly {
		dialer.ControlContext = func(_ context.Context, _, address string, _ syscall.RawConn) error {
			return checkPublic(address)
		}
	}
	return dialer.DialContext
}

func checkPublic(address string) error {
	target, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("read resolved address: %w", err)
	}
	if !isPublic(target.Addr()) {
		return errPrivateAddress
	}
	return nil
}

// Ranges that netip's own predicates do not cover: this network, shared (CGNAT),
// protocol assignments, documentation, 6to4 relays, benchmarking, reserved,
// and what wraps an IPv4 address in IPv6.
var notPublic = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("192.88.99.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("::/96"),
	netip.MustParsePrefix("64:ff9b:1::/48"),
	netip.MustParsePrefix("100::/64"),
	netip.MustParsePrefix("2001::/23"),
	netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("2002::/16"),
	netip.MustParsePrefix("fec0::/10"),
}

// nat64 is where networks without IPv4 put it; the address inside decides.
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

func isPublic(address netip.Addr) bool {
	address = address.Unmap()
	if nat64.Contains(address) {
		bytes := address.As16()
		address = netip.AddrFrom4([4]byte(bytes[12:]))
	}
	if !address.IsGlobalUnicast() || address.IsPrivate() || address.Zone() != "" {
		return false
	}
	for _, prefix := range notPublic {
		if prefix.Contains(address) {
			return false
		}
	}
	return true
}

// addresses lists host and port of every server of the table.
func (r *Regions) addresses() map[string]bool {
	allowed := make(map[string]bool)
	for _, region := range r.regions {
		for _, raw := range []string{region.AccountsURL, region.CliqURL} {
			parsed, err := url.Parse(raw)
			if err != nil {
				continue // NewRegions has parsed the stand-in, and the table is tested
			}
			port := parsed.Port()
			if port == "" {
				port = map[string]string{"http": "80", "https": "443"}[parsed.Scheme]
			}
			allowed[net.JoinHostPort(parsed.Hostname(), port)] = true
		}
	}
	return allowed
}
