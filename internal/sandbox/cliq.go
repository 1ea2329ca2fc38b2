package sandbox

import (
	"fmt"
	"maps"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var botPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}$`)

// cliqError is an error answer of Cliq. An empty code leaves the key out, as some of Cliq's answers do.
type cliqError struct {
	status  int
	code    string
	message string
}

var (
	errTokenInvalid  = &cliqError{http.StatusUnauthorized, "oauthtoken_invalid", "Invalid OAuth token passed."}
	errScopeInvalid  = &cliqError{http.StatusUnauthorized, "oauthtoken_scope_invalid", "The OAuth token passed does not have the required scope."}
	errTooMany       = &cliqError{http.StatusTooManyRequests, "", "Too many requests within a certain time frame."}
	errURLThrottled  = &cliqError{http.StatusBadRequest, "request_limit_exceeded", "You have exceeded the URL throttle limits."}
	errURLInvalid    = &cliqError{http.StatusNotFound, "request_url_invalid", "The request URL is invalid. Please check the URL pattern."}
	errMethodInvalid = &cliqError{http.StatusBadRequest, "request_method_invalid", "The request method is invalid."}
	errBotUnknown    = &cliqError{http.StatusNotFound, "bot_not_available", "The bot you're looking for couldn't be found."}
	errNoValidUsers  = &cliqError{http.StatusBadRequest, "botmessage_no_valid_users", "There are no valid users to send the message to."}
)

func (e *cliqError) write(w http.ResponseWriter) {
	body := map[string]string{"message": e.message}
	if e.code != "" {
		body["code"] = e.code
	}
	writeJSON(w, e.status, body)
}

func (e *cliqError) with(status int) *cliqError { return &cliqError{status, e.code, e.message} }

// message is POST …/api/v2/bots/{bot}/message. The checks come in the order a real request meets them:
// who asks, what for, how often, which bot, what.
func (s *Sandbox) message(region Region) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body := readBody(w, r)
		rec := s.requests.begin(w, r, region, EndpointMessage)
		token, present := bearer(r)
		who, known := s.registry.byAccess(token)
		rec.note(who.Account, "")
		t := target{region: region, service: ServiceCliq, zuid: who.ZUID, email: who.Email}
		if s.interfere(rec, r, t) {
			return
		}
		if !present {
			// Observed on the live service: two line feeds that call themselves HTML.
			writeHTML(rec, http.StatusUnauthorized, "\n\n")
			return
		}
		if _, revoked := s.faults.strike(FaultTokenRevoked, t); revoked || !known || !who.live || who.Region != region {
			s.refuse(rec, errTokenInvalid)
			return
		}
		message, failure := s.accept(r, who, t, body)
		if failure != nil {
			if value, ok := s.faults.strike(FaultRetryAfter, t); ok && (failure.status == http.StatusTooManyRequests || failure.code == errURLThrottled.code) {
				rec.Header().Set("Retry-After", value)
			}
			s.refuse(rec, failure)
			return
		}
		s.deliver(rec, message, t)
		s.changed.raise()
	}
}

func (s *Sandbox) refuse(w *recorder, failure *cliqError) {
	note := failure.code
	if note == "" {
		note = failure.message
	}
	w.note(Account{}, note)
	failure.write(w)
	s.changed.raise()
}

// accept checks everything after the token and returns the message to deliver.
func (s *Sandbox) accept(r *http.Request, who holder, t target, body []byte) (Message, *cliqError) {
	if value, ok := s.faults.strike(FaultScopeInvalid, t); ok {
		status, _ := strconv.Atoi(value)
		return Message{}, errScopeInvalid.with(status)
	}
	if !slices.Contains(who.scopes, scopeMessage) && !slices.Contains(who.scopes, "ZohoCliq.Webhooks.ALL") {
		return Message{}, errScopeInvalid
	}
	within, justLocked := s.chat.take(who.ZUID)
	if justLocked {
		s.requests.violate(ViolationLockedOut, t.region, who.Email, "more than 50 requests within a minute")
	}
	if value, ok := s.faults.strike(FaultCliqThrottled, t); ok || !within {
		if value == "400" {
			return Message{}, errURLThrottled
		}
		return Message{}, errTooMany
	}
	bot := r.PathValue("bot")
	if !botPattern.MatchString(bot) {
		if _, ok := s.faults.strike(FaultBotNameStatus, t); ok {
			return Message{}, errURLInvalid.with(http.StatusBadRequest)
		}
		return Message{}, errURLInvalid
	}
	if r.Method != http.MethodPost {
		return Message{}, errMethodInvalid
	}
	if _, unknown := s.faults.strike(FaultBotUnknown, t); unknown || !slices.Contains(s.organisation(who.Email).Bots, bot) {
		return Message{}, errBotUnknown
	}
	if names := slices.Sorted(maps.Keys(r.URL.Query())); len(names) > 0 {
		return Message{}, &cliqError{http.StatusBadRequest, "extra_param_found", "'" + cut(names[0], 50) + "' is an extra param in the request."}
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		return Message{}, paramMissing("text")
	}
	content, failure := decodeMessage(body)
	if failure != nil {
		return Message{}, failure
	}
	if content.Broadcast {
		s.requests.violate(ViolationBroadcast, t.region, who.Email, "a message to bot "+bot+" asked for all subscribers")
	}
	return s.address(content, who, bot, t)
}

// address settles who receives a message: its sender, unless userids or a fault say otherwise.
func (s *Sandbox) address(content messageContent, who holder, bot string, t target) (Message, *cliqError) {
	if value, ok := s.faults.strike(FaultNotSubscribed, t); ok {
		status, _ := strconv.Atoi(value)
		return Message{}, errNoValidUsers.with(status)
	}
	recipients := []string{who.ZUID}
	if content.UserIDs != "" {
		recipients = nil
		for _, account := range s.registry.byZUID(t.region, strings.Split(content.UserIDs, ",")) {
			recipients = append(recipients, account.ZUID)
		}
		if len(recipients) == 0 {
			return Message{}, errNoValidUsers
		}
	}
	if value, ok := s.faults.strike(FaultDeliveredToOthers, t); ok {
		count, _ := strconv.Atoi(value)
		for i := 1; len(recipients) < count; i++ {
			recipients = append(recipients, fmt.Sprintf("7000000%04d", i))
		}
	}
	return Message{
		Account: who.Account, Organisation: s.organisation(who.Email).Name, Bot: bot, Text: content.Text, CardTitle: content.cardTitle(),
		Buttons: content.buttons(), Sync: content.Sync, Broadcast: content.Broadcast, Recipients: recipients, Body: content.raw,
	}, nil
}

// deliver keeps the message and answers: 200 with details when asked to wait for them, else 204.
func (s *Sandbox) deliver(w *recorder, message Message, t target) {
	message = s.chat.add(message)
	shape, odd := s.faults.strike(FaultSuccessShape, t)
	switch {
	case message.Sync:
		details := make(map[string]any, len(message.Recipients))
		for _, zuid := range message.Recipients {
			details[zuid] = map[string]string{
				"chat_id":    "CT_" + zuid + "_" + message.Account.ZUID + "-B2",
				"message_id": fmt.Sprintf("%d%%20%012d", message.At.UnixMilli(), message.ID),
			}
		}
		writeJSON(w, http.StatusOK, map[string]any{"user_ids": message.Recipients, "message_details": details})
	case odd && shape == "user_ids":
		writeJSON(w, http.StatusOK, map[string]any{"user_ids": message.Recipients})
	case odd && shape == "html":
		writeHTML(w, http.StatusOK, "<!doctype html><html><body>OK</body></html>\n")
	case odd:
		w.WriteHeader(http.StatusOK)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

// organisation is where a person belongs, by the domain of the address.
func (s *Sandbox) organisation(email string) Organisation {
	_, domain, _ := strings.Cut(email, "@")
	var fallback Organisation
	for _, organisation := range s.cfg.Organisations {
		if organisation.Domain == "" {
			fallback = organisation
		} else if strings.EqualFold(organisation.Domain, domain) {
			return organisation
		}
	}
	return fallback
}

// bearer reads the token of either scheme Zoho takes.
func bearer(r *http.Request) (string, bool) {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || (!strings.EqualFold(scheme, "Zoho-oauthtoken") && !strings.EqualFold(scheme, "Bearer")) {
		return "", r.Header.Get("Authorization") != ""
	}
	return strings.TrimSpace(token), true
}
