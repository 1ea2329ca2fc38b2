package sandbox

import (
	"cmp"
	"errors"
	"fmt"
	"hash/fnv"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// maxAccounts bounds the people the stand-in remembers.
const maxAccounts = 20_000

// errFull means that a bounded store of the stand-in has no room left.
var errFull = errors.New("the sandbox is full; reset it")

// Account is a Zoho account: one person in one data centre.
type Account struct {
	ZUID   string `json:"zuid"`
	Region Region `json:"region"`
	Name   string `json:"name"`
	Email  string `json:"email"`
}

// AccountState is an account with what it holds at the moment.
type AccountState struct {
	Account
	RefreshTokens int `json:"refreshTokens"`
	AccessTokens  int `json:"accessTokens"`
	// LockedUntil is set while Cliq's rate limit keeps the person out.
	LockedUntil *time.Time `json:"lockedUntil,omitempty"`
}

// accountRecord is an account with its grants. Guarded by registry.mu.
type accountRecord struct {
	Account
	// grants by client id, oldest first. Those without a refresh token are online grants.
	grants map[string][]*grant
	// consented holds the client ids this person has ever agreed to: only the first consent
	// brings a refresh token unasked.
	consented map[string]bool
}

type accountKey struct {
	region Region
	email  string
}

// registry holds accounts, codes and tokens of all data centres.
type registry struct {
	now            func() time.Time
	codeLifetime   time.Duration
	accessLifetime time.Duration

	mu       sync.Mutex // guards everything below
	accounts map[accountKey]*accountRecord
	zuids    map[string]*accountRecord
	codes    map[string]*authCode
	refresh  map[string]*grant
	access   map[string]*accessToken
}

func newRegistry(now func() time.Time, codeLifetime, accessLifetime time.Duration) *registry {
	r := &registry{now: now, codeLifetime: codeLifetime, accessLifetime: accessLifetime}
	r.reset()
	return r
}

// reset forgets everyone: all tokens become unknown.
func (r *registry) reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.accounts = make(map[accountKey]*accountRecord)
	r.zuids = make(map[string]*accountRecord)
	r.codes = make(map[string]*authCode)
	r.refresh = make(map[string]*grant)
	r.access = make(map[string]*accessToken)
}

// account finds or creates the account of an address in a data centre. Needs r.mu.
func (r *registry) account(region Region, who Identity) (*accountRecord, error) {
	address, err := mail.ParseAddress(who.Email)
	if err != nil || len(address.Address) > 254 {
		return nil, fmt.Errorf("%q is no e-mail address", who.Email)
	}
	if !region.valid() {
		return nil, fmt.Errorf("unknown region %q", region)
	}
	key := accountKey{region, strings.ToLower(address.Address)}
	if record, ok := r.accounts[key]; ok {
		return record, nil
	}
	if len(r.accounts) >= maxAccounts {
		return nil, errFull
	}
	record := &accountRecord{
		Account: Account{
			ZUID:   r.newZUID(key),
			Region: region,
			Name:   cmp.Or(strings.TrimSpace(who.Name), address.Name, localPart(address.Address)),
			Email:  key.email,
		},
		grants:    make(map[string][]*grant),
		consented: make(map[string]bool),
	}
	r.accounts[key] = record
	r.zuids[record.ZUID] = record
	return record, nil
}

// newZUID derives the id from the address, so that it is the same after every restart. Needs r.mu.
func (r *registry) newZUID(key accountKey) string {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(string(key.region) + "/" + key.email))
	for n := uint64(hash.Sum32()); ; n++ {
		zuid := strconv.FormatUint(60_000_000_000+n, 10)
		if _, taken := r.zuids[zuid]; !taken {
			return zuid
		}
	}
}

// byZUID returns the accounts of a data centre that have one of the ids.
func (r *registry) byZUID(region Region, zuids []string) []Account {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []Account
	for _, zuid := range zuids {
		if record, ok := r.zuids[zuid]; ok && record.Region == region {
			found = append(found, record.Account)
		}
	}
	return found
}

// list returns all accounts in a stable order.
func (r *registry) list() []AccountState {
	r.mu.Lock()
	defer r.mu.Unlock()
	states := make([]AccountState, 0, len(r.accounts))
	now := r.now()
	for _, record := range r.accounts {
		state := AccountState{Account: record.Account}
		for _, grants := range record.grants {
			for _, g := range grants {
				if g.refresh != "" {
					state.RefreshTokens++
				}
				for _, token := range g.accesses {
					if now.Before(token.expires) {
						state.AccessTokens++
					}
				}
			}
		}
		states = append(states, state)
	}
	slices.SortFunc(states, func(a, b AccountState) int {
		return cmp.Or(cmp.Compare(a.Email, b.Email), cmp.Compare(a.Region, b.Region))
	})
	return states
}

// each calls f for every account the reach covers. Needs r.mu.
func (r *registry) each(region Region, account string, f func(*accountRecord)) {
	reach := Setting{Region: region, Account: account}
	for _, record := range r.accounts {
		if reach.reaches(target{region: record.Region, zuid: record.ZUID, email: record.Email}) {
			f(record)
		}
	}
}

func localPart(address string) string {
	local, _, _ := strings.Cut(address, "@")
	return local
}
