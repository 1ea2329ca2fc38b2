package sandbox

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// scopeMessage is what posting as a bot needs.
const scopeMessage = "ZohoCliq.Webhooks.CREATE"

var (
	scopePattern     = regexp.MustCompile(`^[A-Z][A-Za-z]+\.[A-Za-z]+\.(ALL|READ|CREATE|UPDATE|DELETE)$`)
	challengePattern = regexp.MustCompile(`^[A-Za-z0-9._~-]{43,128}$`)
)

// authorizeRequest is a valid request for consent.
type authorizeRequest struct {
	region      Region // the data centre asked; the person may live elsewhere
	client      string
	redirectURI string
	state       string
	scopes      []string
	offline     bool
	consent     bool
	challenge   string
	method      string
}

// authorizeProblem is why a request for consent is refused. Zoho shows it on a page of its own and never redirects:
// a wrong redirect_uri must not become an open redirect.
type authorizeProblem struct {
	Title  string
	Detail string
}

// authorize shows the consent page.
func (s *Sandbox) authorize(region Region) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		rec := s.requests.begin(w, r, region, EndpointAuthorize)
		t := target{region: region, service: ServiceAccounts}
		if s.interfere(rec, r, t) {
			return
		}
		query := r.URL.Query()
		s.noteSecrets(query, region, "client_secret")
		request, problem := s.parseAuthorize(region, query)
		if problem != nil {
			rec.note(Account{}, problem.Title)
			s.renderProblem(rec, r, *problem)
			return
		}
		if value, deny := s.faults.strike(FaultDeny, t); deny {
			s.pages.redirect(rec, r, denial(request, value == "bare"))
			return
		}
		if value, ok := s.faults.strike(FaultAutoApprove, t); ok {
			lives := region
			if value != "asked" {
				lives = Region(value)
			}
			callback, err := s.approve(s.base(r), request, lives, s.identities(r.Context())[0])
			if err != nil {
				s.renderProblem(rec, r, authorizeProblem{"Consent failed", err.Error()})
				return
			}
			s.pages.redirect(rec, r, callback)
			return
		}
		s.renderConsent(rec, r, request, "")
	}
}

// parseAuthorize validates as strictly as Zoho: exact redirect URI, known client, comma-separated scopes.
func (s *Sandbox) parseAuthorize(region Region, query url.Values) (authorizeRequest, *authorizeProblem) {
	for name, values := range query {
		if len(values) > 1 {
			return authorizeRequest{}, &authorizeProblem{"Invalid request", "The parameter " + cut(name, 40) + " stands there more than once."}
		}
	}
	request := authorizeRequest{
		region:      region,
		client:      query.Get("client_id"),
		redirectURI: query.Get("redirect_uri"),
		state:       query.Get("state"),
		scopes:      strings.Split(query.Get("scope"), ","),
		offline:     query.Get("access_type") == "offline",
		consent:     query.Get("prompt") == "consent",
		challenge:   query.Get("code_challenge"),
		method:      query.Get("code_challenge_method"),
	}
	switch {
	case query.Get("response_type") != "code":
		return request, &authorizeProblem{"Invalid response type", "response_type must be “code”."}
	case !s.knowsClient(region, request.client):
		return request, &authorizeProblem{"Invalid Client", "The client ID is not known in this data centre."}
	case !s.redirectAllowed(request.redirectURI):
		return request, &authorizeProblem{"Invalid Redirect Uri", "The redirect URI is not the one registered for this client."}
	case query.Get("access_type") != "" && query.Get("access_type") != "online" && !request.offline:
		return request, &authorizeProblem{"Invalid access type", "access_type is “online” or “offline”."}
	case query.Get("prompt") != "" && !request.consent:
		return request, &authorizeProblem{"Invalid prompt", "The only prompt is “consent”."}
	}
	for _, scope := range request.scopes {
		if !scopePattern.MatchString(scope) {
			return request, &authorizeProblem{"Invalid OAuth scope", "“" + cut(scope, 60) + "” is not a scope. Scopes are separated by commas."}
		}
	}
	if request.challenge == "" {
		if request.method != "" {
			return request, &authorizeProblem{"Invalid code challenge", "A method without a challenge."}
		}
		return request, nil
	}
	if request.method == "" {
		request.method = "plain"
	}
	if (request.method != "plain" && request.method != "S256") || !challengePattern.MatchString(request.challenge) ||
		(request.method == "S256" && len(request.challenge) != 43) {
		return request, &authorizeProblem{"Invalid code challenge", "The challenge has 43 to 128 characters, its method is S256 or plain."}
	}
	return request, nil
}

func (s *Sandbox) knowsClient(region Region, id string) bool {
	for _, client := range s.cfg.Clients {
		if client.ID == id && (client.Region == "" || client.Region == region) {
			return true
		}
	}
	return false
}

// serverInfo lists the accounts servers, as GET /oauth/serverinfo does.
func (s *Sandbox) serverInfo(region Region) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		rec := s.requests.begin(w, r, region, EndpointOther)
		if s.interfere(rec, r, target{region: region, service: ServiceAccounts}) {
			return
		}
		locations := make(map[Region]string, len(regionTable))
		for _, code := range Regions() {
			locations[code] = s.accountsServer(s.base(r), code)
		}
		writeJSON(rec, http.StatusOK, map[string]any{"result": "success", "locations": locations})
	}
}

// accountsServer is the accounts role of a data centre.
func (s *Sandbox) accountsServer(base string, region Region) string {
	return base + "/" + string(region) + "/accounts"
}
