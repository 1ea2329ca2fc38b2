package httpd

import (
	"net"
	"net/http"
)

// origins decides which pages may act in a person's name. All of CORS, the cookie check and the
// WebSocket handshake ask it.
type origins struct {
	allowed     map[string]struct{}
	development bool
}

func newOrigins(list []string, development bool) origins {
	allowed := make(map[string]struct{}, len(list))
	for _, origin := range list {
		allowed[origin] = struct{}{}
	}
	return origins{allowed: allowed, development: development}
}

// listed reports whether a page of this origin may talk to us. In development that is also the
// server's own origin, whatever port it got.
func (o origins) listed(r *http.Request, origin string) bool {
	if _, ok := o.allowed[origin]; ok {
		return true
	}
	return o.development && localhost(r.Host) && origin == "http://"+r.Host
}

// proves reports whether a request that carries a cookie comes from a page that may use it. A
// browser says so by Sec-Fetch-Site or Origin, and no page can make it lie. Whoever says neither
// is refused: nobody needs a cookie outside of a browser. A link somebody clicked elsewhere or
// typed ("none") is no page of ours either.
func (o origins) proves(r *http.Request) bool {
	origin, site := r.Header.Values("Origin"), r.Header.Get("Sec-Fetch-Site")
	if len(origin) > 1 {
		return false
	}
	if len(origin) == 1 {
		return o.listed(r, origin[0]) || (site == "same-origin" && ownOrigin(r, origin[0]))
	}
	return site == "same-origin"
}

// ownOrigin reports whether the origin is this server's under the name the request used. Alone it
// proves nothing (a rebound name fits too); beside Sec-Fetch-Site it guards against a mismatch.
func ownOrigin(r *http.Request, origin string) bool {
	return origin == "https://"+r.Host || origin == "http://"+r.Host
}

// admitsSocket judges the Origin of a WebSocket handshake, to which CORS does not apply. Browsers
// always send one; without it a token in connection_init is fine and a cookie is not.
func (o origins) admitsSocket(r *http.Request, cookie bool) bool {
	switch origin := r.Header.Values("Origin"); len(origin) {
	case 0:
		return !cookie
	case 1:
		return o.listed(r, origin[0]) ||
			(r.Header.Get("Sec-Fetch-Site") == "same-origin" && ownOrigin(r, origin[0]))
	default:
		return false
	}
}

// localhost reports whether the host is the name localhost, with or without a port.
func localhost(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	return name == "localhost"
}
