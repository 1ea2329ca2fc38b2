package cliq

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTable spells every host out a second time: a typing mistake in a table of
// hosts that receive secrets must not pass.
func TestTable(t *testing.T) {
	t.Parallel()
	want := []Region{
		{"US", "us", "Global (.com)", "https://accounts.zoho.com", "https://cliq.zoho.com"},
		{"IN", "in", "India (.in)", "https://accounts.zoho.in", "https://cliq.zoho.in"},
		{"EU", "eu", "Europe (.eu)", "https://accounts.zoho.eu", "https://cliq.zoho.eu"},
		{"AU", "au", "Australia (.com.au)", "https://accounts.zoho.com.au", "https://cliq.zoho.com.au"},
		{"CA", "ca", "Canada (.ca)", "https://accounts.zohocloud.ca", "https://cliq.zohocloud.ca"},
		{"UK", "uk", "United Kingdom (.uk)", "https://accounts.zoho.uk", "https://cliq.zoho.uk"},
		{"JP", "jp", "Japan (.jp)", "https://accounts.zoho.jp", "https://cliq.zoho.jp"},
		{"SA", "sa", "Saudi Arabia (.sa)", "https://accounts.zoho.sa", "https://cliq.zoho.sa"},
		{"CN", "cn", "China (.com.cn)", "https://accounts.zoho.com.cn", "https://cliq.zoho.com.cn"},
	}
	if diff := cmp.Diff(want, newRegions(t, RegionsConfig{}).Offered()); diff != "" {
		t.Errorf("offered (-want +got):\n%s", diff)
	}
}

func codes(regions []Region) string {
	var list []string
	for _, region := range regions {
		list = append(list, string(region.Code))
	}
	return strings.Join(list, " ")
}

func TestClients(t *testing.T) {
	t.Parallel()
	common := Credentials{ID: "common", Secret: NewSecret("s")}
	own := Credentials{ID: "own", Secret: NewSecret("o")}
	for name, test := range map[string]struct {
		config  RegionsConfig
		offered string
		ids     map[Code]string
		refused string
	}{
		"the common client serves all": {
			config: RegionsConfig{Default: common}, offered: "US IN EU AU CA UK JP SA CN",
		},
		"China needs its own": {
			config:  RegionsConfig{Default: common, ChinaNeedsOwnClient: true},
			offered: "US IN EU AU CA UK JP SA",
		},
		"China has its own": {
			config:  RegionsConfig{Default: common, Clients: map[Code]Credentials{CN: own}, ChinaNeedsOwnClient: true},
			offered: "US IN EU AU CA UK JP SA CN", ids: map[Code]string{CN: "own", US: "common"},
		},
		"only regions with a client": {
			config:  RegionsConfig{Clients: map[Code]Credentials{IN: own, EU: own}},
			offered: "IN EU",
		},
		"a secret alone shares the id": {
			config:  RegionsConfig{Default: common, Clients: map[Code]Credentials{IN: {Secret: NewSecret("in")}}},
			offered: "US IN EU AU CA UK JP SA CN", ids: map[Code]string{IN: "common"},
		},
		"ErrChinaSharesID": {
			config: RegionsConfig{
				Default: common, ChinaNeedsOwnClient: true,
				Clients: map[Code]Credentials{CN: {Secret: NewSecret("cn")}},
			}, refused: "CN has no id",
		},
		"ErrNoSecret":     {config: RegionsConfig{Default: common, Clients: map[Code]Credentials{IN: {ID: "x"}}}, refused: "IN has no secret"},
		"ErrNoID":         {config: RegionsConfig{Clients: map[Code]Credentials{IN: {Secret: NewSecret("x")}}}, refused: "IN has no id"},
		"ErrHalfDefault":  {config: RegionsConfig{Default: Credentials{ID: "x"}}, refused: "both id and secret"},
		"ErrNoClient":     {config: RegionsConfig{}, refused: "no OAuth client"},
		"ErrUnknownCode":  {config: RegionsConfig{Default: common, Clients: map[Code]Credentials{"AE": own}}, refused: `"AE"`},
		"ErrChinaOnly":    {config: RegionsConfig{Clients: map[Code]Credentials{CN: {}}, ChinaNeedsOwnClient: true}, refused: "no OAuth client"},
		"ErrStandinPath":  {config: RegionsConfig{Default: common, StandinURL: "/sandbox"}, refused: "stand-in"},
		"ErrStandinQuery": {config: RegionsConfig{Default: common, StandinURL: "http://localhost/?x=1"}, refused: "stand-in"},
		"ErrStandinUser":  {config: RegionsConfig{Default: common, StandinURL: "http://a@localhost"}, refused: "stand-in"},
		"ErrStandinType":  {config: RegionsConfig{Default: common, StandinURL: "ftp://localhost"}, refused: "stand-in"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			regions, err := NewRegions(test.config)
			if test.refused != "" {
				if err == nil || !strings.Contains(err.Error(), test.refused) {
					t.Fatalf("got %v; want an error with %q", err, test.refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := codes(regions.Offered()); got != test.offered {
				t.Errorf("offered: got %s; want %s", got, test.offered)
			}
			for code, id := range test.ids {
				if got := regions.clients[code].ID; got != id {
					t.Errorf("client of %s: got %s; want %s", code, got, id)
				}
			}
		})
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	regions := newRegions(t, RegionsConfig{
		Default: Credentials{ID: "x", Secret: NewSecret("y")}, ChinaNeedsOwnClient: true,
	})
	standin := newRegions(t, RegionsConfig{StandinURL: "http://localhost:8080/sandbox/"})
	for name, test := range map[string]struct {
		regions          *Regions
		server, location string
		want             Code
		err              error
	}{
		"neither: the chosen one":       {want: EU},
		"both agree":                    {server: "https://accounts.zoho.in", location: "in", want: IN},
		"server alone":                  {server: "https://accounts.zohocloud.ca", want: CA},
		"location alone":                {location: "jp", want: JP},
		"a slash at the end":            {server: "https://accounts.zoho.in/", want: IN},
		"stand-in":                      {regions: standin, server: "http://localhost:8080/sandbox/in/accounts", location: "in", want: IN},
		"ErrConflict":                   {server: "https://accounts.zoho.in", location: "us", err: ErrDataCentreConflict},
		"ErrUnknownLocation":            {location: "xx", err: ErrUnknownDataCentre},
		"ErrUnknownLocationKnownServer": {server: "https://accounts.zoho.in", location: "xx", err: ErrUnknownDataCentre},
		"ErrUnknownServerKnownLocation": {server: "https://evil.test", location: "in", err: ErrUnknownDataCentre},
		"ErrUpperCase":                  {location: "IN", err: ErrUnknownDataCentre},
		"ErrKelvinSign":                 {location: "u\u212a", err: ErrUnknownDataCentre},
		"ErrUserinfo":                   {server: "https://accounts.zoho.com@evil.test", err: ErrUnknownDataCentre},
		"ErrSubdomain":                  {server: "https://accounts.zoho.com.evil.test", err: ErrUnknownDataCentre},
		"ErrPlainHTTP":                  {server: "http://accounts.zoho.in", err: ErrUnknownDataCentre},
		"ErrPort":                       {server: "https://accounts.zoho.in:443", err: ErrUnknownDataCentre},
		"ErrPath":                       {server: "https://accounts.zoho.in/x", err: ErrUnknownDataCentre},
		"ErrTwoSlashes":                 {server: "https://accounts.zoho.in//", err: ErrUnknownDataCentre},
		"ErrMetadata":                   {server: "http://169.254.169.254", err: ErrUnknownDataCentre},
		"ErrLoopback":                   {server: "http://[::1]:5432", err: ErrUnknownDataCentre},
		"ErrFile":                       {server: "file:///etc/passwd", err: ErrUnknownDataCentre},
		"ErrGopher":                     {server: "gopher://accounts.zoho.in", err: ErrUnknownDataCentre},
		"ErrCliqHost":                   {server: "https://cliq.zoho.in", err: ErrUnknownDataCentre},
		"ErrNotOffered":                 {server: "https://accounts.zoho.com.cn", location: "cn", err: ErrRegionNotOffered},
		"ErrRealHostAtStandin":          {regions: standin, server: "https://accounts.zoho.in", err: ErrUnknownDataCentre},
		"ErrOtherStandin":               {regions: standin, server: "http://localhost:8081/sandbox/in/accounts", err: ErrUnknownDataCentre},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			under := regions
			if test.regions != nil {
				under = test.regions
			}
			got, err := under.Resolve(test.server, test.location, EU)
			if !errors.Is(err, test.err) || got.Code != test.want {
				t.Errorf("got %q, %v; want %q, %v", got.Code, err, test.want, test.err)
			}
		})
	}
	if _, err := regions.Resolve("", "", "XX"); !errors.Is(err, ErrUnknownDataCentre) {
		t.Errorf("an unknown choice: got %v", err)
	}
	if _, err := regions.Resolve("", "", CN); !errors.Is(err, ErrRegionNotOffered) {
		t.Errorf("a choice that is not offered: got %v", err)
	}
}

func TestRegionsCannotBeChanged(t *testing.T) {
	t.Parallel()
	regions := newRegions(t, RegionsConfig{})
	offered := regions.Offered()
	offered[0].AccountsURL = "https://evil.test"
	slices.Reverse(offered)
	if region, _ := regions.Get(US); region.AccountsURL != "https://accounts.zoho.com" {
		t.Error("a caller can change the table")
	}
}
