package resolvers

import (
	"context"
	"strconv"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/heffl/bff/internal/preference"
	"github.com/heffl/bff/model"
)

// maxReason is how many characters the reason of a rule may have.
const maxReason = 200

// Policies is what the resolvers need of the workspaces' rules.
type Policies interface {
	Policy(ctx context.Context, workspaceID uuid.UUID) (model.WorkspacePolicy, error)
	// ChangePolicy does all of a change or, on a conflict of revisions, nothing.
	ChangePolicy(ctx context.Context, change model.PolicyChange, now model.Time) (policy model.WorkspacePolicy, conflict bool, err error)
}

// WorkspacePolicy is every rule of the administrator's workspace.
func (r queryResolver) WorkspacePolicy(ctx context.Context) (*model.WorkspacePolicy, error) {
	v, err := mustViewer(ctx)
	if err != nil {
		return nil, err
	}
	policy, err := r.Policies.Policy(ctx, v.Workspace.UUID)
	if err != nil {
		return nil, err
	}
	return &policy, nil
}

// UpdateWorkspacePolicy changes rules: all of them or none.
func (r mutationResolver) UpdateWorkspacePolicy(ctx context.Context, in model.UpdateWorkspacePolicyInput) (*model.UpdateWorkspacePolicyPayload, error) {
	v, err := mustViewer(ctx)
	if err != nil {
		return nil, err
	}
	rules, err := r.planRules(v.Workspace.UUID, in.Rules)
	problems, err := userErrors(err)
	if err != nil {
		return nil, err
	}
	if len(problems) > 0 {
		policy, err := r.Policies.Policy(ctx, v.Workspace.UUID)
		if err != nil {
			return nil, err
		}
		return &model.UpdateWorkspacePolicyPayload{Policy: policy, UserErrors: problems}, nil
	}
	expected, _ := in.ExpectedRevision.ValueOK()
	policy, conflict, err := r.Policies.ChangePolicy(ctx, model.PolicyChange{
		WorkspaceID: v.Workspace.UUID, Rules: rules, ExpectedRevision: expected, ActorID: v.User.ExternalID,
	}, r.now())
	if err != nil {
		return nil, err
	}
	if conflict {
		problems = []model.UserError{*model.UserErrorf(model.UserErrorCodeRevisionConflict, []string{"input", "expectedRevision"},
			"The policy was changed meanwhile: it is at revision %d. Look at it and try again.", policy.Revision)}
	} else if len(rules) > 0 {
		r.Live.PolicyChanged(v.Workspace.UUID)
	}
	return &model.UpdateWorkspacePolicyPayload{Policy: policy, UserErrors: problems}, nil
}

// planRules checks every wanted rule and answers each cell once.
func (r *Resolver) planRules(workspaceID uuid.UUID, inputs []model.WorkspaceRuleInput) ([]model.WorkspaceRule, error) {
	if len(inputs) > maxChanges {
		return nil, model.UserErrorf(model.UserErrorCodeTooMany, []string{"input", "rules"}, "At most %d rules fit into one request.", maxChanges)
	}
	var problems model.UserErrors
	seen := make(map[model.CellKey]model.WorkspaceRule, len(inputs))
	rules := make([]model.WorkspaceRule, 0, len(inputs))
	for i, in := range inputs {
		path := []string{"input", "rules", strconv.Itoa(i)}
		et, ok := r.Catalog.Event(in.EventType)
		if !ok {
			problems = append(problems, *r.unknownEventType(append(path, "eventType"), in.EventType))
			continue
		}
		rule := model.WorkspaceRule{WorkspaceID: workspaceID, EventType: in.EventType, Channel: in.Channel, Reason: in.Reason.Value()}
		if mode := in.Mode.Value(); mode != nil {
			rule.Mode = *mode
		}
		if why, locked := preference.CheckRule(et, in.Channel, rule.Mode); locked {
			problems = append(problems, *model.UserErrorf(model.UserErrorCodeCellLocked, path, "%s takes no rule for this channel: %s", et.Label, why))
			continue
		}
		if rule.Reason != nil && utf8.RuneCountInString(*rule.Reason) > maxReason {
			problems = append(problems, *model.UserErrorf(model.UserErrorCodeInvalidField, append(path, "reason"), "A reason has at most %d characters.", maxReason))
			continue
		}
		key := model.CellKey{EventType: in.EventType, Channel: in.Channel}
		if first, twice := seen[key]; twice {
			if first.Mode != rule.Mode {
				problems = append(problems, *model.UserErrorf(model.UserErrorCodeContradictoryChanges, path, "%s has two different rules for the same channel.", et.Label))
			}
			continue
		}
		seen[key] = rule
		rules = append(rules, rule)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return rules, nil
}
