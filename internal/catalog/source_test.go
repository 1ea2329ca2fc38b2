package catalog

import (
	"strings"
	"testing"
)

// small is a catalog with one event type that has a field of every kind that matters to templates.
const small = `{
 "categories": [{"key": "DEALS", "label": "Deals"}],
 "events": [{
  "type": "deal.won", "category": "DEALS", "label": "Deal won", "description": "Won.", "important": true,
  "defaults": {"inApp": true, "email": true, "cliq": false}, "locked": ["IN_APP"], "lockedReason": "Because.",
  "recipients": "owner", "needsActor": false,
  "fields": [
   {"name": "dealId", "kind": "id", "required": true}, {"name": "days", "kind": "integer", "required": true},
   {"name": "note", "kind": "text"}, {"name": "target", "kind": "route", "required": true}
  ],
  "title": "Won after {days|day|days}[: {note}]", "body": ["Note: {note}"], "cliq": "🎉 {title}", "emailSubject": "Won",
  "link": "/deals/{dealId}", "subject": {"type": "deal", "id": "{dealId}"}
 }]
}`

func TestParseAcceptsTheSmallCatalog(t *testing.T) {
	t.Parallel()
	c, err := parse([]byte(small))
	if err != nil {
		t.Fatal(err)
	}
	r := c.Types()[0].Render(Facts{Data: map[string]any{"dealId": "1", "days": 1, "note": "fast"}})
	if r.Title != "Won after 1 day: fast" || r.CliqText != "🎉 Won after 1 day: fast" || r.Body != "Note: fast" || r.EmailSubject != "Won" {
		t.Errorf("rendered %+v", r)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ old, replacement, want string }{
		"unknown placeholder":     {"[: {note}]", "[: {nope}]", "{nope} is neither"},
		"optional outside":        {"[: {note}]", ": {note}", "{note} can be missing"},
		"missing actor":           {"[: {note}]", " by {actorName}", "{actorName} can be missing"},
		"pointless brackets":      {"[: {note}]", "[ in {days} days]", "brackets without"},
		"pointless alternative":   {"{dealId}\"}", "{dealId??eventId}\"}", "never missing"},
		"empty brackets":          {"[: {note}]", "[]", "brackets without"},
		"nested brackets":         {"[: {note}]", "[: [{note}]]", "brackets inside"},
		"open bracket":            {"[: {note}]", "[: {note}", "bracket is never closed"},
		"open brace":              {"[: {note}]", " {note", "brace is never closed"},
		"stray bracket":           {"[: {note}]", "]", "never opened"},
		"stray brace":             {"[: {note}]", "}", "never opened"},
		"counted text":            {"{days|day|days}", "[{note|day|days}]", "no integer"},
		"half a plural":           {"{days|day|days}", "{days|day}", "must look like"},
		"double space":            {"Won after", "Won  after", "double spaces"},
		"title in the title":      {"[: {note}]", " {title}", "{title} cannot be used here"},
		"url in the subject line": {`"emailSubject": "Won"`, `"emailSubject": "Won {url}"`, "{url} cannot be used here"},
		"unknown kind":            {`"kind": "text"`, `"kind": "prose"`, `no kind "prose"`},
		"field twice":             {`"name": "note"`, `"name": "days"`, "is there twice"},
		"field with common name":  {`"name": "note"`, `"name": "url"`, "taken by a common field"},
		"field in snake case":     {`"name": "note"`, `"name": "the_note"`, "camel case"},
		"locked but off":          {`"inApp": true`, `"inApp": false`, "IN_APP is off by default"},
		"locked twice":            {`["IN_APP"]`, `["IN_APP", "IN_APP"]`, "IN_APP is there twice"},
		"locked unknown":          {`["IN_APP"]`, `["SMS"]`, "not a valid Channel"},
		"locked without reason":   {`"Because."`, `""`, "lockedReason"},
		"reason without lock":     {`["IN_APP"]`, `[]`, "lockedReason"},
		"odd type":                {`"deal.won"`, `"DealWon"`, "must look like"},
		"no label":                {`"label": "Deal won"`, `"label": ""`, "label, description and recipients"},
		"unknown category":        {`"category": "DEALS"`, `"category": "LEADS"`, `no category "LEADS"`},
		"unknown key":             {`"important"`, `"urgent"`, "unknown field"},
		"empty category":          {`[{"key": "DEALS"`, `[{"key": "LEADS", "label": "Leads"}, {"key": "DEALS"`, "no event types"},
		"category twice":          {`[{"key": "DEALS"`, `[{"key": "DEALS", "label": "Deals"}, {"key": "DEALS"`, "is there twice"},
		"foreign link":            {`"/deals/{dealId}"`, `"//deals/{dealId}"`, "one slash"},
		"text in the link":        {`"/deals/{dealId}"`, `"/deals/{days}"`, "cannot stand here"},
		"route in the middle":     {`"/deals/{dealId}"`, `"/{target}/x"`, "cannot stand here"},
		"route after a query":     {`"/deals/{dealId}"`, `"/x?next={target}"`, "cannot stand here"},
		"brackets in the link":    {`"/deals/{dealId}"`, `"/deals[/{note}]"`, "brackets"},
		"odd subject":             {`"type": "deal",`, `"type": "Deal!",`, "small letters"},
		"composed subject id":     {`"id": "{dealId}"`, `"id": "d-{dealId}"`, "one placeholder"},
		"something behind":        {"\n}", "\n} {}", "something follows"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			changed := strings.Replace(small, tt.old, tt.replacement, 1)
			if changed == small {
				t.Fatalf("%q does not occur", tt.old)
			}
			_, err := parse([]byte(changed))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestParseRefusesTwins(t *testing.T) {
	t.Parallel()
	entry := small[strings.Index(small, `{
  "type"`):strings.LastIndex(small, "]")]
	_, err := parse([]byte(strings.Replace(small, `"events": [`, `"events": [`+entry+",", 1)))
	if err == nil || !strings.Contains(err.Error(), `"deal.won": is there twice`) {
		t.Errorf("error %v, want one about the twin", err)
	}
	if _, err := parse([]byte(`{"categories": [], "events": []}`)); err == nil {
		t.Error("an empty catalog was accepted")
	}
	if _, err := parse([]byte(`[`)); err == nil {
		t.Error("half a document was accepted")
	}
}
