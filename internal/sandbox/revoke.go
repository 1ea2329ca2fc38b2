package sandbox

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"time"
)

// The two documented forms of the revocation endpoint, as values of FaultRevokeFormMissing.
const (
	revokeBasic = "basic" // POST /oauth/v2/revoke/token, token in the body, client in Basic
	revokeQuery = "query" // POST /oauth/v2/token/revoke?token=
)

// Revocation is one attempt to revoke a token.
type Revocation struct {
	At     time.Time `json:"at"`
	Region Region    `json:"region"`
	// Account is empty when the token was unknown there.
	Account Account `json:"account"`
	// Form is "basic" or "query".
	Form string `json:"form"`
	// TokenType is refresh_token or access_token.
	TokenType string `json:"tokenType"`
	// TokenHash is TokenHash of the token, so that a test can tell which one it was.
	TokenHash string `json:"tokenHash"`
	// OK is false when Zoho would answer 400.
	OK bool `json:"ok"`
}

// TokenHash names a token without repeating it.
func TokenHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// Revocations lists the attempts to revoke a token, oldest first.
func (s *Sandbox) Revocations() []Revocation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.revocations)
}

// WaitRevocations waits until n revocations were tried and returns all.
func (s *Sandbox) WaitRevocations(ctx context.Context, n int) ([]Revocation, error) {
	var got []Revocation
	err := s.changed.await(ctx, func() bool {
		got = s.Revocations()
		return len(got) >= n
	})
	return got, err
}

func (s *Sandbox) revoke(region Region, form string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		parseErr := parseParams(w, r)
		rec := s.requests.begin(w, r, region, EndpointRevoke)
		value := r.Form.Get("token")
		account := s.registry.bySecret(value)
		rec.note(account, "")
		if form == revokeBasic {
			s.noteSecrets(r.URL.Query(), region, "token", "client_secret")
		}
		t := target{region: region, service: ServiceAccounts, zuid: account.ZUID, email: account.Email}
		if s.interfere(rec, r, t) {
			return
		}
		if missing, ok := s.faults.strike(FaultRevokeFormMissing, t); ok && (missing == form || missing == "both") {
			writeHTML(rec, http.StatusNotFound, "<!doctype html><html><body><h1>404 Not Found</h1></body></html>\n")
			return
		}
		if throttled, ok := s.faults.strike(FaultAccountsThrottled, t); ok {
			rec.note(Account{}, "Access Denied")
			writeThrottled(rec, throttled)
			return
		}
		if parseErr != nil || r.Method != http.MethodPost {
			writeHTML(rec, http.StatusBadRequest, "<!doctype html><html><body><h1>400 Bad Request</h1></body></html>\n")
			return
		}
		tokenType := cmp.Or(r.Form.Get("token_type"), "refresh_token")
		client := ""
		known := true
		if form == revokeBasic {
			client = r.Form.Get("client_id")
			known = s.knowsSecret(region, client, r.Form.Get("client_secret"))
		}
		var owner Account
		ok := false
		if known {
			owner, ok = s.registry.revoke(region, value, tokenType, client)
		}
		s.noteRevocation(Revocation{
			At: s.cfg.Now(), Region: region, Account: owner, Form: form, TokenType: tokenType, TokenHash: TokenHash(value), OK: ok,
		})
		switch {
		case !known:
			rec.note(Account{}, "invalid_client")
			writeJSON(rec, http.StatusBadRequest, map[string]string{"error": "invalid_client"})
		case !ok:
			rec.note(Account{}, "invalid_token")
			writeJSON(rec, http.StatusBadRequest, map[string]string{"error": "invalid_token"})
		default:
			writeJSON(rec, http.StatusOK, map[string]string{"status": "success"})
		}
	}
}

func (s *Sandbox) noteRevocation(revocation Revocation) {
	s.mu.Lock()
	if len(s.revocations) >= maxRequests {
		s.revocations = slices.Delete(s.revocations, 0, 1)
	}
	s.revocations = append(s.revocations, revocation)
	s.mu.Unlock()
	s.changed.raise()
}
