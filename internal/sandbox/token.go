package sandbox

import (
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// token is POST /oauth/v2/token. Its errors come with status 200, as Zoho's do.
func (s *Sandbox) token(region Region) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := parseParams(w, r)
		params := r.Form
		endpoint := EndpointToken
		switch params.Get("grant_type") {
		case "authorization_code":
			endpoint = EndpointExchange
		case "refresh_token":
			endpoint = EndpointRefresh
		}
		rec := s.requests.begin(w, r, region, endpoint)
		s.noteSecrets(r.URL.Query(), region, "client_secret", "refresh_token", "code")

		account := s.registry.bySecret(params.Get("refresh_token"))
		if endpoint == EndpointExchange {
			account = s.registry.bySecret(params.Get("code"))
		}
		rec.note(account, "")
		t := target{region: region, service: ServiceAccounts, zuid: account.ZUID, email: account.Email}
		if s.interfere(rec, r, t) {
			return
		}
		if err != nil || r.Method != http.MethodPost || params.Get("grant_type") == "" {
			writeHTML(rec, http.StatusBadRequest, "<!doctype html><html><body><h1>400 Bad Request</h1></body></html>\n")
			return
		}
		if value, ok := s.faults.strike(FaultAccountsThrottled, t); ok {
			rec.note(Account{}, "Access Denied")
			writeThrottled(rec, value)
			return
		}
		answer, err := s.answerToken(region, params, t)
		switch {
		case errors.Is(err, errThrottled):
			rec.note(Account{}, "Access Denied")
			writeThrottled(rec, "en")
		case err != nil:
			rec.note(Account{}, err.Error())
			writeJSON(rec, http.StatusOK, map[string]string{"error": err.Error()})
		default:
			writeJSON(rec, http.StatusOK, s.tokenBody(region, answer, t))
		}
		s.changed.raise()
	}
}

// answerToken decides one token request. Its errors are oauthErrors.
func (s *Sandbox) answerToken(region Region, params url.Values, t target) (tokenAnswer, error) {
	if value, ok := s.faults.strike(FaultClientRejected, t); ok {
		return tokenAnswer{}, oauthError(value)
	}
	client := params.Get("client_id")
	if !s.knowsClient(region, client) {
		return tokenAnswer{}, errInvalidClient
	}
	if !s.knowsSecret(region, client, params.Get("client_secret")) {
		return tokenAnswer{}, errInvalidClientSecret
	}
	switch params.Get("grant_type") {
	case "authorization_code":
		_, withhold := s.faults.strike(FaultRefreshTokenMissing, t)
		answer, err := s.registry.redeem(codeExchange{
			region: region, code: params.Get("code"), client: client,
			redirectURI: params.Get("redirect_uri"), verifier: params.Get("code_verifier"), withholdRefresh: withhold,
		})
		if errors.Is(err, errInvalidClient) {
			if _, ok := s.faults.strike(FaultWrongDCInvalidCode, t); ok {
				return tokenAnswer{}, errInvalidCode
			}
		}
		return answer, err
	case "refresh_token":
		if _, revoked := s.faults.strike(FaultTokenRevoked, t); revoked {
			return tokenAnswer{}, errInvalidCode
		}
		return s.registry.renew(region, params.Get("refresh_token"), client)
	}
	return tokenAnswer{}, errInvalidClient
}

func (s *Sandbox) knowsSecret(region Region, id, secret string) bool {
	for _, client := range s.cfg.Clients {
		if client.ID == id && client.Secret == secret && (client.Region == "" || client.Region == region) {
			return true
		}
	}
	return false
}

// tokenBody is the successful answer, in the shape the faults ask for.
func (s *Sandbox) tokenBody(region Region, answer tokenAnswer, t target) map[string]any {
	info, _ := region.info()
	seconds := int64(s.cfg.AccessLifetime / time.Second)
	body := map[string]any{
		"access_token": answer.access,
		"scope":        strings.Join(answer.scopes, " "), // requested with commas, answered with spaces
		"api_domain":   info.APIDomain,
		"token_type":   "Bearer",
		"expires_in":   seconds,
	}
	if answer.refresh != "" {
		body["refresh_token"] = answer.refresh
	}
	value, _ := s.faults.strike(FaultExpiresIn, t)
	switch value {
	case "missing":
		delete(body, "expires_in")
	case "milliseconds":
		body["expires_in"] = seconds * 1000
	case "string":
		body["expires_in"] = strconv.FormatInt(seconds, 10)
	case "float":
		body["expires_in"] = float64(seconds) + 0.5
	case "negative":
		body["expires_in"] = -seconds
	case "zero":
		body["expires_in"] = 0
	case "huge":
		body["expires_in"] = 1e30
	case "null":
		body["expires_in"] = nil
	case "text":
		body["expires_in"] = "soon"
	}
	return body
}

// writeThrottled is Zoho's "too many requests": status 400 as a rule, in the language Zoho sees fit.
func writeThrottled(w http.ResponseWriter, value string) {
	language, okay := strings.CutSuffix(value, "_200")
	body := map[string]string{
		"error_description": "You have made too many requests continuously. Please try again after some time.",
		"error":             "Access Denied",
		"status":            "failure",
	}
	if language == "zh" {
		body["error_description"] = "您已连续提出过多请求，请稍后再试。"
		body["error"] = "拒绝访问"
	}
	status := http.StatusBadRequest
	if okay {
		status = http.StatusOK
	}
	writeJSON(w, status, body)
}

// parseParams fills r.Form from the query, a form or multipart body, and Basic credentials.
func parseParams(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	var err error
	if kind == "multipart/form-data" {
		err = r.ParseMultipartForm(maxBody) //nolint:gosec // MaxBytesReader bounds the body
	} else {
		err = r.ParseForm()
	}
	if r.Form == nil {
		r.Form = url.Values{}
	}
	if id, secret, ok := r.BasicAuth(); ok {
		r.Form.Set("client_id", id)
		r.Form.Set("client_secret", secret)
	}
	return err
}
