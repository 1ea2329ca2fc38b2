package sandbox

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"time"
)

// Zoho's limits, the strictest where its pages disagree.
const (
	maxRefreshTokens  = 20 // per person and client; one more deletes the oldest
	maxAccessTokens   = 15 // per refresh token; one more deletes the oldest
	maxRefreshes      = 10 // per refresh token and refreshWindow
	refreshWindow     = 10 * time.Minute
	maxPendingCodes   = 10_000
	accessTokenPrefix = "1000."
)

// oauthError is the code the token endpoint answers with.
type oauthError string

func (e oauthError) Error() string { return string(e) }

const (
	errInvalidCode         = oauthError("invalid_code")
	errInvalidClient       = oauthError("invalid_client")
	errInvalidClientSecret = oauthError("invalid_client_secret")
	errInvalidRedirectURI  = oauthError("invalid_redirect_uri")
	// errThrottled is answered in words, not with this code.
	errThrottled = oauthError("throttled")
)

// authCode is an authorization code that waits for its exchange.
type authCode struct {
	account     *accountRecord
	client      string
	redirectURI string
	scopes      []string
	offline     bool
	consent     bool
	challenge   string
	method      string
	expires     time.Time
}

// grant is what one exchange gave: a refresh token and the access tokens made from it.
type grant struct {
	account  *accountRecord
	client   string
	scopes   []string
	refresh  string // empty for an online grant
	accesses []*accessToken
	// refreshes counts since windowFrom; the count runs out with the window.
	refreshes  int
	windowFrom time.Time
}

type accessToken struct {
	value   string
	grant   *grant
	expires time.Time
}

// tokenAnswer is what the token endpoint hands out.
type tokenAnswer struct {
	access  string
	refresh string // empty when there is none to tell
	scopes  []string
}

// issueCode makes an authorization code for a person, who is created when new.
func (r *registry) issueCode(request authorizeRequest, region Region, who Identity) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	record, err := r.account(region, who)
	if err != nil {
		return "", err
	}
	now := r.now()
	for value, code := range r.codes {
		if !now.Before(code.expires) {
			delete(r.codes, value)
		}
	}
	if len(r.codes) >= maxPendingCodes {
		return "", errFull
	}
	value := newToken()
	r.codes[value] = &authCode{
		account: record, client: request.client, redirectURI: request.redirectURI, scopes: request.scopes,
		offline: request.offline, consent: request.consent, challenge: request.challenge, method: request.method,
		expires: now.Add(r.codeLifetime),
	}
	return value, nil
}

// codeExchange is one attempt to redeem a code.
type codeExchange struct {
	region                              Region
	code, client, redirectURI, verifier string
	// withholdRefresh hands out no refresh token even where one is due.
	withholdRefresh bool
}

// redeem exchanges a code. A code that reached its own data centre is used up by the attempt, whatever comes of it.
func (r *registry) redeem(exchange codeExchange) (tokenAnswer, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	code, ok := r.codes[exchange.code]
	if !ok || !r.now().Before(code.expires) {
		return tokenAnswer{}, errInvalidCode
	}
	if code.account.Region != exchange.region || code.client != exchange.client {
		return tokenAnswer{}, errInvalidClient
	}
	delete(r.codes, exchange.code)
	if code.redirectURI != exchange.redirectURI {
		return tokenAnswer{}, errInvalidRedirectURI
	}
	if !verifies(code.challenge, code.method, exchange.verifier) {
		return tokenAnswer{}, errInvalidCode
	}
	first := !code.account.consented[code.client]
	code.account.consented[code.client] = true
	g := r.grant(code.account, code.client, code.scopes, code.offline && (first || code.consent) && !exchange.withholdRefresh)
	return tokenAnswer{access: r.newAccess(g), refresh: g.refresh, scopes: g.scopes}, nil
}

// mint gives a person tokens without any page, as if they had just connected.
func (r *registry) mint(region Region, who Identity, client string, scopes []string) (Account, tokenAnswer, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	record, err := r.account(region, who)
	if err != nil {
		return Account{}, tokenAnswer{}, err
	}
	record.consented[client] = true
	g := r.grant(record, client, scopes, true)
	return record.Account, tokenAnswer{access: r.newAccess(g), refresh: g.refresh, scopes: g.scopes}, nil
}

// grant adds a grant and evicts what is too many. Needs r.mu.
func (r *registry) grant(record *accountRecord, client string, scopes []string, offline bool) *grant {
	g := &grant{account: record, client: client, scopes: scopes}
	if offline {
		g.refresh = newToken()
		r.refresh[g.refresh] = g
	}
	record.grants[client] = append(record.grants[client], g)
	grants := record.grants[client]
	// Online grants count on their own, so that they cannot push out a refresh token.
	same := func(other *grant) bool { return (other.refresh == "") == (g.refresh == "") }
	count := 0
	for _, other := range grants {
		if same(other) {
			count++
		}
	}
	if count > maxRefreshTokens {
		oldest := slices.IndexFunc(grants, same)
		r.forget(grants[oldest])
		record.grants[client] = slices.Delete(grants, oldest, oldest+1)
	}
	return g
}

// newAccess makes an access token of a grant. Needs r.mu.
func (r *registry) newAccess(g *grant) string {
	token := &accessToken{value: newToken(), grant: g, expires: r.now().Add(r.accessLifetime)}
	r.access[token.value] = token
	g.accesses = append(g.accesses, token)
	if len(g.accesses) > maxAccessTokens {
		delete(r.access, g.accesses[0].value)
		g.accesses = slices.Delete(g.accesses, 0, 1)
	}
	return token.value
}

// renew makes an access token from a refresh token, which stays as it is.
func (r *registry) renew(region Region, refresh, client string) (tokenAnswer, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	g, ok := r.refresh[refresh]
	if !ok || g.account.Region != region || g.client != client {
		return tokenAnswer{}, errInvalidCode
	}
	now := r.now()
	if now.Sub(g.windowFrom) >= refreshWindow {
		g.windowFrom, g.refreshes = now, 0
	}
	if g.refreshes >= maxRefreshes {
		return tokenAnswer{}, errThrottled
	}
	g.refreshes++
	return tokenAnswer{access: r.newAccess(g), scopes: g.scopes}, nil
}

// holder is whom a token belongs to.
type holder struct {
	Account
	scopes  []string
	refresh string // the refresh token behind it
	live    bool   // false once an access token has expired
}

// byAccess looks an access token up in all data centres; the caller judges where it may be used.
func (r *registry) byAccess(value string) (holder, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	token, ok := r.access[value]
	if !ok {
		return holder{}, false
	}
	g := token.grant
	return holder{g.account.Account, g.scopes, g.refresh, r.now().Before(token.expires)}, true
}

// bySecret finds the person behind a code or refresh token, for faults that are meant for one person.
func (r *registry) bySecret(value string) Account {
	r.mu.Lock()
	defer r.mu.Unlock()
	if code, ok := r.codes[value]; ok {
		return code.account.Account
	}
	if g, ok := r.refresh[value]; ok {
		return g.account.Account
	}
	if token, ok := r.access[value]; ok {
		return token.grant.account.Account
	}
	return Account{}
}

// revoke withdraws one token. Client "" skips the check whose token it is.
func (r *registry) revoke(region Region, value, tokenType, client string) (Account, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if g, ok := r.refresh[value]; ok && tokenType == "refresh_token" {
		if g.account.Region != region || (client != "" && client != g.client) {
			return Account{}, false
		}
		r.drop(g)
		return g.account.Account, true
	}
	if token, ok := r.access[value]; ok && tokenType == "access_token" {
		g := token.grant
		if g.account.Region != region || (client != "" && client != g.client) {
			return Account{}, false
		}
		delete(r.access, value)
		g.accesses = slices.DeleteFunc(g.accesses, func(t *accessToken) bool { return t == token })
		return g.account.Account, true
	}
	return Account{}, false
}

// revokeAll takes the app out of the connected apps of everyone in reach.
func (r *registry) revokeAll(region Region, account string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	count := 0
	r.each(region, account, func(record *accountRecord) {
		for client, grants := range record.grants {
			for _, g := range grants {
				r.forget(g)
				count++
			}
			delete(record.grants, client)
		}
		clear(record.consented)
	})
	return count
}

// expireAll ends the access tokens of everyone in reach; refreshing still works.
func (r *registry) expireAll(region Region, account string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	now, count := r.now(), 0
	r.each(region, account, func(record *accountRecord) {
		for _, grants := range record.grants {
			for _, g := range grants {
				for _, token := range g.accesses {
					if now.Before(token.expires) {
						token.expires = now
						count++
					}
				}
			}
		}
	})
	return count
}

// drop removes a grant from its account and forgets its tokens. Needs r.mu.
func (r *registry) drop(g *grant) {
	r.forget(g)
	g.account.grants[g.client] = slices.DeleteFunc(g.account.grants[g.client], func(other *grant) bool { return other == g })
}

// forget makes the tokens of a grant unknown. Needs r.mu.
func (r *registry) forget(g *grant) {
	delete(r.refresh, g.refresh)
	for _, token := range g.accesses {
		delete(r.access, token.value)
	}
	g.accesses = nil
}

// verifies checks PKCE. A verifier without a challenge proves nothing and is ignored, as Zoho does.
func verifies(challenge, method, verifier string) bool {
	if challenge == "" {
		return true
	}
	given := verifier
	if method == "S256" {
		sum := sha256.Sum256([]byte(verifier))
		given = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	return subtle.ConstantTimeCompare([]byte(given), []byte(challenge)) == 1
}

// newToken makes a value of the shape all of Zoho's codes and tokens have.
func newToken() string {
	var raw [32]byte
	_, _ = rand.Read(raw[:])
	text := hex.EncodeToString(raw[:])
	return accessTokenPrefix + text[:32] + "." + text[32:]
}
