package delivery

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

// settle writes what an attempt says about the person's integration and tells who shows it. until is when anything
// is sent to the person again; the zero time: at once.
func (w *Workers) settle(ctx context.Context, c *model.Connection, lease uuid.UUID, r *result, until model.Time) error {
	now := w.now()
	troubled := *c
	troubled.Problem, troubled.ProblemSince = r.problem, now
	var changed bool
	var err error
	switch {
	case r.deadGrant:
		changed, err = w.config.Store.MarkNeedsReconnect(ctx, c.UserID, &lease, r.problem, now)
		troubled.Status = model.IntegrationStatusNeedsReconnect
	case r.needsPerson:
		changed, err = w.config.Store.NoteProblem(ctx, c.UserID, &lease, r.problem, now.Add(probeInterval), until, now)
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
		if troubled.AwaitsOwner() {
			w.tell(ctx, &troubled)
		}
	}
	if r.err != nil {
		w.config.Logger.WarnContext(ctx, "cliq message did not get through", slog.Any("error", r.err), slog.String("status", string(r.status)),
			slog.String("problem", string(r.problem)), slog.String("user_id", c.UserID.String()), slog.String("region", string(c.Region)))
	}
	return nil
}

// How the sweep tells people whom nobody told: not before whoever found the problem had the time to, and some at once.
const (
	untoldAfter = 10 * time.Second
	untoldMost  = 100
)

// tell tells the owner of a connection that they must act. What fails, the sweep does again.
func (w *Workers) tell(ctx context.Context, c *model.Connection) {
	err := w.config.Disconnected(ctx, *c)
	if err == nil {
		err = w.config.Store.NoteTold(ctx, c.UserID, c.ProblemSince)
	}
	if err != nil {
		w.config.Logger.ErrorContext(ctx, "person was not told that they must act", slog.Any("error", err), slog.String("user_id", c.UserID.String()))
	}
}

// tellUntold tells everybody who must act and was not told, because that failed or because the process ended.
func (w *Workers) tellUntold(ctx context.Context) {
	people, err := w.config.Store.Untold(ctx, w.now().Add(-untoldAfter), untoldMost)
	if err != nil && ctx.Err() == nil {
		w.config.Logger.ErrorContext(ctx, "who was not told cannot be read", slog.Any("error", err))
	}
	for i := range people {
		w.tell(ctx, &people[i])
	}
}
