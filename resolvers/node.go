package resolvers

import (
	"context"

	"github.com/google/uuid"

	"github.com/heffl/bff/internal/auth"
	"github.com/heffl/bff/model"
)

// maxNodes is how many ids one request may name.
const maxNodes = 100

// Node finds one thing of the viewer's; nil for what is missing and for what is somebody else's.
func (r queryResolver) Node(ctx context.Context, id string) (model.Node, error) {
	found, err := r.Nodes(ctx, []string{id})
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

// Nodes finds several things of the viewer's, in the order asked.
func (r queryResolver) Nodes(ctx context.Context, ids []string) ([]model.Node, error) {
	v, err := mustViewer(ctx)
	if err != nil {
		return nil, err
	}
	if len(ids) > maxNodes {
		return nil, model.Errorf(model.CodeBadUserInput, "At most %d ids fit into one request.", maxNodes)
	}
	viewer := r.answer(ctx, *v)
	nodes := make([]model.Node, len(ids))
	wanted := map[uuid.UUID][]int{}
	for i, id := range ids {
		kind, key, ok := model.ParseGlobalID(id)
		switch {
		case !ok:
		case kind == model.KindNotification:
			wanted[key] = append(wanted[key], i)
		default:
			if nodes[i], err = r.ownNode(ctx, viewer, kind, key); err != nil {
				return nil, err
			}
		}
	}
	return nodes, r.notificationNodes(ctx, v.User.UUID, wanted, nodes)
}

// notificationNodes fills in the notifications, all read at once.
func (r *Resolver) notificationNodes(ctx context.Context, userID uuid.UUID, wanted map[uuid.UUID][]int, nodes []model.Node) error {
	if len(wanted) == 0 {
		return nil
	}
	keys := make([]uuid.UUID, 0, len(wanted))
	for key := range wanted {
		keys = append(keys, key)
	}
	found, err := r.Inboxes.Notifications(ctx, userID, keys)
	if err != nil {
		return err
	}
	for i := range found {
		for _, at := range wanted[found[i].UUID] {
			nodes[at] = &found[i]
		}
	}
	return nil
}

// ownNode finds what the viewer has one of: its id holds the viewer's own key, or it is nobody's business.
func (r *Resolver) ownNode(ctx context.Context, v *model.Viewer, kind model.NodeKind, key uuid.UUID) (model.Node, error) {
	if kind == model.KindPolicy {
		id, _ := auth.From(ctx)
		if key != v.Workspace.UUID || !id.Has(auth.ScopeAdmin) {
			return nil, nil
		}
		policy, err := r.Policies.Policy(ctx, key)
		return &policy, err
	}
	if key != v.User.UUID {
		return nil, nil
	}
	fields := viewerResolver{r}
	switch kind { //nolint:exhaustive // the other kinds are no things of one's own that a person has one of
	case model.KindViewer:
		return v, nil
	case model.KindIntegration:
		return fields.Cliq(ctx, v)
	case model.KindSettings:
		return fields.NotificationSettings(ctx, v)
	case model.KindInbox:
		return fields.Inbox(ctx, v)
	}
	return nil, nil
}
