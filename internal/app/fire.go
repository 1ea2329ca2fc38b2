package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"

	"github.com/heffl/bff/internal/catalog"
	"github.com/heffl/bff/internal/sandbox"
	"github.com/heffl/bff/model"
)

// eventForms describe every event type to the sandbox's page.
func (a *App) eventForms() []sandbox.EventForm {
	labels := map[string]string{}
	for _, c := range a.catalog.Categories() {
		labels[c.Key] = c.Label
	}
	types := a.catalog.Types()
	forms := make([]sandbox.EventForm, 0, len(types))
	for _, et := range types {
		form := sandbox.EventForm{Type: et.Type, Label: et.Label, Category: labels[et.Category], Description: et.Description, NeedsActor: et.NeedsActor}
		for _, f := range et.Fields {
			form.Fields = append(form.Fields, sandbox.FormField{Name: f.Name, Kind: string(f.Kind), Required: f.Required, Example: example(f)})
		}
		forms = append(forms, form)
	}
	return forms
}

// example fills in a field of the sandbox's form with something plausible.
func example(f catalog.Field) string {
	switch f.Kind {
	case catalog.KindID:
		return strings.TrimSuffix(f.Name, "Id") + "-1042"
	case catalog.KindInteger:
		return "3"
	case catalog.KindDecimal:
		return "12500.00"
	case catalog.KindCurrency:
		return "AED"
	case catalog.KindDate:
		return "2026-11-30"
	case catalog.KindInstant:
		return "2026-11-22T10:48:00Z"
	case catalog.KindURL:
		return "https://example.com/"
	case catalog.KindPath:
		return "deals"
	case catalog.KindRoute:
		return "deals/deal-1042"
	case catalog.KindText:
	}
	if text, ok := exampleTexts[f.Name]; ok {
		return text
	}
	return "Example " + f.Name
}

var exampleTexts = map[string]string{
	"dealTitle": "Office fit-out, 3rd floor", "clientName": "Nordlicht GmbH", "leadName": "Maria Santos", "taskTitle": "Send the revised offer",
	"stageName": "Negotiation", "pipelineName": "Sales", "fromStage": "Proposal", "toStage": "Negotiation", "entityType": "deal",
	"entityTitle": "Office fit-out, 3rd floor", "commentSnippet": "Can you confirm the delivery date?", "deviceName": "Chrome on Windows",
	"integrationName": "Zoho Cliq", "reason": "too expensive", "message": "Nobody called this lead for three days", "lostReason": "Price",
}

// fire publishes an event as one of Heffl's services would, and says what was decided for whom.
func (a *App) fire(ctx context.Context, request sandbox.FireRequest) (sandbox.FireResult, error) {
	workspace, found, err := a.store.WorkspaceByExternalID(ctx, request.WorkspaceID)
	if err != nil || !found {
		return sandbox.FireResult{}, errors.Join(err, errors.New("the demo workspace is not there"))
	}
	in := a.eventInput(request)
	published, err := a.dispatcher.Publish(ctx, workspace, &in, nil)
	if problems := problemsOf(err); len(problems) > 0 {
		return sandbox.FireResult{Problems: problems}, nil
	}
	if err != nil {
		return sandbox.FireResult{}, fmt.Errorf("publish: %w", err)
	}
	result := sandbox.FireResult{EventID: published.Event.ID()}
	for i, n := range published.Planned {
		for _, channel := range model.Channels {
			decision := "delivers"
			if why := n.Decision.Why(channel); why != "" {
				decision = "skipped: " + strings.ToLower(strings.ReplaceAll(string(why), "_", " "))
			}
			result.Outcomes = append(result.Outcomes, sandbox.FireOutcome{User: published.Recipients[i], Channel: string(channel), Decision: decision})
		}
	}
	return result, nil
}

// eventInput is the form as publishEvent takes it.
func (a *App) eventInput(request sandbox.FireRequest) model.PublishEventInput {
	in := model.PublishEventInput{Type: request.Type, IdempotencyKey: uuid.NewString(), RecipientIds: request.Recipients, Data: model.JSONObject{}}
	if et, ok := a.catalog.Event(request.Type); ok {
		for _, f := range et.Fields {
			value := strings.TrimSpace(request.Fields[f.Name])
			switch {
			case value == "":
			case f.Kind == catalog.KindInteger, f.Kind == catalog.KindDecimal:
				in.Data[f.Name] = json.Number(value)
			default:
				in.Data[f.Name] = value
			}
		}
	}
	for _, u := range demoUsers {
		if u.ExternalID == request.ActorID {
			in.Actor = graphql.OmittableOf(&model.ActorInput{ID: u.ExternalID, Name: u.Name})
		}
	}
	if request.ActorID != "" && !in.Actor.IsSet() {
		in.Actor = graphql.OmittableOf(&model.ActorInput{ID: request.ActorID, Name: request.ActorID})
	}
	return in
}

// problemsOf are the mistakes in a form, if that is what err tells of.
func problemsOf(err error) []sandbox.FireProblem {
	var many model.UserErrors
	var one *model.UserError
	switch {
	case errors.As(err, &many):
	case errors.As(err, &one):
		many = model.UserErrors{*one}
	}
	problems := make([]sandbox.FireProblem, 0, len(many))
	for _, p := range many {
		problems = append(problems, sandbox.FireProblem{Field: strings.Join(p.Field, "."), Message: p.Message})
	}
	return problems
}
