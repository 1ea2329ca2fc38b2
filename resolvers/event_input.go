package resolvers

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/heffl/bff/internal/catalog"
	"github.com/heffl/bff/model"
)

// Limits of one event.
const (
	maxRecipients     = 1000
	maxIdempotencyKey = 255
	// maxAhead is how far the clock of the sender may be ahead of ours.
	maxAhead = 5 * time.Minute
)

// earliest is the first moment that an event may name: before it there was no CRM to have events.
var earliest = model.NewTime(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC))

// check finds everything that is wrong with an event, without asking the database.
func (d *Dispatcher) check(in *model.PublishEventInput, path []string, now model.Time) (*catalog.EventType, error) {
	var problems model.UserErrors
	add := func(code model.UserErrorCode, field []string, format string, args ...any) {
		problems = append(problems, *model.UserErrorf(code, field, format, args...))
	}
	if in.IdempotencyKey == "" || !model.ValidText(in.IdempotencyKey, maxIdempotencyKey) {
		add(model.UserErrorCodeInvalidIdempotencyKey, at(path, "idempotencyKey"), "An idempotency key has 1 to %d characters and no control characters.", maxIdempotencyKey)
	}
	switch n := len(in.RecipientIds); {
	case n == 0:
		add(model.UserErrorCodeNoRecipients, at(path, "recipientIds"), "Name at least one recipient.")
	case n > maxRecipients:
		add(model.UserErrorCodeTooMany, at(path, "recipientIds"), "At most %d recipients fit into one event.", maxRecipients)
	default:
		for i, id := range in.RecipientIds {
			if !model.ValidExternalID(id) {
				add(model.UserErrorCodeInvalidField, at(path, "recipientIds", strconv.Itoa(i)), "A user id has 1 to 128 characters and no control characters.")
			}
		}
	}
	actor := in.Actor.Value()
	if actor != nil {
		if !model.ValidExternalID(actor.ID) {
			add(model.UserErrorCodeInvalidField, at(path, "actor", "id"), "A user id has 1 to 128 characters and no control characters.")
		}
		if problem := checkName(actor.Name, at(path, "actor", "name")); problem != nil {
			problems = append(problems, *problem)
		}
	}
	if occurred := in.OccurredAt.Value(); occurred != nil && (occurred.Before(earliest) || occurred.After(now.Add(maxAhead))) {
		add(model.UserErrorCodeInvalidField, at(path, "occurredAt"), "An event happened between the year 2000 and now.")
	}
	et, ok := d.Catalog.Event(in.Type)
	if !ok {
		problem := unknownEvent(d.Catalog, at(path, "type"), in.Type)
		problems = append(problems, *problem)
	} else {
		for _, problem := range et.Validate(in.Data, actor != nil) {
			problems = append(problems, *model.UserErrorf(problem.Code, at(path, problem.Path...), "%s", problem.Message))
		}
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return et, nil
}

// recipientsOf are the asked-for recipients, each once and without the actor, who is never told of their own doing.
func recipientsOf(in *model.PublishEventInput) []string {
	actor := in.Actor.Value()
	seen := make(map[string]struct{}, len(in.RecipientIds))
	ids := make([]string, 0, len(in.RecipientIds))
	for _, id := range in.RecipientIds {
		if _, twice := seen[id]; twice || (actor != nil && id == actor.ID) {
			continue
		}
		seen[id] = struct{}{}
		ids = append(ids, id)
	}
	return ids
}

// contentHash is SHA-256 of an event's canonical content: JSON with sorted keys, the recipients as a set. Two
// requests with the same hash ask for the same thing.
func contentHash(in *model.PublishEventInput) ([]byte, error) {
	recipients := slices.Clone(in.RecipientIds)
	slices.Sort(recipients)
	canonical := struct {
		Type       string            `json:"type"`
		Actor      *model.ActorInput `json:"actor"`
		Recipients []string          `json:"recipients"`
		Data       map[string]any    `json:"data"`
		OccurredAt *model.Time       `json:"occurredAt"`
	}{in.Type, in.Actor.Value(), slices.Compact(recipients), in.Data, in.OccurredAt.Value()}
	encoded, err := json.Marshal(canonical) // maps are written in the order of their keys
	if err != nil {
		return nil, fmt.Errorf("encode event: %w", err)
	}
	sum := sha256.Sum256(encoded)
	return sum[:], nil
}
