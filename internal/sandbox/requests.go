package sandbox

import (
	"cmp"
	"net/http"
	"slices"
	"sync"
	"time"
)

// maxRequests bounds the request log; counters go on.
const maxRequests = 500

// Endpoint names what a request was for.
type Endpoint string

// The endpoints that are counted.
const (
	EndpointAuthorize Endpoint = "authorize"
	EndpointConsent   Endpoint = "consent"
	EndpointExchange  Endpoint = "exchange" // token endpoint, authorization_code
	EndpointRefresh   Endpoint = "refresh"  // token endpoint, refresh_token
	EndpointToken     Endpoint = "token"    // token endpoint, anything else
	EndpointRevoke    Endpoint = "revoke"
	EndpointMessage   Endpoint = "message"
	EndpointOther     Endpoint = "other" // a path the data centre does not have
	EndpointTrap      Endpoint = "trap"  // where the redirect fault leads
)

// Request is one request a data centre got. It holds no secret: neither query nor headers nor body.
type Request struct {
	ID       int       `json:"id"`
	At       time.Time `json:"at"`
	Region   Region    `json:"region,omitempty"`
	Endpoint Endpoint  `json:"endpoint"`
	Method   string    `json:"method"`
	Path     string    `json:"path"`
	Account  string    `json:"account,omitempty"`
	// Status is 0 while the answer is still owed, and for ever when the connection was cut.
	Status int `json:"status"`
	// Note is the error code answered, or the fault that struck.
	Note string `json:"note,omitempty"`
}

// Count is how many requests an endpoint of a data centre got.
type Count struct {
	Region   Region   `json:"region,omitempty"`
	Endpoint Endpoint `json:"endpoint"`
	Requests int      `json:"requests"`
}

// Violation is something a well-behaved client never does.
type Violation struct {
	At      time.Time `json:"at"`
	Kind    string    `json:"kind"`
	Region  Region    `json:"region,omitempty"`
	Account string    `json:"account,omitempty"`
	Detail  string    `json:"detail"`
}

// The kinds of violations.
const (
	// ViolationBroadcast: a message asked to go to all subscribers.
	ViolationBroadcast = "broadcast"
	// ViolationLockedOut: more than 50 messages in a minute to one person.
	ViolationLockedOut = "locked_out"
	// ViolationRedirectFollowed: a redirect of a token or message request was followed.
	ViolationRedirectFollowed = "redirect_followed"
	// ViolationSecretInURL: a client secret or token stood in a query string.
	ViolationSecretInURL = "secret_in_url"
)

type requestLog struct {
	now     func() time.Time
	changed *signal

	mu         sync.Mutex // guards everything below
	nextID     int
	counts     map[Count]int // keyed with Requests 0
	recent     []*Request    // oldest first
	violations []Violation
}

func (l *requestLog) begin(w http.ResponseWriter, r *http.Request, region Region, endpoint Endpoint) *recorder {
	l.mu.Lock()
	l.nextID++
	entry := &Request{ID: l.nextID, At: l.now(), Region: region, Endpoint: endpoint, Method: r.Method, Path: cut(r.URL.Path, 200)}
	l.recent = append(l.recent, entry)
	if len(l.recent) > maxRequests {
		l.recent = slices.Delete(l.recent, 0, len(l.recent)-maxRequests)
	}
	if l.counts == nil {
		l.counts = make(map[Count]int)
	}
	l.counts[Count{Region: region, Endpoint: endpoint}]++
	l.mu.Unlock()
	l.changed.raise()
	return &recorder{ResponseWriter: w, log: l, entry: entry}
}

// count adds up over the regions when region is empty.
func (l *requestLog) count(region Region, endpoint Endpoint) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if region != "" {
		return l.counts[Count{Region: region, Endpoint: endpoint}]
	}
	total := 0
	for key, n := range l.counts {
		if key.Endpoint == endpoint {
			total += n
		}
	}
	return total
}

func (l *requestLog) list() []Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	requests := make([]Request, 0, len(l.recent))
	for _, entry := range l.recent {
		requests = append(requests, *entry)
	}
	return requests
}

func (l *requestLog) counters() []Count {
	l.mu.Lock()
	defer l.mu.Unlock()
	counts := make([]Count, 0, len(l.counts))
	for key, n := range l.counts {
		key.Requests = n
		counts = append(counts, key)
	}
	slices.SortFunc(counts, func(a, b Count) int {
		return cmp.Or(cmp.Compare(a.Region, b.Region), cmp.Compare(a.Endpoint, b.Endpoint))
	})
	return counts
}

func (l *requestLog) violate(kind string, region Region, account, detail string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.violations) >= maxRequests {
		l.violations = slices.Delete(l.violations, 0, 1)
	}
	l.violations = append(l.violations, Violation{At: l.now(), Kind: kind, Region: region, Account: account, Detail: detail})
}

func (l *requestLog) listViolations() []Violation {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.violations)
}

func (l *requestLog) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts, l.recent, l.violations = nil, nil, nil
}

// recorder notes what was answered.
type recorder struct {
	http.ResponseWriter

	log   *requestLog
	entry *Request // guarded by log.mu
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// WriteHeader notes the status.
func (r *recorder) WriteHeader(status int) {
	r.log.mu.Lock()
	r.entry.Status = status
	r.log.mu.Unlock()
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) note(account Account, text string) {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	if account.Email != "" {
		r.entry.Account = account.Email
	}
	if text != "" {
		r.entry.Note = text
	}
}

// cut shortens a text for show.
func cut(text string, limit int) string {
	runes := []rune(text)
	if len(runes) <= limit {
		return text
	}
	return string(runes[:limit]) + "…"
}
