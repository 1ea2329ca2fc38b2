package sandbox

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Fault is something that goes wrong on purpose.
type Fault string

// The faults. Faults returns what each of them does and which values it takes.
const (
	FaultSlow      Fault = "slow"
	FaultDown      Fault = "down"
	FaultBlackHole Fault = "black_hole"
	FaultRedirect  Fault = "redirect"

	FaultAutoApprove       Fault = "auto_approve"
	FaultDeny              Fault = "deny"
	FaultCallbackAmpersand Fault = "callback_ampersand"
	FaultCallbackNoRegion  Fault = "callback_no_region"

	FaultTokenRevoked        Fault = "token_revoked"
	FaultAccountsThrottled   Fault = "accounts_throttled"
	FaultClientRejected      Fault = "client_rejected"
	FaultWrongDCInvalidCode  Fault = "wrong_dc_invalid_code"
	FaultRefreshTokenMissing Fault = "refresh_token_missing"
	FaultExpiresIn           Fault = "expires_in"
	FaultRevokeFormMissing   Fault = "revoke_form_missing"

	FaultBotUnknown        Fault = "bot_unknown"
	FaultBotNameStatus     Fault = "bot_name_status"
	FaultScopeInvalid      Fault = "scope_invalid"
	FaultCliqThrottled     Fault = "cliq_throttled"
	FaultRetryAfter        Fault = "retry_after"
	FaultNotSubscribed     Fault = "not_subscribed"
	FaultDeliveredToOthers Fault = "delivered_to_others"
	FaultSuccessShape      Fault = "success_shape"

	FaultMailRefused   Fault = "mail_refused"
	FaultMailSilent    Fault = "mail_silent"
	FaultMailRecipient Fault = "mail_recipient"
	FaultMailTooBig    Fault = "mail_too_big"
	FaultMailHang      Fault = "mail_hang"
	FaultMailDrop      Fault = "mail_drop"
)

// FaultGroup says which part of the stand-in a fault belongs to.
type FaultGroup string

// The groups, in the order pages show them.
const (
	GroupNetwork  FaultGroup = "Network"
	GroupConsent  FaultGroup = "Consent"
	GroupAccounts FaultGroup = "Tokens"
	GroupCliq     FaultGroup = "Cliq"
	GroupMail     FaultGroup = "Mail"
)

// FaultInfo describes a fault: the page, the JSON API and the tests read this one table.
type FaultInfo struct {
	Fault       Fault      `json:"fault"`
	Group       FaultGroup `json:"group"`
	Label       string     `json:"label"`
	Description string     `json:"description"`
	// Choices are the values it takes, the first being the default. Empty with a Default means free text.
	Choices []string `json:"choices,omitempty"`
	// Default is the value used when none is given; empty means the fault takes none.
	Default string `json:"default,omitempty"`

	check func(value string) error
}

var faultTable = []FaultInfo{
	{
		Fault: FaultSlow, Group: GroupNetwork, Label: "Slow", Default: "3000", check: checkNumber(0, 600_000),
		Description: "Every answer waits so many milliseconds.",
	},
	{
		Fault: FaultDown, Group: GroupNetwork, Label: "Down", Choices: []string{"503", "500", "502", "reset"},
		Description: "An HTML error page with this status, or the connection is reset after the request.",
	},
	{
		Fault: FaultBlackHole, Group: GroupNetwork, Label: "Black hole", Choices: []string{"silent", "headers", "endless"},
		Description: "Accepts and never answers; or sends headers and no body; or a body without end.",
	},
	{
		Fault: FaultRedirect, Group: GroupNetwork, Label: "Redirects", Default: "302", check: checkRedirectValue,
		Description: "Redirects with this status to a trap that notes who followed, or to the URL written after the status.",
	},
	{
		Fault: FaultAutoApprove, Group: GroupConsent, Label: "No consent page",
		Choices: []string{"asked"}, check: checkAutoApprove,
		Description: "Approves at once as the first account, in the region asked or in the one named.",
	},
	{
		Fault: FaultDeny, Group: GroupConsent, Label: "Consent denied", Choices: []string{"state", "bare"},
		Description: "The consent page always answers access_denied, with or without the state.",
	},
	{
		Fault: FaultCallbackAmpersand, Group: GroupConsent, Label: "Stray & in the callback",
		Description: "The callback URL ends in an ampersand.",
	},
	{
		Fault: FaultCallbackNoRegion, Group: GroupConsent, Label: "Callback without data centre",
		Choices:     []string{"both", "location", "accounts-server"},
		Description: "Leaves location, accounts-server or both out of the callback.",
	},
	{
		Fault: FaultTokenRevoked, Group: GroupAccounts, Label: "Tokens revoked",
		Description: "Refreshing answers invalid_code and Cliq answers oauthtoken_invalid, as after the app was removed.",
	},
	{
		Fault: FaultAccountsThrottled, Group: GroupAccounts, Label: "Accounts throttled",
		Choices:     []string{"en", "zh", "en_200", "zh_200"},
		Description: "“Access Denied” with status 400 or 200, in English or Chinese.",
	},
	{
		Fault: FaultClientRejected, Group: GroupAccounts, Label: "Client rejected",
		Choices:     []string{"invalid_client", "invalid_client_secret", "invalid_redirect_uri"},
		Description: "The token endpoint finds fault with the client, whoever asks.",
	},
	{
		Fault: FaultWrongDCInvalidCode, Group: GroupAccounts, Label: "Wrong data centre says invalid_code",
		Description: "A code redeemed in the wrong data centre answers invalid_code in place of invalid_client.",
	},
	{
		Fault: FaultRefreshTokenMissing, Group: GroupAccounts, Label: "No refresh token",
		Description: "The code exchange answers without refresh_token.",
	},
	{
		Fault: FaultExpiresIn, Group: GroupAccounts, Label: "Odd expires_in",
		Choices:     []string{"missing", "milliseconds", "string", "float", "negative", "zero", "huge", "null", "text"},
		Description: "How token answers state their lifetime.",
	},
	{
		Fault: FaultRevokeFormMissing, Group: GroupAccounts, Label: "Revocation form missing",
		Choices:     []string{"basic", "query", "both"},
		Description: "This form of the revocation endpoint answers 404.",
	},
	{
		Fault: FaultBotUnknown, Group: GroupCliq, Label: "Bot unknown",
		Description: "No bot is found, whatever its name.",
	},
	{
		Fault: FaultBotNameStatus, Group: GroupCliq, Label: "Malformed bot name says 400", Choices: []string{"400"},
		Description: "request_url_invalid comes with status 400 in place of 404.",
	},
	{
		Fault: FaultScopeInvalid, Group: GroupCliq, Label: "Scope missing", Choices: []string{"401", "403"},
		Description: "The token lacks the scope, with this status.",
	},
	{
		Fault: FaultCliqThrottled, Group: GroupCliq, Label: "Cliq throttled", Choices: []string{"429", "400"},
		Description: "429 with a message only, or 400 request_limit_exceeded. The same value shapes the answers of the real limit.",
	},
	{
		Fault: FaultRetryAfter, Group: GroupCliq, Label: "Retry-After", Default: "30", check: checkHeaderValue,
		Description: "Throttled answers carry this Retry-After, word for word.",
	},
	{
		Fault: FaultNotSubscribed, Group: GroupCliq, Label: "Not subscribed", Choices: []string{"400", "403", "404"},
		Description: "botmessage_no_valid_users: the person does not follow the bot.",
	},
	{
		Fault: FaultDeliveredToOthers, Group: GroupCliq, Label: "Delivered to others", Default: "3", check: checkNumber(2, 100),
		Description: "So many people receive the message, as when an administrator's post reaches all subscribers.",
	},
	{
		Fault: FaultSuccessShape, Group: GroupCliq, Label: "Odd success", Choices: []string{"user_ids", "empty", "html"},
		Description: "Success without sync_message is 200 with user_ids, 200 without a body, or 200 with HTML.",
	},
	{
		Fault: FaultMailRefused, Group: GroupMail, Label: "Connections refused", Choices: []string{"421", "554"},
		Description: "The server says goodbye in place of its greeting.",
	},
	{
		Fault: FaultMailSilent, Group: GroupMail, Label: "No greeting",
		Description: "Connections are accepted and the greeting never comes.",
	},
	{
		Fault: FaultMailRecipient, Group: GroupMail, Label: "Recipient refused", Choices: []string{"550", "450", "451", "452"},
		Description: "RCPT TO answers this code; 550 is “no such mailbox”.",
	},
	{
		Fault: FaultMailTooBig, Group: GroupMail, Label: "Message refused", Choices: []string{"552", "451", "554"},
		Description: "The message is read and refused with this code.",
	},
	{
		Fault: FaultMailHang, Group: GroupMail, Label: "Hangs after the message",
		Description: "The message is read and no answer follows.",
	},
	{
		Fault: FaultMailDrop, Group: GroupMail, Label: "Drops after the message", Choices: []string{"stored", "lost"},
		Description: "The connection closes before the 250; the message was stored, or was not.",
	},
}

// Faults is the table of all faults.
func Faults() []FaultInfo { return slices.Clone(faultTable) }

func (f Fault) info() (FaultInfo, bool) {
	i := slices.IndexFunc(faultTable, func(info FaultInfo) bool { return info.Fault == f })
	if i < 0 {
		return FaultInfo{}, false
	}
	return faultTable[i], true
}

// value settles which value a fault runs with.
func (i FaultInfo) value(given string) (string, error) {
	switch {
	case given == "" && len(i.Choices) > 0:
		return i.Choices[0], nil
	case given == "":
		return i.Default, nil
	case i.check != nil:
		return given, i.check(given)
	case len(i.Choices) == 0:
		return "", fmt.Errorf("%s takes no value", i.Fault)
	case !slices.Contains(i.Choices, given):
		return "", fmt.Errorf("%s takes one of %s", i.Fault, strings.Join(i.Choices, ", "))
	}
	return given, nil
}

func checkNumber(low, high int) func(string) error {
	return func(value string) error {
		n, err := strconv.Atoi(value)
		if err != nil || n < low || n > high {
			return fmt.Errorf("value must be a number from %d to %d", low, high)
		}
		return nil
	}
}

func checkAutoApprove(value string) error {
	if value != "asked" && !Region(value).valid() {
		return fmt.Errorf("%q is neither a region nor \"asked\"", value)
	}
	return nil
}

func checkHeaderValue(value string) error {
	if strings.ContainsAny(value, "\r\n\x00") || len(value) > 200 {
		return errors.New("value does not fit into a header")
	}
	return nil
}

func checkRedirectValue(value string) error {
	_, _, err := splitRedirect(value)
	return err
}

// splitRedirect reads "307" or "307 https://elsewhere.example/path".
func splitRedirect(value string) (status int, location string, err error) {
	code, location, _ := strings.Cut(value, " ")
	status, err = strconv.Atoi(code)
	if err != nil || status < http.StatusMovedPermanently || status > http.StatusPermanentRedirect {
		return 0, "", errors.New("redirect status must be 301 to 308")
	}
	if location == "" {
		return status, "", nil
	}
	target, err := url.Parse(location)
	if err != nil || target.Host == "" || strings.ContainsAny(location, "\r\n") {
		return 0, "", errors.New("redirect target must be an absolute URL")
	}
	return status, location, nil
}
