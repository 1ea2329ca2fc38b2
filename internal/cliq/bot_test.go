package cliq

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseBot(t *testing.T) {
	t.Parallel()
	regions := newRegions(t, RegionsConfig{})
	for input, want := range map[string]BotRef{
		"hefflbot":            {Name: "hefflbot"},
		"  Heffl_Bot-2\t\r\n": {Name: "Heffl_Bot-2"},
		"v2":                  {Name: "v2"},
		"https://cliq.zoho.com/api/v2/bots/hefflbot/message":                                 {Name: "hefflbot", Region: US},
		"https://cliq.zoho.in/api/v2/bots/hefflbot/message":                                  {Name: "hefflbot", Region: IN},
		"https://cliq.zoho.eu/api/v3/bots/hefflbot/messages":                                 {Name: "hefflbot", Region: EU},
		"https://cliq.zohocloud.ca/api/v2/bots/hefflbot/message":                             {Name: "hefflbot", Region: CA},
		"https://cliq.zoho.com.au/company/60012345/api/v2/bots/hefflbot/message":             {Name: "hefflbot", Region: AU},
		"https://cliq.zoho.uk/network/partners/api/v2/bots/hefflbot/message":                 {Name: "hefflbot", Region: UK},
		"https://cliq.zoho.jp/api/v2/bots/hefflbot":                                          {Name: "hefflbot", Region: JP},
		"https://cliq.zoho.sa/api/v2/bots/hefflbot/":                                         {Name: "hefflbot", Region: SA},
		"https://cliq.zoho.com.cn/api/v2/bots/hefflbot/message/":                             {Name: "hefflbot", Region: CN},
		"https://cliq.zoho.com/api/v2/bots/hefflbot/incoming?zapikey=1001.a.b":               {Name: "hefflbot", Region: US},
		"https://cliq.zoho.com/api/v2/bots/hefflbot/message?x=%20/../&y=@evil.test#top":      {Name: "hefflbot", Region: US},
		"https://cliq.zoho.com/api/v2/bots/hefflbot/message#":                                {Name: "hefflbot", Region: US},
		"cliq.zoho.in/api/v2/bots/hefflbot/message":                                          {Name: "hefflbot", Region: IN},
		" HTTPS://CLIQ.Zoho.in/api/v2/bots/HefflBot/message ":                                {Name: "HefflBot", Region: IN},
		"https://cliq.zoho.com/api/v2/bots/" + strings.Repeat("a", 100) + "/message?a=b&c=d": {Name: strings.Repeat("a", 100), Region: US},
	} {
		t.Run(input, func(t *testing.T) {
			t.Parallel()
			got, err := regions.ParseBot(input)
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

// TestParseBotEveryForm puts together every form of the URL that a person can copy, in every region.
func TestParseBotEveryForm(t *testing.T) {
	t.Parallel()
	regions := newRegions(t, RegionsConfig{})
	forms := 0
	for _, region := range table {
		for _, place := range []string{"", "/company/60012345", "/network/partners_2"} {
			for _, version := range []string{"v2", "v3"} {
				for _, what := range []string{"", "/", "/message", "/message/", "/messages", "/messages/"} {
					for _, more := range []string{"", "?", "?zapikey=1001.a.b&x=%2f..%2f", "#top"} {
						address := region.CliqURL + place + "/api/" + version + "/bots/Heffl_Bot-2" + what + more
						for _, input := range []string{address, " \t" + address + "\r\n ", strings.TrimPrefix(address, "https://")} {
							forms++
							got, err := regions.ParseBot(input)
							if want := (BotRef{Name: "Heffl_Bot-2", Region: region.Code}); got != want || err != nil {
								t.Errorf("%q: %+v, %v", input, got, err)
							}
						}
					}
				}
			}
		}
	}
	if forms != 9*3*2*6*4*3 {
		t.Errorf("%d forms", forms)
	}
}

func TestParseBotRefuses(t *testing.T) {
	t.Parallel()
	regions := newRegions(t, RegionsConfig{})
	const path = "/api/v2/bots/hefflbot/message"
	for input, want := range map[string]error{
		"":                                      ErrBotMissing,
		" \t\n":                                 ErrBotMissing,
		"heffl bot":                             ErrBotName,
		"hefflböt":                              ErrBotName,
		"🤖":                                     ErrBotName,
		"heffl\x00bot":                          ErrBotName,
		"heffl.bot":                             ErrBotName,
		"a?x=":                                  ErrBotName,
		"a#":                                    ErrBotName,
		"..":                                    ErrBotName,
		"%2e%2e":                                ErrBotName,
		"@heffl":                                ErrBotName,
		strings.Repeat("a", 101):                ErrBotName,
		strings.Repeat("a", 1<<20):              ErrBotName,
		"a/b":                                   ErrBotHost,
		"../../channels/x/message":              ErrBotHost,
		"javascript:alert(1)":                   ErrBotHost,
		path:                                    ErrBotHost,
		"//cliq.zoho.in" + path:                 ErrBotHost,
		"https://evil.test" + path:              ErrBotHost,
		"http://cliq.zoho.in" + path:            ErrBotHost,
		"ftp://cliq.zoho.in" + path:             ErrBotHost,
		"https:cliq.zoho.in" + path:             ErrBotHost,
		"https:///cliq.zoho.in" + path:          ErrBotHost,
		"https:\\\\cliq.zoho.in" + path:         ErrBotHost,
		"https://cliq.zoho.in:8443" + path:      ErrBotHost,
		"https://cliq.zoho.in:443" + path:       ErrBotHost,
		"https://cliq.zoho.in." + path:          ErrBotHost,
		"https://cliq.zoho.in@evil.test" + path: ErrBotHost,
		"https://user:pass@cliq.zoho.in" + path: ErrBotHost,
		"https://cliq.zoho.in.evil.test" + path: ErrBotHost,
		"https://evil.test?https://cliq.zoho.in" + path:                ErrBotHost,
		"https://evil.test#@cliq.zoho.in" + path:                       ErrBotHost,
		"https://evil.test/https://cliq.zoho.in" + path:                ErrBotHost,
		"https://accounts.zoho.in" + path:                              ErrBotHost,
		"https://cliq.zoho.ca" + path:                                  ErrBotHost,
		"https://cliq%2ezoho.in" + path:                                ErrBotHost,
		"https://cliq.zoho.in%2f" + path:                               ErrBotHost,
		"https://cliq。zoho.in" + path:                                  ErrBotName,
		"https://cliq.zoho.in/api/v2/bots/heffl bot":                   ErrBotName,
		"https://cliq.zoho.in":                                         ErrBotPath,
		"https://cliq.zoho.in/":                                        ErrBotPath,
		"https://cliq.zoho.in/api/v2/bots/":                            ErrBotPath,
		"https://cliq.zoho.in/api/v2/bots//message":                    ErrBotPath,
		"https://cliq.zoho.in/api/v2/bots/x//message":                  ErrBotPath,
		"https://cliq.zoho.in//api/v2/bots/x/message":                  ErrBotPath,
		"https://cliq.zoho.in/api/v4/bots/x/message":                   ErrBotPath,
		"https://cliq.zoho.in/api/v2/channelsbyname/x/message":         ErrBotPath,
		"https://cliq.zoho.in/api/v2/bots/../channels/x/message":       ErrBotPath,
		"https://cliq.zoho.in/api/v2/bots/../message":                  ErrBotPath,
		"https://cliq.zoho.in/api/v2/bots/%2e%2e/message":              ErrBotPath,
		"https://cliq.zoho.in/api/v2/bots/a%2fb/message":               ErrBotPath,
		"https://cliq.zoho.in/api/v2/bots/a%00/message":                ErrBotPath,
		"https://cliq.zoho.in/api/v2/bots/a\\b/message":                ErrBotPath,
		"https://cliq.zoho.in/api/v2/bots/a;b/message":                 ErrBotPath,
		"https://cliq.zoho.in/company/../api/v2/bots/x/message":        ErrBotPath,
		"https://cliq.zoho.in/company//api/v2/bots/x/message":          ErrBotPath,
		"https://cliq.zoho.in/company/1/2/api/v2/bots/x/message":       ErrBotPath,
		"https://cliq.zoho.in/api/v2/bots/x/message/message":           ErrBotPath,
		"https://cliq.zoho.in/api/v2/bots/x/message//":                 ErrBotPath,
		"https://cliq.zoho.in/API/V2/BOTS/x/message":                   ErrBotPath,
		"https://cliq.zoho.in?x=/api/v2/bots/x/message":                ErrBotPath,
		"http://localhost:8080/in/cliq/api/v2/bots/x/message":          ErrBotHost,
		"https://cliq.zoho.in/api/v2/bots/" + strings.Repeat("a", 101): ErrBotPath,
	} {
		t.Run(input[:min(len(input), 80)], func(t *testing.T) {
			t.Parallel()
			got, err := regions.ParseBot(input)
			if !errors.Is(err, want) || got != (BotRef{}) {
				t.Errorf("got %+v, %v; want %v", got, err, want)
			}
		})
	}
}

func TestParseBotAtStandin(t *testing.T) {
	t.Parallel()
	regions := newRegions(t, RegionsConfig{StandinURL: "http://localhost:8080/sandbox"})
	for input, want := range map[string]BotRef{
		"http://localhost:8080/sandbox/in/cliq/api/v2/bots/x/message":  {Name: "x", Region: IN},
		"localhost:8080/sandbox/eu/cliq/api/v2/bots/x/message":         {Name: "x", Region: EU},
		"https://cliq.zoho.in/api/v2/bots/x/message":                   {Name: "x", Region: IN},
		"https://localhost:8080/sandbox/in/cliq/api/v2/bots/x/message": {},
		"http://localhost:8080/sandbox/xx/cliq/api/v2/bots/x/message":  {},
		"http://localhost:8080/in/cliq/api/v2/bots/x/message":          {},
		"http://localhost:8080/sandbox/in/cliq":                        {},
		"http://localhost/sandbox/in/cliq/api/v2/bots/x/message":       {},
	} {
		t.Run(input, func(t *testing.T) {
			t.Parallel()
			got, err := regions.ParseBot(input)
			if got != want || (err == nil) != (want != BotRef{}) {
				t.Errorf("got %+v, %v; want %+v", got, err, want)
			}
		})
	}
}

func TestBotAPIURL(t *testing.T) {
	t.Parallel()
	regions := newRegions(t, RegionsConfig{})
	for _, region := range regions.Offered() {
		address := regions.BotAPIURL(region.Code, "heffl")
		if address != region.CliqURL+"/api/v2/bots/heffl/message" {
			t.Errorf("%s: got %s", region.Code, address)
		}
		if got, err := regions.ParseBot(address); err != nil || got != (BotRef{Name: "heffl", Region: region.Code}) {
			t.Errorf("%s: its own address is read as %+v, %v", region.Code, got, err)
		}
	}
	if regions.BotAPIURL("XX", "heffl") != "" || regions.BotAPIURL(US, "../x") != "" {
		t.Error("an address is made of nothing")
	}
}

func FuzzParseBot(f *testing.F) {
	regions := newRegions(f, RegionsConfig{StandinURL: "http://localhost:8080/sandbox"})
	for _, seed := range []string{
		"heffl", "https://cliq.zoho.in/api/v2/bots/heffl/message", "cliq.zoho.com/company/1/api/v3/bots/a/messages?x#y",
		"https://cliq.zoho.in@evil.test/api/v2/bots/heffl/message", "localhost:8080/sandbox/in/cliq/api/v2/bots/x/",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, input string) {
		ref, err := regions.ParseBot(input)
		if err != nil {
			if ref != (BotRef{}) {
				t.Fatalf("a refused input gives %+v", ref)
			}
			return
		}
		if !botName.MatchString(ref.Name) || !strings.Contains(input, ref.Name) {
			t.Fatalf("name %q of %q", ref.Name, input)
		}
		if ref.Region == "" {
			if strings.TrimSpace(input) != ref.Name {
				t.Fatalf("%q is no bare name", input)
			}
			return
		}
		again, err := regions.ParseBot(regions.BotAPIURL(ref.Region, ref.Name))
		if err != nil || again != ref {
			t.Fatalf("the address made of %+v is read as %+v, %v", ref, again, err)
		}
	})
}
