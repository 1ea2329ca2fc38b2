package cliq

import (
	"errors"
	"regexp"
	"slices"
	"strings"
)

// BotRef is what a person's text says about a bot.
type BotRef struct {
	// Name is the bot's unique name.
	Name string
	// Region is the data centre of the URL it was taken from; empty for a bare name.
	Region Code
}

// Why a bot reference is refused.
var (
	// ErrBotMissing means that nothing was entered.
	ErrBotMissing = errors.New("no bot was entered")
	// ErrBotName means that the text is neither a unique name nor a URL.
	ErrBotName = errors.New("not a unique name of a bot")
	// ErrBotHost means that the URL does not lead to Zoho Cliq.
	ErrBotHost = errors.New("not an address of Zoho Cliq")
	// ErrBotPath means that the URL leads to Zoho Cliq but names no bot.
	ErrBotPath = errors.New("not the address of a bot")
)

// maxBotInput bounds what is looked at; the longest real URL has a tenth of it.
const maxBotInput = 2048

var (
	// Zoho documents no rule for unique names. This takes everything seen and
	// nothing that could change the path it is put into.
	botName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}$`)
	// The path of every form people copy: from the API documentation (v2, v3), from
	// the bot's own page (with the organisation) and from networks.
	botPath = regexp.MustCompile(`^(?:/(?:company|network)/[A-Za-z0-9_-]{1,100})?/api/v[23]/bots/([^/]+)` +
		`(?:/(?:messages?|incoming|subscribers|calls|alerts|files))?/?$`)
)

// ParseBot reads a unique name out of what a person entered: the name itself or
// any form of the bot's API URL, with or without its scheme. Nothing of a URL but
// the name is kept; compare Region with the chosen one.
func (r *Regions) ParseBot(input string) (BotRef, error) {
	input = strings.TrimSpace(input)
	switch {
	case input == "":
		return BotRef{}, ErrBotMissing
	case len(input) > maxBotInput:
		return BotRef{}, ErrBotName
	case botName.MatchString(input):
		return BotRef{Name: input}, nil
	}
	// Cut by hand: url.Parse forgives and decodes what must be refused here.
	address, _, _ := strings.Cut(input, "#")
	address, _, _ = strings.Cut(address, "?")
	if !isToken(address) {
		return BotRef{}, ErrBotName
	}
	code, path, ok := r.cliqPath(address)
	if !ok {
		if strings.ContainsAny(address, "/:") {
			return BotRef{}, ErrBotHost
		}
		return BotRef{}, ErrBotName
	}
	match := botPath.FindStringSubmatch(path)
	if match == nil || !botName.MatchString(match[1]) {
		return BotRef{}, ErrBotPath
	}
	return BotRef{Name: match[1], Region: code}, nil
}

// cliqPath splits an address into the data centre whose Cliq it leads to and the
// path there. In development both the real hosts and the stand-in are known.
func (r *Regions) cliqPath(address string) (Code, string, bool) {
	for _, region := range slices.Concat(r.regions, table[:]) {
		scheme, rest, _ := strings.Cut(region.CliqURL, "://")
		host, base, _ := strings.Cut(rest, "/")
		candidate := address
		if before, after, found := strings.Cut(address, "://"); found {
			if !strings.EqualFold(before, scheme) {
				continue
			}
			candidate = after
		}
		given, path, _ := strings.Cut(candidate, "/")
		if !strings.EqualFold(given, host) {
			continue
		}
		if base != "" {
			inside, ok := strings.CutPrefix(path, base+"/")
			if !ok {
				continue
			}
			path = inside
		}
		return region.Code, "/" + path, true
	}
	return "", "", false
}

// BotAPIURL is the address a message to the bot is posted to. It is empty when the
// data centre is unknown or the name is none.
func (r *Regions) BotAPIURL(code Code, name string) string {
	region, ok := r.Get(code)
	if !ok || !botName.MatchString(name) {
		return ""
	}
	return region.CliqURL + "/api/v2/bots/" + name + "/message"
}
