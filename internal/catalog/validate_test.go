package catalog_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/heffl/bff/internal/catalog"
	"github.com/heffl/bff/model"
)

func TestValidate(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ä", 2001)
	tests := map[string]struct {
		event string
		set   model.JSONObject // on top of what is required
		drop  string
		actor bool
		want  []string // code and path, empty: valid
	}{
		"required alone":          {event: "deal.won", actor: true},
		"no actor":                {event: "deal.won", want: []string{"MISSING_FIELD actor"}},
		"no actor needed":         {event: "deal.lost"},
		"an actor is welcome":     {event: "deal.lost", actor: true},
		"missing":                 {event: "deal.lost", drop: "dealTitle", want: []string{"MISSING_FIELD data.dealTitle"}},
		"null":                    {event: "deal.lost", set: model.JSONObject{"dealTitle": nil}, want: []string{"MISSING_FIELD data.dealTitle"}},
		"blank":                   {event: "deal.lost", set: model.JSONObject{"dealTitle": " \n\u202e"}, want: []string{"MISSING_FIELD data.dealTitle"}},
		"optional null and empty": {event: "deal.lost", set: model.JSONObject{"clientName": nil, "amount": "", "currency": ""}},
		"wrong kind":              {event: "deal.lost", set: model.JSONObject{"dealTitle": true, "amount": "twelve"}, want: []string{"INVALID_FIELD data.dealTitle", "INVALID_FIELD data.amount"}},
		"unknown field":           {event: "deal.lost", set: model.JSONObject{"dealTitel": "x"}, want: []string{"INVALID_FIELD data.dealTitel"}},
		"too long":                {event: "deal.lost", set: model.JSONObject{"dealTitle": long}, want: []string{"INVALID_FIELD data.dealTitle"}},
		"too large":               {event: "deal.lost", set: model.JSONObject{"dealTitle": strings.Repeat("x", 16<<10)}, want: []string{"INVALID_FIELD data"}},
		"nested":                  {event: "deal.lost", set: model.JSONObject{"dealTitle": map[string]any{"a": 1}}, want: []string{"INVALID_FIELD data.dealTitle"}},
		"dots as an id":           {event: "deal.lost", set: model.JSONObject{"dealId": ".."}, want: []string{"INVALID_FIELD data.dealId"}},
		"a path that leads away":  {event: "automation.notification", set: model.JSONObject{"targetPath": "//evil.example"}, want: []string{"INVALID_FIELD data.targetPath"}},
		"a path that climbs":      {event: "comment.created", set: model.JSONObject{"entityPath": "deals/../admin"}, actor: true, want: []string{"INVALID_FIELD data.entityPath"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			et := event(t, tt.event)
			data := model.JSONObject{}
			for _, f := range et.Fields {
				if f.Required && f.Name != tt.drop {
					data[f.Name] = valueOf(f.Kind, "x")
				}
			}
			maps.Copy(data, tt.set)
			var got []string
			for _, problem := range et.Validate(data, tt.actor) {
				got = append(got, string(problem.Code)+" "+strings.Join(problem.Path, "."))
				if !strings.HasSuffix(problem.Message, ".") || strings.Contains(problem.Message, "%!") {
					t.Errorf("message %q", problem.Message)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestValidateNamesTheKnownFields(t *testing.T) {
	t.Parallel()
	problems := event(t, "task.overdue").Validate(model.JSONObject{
		"taskId": "t", "taskTitle": "T", "dueDate": "2026-11-22", "project": "x",
	}, false)
	want := []catalog.FieldError{{
		Path: []string{"data", "project"}, Code: model.UserErrorCodeInvalidField,
		Message: `task.overdue has no field "project". Its fields are taskId, taskTitle, dueDate, daysOverdue, parentName.`,
	}}
	if diff := cmp.Diff(want, problems); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestValidateBoundsItsAnswer(t *testing.T) {
	t.Parallel()
	data := model.JSONObject{}
	for i := range 500 {
		data[strings.Repeat("f", i)] = i
	}
	if n := len(event(t, "task.overdue").Validate(data, false)); n == 0 || n > 20 {
		t.Errorf("%d problems, want some, 20 at most", n)
	}
}

func decode(raw string) (model.JSONObject, bool) {
	d := json.NewDecoder(strings.NewReader(raw))
	d.UseNumber()
	var data model.JSONObject
	return data, d.Decode(&data) == nil
}

// FuzzValidate sends any JSON to any event type: nothing panics, and what is valid renders cleanly.
func FuzzValidate(f *testing.F) {
	c := load(f)
	for i, s := range samples(f) {
		raw, err := json.Marshal(s.Data)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(i, string(raw))
	}
	f.Add(3, `{"dealId":"..","daysInStage":1e3,"amount":-0.50}`)
	f.Fuzz(func(t *testing.T, which int, raw string) {
		data, ok := decode(raw)
		if !ok {
			t.Skip()
		}
		et := c.Types()[uint(which)%uint(len(c.Types()))]
		problems := et.Validate(data, true)
		for _, p := range problems {
			if p.Message == "" || len(p.Path) == 0 || !p.Code.IsValid() {
				t.Errorf("a problem that says nothing: %+v", p)
			}
		}
		r := et.Render(catalog.Facts{ActorID: "u-1", ActorName: "Maya", WorkspaceName: "W", AppURL: "https://app.heffl.com", Data: data})
		check(t, et, r)
		if len(problems) == 0 && strings.Contains(r.Title, "…") && !strings.Contains(raw, "…") && len(raw) < 250 && !strings.Contains(raw, `\u`) {
			t.Errorf("a valid event has a title with a gap: %q", r.Title)
		}
	})
}

// FuzzRender puts any text into every text field of any event type.
func FuzzRender(f *testing.F) {
	c := load(f)
	for _, text := range hostile {
		f.Add(0, text)
	}
	f.Fuzz(func(t *testing.T, which int, text string) {
		et := c.Types()[uint(which)%uint(len(c.Types()))]
		data := model.JSONObject{}
		for _, field := range et.Fields {
			data[field.Name] = valueOf(field.Kind, text)
			if field.Kind == catalog.KindID || field.Kind == catalog.KindPath || field.Kind == catalog.KindRoute {
				data[field.Name] = text
			}
		}
		check(t, et, et.Render(catalog.Facts{ActorID: text, ActorName: text, WorkspaceID: text, AppURL: "https://app.heffl.com", Data: data}))
	})
}
