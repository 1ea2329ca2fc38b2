package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"
)

// Limits of what a token may say. Ids have the limit the rest of the system gives them.
const (
	maxTokenBytes = 8 << 10
	maxIDRunes    = 128
	maxTextRunes  = 256
	maxEmailBytes = 254 // RFC 5321
	maxWorkspaces = 1_000
)

var (
	errNoWorkspace   = errors.New("neither wid nor wids")
	errTwoWorkspaces = errors.New("both wid and wids")
)

// claims is the body of a token. Times are numbers only: the library would take strings as well.
type claims struct {
	Subject       string           `json:"sub"`
	WorkspaceID   string           `json:"wid,omitempty"`
	WorkspaceName string           `json:"wname,omitempty"`
	WorkspaceIDs  []string         `json:"wids,omitempty"`
	Name          string           `json:"name,omitempty"`
	Email         string           `json:"email,omitempty"`
	Scope         string           `json:"scope,omitempty"`
	Issuer        string           `json:"iss,omitempty"`
	Audience      jwt.ClaimStrings `json:"aud,omitempty"`
	ExpiresAt     *unixTime        `json:"exp,omitempty"`
	NotBefore     *unixTime        `json:"nbf,omitempty"`
	IssuedAt      *unixTime        `json:"iat,omitempty"`
}

var _ jwt.ClaimsValidator = (*claims)(nil)

// GetExpirationTime implements [jwt.Claims].
func (c *claims) GetExpirationTime() (*jwt.NumericDate, error) { return c.ExpiresAt.numericDate(), nil }

// GetIssuedAt implements [jwt.Claims].
func (c *claims) GetIssuedAt() (*jwt.NumericDate, error) { return c.IssuedAt.numericDate(), nil }

// GetNotBefore implements [jwt.Claims].
func (c *claims) GetNotBefore() (*jwt.NumericDate, error) { return c.NotBefore.numericDate(), nil }

// GetIssuer implements [jwt.Claims].
func (c *claims) GetIssuer() (string, error) { return c.Issuer, nil }

// GetSubject implements [jwt.Claims].
func (c *claims) GetSubject() (string, error) { return c.Subject, nil }

// GetAudience implements [jwt.Claims].
func (c *claims) GetAudience() (jwt.ClaimStrings, error) { return c.Audience, nil }

// Validate implements [jwt.ClaimsValidator]: what the library does not know about.
func (c *claims) Validate() error {
	if err := checkID("sub", c.Subject); err != nil {
		return err
	}
	switch {
	case c.WorkspaceID != "" && c.WorkspaceIDs != nil:
		return errTwoWorkspaces
	case c.WorkspaceID != "":
		if err := checkID("wid", c.WorkspaceID); err != nil {
			return err
		}
	case len(c.WorkspaceIDs) == 0:
		return errNoWorkspace
	case len(c.WorkspaceIDs) > maxWorkspaces:
		return errors.New("too many wids")
	}
	for _, id := range c.WorkspaceIDs {
		if err := checkID("wids", id); err != nil {
			return err
		}
	}
	return nil
}

func (c *claims) identity() Identity {
	id := Identity{
		UserExternalID:      c.Subject,
		WorkspaceExternalID: c.WorkspaceID,
		WorkspaceName:       text(c.WorkspaceName),
		Name:                text(c.Name),
		Email:               email(c.Email),
		Scopes:              scopes(c.Scope),
		ExpiresAt:           c.ExpiresAt.Time,
	}
	for _, workspace := range c.WorkspaceIDs {
		if workspace == "*" {
			id.AllWorkspaces = true
			continue
		}
		id.WorkspaceIDs = append(id.WorkspaceIDs, workspace)
	}
	return id
}

func checkID(claim, id string) error {
	if id == "" || !utf8.ValidString(id) || utf8.RuneCountInString(id) > maxIDRunes || strings.ContainsFunc(id, unicode.IsControl) {
		return fmt.Errorf("%s is no id of 1 to %d characters", claim, maxIDRunes)
	}
	return nil
}

// text makes a name safe to show and store: a bad name is no reason to lock somebody out.
func text(s string) string {
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, s))
	if utf8.RuneCountInString(s) > maxTextRunes {
		s = string([]rune(s)[:maxTextRunes])
	}
	return s
}

// email keeps an address only if it is whole: half of one would reach somebody else.
func email(s string) string {
	if len(s) > maxEmailBytes || !strings.Contains(s, "@") || strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || unicode.IsSpace(r) || r == utf8.RuneError
	}) {
		return ""
	}
	return s
}

func scopes(s string) []Scope {
	var known []Scope
	for word := range strings.FieldsSeq(s) {
		switch scope := Scope(word); scope {
		case ScopeAdmin, ScopeEventsWrite, ScopeUsersWrite:
			known = append(known, scope)
		}
	}
	return known
}

// unixTime is a NumericDate that must be written as a number and lie in this era.
type unixTime struct{ time.Time }

const lastSecond = 253_402_300_799 // the end of the year 9999

// UnmarshalJSON implements [json.Unmarshaler].
func (t *unixTime) UnmarshalJSON(data []byte) error {
	var seconds float64
	if err := json.Unmarshal(data, &seconds); err != nil || string(data) == "null" {
		return errors.New("time is not a number")
	}
	if math.IsNaN(seconds) || seconds < 0 || seconds > lastSecond {
		return errors.New("time is out of range")
	}
	whole, fraction := math.Modf(seconds)
	t.Time = time.Unix(int64(whole), int64(fraction*1e9)).UTC()
	return nil
}

// MarshalJSON implements [json.Marshaler].
func (t *unixTime) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, "%d", t.Unix()), nil
}

func (t *unixTime) numericDate() *jwt.NumericDate {
	if t == nil {
		return nil
	}
	return &jwt.NumericDate{Time: t.Time}
}
