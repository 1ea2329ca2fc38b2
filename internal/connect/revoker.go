package connect

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/heffl/bff/internal/cliq"
	"github.com/heffl/bff/internal/secret"
	"github.com/heffl/bff/model"
)

// How the revoker works.
const (
	revokeInterval = 30 * time.Second // the safety net: another replica may have queued something
	revokeBatch    = 5
	revokeLease    = time.Minute // outlives a batch that Zoho leaves without an answer; a replica that dies gives it back then
	revokeAttempts = 60          // about a fortnight at the longest wait
)

// revokeWaits are the waits after each failed attempt; the last one repeats.
var revokeWaits = [...]time.Duration{10 * time.Second, time.Minute, 5 * time.Minute, 30 * time.Minute, 6 * time.Hour}

// RevocationStore is what the revoker needs of the database.
type RevocationStore interface {
	// DueRevocations claims what is due by moving its next attempt to the end of the lease.
	DueRevocations(ctx context.Context, now model.Time, limit int, lease time.Duration) ([]model.PendingRevocation, error)
	FinishRevocation(ctx context.Context, id uuid.UUID) error
	RetryRevocation(ctx context.Context, id uuid.UUID, attempts int32, next model.Time) error
}

// RevokerConfig is what a Revoker needs. Every field is required.
type RevokerConfig struct {
	Store  RevocationStore
	Client interface {
		Revoke(ctx context.Context, code cliq.Code, refresh cliq.Secret) error
	}
	Box    *secret.Box
	Logger *slog.Logger
	Now    func() time.Time
}

// Revoker tells Zoho, in the background and until it listens, which grants are not wanted any more.
type Revoker struct {
	RevokerConfig
	wake   chan struct{}
	cancel context.CancelFunc
	done   sync.WaitGroup
	once   sync.Once
}

// NewRevoker makes a revoker. It fails when a part is missing.
func NewRevoker(c RevokerConfig) (*Revoker, error) {
	if c.Store == nil || c.Client == nil || c.Box == nil || c.Logger == nil || c.Now == nil {
		return nil, errors.New("revoker: a required part of the configuration is missing")
	}
	return &Revoker{RevokerConfig: c, wake: make(chan struct{}, 1)}, nil
}

// Start begins to work in the background. It is called once.
func (r *Revoker) Start(ctx context.Context) {
	ctx, r.cancel = context.WithCancel(ctx)
	r.done.Go(func() { r.run(ctx) })
}

// Stop ends the work and waits for it. It may be called twice, and before Start.
func (r *Revoker) Stop() {
	r.once.Do(func() {
		if r.cancel != nil {
			r.cancel()
		}
	})
	r.done.Wait()
}

// Wake makes the revoker look at once. It never waits.
func (r *Revoker) Wake() {
	select {
	case r.wake <- struct{}{}:
	default: // it is going to look anyway
	}
}

func (r *Revoker) run(ctx context.Context) {
	ticker := time.NewTicker(revokeInterval)
	defer ticker.Stop()
	for {
		if err := r.round(ctx); err != nil && ctx.Err() == nil {
			r.Logger.ErrorContext(ctx, "revocations cannot be worked on", slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			return
		case <-r.wake:
		case <-ticker.C:
		}
	}
}

// round works on everything that is due.
func (r *Revoker) round(ctx context.Context) error {
	for {
		due, err := r.Store.DueRevocations(ctx, model.NewTime(r.Now()), revokeBatch, revokeLease)
		if err != nil {
			return fmt.Errorf("claim revocations: %w", err)
		}
		for i := range due {
			if err := r.revoke(ctx, &due[i]); err != nil {
				return err
			}
		}
		if len(due) < revokeBatch {
			return nil
		}
	}
}

func (r *Revoker) revoke(ctx context.Context, p *model.PendingRevocation) error {
	plain, err := r.Box.Open(tokenBinding("refresh", p.UserID.String()), p.Refresh)
	if err != nil {
		r.Logger.ErrorContext(ctx, "revocation cannot be opened and is given up", slog.Any("error", err), slog.String("user_id", p.UserID.String()))
		return r.Store.FinishRevocation(ctx, p.ID)
	}
	err = r.Client.Revoke(ctx, cliq.Code(p.Region), cliq.NewSecret(string(plain)))
	switch {
	case err == nil: // also when the process stops now: Zoho need not be told again
		return r.Store.FinishRevocation(context.WithoutCancel(ctx), p.ID)
	case ctx.Err() != nil:
		return ctx.Err() // stopping: the lease runs out and somebody else goes on
	case p.Attempts+1 >= revokeAttempts:
		r.Logger.WarnContext(ctx, "revocation is given up", slog.Any("error", err), slog.String("user_id", p.UserID.String()))
		return r.Store.FinishRevocation(ctx, p.ID)
	}
	wait := revokeWaits[min(int(p.Attempts), len(revokeWaits)-1)]
	r.Logger.InfoContext(ctx, "revocation will be repeated", slog.Any("error", err), slog.Duration("wait", wait))
	return r.Store.RetryRevocation(ctx, p.ID, p.Attempts+1, model.NewTime(r.Now().Add(wait)))
}
