package resolvers

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/heffl/bff/model"
)

// TestEveryProblemHasARemedy: a person reads what is wrong and what to do about it, with the names of Zoho's screens
// where they must go there, and with their own bot and region.
func TestEveryProblemHasARemedy(t *testing.T) {
	t.Parallel()
	region := &model.CliqRegion{Code: model.CliqRegionCodeIn, Label: "India (.in)", CliqURL: "https://cliq.zoho.in"}
	says := map[model.ProblemCode][]string{ // in message or remedy
		model.ProblemCodeBotNotFound:           {"“helper”", "https://cliq.zoho.in", "profile picture → Bots & Tools → Bots", "API endpoint", "Change bot"},
		model.ProblemCodeTokenRevoked:          {"Connect again", "https://accounts.zoho.in → Sessions → Connected Apps", "oldest of 20"},
		model.ProblemCodeScopeMissing:          {"Connect again", "ZohoCliq.Webhooks.CREATE"},
		model.ProblemCodeNotSubscribed:         {"“helper”", "https://cliq.zoho.in", "Subscribe", "test message"},
		model.ProblemCodeDeliveredToOthers:     {"“helper”", "subscriber", "test message"},
		model.ProblemCodeRateLimited:           {"Nothing to do", "within an hour"},
		model.ProblemCodeProviderUnavailable:   {"Nothing to do", "not sent twice"},
		model.ProblemCodeProviderMisconfigured: {"administrator", "API console"},
		model.ProblemCodeMessageRejected:       {"Nothing to do"},
		model.ProblemCodeMailboxRefused:        {"administrator", "e-mail address"},
		model.ProblemCodeMailServerUnavailable: {"Nothing to do"},
		model.ProblemCodeExpired:               {"Nothing to do", "an hour"},
		model.ProblemCodeInternal:              {"Nothing to do"},
	}
	for _, code := range model.AllProblemCode {
		if says[code] == nil {
			t.Errorf("%s has no row", code)
		}
		got := describeProblem(&model.Connection{Problem: code, BotName: "helper"}, region)
		for _, want := range says[code] {
			if !strings.Contains(got.Message+"\n"+got.Remedy, want) {
				t.Errorf("%s does not say %q: %s %s", code, want, got.Message, got.Remedy)
			}
		}
		if got.Message == "" || got.Remedy == "" || got.Occurrences != 1 {
			t.Errorf("%s: %+v", code, got)
		}
		// A person who must act is not told that there is nothing to do, and the other way round.
		act := code.NeedsPerson() || code == model.ProblemCodeTokenRevoked || code == model.ProblemCodeScopeMissing || code == model.ProblemCodeMailboxRefused
		if act == strings.HasPrefix(got.Remedy, "Nothing to do") {
			t.Errorf("%s needs a person: %t, and says %q", code, act, got.Remedy)
		}
		if anywhere := describeProblem(&model.Connection{Problem: code, BotName: "helper"}, nil); anywhere.Remedy == "" {
			t.Errorf("%s says nothing without a region", code)
		}
	}
}

// TestReadmeSaysWhatPeopleRead holds every text in the README's table against the product's own.
func TestReadmeSaysWhatPeopleRead(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	table, _, _ := strings.Cut(string(readme), "\nWhile somebody connects")
	region := &model.CliqRegion{Code: model.CliqRegionCodeIn, CliqURL: "https://cliq.zoho.in"}
	rows := regexp.MustCompile("(?m)^\\|[^|]+\\| `([A-Z_]+)`: ([^|]+) \\|[^|]+\\|$").FindAllStringSubmatch(table, -1)
	if len(rows) < 9 {
		t.Fatalf("the table has %d rows with a problem", len(rows))
	}
	for _, row := range rows {
		says := describeProblem(&model.Connection{Problem: model.ProblemCode(row[1]), BotName: "heffl"}, region)
		if want := says.Message + " *" + says.Remedy + "*"; row[2] != want {
			t.Errorf("%s: the README says %s\nand a person reads %s", row[1], row[2], want)
		}
	}
}
