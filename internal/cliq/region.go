package cliq

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Code names a data centre.
type Code string

// The data centres that serve both accounts and Cliq.
const (
	US Code = "US"
	IN Code = "IN"
	EU Code = "EU"
	AU Code = "AU"
	CA Code = "CA"
	UK Code = "UK"
	JP Code = "JP"
	SA Code = "SA"
	CN Code = "CN"
)

// Region is one data centre as this process reaches it.
type Region struct {
	Code Code
	// Location is what Zoho calls it in the callback.
	Location string
	// Label is what people choose it by.
	Label string
	// AccountsURL and CliqURL are origins of Zoho, or addresses of the stand-in,
	// without a slash at the end.
	AccountsURL string
	CliqURL     string
}

// table is closed: no other host ever gets a credential. Canada is not a typing
// mistake; cliq.zoho.ca does not exist.
var table = [...]Region{
	{US, "us", "Global (.com)", "https://accounts.zoho.com", "https://cliq.zoho.com"},
	{IN, "in", "India (.in)", "https://accounts.zoho.in", "https://cliq.zoho.in"},
	{EU, "eu", "Europe (.eu)", "https://accounts.zoho.eu", "https://cliq.zoho.eu"},
	{AU, "au", "Australia (.com.au)", "https://accounts.zoho.com.au", "https://cliq.zoho.com.au"},
	{CA, "ca", "Canada (.ca)", "https://accounts.zohocloud.ca", "https://cliq.zohocloud.ca"},
	{UK, "uk", "United Kingdom (.uk)", "https://accounts.zoho.uk", "https://cliq.zoho.uk"},
	{JP, "jp", "Japan (.jp)", "https://accounts.zoho.jp", "https://cliq.zoho.jp"},
	{SA, "sa", "Saudi Arabia (.sa)", "https://accounts.zoho.sa", "https://cliq.zoho.sa"},
	{CN, "cn", "China (.com.cn)", "https://accounts.zoho.com.cn", "https://cliq.zoho.com.cn"},
}

// Credentials are an OAuth client registered with Zoho.
type Credentials struct {
	ID     string
	Secret Secret
}

// RegionsConfig says which data centres can be offered.
type RegionsConfig struct {
	// StandinURL replaces every host of Zoho: the accounts server of India becomes
	// {StandinURL}/in/accounts, its Cliq {StandinURL}/in/cliq, and nothing else is
	// accepted in a callback. Empty means the real Zoho.
	StandinURL string
	// Default is the client of every data centre without one of its own.
	Default Credentials
	// Clients are the exceptions. An entry with a secret only shares the id of
	// Default: Zoho gives one id a secret per data centre unless told otherwise.
	Clients map[Code]Credentials
	// ChinaNeedsOwnClient keeps Default from being used in China, which is operated
	// apart and knows no client registered elsewhere. Set in production.
	ChinaNeedsOwnClient bool
}

// Regions is the table of data centres with the clients to use there.
type Regions struct {
	regions []Region
	clients map[Code]Credentials
	standin *standin
}

// NewRegions checks the configuration and reports every problem at once.
func NewRegions(config RegionsConfig) (*Regions, error) {
	regions := &Regions{regions: slices.Clone(table[:]), clients: make(map[Code]Credentials)}
	var problems []error
	if config.StandinURL != "" {
		standin, err := parseStandin(config.StandinURL)
		if err != nil {
			problems = append(problems, err)
		} else {
			regions.standin = standin
			for i := range regions.regions {
				standin.replace(&regions.regions[i])
			}
		}
	}
	if (config.Default.ID == "") != config.Default.Secret.IsEmpty() {
		problems = append(problems, errors.New("the default client needs both id and secret"))
	}
	for code := range config.Clients {
		if _, ok := regions.Get(code); !ok {
			problems = append(problems, fmt.Errorf("no data centre is called %q", code))
		}
	}
	for _, region := range regions.regions {
		client, err := config.client(region.Code)
		if err != nil {
			problems = append(problems, err)
		} else if client.ID != "" {
			regions.clients[region.Code] = client
		}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("zoho regions: %w", err)
	}
	if len(regions.clients) == 0 {
		return nil, errors.New("zoho regions: no OAuth client is configured")
	}
	return regions, nil
}

// client settles the credentials of one data centre; an empty id means none.
func (c RegionsConfig) client(code Code) (Credentials, error) {
	own, common := c.Clients[code], c.Default
	if code == CN && c.ChinaNeedsOwnClient {
		common = Credentials{}
	}
	switch {
	case own.ID == "" && own.Secret.IsEmpty():
		return common, nil
	case own.Secret.IsEmpty():
		return Credentials{}, fmt.Errorf("the client of %s has no secret", code)
	}
	own.ID = cmp.Or(own.ID, common.ID)
	if own.ID == "" {
		return Credentials{}, fmt.Errorf("the client of %s has no id", code)
	}
	return own, nil
}

// Offered lists the data centres a person may connect to, in the order of the
// product's own page.
func (r *Regions) Offered() []Region {
	return slices.DeleteFunc(slices.Clone(r.regions), func(region Region) bool { return !r.IsOffered(region.Code) })
}

// IsOffered reports whether there is a client for the data centre.
func (r *Regions) IsOffered(code Code) bool {
	_, ok := r.clients[code]
	return ok
}

// Get returns a data centre, offered or not: an existing connection may be in one
// that is no longer offered.
func (r *Regions) Get(code Code) (Region, bool) {
	i := slices.IndexFunc(r.regions, func(region Region) bool { return region.Code == code })
	if i < 0 {
		return Region{}, false
	}
	return r.regions[i], true
}

var (
	// ErrUnknownDataCentre means that the callback names a server outside the table.
	ErrUnknownDataCentre = errors.New("callback names an unknown data centre")
	// ErrDataCentreConflict means that location and accounts-server name two different data centres.
	ErrDataCentreConflict = errors.New("callback names two data centres")
	// ErrRegionNotOffered means that there is no client for the data centre.
	ErrRegionNotOffered = errors.New("data centre is not offered")
)

// Resolve finds the data centre a callback came from by its accounts-server and
// location, both from the browser and therefore only compared with the table. With
// neither it is the one the person chose.
func (r *Regions) Resolve(accountsServer, location string, chosen Code) (Region, error) {
	code := chosen
	if accountsServer != "" {
		i := slices.IndexFunc(r.regions, func(region Region) bool {
			return accountsServer == region.AccountsURL || accountsServer == region.AccountsURL+"/"
		})
		if i < 0 {
			return Region{}, ErrUnknownDataCentre
		}
		code = r.regions[i].Code
	}
	if location != "" {
		i := slices.IndexFunc(r.regions, func(region Region) bool { return location == region.Location })
		if i < 0 {
			return Region{}, ErrUnknownDataCentre
		}
		if accountsServer != "" && r.regions[i].Code != code {
			return Region{}, ErrDataCentreConflict
		}
		code = r.regions[i].Code
	}
	region, ok := r.Get(code)
	if !ok {
		return Region{}, ErrUnknownDataCentre
	}
	if !r.IsOffered(code) {
		return Region{}, ErrRegionNotOffered
	}
	return region, nil
}

// standin is a server that plays all of Zoho under one base URL.
type standin struct {
	base *url.URL
}

func parseStandin(raw string) (*standin, error) {
	base, err := url.Parse(strings.TrimRight(raw, "/"))
	if err != nil || (base.Scheme != "http" && base.Scheme != "https") || base.Hostname() == "" ||
		base.User != nil || base.RawQuery != "" || base.ForceQuery || base.Fragment != "" || base.Opaque != "" {
		return nil, errors.New("the stand-in needs an absolute http or https URL without credentials, query or fragment")
	}
	return &standin{base: base}, nil
}

func (s *standin) replace(region *Region) {
	region.AccountsURL = s.base.String() + "/" + region.Location + "/accounts"
	region.CliqURL = s.base.String() + "/" + region.Location + "/cliq"
}
