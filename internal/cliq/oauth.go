package cliq

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/oauth2"
)

// Consent is what a consent URL is made of.
type Consent struct {
	// State comes back with the callback and ties it to its beginning.
	State string
	// Verifier is the PKCE secret; only its hash goes into the URL.
	Verifier Secret
	// RedirectURI must equal one registered with the client, byte for byte.
	RedirectURI string
}

// ConsentURL is where a person's browser is sent. An offered region is needed. The
// consent page is forced every time: a person who consented before would get no
// refresh token otherwise.
func (c *Client) ConsentURL(code Code, consent Consent) (string, error) {
	region, client, err := c.registered(code)
	if err != nil {
		return "", err
	}
	if consent.State == "" || !isToken(consent.Verifier.Reveal()) || consent.RedirectURI == "" {
		return "", errors.New("consent needs a state, a verifier and a redirect URI")
	}
	config := oauth2.Config{
		ClientID:    client.ID,
		RedirectURL: consent.RedirectURI,
		Scopes:      []string{Scope},
		Endpoint:    oauth2.Endpoint{AuthURL: region.AccountsURL + "/oauth/v2/auth"},
	}
	return config.AuthCodeURL(consent.State,
		oauth2.AccessTypeOffline,
		oauth2.SetAuthURLParam("prompt", "consent"),
		oauth2.S256ChallengeOption(consent.Verifier.Reveal()),
	), nil
}

// Exchange redeems the code of a callback at the data centre it came from. It
// returns [ErrInvalidGrant], [ErrNoRefreshToken], [ErrScopeMissing],
// [ErrRegionNotOffered], [*MisconfiguredError], [*ThrottledError] or
// [*UnavailableError]; with the second and third also the token, to be revoked.
func (c *Client) Exchange(ctx context.Context, code Code, grant, verifier Secret, redirectURI string) (Token, error) {
	if !isToken(grant.Reveal()) {
		return Token{}, ErrInvalidGrant
	}
	token, err := c.token(ctx, code, url.Values{
		"grant_type":    {"authorization_code"},
		"code":          {grant.Reveal()},
		"code_verifier": {verifier.Reveal()},
		"redirect_uri":  {redirectURI},
	})
	if err == nil && token.Refresh.IsEmpty() {
		return token, ErrNoRefreshToken
	}
	return token, err
}

// Refresh makes a new access token. At most ten in ten minutes are allowed
// for one refresh token, so callers keep the result. The errors are those of
// [Client.Exchange] but [ErrNoRefreshToken]; [ErrInvalidGrant] and
// [ErrScopeMissing] mean that the person must connect again.
func (c *Client) Refresh(ctx context.Context, code Code, refresh Secret) (Token, error) {
	if !isToken(refresh.Reveal()) {
		return Token{}, ErrInvalidGrant
	}
	return c.token(ctx, code, url.Values{
		"grant_type":    {"refresh_token"},
		"refresh_token": {refresh.Reveal()},
	})
}

func (c *Client) token(ctx context.Context, code Code, form url.Values) (Token, error) {
	region, client, err := c.registered(code)
	if err != nil {
		return Token{}, err
	}
	// In the form always: trying out which style the server takes, as x/oauth2
	// does, would spend the single-use code on the first try.
	form.Set("client_id", client.ID)
	form.Set("client_secret", client.Secret.Reveal())
	asked := c.now()
	in, err := c.postForm(ctx, region.AccountsURL+"/oauth/v2/token", form, nil)
	if err != nil {
		return Token{}, err
	}
	return parseTokenAnswer(in, asked)
}

// Revoke gives a refresh token back, and with it every access token made from it.
// It succeeds as well when Zoho does not know the token any more. Any error means
// that it should be tried again later.
func (c *Client) Revoke(ctx context.Context, code Code, refresh Secret) error {
	if !isToken(refresh.Reveal()) {
		return nil
	}
	region, client, err := c.registered(code)
	if err != nil {
		return err
	}
	asked := c.now()
	basic := base64.StdEncoding.EncodeToString([]byte(client.ID + ":" + client.Secret.Reveal()))
	in, err := c.postForm(ctx, region.AccountsURL+"/oauth/v2/revoke/token",
		url.Values{"token": {refresh.Reveal()}, "token_type": {"refresh_token"}},
		http.Header{"Authorization": {"Basic " + basic}})
	if err == nil && in.status == http.StatusNotFound {
		// The older form, which wants the token in the URL.
		query := url.Values{"token": {refresh.Reveal()}}
		in, err = c.postForm(ctx, region.AccountsURL+"/oauth/v2/token/revoke?"+query.Encode(), nil, nil)
	}
	if err != nil {
		return err
	}
	if in.status == http.StatusNotFound {
		return &UnavailableError{Reason: "no way to revoke", Status: in.status, WasSent: true}
	}
	return parseRevokeAnswer(in, asked)
}

// parseRevokeAnswer reads an answer of either form. No page shows the body of a
// success, so that only an error Zoho words clearly counts as one.
func parseRevokeAnswer(in answer, asked time.Time) error {
	succeeded := in.status >= http.StatusOK && in.status < http.StatusMultipleChoices
	_, err := parseTokenAnswer(in, asked)
	var throttled *ThrottledError
	var misconfigured *MisconfiguredError
	switch {
	case errors.As(err, &throttled), errors.As(err, &misconfigured):
		return err
	case succeeded, in.status == http.StatusBadRequest:
		return nil // 400: Zoho does not know the token, so there is nothing left to revoke
	}
	return &UnavailableError{Reason: "revocation refused", Status: in.status, WasSent: true}
}

func (c *Client) postForm(ctx context.Context, address string, form url.Values, header http.Header) (answer, error) {
	if header == nil {
		header = make(http.Header)
	}
	header.Set("Content-Type", "application/x-www-form-urlencoded")
	in, sent, err := c.post(ctx, call{url: address, header: header, body: []byte(form.Encode())})
	if err != nil {
		return answer{}, &UnavailableError{Reason: causeOf(err), WasSent: sent, Err: err}
	}
	return in, nil
}

// registered finds a data centre and the client to use there.
func (c *Client) registered(code Code) (Region, Credentials, error) {
	region, ok := c.regions.Get(code)
	client, offered := c.regions.clients[code]
	if !ok || !offered {
		return Region{}, Credentials{}, ErrRegionNotOffered
	}
	return region, client, nil
}
