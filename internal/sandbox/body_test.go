package sandbox

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf16"
)

const oneButton = `{"label":"View","type":"+","action":{"type":"open.url","data":{"web":"https://example.com/x"}}}`

func TestDecodeMessage(t *testing.T) {
	t.Parallel()
	button := func(change func(map[string]any)) string {
		var b map[string]any
		_ = json.Unmarshal([]byte(oneButton), &b)
		change(b)
		encoded, _ := json.Marshal(b)
		return `{"text":"x","buttons":[` + string(encoded) + `]}`
	}
	web := func(address string) string {
		return button(func(b map[string]any) {
			b["action"] = map[string]any{"type": "open.url", "data": map[string]any{"web": address}}
		})
	}
	for name, tc := range map[string]struct {
		body string
		code string // empty: accepted
		says string
	}{
		"OK":                 {`{"text":"x"}`, "", ""},
		"OKEverything":       {`{"text":"x","userids":"1","sync_message":true,"reply_to":"2","card":{"title":"t","theme":"modern-inline","thumbnail":"https://x"},"slides":[{"type":"list","title":"t","data":["a"]}],"buttons":[` + oneButton + `],"bot":{"name":"n","image":"i"},"styles":{"highlight":true},"references":{"1":{}},"broadcast":false}`, "", ""},
		"OKLongestText":      {`{"text":"` + strings.Repeat("a", 5000) + `"}`, "", ""},
		"OKLongestEmoji":     {`{"text":"` + strings.Repeat("😀", 2500) + `"}`, "", ""},
		"OKFiveButtons":      {`{"text":"x","buttons":[` + strings.Repeat(oneButton+",", 4) + oneButton + `]}`, "", ""},
		"OKLongestURL":       {web("https://example.com/" + strings.Repeat("a", 236)), "", ""},
		"ErrEmpty":           {``, "param_missing", "'text'"},
		"ErrNotJSON":         {`text=x`, "param_missing", "'text'"},
		"ErrArray":           {`[{"text":"x"}]`, "param_missing", "'text'"},
		"ErrTrailing":        {`{"text":"x"}{"text":"y"}`, "param_missing", "'text'"},
		"ErrCutOff":          {`{"text":"x"`, "param_missing", "'text'"},
		"ErrTextMissing":     {`{"sync_message":true}`, "param_missing", "'text'"},
		"ErrTextEmpty":       {`{"text":""}`, "param_missing", "'text'"},
		"ErrTextNumber":      {`{"text":5}`, "input_pattern_mismatch", "'text'"},
		"ErrTextNull":        {`{"text":null}`, "input_pattern_mismatch", "'text'"},
		"ErrTextLong":        {`{"text":"` + strings.Repeat("a", 5001) + `"}`, "input_pattern_mismatch", "'text'"},
		"ErrTextLongUTF16":   {`{"text":"` + strings.Repeat("😀", 2500) + `a"}`, "input_pattern_mismatch", "'text'"},
		"ErrExtraKey":        {`{"text":"x","chatid":"1"}`, "extra_key_found", "'chatid' is an extra key in the JSON Object."},
		"ErrFirstExtraKey":   {`{"zeta":1,"text":"x","alpha":1}`, "extra_key_found", "'zeta'"},
		"ErrSync":            {`{"text":"x","sync_message":"true"}`, "input_pattern_mismatch", "'sync_message'"},
		"ErrButtonsInCard":   {`{"text":"x","card":{"title":"t","buttons":[]}}`, "extra_key_found", "'buttons'"},
		"ErrCardTitleLong":   {`{"text":"x","card":{"title":"` + strings.Repeat("a", 201) + `"}}`, "input_pattern_mismatch", "'title'"},
		"ErrSixButtons":      {`{"text":"x","buttons":[` + strings.Repeat(oneButton+",", 5) + oneButton + `]}`, "input_pattern_mismatch", "'buttons'"},
		"ErrLabelLong":       {button(func(b map[string]any) { b["label"] = strings.Repeat("a", 21) }), "input_pattern_mismatch", "'label'"},
		"ErrLabelMissing":    {button(func(b map[string]any) { delete(b, "label") }), "param_missing", "'label'"},
		"ErrTypeMissing":     {button(func(b map[string]any) { delete(b, "type") }), "param_missing", "'type'"},
		"ErrType":            {button(func(b map[string]any) { b["type"] = "*" }), "input_pattern_mismatch", "'type'"},
		"ErrActionMissing":   {button(func(b map[string]any) { delete(b, "action") }), "param_missing", "'action'"},
		"ErrButtonExtraKey":  {button(func(b map[string]any) { b["url"] = "x" }), "extra_key_found", "'url'"},
		"ErrHintLong":        {button(func(b map[string]any) { b["hint"] = strings.Repeat("a", 101) }), "input_pattern_mismatch", "'hint'"},
		"ErrURLLong":         {web("https://example.com/" + strings.Repeat("a", 237)), "input_pattern_mismatch", "'web'"},
		"ErrURLScheme":       {web("javascript:alert(1)"), "input_pattern_mismatch", "'web'"},
		"ErrURLMissing":      {button(func(b map[string]any) { b["action"] = map[string]any{"type": "open.url"} }), "param_missing", "'web'"},
		"ErrSlidesTooMany":   {`{"text":"x","slides":[` + strings.Repeat(`{"type":"text"},`, 20) + `{"type":"text"}]}`, "input_pattern_mismatch", "'slides'"},
		"ErrSlideType":       {`{"text":"x","slides":[{"type":"video"}]}`, "input_pattern_mismatch", "'type'"},
		"ErrStylesExtraKey":  {`{"text":"x","styles":{"colour":"red"}}`, "extra_key_found", "'colour'"},
		"ErrExtraBeforeLong": {`{"text":"` + strings.Repeat("a", 5001) + `","content":"x"}`, "extra_key_found", "'content'"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, failure := decodeMessage([]byte(tc.body))
			switch {
			case failure == nil && tc.code != "":
				t.Errorf("accepted, want %s", tc.code)
			case failure != nil && (failure.code != tc.code || failure.status != 400 || !strings.Contains(failure.message, tc.says)):
				t.Errorf("got %d %+v, want %s about %s", failure.status, *failure, tc.code, tc.says)
			}
		})
	}
}

func FuzzDecodeMessage(f *testing.F) {
	for _, seed := range []string{
		`{"text":"x"}`, `{"text":"x","buttons":[` + oneButton + `]}`, `{"text":"😀","card":{"title":"t"}}`, `{"a":{"b":[]}}`, `[`, ``, `{"text":"x"}x`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		content, failure := decodeMessage(body)
		if failure != nil {
			if failure.status != 400 || failure.code == "" || failure.message == "" {
				t.Fatalf("odd refusal %+v", failure)
			}
			return
		}
		if !json.Valid(body) {
			t.Fatal("accepted what is not JSON")
		}
		if n := len(utf16.Encode([]rune(content.Text))); n == 0 || n > maxText {
			t.Fatalf("accepted a text of %d units", n)
		}
		for _, b := range content.Buttons {
			if len(b.URL) > 4*maxButtonURL || b.Label == "" {
				t.Fatalf("accepted button %+v", b)
			}
		}
		for _, s := range richText(content.Text) {
			if s.URL != "" && !strings.HasPrefix(s.URL, "http") {
				t.Fatalf("link to %q", s.URL)
			}
		}
	})
}
