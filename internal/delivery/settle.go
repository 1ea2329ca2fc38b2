package delivery

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

// settle writes what an attempt says about the person's integration and tells who shows it. until is when anything
// is sent to the person again; the zero time: at once.
func (w *Workers) settle(ctx context.Context, c *model.Connection, lease uuid.UUID, r *result, until model.Time) error {
	now := w.now()
	var changed bool
	var err error
	switch {
	case r.deadGrant:
		if changed, err = w.config.Store.MarkNeedsReconnect(ctx, c.UserID, &lease, r.problem, now); err == nil && changed {
			w.config.Disconnected(ctx, *c, r.problem)
		}
	case r.needsPerson:
		changed, err = w.config.Store.NoteProblem(ctx, c.UserID, &lease, r.problem, now.Add(probeInterval), until, now)
		// What only an administrator can mend is the same for everybody in the region, and nobody's to act on.
		if err == nil && changed && r.problem != model.ProblemCodeProviderMisconfigured {
			told := *c
			told.ProblemSince = now
			w.config.Disconnected(ctx, told, r.problem)
		}
	case r.problem != "":
		changed, err = w.config.Store.NoteProblem(ctx, c.UserID, &lease, r.problem, model.Time{}, until, now)
	case r.status == model.DeliveryStatusSent:
		changed, err = w.config.Store.ClearProblem(ctx, c.UserID, &lease, now)
	}
	if err != nil {
		return fmt.Errorf("settle integration: %w", err)
	}
	if changed {
		w.config.Changed(c.UserID)
	}
	if r.err != nil {
		w.config.Logger.WarnContext(ctx, "cliq message did not get through", slog.Any("error", r.err), slog.String("status", string(r.status)),
			slog.String("problem", string(r.problem)), slog.String("user_id", c.UserID.String()), slog.String("region", string(c.Region)))
	}
	return nil
}
