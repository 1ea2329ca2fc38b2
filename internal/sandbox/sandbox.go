package sandbox

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Sandbox plays Zoho for all data centres. It is safe for concurrent use.
type Sandbox struct {
	cfg      Config
	handler  http.Handler
	pages    *pages
	registry *registry
	faults   *faultSet
	requests *requestLog
	chat     *chat
	changed  *signal
	stop     chan struct{} // closed by Close: ends everything that hangs on purpose
	stopOnce sync.Once

	mu          sync.Mutex // guards everything below
	redirects   map[string]bool
	revocations []Revocation
	lastFire    *fireReport
}

// New builds a stand-in. It starts no goroutine.
func New(cfg Config) (*Sandbox, error) {
	cfg, err := cfg.resolve()
	if err != nil {
		return nil, err
	}
	changed := &signal{}
	s := &Sandbox{
		cfg:       cfg,
		registry:  newRegistry(cfg.Now, cfg.CodeLifetime, cfg.AccessLifetime),
		faults:    &faultSet{},
		requests:  &requestLog{now: cfg.Now, changed: changed},
		chat:      newChat(cfg.Now, cfg.MaxMessages, changed),
		changed:   changed,
		stop:      make(chan struct{}),
		redirects: make(map[string]bool),
	}
	for _, uri := range cfg.RedirectURIs {
		s.redirects[uri] = true
	}
	if s.pages, err = newPages(); err != nil {
		return nil, fmt.Errorf("parse sandbox pages: %w", err)
	}
	s.handler = s.routes()
	return s, nil
}

// Handler serves everything below Config.Prefix; it expects to see the prefix.
func (s *Sandbox) Handler() http.Handler { return s.handler }

// Close ends every request that hangs on purpose. Call it before shutting the HTTP server down, which would wait for them.
func (s *Sandbox) Close() {
	s.stopOnce.Do(func() { close(s.stop) })
}

func (s *Sandbox) routes() http.Handler {
	mux := http.NewServeMux()
	p := s.cfg.Prefix
	for _, region := range Regions() {
		accounts := p + "/" + string(region) + "/accounts"
		mux.HandleFunc("GET "+accounts+"/oauth/v2/auth", s.authorize(region))
		mux.HandleFunc("POST "+accounts+"/oauth/v2/approve", s.consent(region))
		mux.HandleFunc(accounts+"/oauth/v2/token", s.token(region))
		mux.HandleFunc(accounts+"/oauth/v2/revoke/token", s.revoke(region, revokeBasic))
		mux.HandleFunc(accounts+"/oauth/v2/token/revoke", s.revoke(region, revokeQuery))
		mux.HandleFunc(accounts+"/oauth/serverinfo", s.serverInfo(region))
		mux.HandleFunc(accounts+"/", s.unknownPath(region, ServiceAccounts))

		cliq := p + "/" + string(region) + "/cliq"
		for _, space := range []string{"", "/company/{space}", "/network/{space}"} {
			mux.HandleFunc(cliq+space+"/api/v2/bots/{bot}/message", s.message(region))
		}
		mux.HandleFunc(cliq+"/", s.unknownPath(region, ServiceCliq))
	}
	mux.HandleFunc(p+"/trap", s.trap)
	s.pageRoutes(mux)
	s.apiRoutes(mux)
	// Browsers say where a request comes from; a page elsewhere may neither switch faults nor give consent.
	return http.NewCrossOriginProtection().Handler(mux)
}

// base is the absolute URL of the mount point.
func (s *Sandbox) base(r *http.Request) string {
	if s.cfg.BaseURL != nil {
		return s.cfg.BaseURL()
	}
	return "http://" + r.Host + s.cfg.Prefix
}

// SetFault switches a fault on; a setting with the same region, service and account is replaced.
func (s *Sandbox) SetFault(fault Fault, setting Setting) error {
	defer s.changed.raise()
	if s.cfg.Mail != nil && isMailFault(fault) {
		return s.cfg.Mail.SetFault(fault, setting)
	}
	return s.faults.set(fault, setting)
}

// ClearFault switches off the setting of a fault with the same region, service and account.
func (s *Sandbox) ClearFault(fault Fault, setting Setting) {
	if s.cfg.Mail != nil && isMailFault(fault) {
		s.cfg.Mail.ClearFault(fault, setting)
	}
	s.faults.clear(fault, setting)
	s.changed.raise()
}

// ResetFaults switches every fault off, those of the mail sink too.
func (s *Sandbox) ResetFaults() {
	s.faults.reset()
	if s.cfg.Mail != nil {
		s.cfg.Mail.ResetFaults()
	}
	s.changed.raise()
}

// ActiveFaults lists what is switched on, the newest first.
func (s *Sandbox) ActiveFaults() []ActiveFault {
	active := s.faults.list()
	if s.cfg.Mail != nil {
		active = append(active, s.cfg.Mail.ActiveFaults()...)
	}
	return active
}

// Reset forgets faults, messages, requests, violations, revocations and rate limits. Accounts and tokens stay:
// people who are connected stay connected.
func (s *Sandbox) Reset() {
	s.ResetFaults()
	s.chat.reset()
	s.requests.reset()
	s.mu.Lock()
	s.revocations, s.lastFire = nil, nil
	s.mu.Unlock()
	if s.cfg.Mail != nil {
		s.cfg.Mail.Clear()
	}
	s.changed.raise()
}

// ResetAll is Reset and forgets all accounts: every token becomes unknown.
func (s *Sandbox) ResetAll() {
	s.registry.reset()
	s.Reset()
}

// AllowRedirectURI adds a redirect URI, as one does in Zoho's API console.
func (s *Sandbox) AllowRedirectURI(uri string) error {
	if err := checkRedirectURI(uri); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.redirects[uri] = true
	return nil
}

func (s *Sandbox) redirectAllowed(uri string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.redirects[uri]
}

// Requests returns the latest requests to Zoho, oldest first.
func (s *Sandbox) Requests() []Request { return s.requests.list() }

// Counts says how many requests each endpoint of each data centre got since the last reset.
func (s *Sandbox) Counts() []Count { return s.requests.counters() }

// Count is the number of requests to one endpoint; region "" adds up all data centres.
func (s *Sandbox) Count(region Region, endpoint Endpoint) int {
	return s.requests.count(region, endpoint)
}

// WaitCount waits until an endpoint got n requests, answered or not.
func (s *Sandbox) WaitCount(ctx context.Context, region Region, endpoint Endpoint, n int) error {
	return s.changed.await(ctx, func() bool { return s.Count(region, endpoint) >= n })
}

// Violations lists what a well-behaved client would not have done. A test of such a client expects none.
func (s *Sandbox) Violations() []Violation { return s.requests.listViolations() }

// Accounts lists everyone who ever signed in, with what they hold.
func (s *Sandbox) Accounts() []AccountState {
	states := s.registry.list()
	for i := range states {
		if until, locked := s.chat.lockedUntil(states[i].ZUID); locked {
			states[i].LockedUntil = &until
		}
	}
	return states
}

// RevokeTokens removes the app from the connected apps of everyone in reach and says how many grants ended.
// Empty means every region or every account; account is a ZUID or an e-mail address.
func (s *Sandbox) RevokeTokens(region Region, account string) int {
	defer s.changed.raise()
	return s.registry.revokeAll(region, account)
}

// ExpireTokens lets the access tokens of everyone in reach run out; their refresh tokens still work.
func (s *Sandbox) ExpireTokens(region Region, account string) int {
	defer s.changed.raise()
	return s.registry.expireAll(region, account)
}

// Tokens is what Connect hands out.
type Tokens struct {
	Account      Account   `json:"account"`
	AccessToken  string    `json:"accessToken"`
	RefreshToken string    `json:"refreshToken"`
	ExpiresAt    time.Time `json:"expiresAt"`
}

// Connect gives a person tokens without any consent page, for tests and load generators that need many connected people.
// Client is the OAuth client the tokens belong to; scopes default to ZohoCliq.Webhooks.CREATE.
func (s *Sandbox) Connect(region Region, who Identity, client string, scopes ...string) (Tokens, error) {
	if len(scopes) == 0 {
		scopes = []string{scopeMessage}
	}
	account, answer, err := s.registry.mint(region, who, client, scopes)
	if err != nil {
		return Tokens{}, fmt.Errorf("connect %s: %w", region, err)
	}
	s.changed.raise()
	return Tokens{account, answer.access, answer.refresh, s.cfg.Now().Add(s.cfg.AccessLifetime)}, nil
}
