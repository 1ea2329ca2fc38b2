package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// maxOffered bounds the people the consent page lists; any other address can be typed.
const maxOffered = 8

// otherAccount is the choice of the consent page that goes with a typed address.
const otherAccount = "other"

// consent takes the answer of the consent page. The request for consent stands in the query again and is checked
// again, so that nothing has to be remembered between the page and its answer.
func (s *Sandbox) consent(region Region) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		parseErr := r.ParseForm()
		rec := s.requests.begin(w, r, region, EndpointConsent)
		if s.interfere(rec, r, target{region: region, service: ServiceAccounts}) {
			return
		}
		request, problem := s.parseAuthorize(region, r.URL.Query())
		if problem == nil && parseErr != nil {
			problem = &authorizeProblem{"Invalid request", "The form could not be read."}
		}
		if problem != nil {
			s.renderProblem(rec, r, *problem)
			return
		}
		if r.PostForm.Get("decision") != "accept" {
			s.pages.redirect(rec, r, denial(request, false))
			return
		}
		who := Identity{Email: r.PostForm.Get("account")}
		if who.Email == otherAccount {
			who.Email = strings.TrimSpace(r.PostForm.Get("email"))
		}
		for _, known := range s.identities(r.Context()) {
			if strings.EqualFold(known.Email, who.Email) {
				who = known
			}
		}
		callback, err := s.approve(s.base(r), request, Region(r.PostForm.Get("region")), who)
		if err != nil {
			s.renderConsent(rec, r, request, err.Error())
			return
		}
		s.pages.redirect(rec, r, callback)
	}
}

// identities lists who can sign in, and is never empty: the people of the application come first, so that the names
// are the same on both sides.
func (s *Sandbox) identities(ctx context.Context) []Identity {
	var people []Identity
	add := func(who Identity) {
		same := func(other Identity) bool { return strings.EqualFold(other.Email, who.Email) }
		if who.Email != "" && len(people) < maxOffered && !slices.ContainsFunc(people, same) {
			people = append(people, who)
		}
	}
	if s.cfg.Users != nil {
		for _, user := range s.cfg.Users(ctx) {
			add(Identity{Name: user.Name, Email: user.Email})
		}
	}
	for _, who := range s.cfg.Identities {
		add(who)
	}
	if len(people) == 0 {
		return inventedPeople()
	}
	return people
}

// approve issues a code for a person who lives in a data centre and returns the callback URL.
func (s *Sandbox) approve(base string, request authorizeRequest, lives Region, who Identity) (string, error) {
	code, err := s.registry.issueCode(request, lives, who)
	if err != nil {
		return "", fmt.Errorf("sign in: %w", err)
	}
	s.changed.raise()
	params := []string{"state", request.state, "code", code}
	t := target{region: request.region, service: ServiceAccounts}
	without, _ := s.faults.strike(FaultCallbackNoRegion, t)
	if without != "both" && without != "location" {
		params = append(params, "location", string(lives))
	}
	if without != "both" && without != "accounts-server" {
		params = append(params, "accounts-server", s.accountsServer(base, lives))
	}
	callback := withParams(request.redirectURI, params...)
	if _, ok := s.faults.strike(FaultCallbackAmpersand, t); ok {
		callback += "&"
	}
	return callback, nil
}

// denial is the callback URL after "Reject". Whether Zoho sends the state with it is not known, hence bare.
func denial(request authorizeRequest, bare bool) string {
	if bare {
		return withParams(request.redirectURI, "error", "access_denied")
	}
	return withParams(request.redirectURI, "state", request.state, "error", "access_denied")
}

// withParams appends names and values in their order; an empty value leaves its name out.
func withParams(target string, params ...string) string {
	var b strings.Builder
	b.WriteString(target)
	separator := byte('?')
	if strings.Contains(target, "?") {
		separator = '&'
	}
	for i := 0; i+1 < len(params); i += 2 {
		if params[i+1] == "" {
			continue
		}
		b.WriteByte(separator)
		b.WriteString(params[i] + "=" + url.QueryEscape(params[i+1]))
		separator = '&'
	}
	return b.String()
}

// Decision is a person's answer on the consent page.
type Decision struct {
	// Region the account lives in; empty means the one asked.
	Region Region `json:"region"`
	// Account that signs in; the zero value is the first one offered.
	Account Identity `json:"account"`
	// Deny rejects the request.
	Deny bool `json:"deny"`
}

// ErrConsent is returned by Decide for a URL the consent page would refuse.
var ErrConsent = errors.New("consent page refuses the request")

// Decide answers a consent URL the way a person would on the page and returns the callback URL to visit.
func (s *Sandbox) Decide(ctx context.Context, consentURL string, decision Decision) (string, error) {
	parsed, err := url.Parse(consentURL)
	if err != nil {
		return "", fmt.Errorf("parse consent URL: %w", err)
	}
	head, ok := strings.CutSuffix(parsed.Path, "/accounts/oauth/v2/auth")
	slash := strings.LastIndexByte(head, '/')
	if !ok || slash < 0 || head[:slash] != s.cfg.Prefix || !Region(head[slash+1:]).valid() {
		return "", fmt.Errorf("%w: not the authorization endpoint of a data centre here", ErrConsent)
	}
	request, problem := s.parseAuthorize(Region(head[slash+1:]), parsed.Query())
	if problem != nil {
		return "", fmt.Errorf("%w: %s: %s", ErrConsent, problem.Title, problem.Detail)
	}
	if decision.Deny {
		return denial(request, false), nil
	}
	if decision.Region == "" {
		decision.Region = request.region
	}
	if decision.Account.Email == "" {
		decision.Account = s.identities(ctx)[0]
	}
	base := parsed.Scheme + "://" + parsed.Host + s.cfg.Prefix
	if s.cfg.BaseURL != nil {
		base = s.cfg.BaseURL()
	}
	return s.approve(base, request, decision.Region, decision.Account)
}
