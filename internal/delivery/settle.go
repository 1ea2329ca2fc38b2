package delivery

import (
	"context"
	"errors"
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
			if err := w.tell(ctx, &troubled); err != nil {
				w.config.Logger.ErrorContext(ctx, "person was not told that they must act", slog.Any("error", err))
			}
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
func (w *Workers) tell(ctx context.Context, c *model.Connection) error {
	err := w.config.Disconnected(ctx, *c)
	if err == nil {
		err = w.config.Store.NoteTold(ctx, c.UserID, c.ProblemSince)
	}
	if err != nil {
		return fmt.Errorf("tell %s: %w", c.UserID, err)
	}
	return nil
}

// tellUntold tells everybody who must act and was not told, because that failed or because the process ended. When the
// database does not answer, their turn comes again.
func (w *Workers) tellUntold(ctx context.Context) {
	people, err := w.config.Store.Untold(ctx, w.now().Add(-untoldAfter), untoldMost)
	for i := range people {
		failed := w.tellAgain(ctx, &people[i])
		err = errors.Join(err, failed)
		if busy, ok := errors.AsType[*model.Error](failed); ctx.Err() != nil || ok && busy.Code == model.CodeUnavailable {
			break
		}
	}
	if err != nil && ctx.Err() == nil {
		w.config.Logger.ErrorContext(ctx, "people were not told that they must act", slog.Any("error", err))
	}
}

// tellAgain tells somebody who was untold a moment ago, unless they have acted since.
func (w *Workers) tellAgain(ctx context.Context, before *model.Connection) error {
	c, err := w.config.Store.Connection(ctx, before.UserID)
	switch {
	case err != nil:
		return fmt.Errorf("read who was not told: %w", err)
	case !c.Untold || !c.ProblemSince.Equal(before.ProblemSince):
		return nil
	case !c.AwaitsOwner(): // a process that knows nothing of the mark has changed the rest
		return w.config.Store.NoteTold(ctx, c.UserID, c.ProblemSince)
	}
	return w.tell(ctx, &c)
}
