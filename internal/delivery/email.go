package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/heffl/bff/internal/mail"
	"github.com/heffl/bff/model"
)

// emailLease is how long an e-mail waits for a worker that was lost. An attempt ends before its lease does.
const emailLease = 30 * time.Second

// EmailStore is what e-mail needs of the queue.
type EmailStore interface {
	// ClaimEmail marks due e-mails SENDING under the lease; those that no longer may go end SKIPPED. With an error it
	// answers what it had claimed before.
	ClaimEmail(ctx context.Context, now model.Time, limit int, leaseID uuid.UUID, until model.Time) ([]model.Outgoing, error)
	// MarkBounced remembers that an address refuses mail, if it is still the person's.
	MarkBounced(ctx context.Context, userID uuid.UUID, email string) error
}

func (w *Workers) claimEmail(ctx context.Context, n int) ([]job, error) {
	lease := uuid.New()
	now := w.now()
	until := now.Add(emailLease)
	due, err := w.config.Store.ClaimEmail(ctx, now, n, lease, until)
	if err != nil {
		err = fmt.Errorf("claim e-mail: %w", err) // and yet some may have been claimed
	}
	jobs := make([]job, len(due))
	for i := range due {
		jobs[i] = func(ctx context.Context) { w.sendEmail(ctx, &due[i], lease, until) }
	}
	return jobs, err
}

func (w *Workers) sendEmail(ctx context.Context, o *model.Outgoing, lease uuid.UUID, until model.Time) {
	sending, cancel := w.withinLease(ctx, until)
	defer cancel()
	err := w.config.Mailer.Send(sending, w.emailMessage(o))
	outcome := w.emailOutcome(o, err)
	outcome.LeaseID = lease
	switch {
	case err == nil:
	case ctx.Err() != nil: // stopping: somebody repeats it at once, with the same Message-ID
		outcome = model.DeliveryOutcome{
			NotificationIDs: outcome.NotificationIDs, Channel: model.ChannelEmail, LeaseID: lease,
			Status: model.DeliveryStatusRetrying, NextAttemptAt: w.now(), Untried: true,
		}
	default:
		w.config.Logger.WarnContext(ctx, "e-mail did not get through", slog.Any("error", err), slog.String("status", string(outcome.Status)),
			slog.String("notification_id", o.Delivery.NotificationID.String()))
	}
	if outcome.Problem == model.ProblemCodeMailboxRefused {
		w.noteBounce(context.WithoutCancel(ctx), o)
	}
	switch err := w.finish(ctx, outcome); {
	case errors.Is(err, model.ErrLeaseLost):
		w.config.Logger.WarnContext(ctx, "an e-mail took longer than its lease: it is sent again", slog.String("notification_id", o.Delivery.NotificationID.String()))
	case err != nil:
		w.config.Logger.ErrorContext(ctx, "outcome of an e-mail was not written", slog.Any("error", err))
	}
}

// noteBounce remembers that the address refuses mail, so that nothing more is sent there.
func (w *Workers) noteBounce(ctx context.Context, o *model.Outgoing) {
	if err := w.config.Store.MarkBounced(ctx, o.User.UUID, o.User.Email); err != nil {
		w.config.Logger.ErrorContext(ctx, "bounce cannot be remembered", slog.Any("error", err))
	}
	w.config.Changed(o.User.UUID)
}

// emailMessage is the notification as an e-mail.
func (w *Workers) emailMessage(o *model.Outgoing) mail.Message {
	return mail.Message{
		ID: o.Delivery.NotificationID.String(), To: o.User.Email, Name: o.User.Name, Subject: w.config.Subject(&o.Event),
		Title: o.Event.Title, Body: o.Event.Body, URL: w.link(o.Event.Path), SettingsURL: w.link(w.config.SettingsPath),
		Date: o.CreatedAt.Std(),
	}
}

// emailOutcome is what an attempt means for the delivery.
func (w *Workers) emailOutcome(o *model.Outgoing, err error) model.DeliveryOutcome {
	now := w.now()
	out := model.DeliveryOutcome{NotificationIDs: []uuid.UUID{o.Delivery.NotificationID}, Channel: model.ChannelEmail}
	var failed *mail.SendError
	switch {
	case err == nil:
		out.Status, out.FinishedAt = model.DeliveryStatusSent, now
		return out
	case errors.As(err, &failed) && failed.Class == mail.ClassMailboxRefused:
		out.Status, out.Problem, out.FinishedAt = model.DeliveryStatusFailed, model.ProblemCodeMailboxRefused, now
		return out
	case errors.As(err, &failed) && failed.Class == mail.ClassRejected:
		out.Status, out.Problem, out.FinishedAt = model.DeliveryStatusFailed, model.ProblemCodeMessageRejected, now
		return out
	}
	out.Problem = model.ProblemCodeMailServerUnavailable
	if d, again := wait(emailWaits, o.Delivery.Attempts, w.config.Random); again {
		out.Status, out.NextAttemptAt = model.DeliveryStatusRetrying, now.Add(d)
	} else {
		out.Status, out.FinishedAt = model.DeliveryStatusFailed, now
	}
	return out
}
