package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/heffl/bff/internal/cliq"
	"github.com/heffl/bff/internal/mail"
	"github.com/heffl/bff/model"
)

// Defaults and limits of the workers.
const (
	defaultEmailWorkers = 8
	defaultCliqWorkers  = 16
	defaultPoll         = 5 * time.Second
	sweepInterval       = 5 * time.Second
)

// QueueStore is what both channels need of the queue.
type QueueStore interface {
	// FinishDelivery writes how an attempt ended, if the lease is still held; false: it is not.
	FinishDelivery(ctx context.Context, o model.DeliveryOutcome) (bool, error)
	// SweepLeases gives e-mails of leases that ran out back, and ends Cliq messages that were being sent as
	// OUTCOME_UNKNOWN.
	SweepLeases(ctx context.Context, now model.Time) (email, cliq int, err error)
	// NextDue is when something of the channel is due; false: nothing is queued.
	NextDue(ctx context.Context, channel model.Channel) (model.Time, bool, error)
}

// Store is everything the workers need of the database.
type Store interface {
	QueueStore
	EmailStore
	CliqStore
}

// Mailer sends one e-mail. *mail.Sender is one.
type Mailer interface {
	Send(ctx context.Context, m mail.Message) error
}

// Messenger posts one message to Cliq. *cliq.Client is one.
type Messenger interface {
	Send(ctx context.Context, code cliq.Code, bot string, access cliq.Secret, m cliq.Message) (cliq.Receipt, error)
}

// Tokens opens access tokens for the holder of a person's lease.
type Tokens interface {
	Access(ctx context.Context, c *model.Connection) (token cliq.Secret, version int64, err error)
	// Renew replaces a token that Zoho refused.
	Renew(ctx context.Context, c *model.Connection, stale int64) (token cliq.Secret, version int64, err error)
}

// Config is what the workers need. Every field is required unless it says otherwise.
type Config struct {
	Store     Store
	Mailer    Mailer
	Messenger Messenger
	Tokens    Tokens
	// AppURL is the CRM's app, without a trailing slash; SettingsPath is its page of notification settings and
	// InboxPath that of the inbox.
	AppURL                  *url.URL
	SettingsPath, InboxPath string
	// Subject is the subject line of an e-mail about an event.
	Subject func(e *model.Event) string
	// Changed is told whose integration shows something else now. It must not wait.
	Changed func(userID uuid.UUID)
	// Disconnected tells the owner that no message gets through until they do something about the connection's problem. When
	// it answers an error, or the process ends before the answer is written down, it is asked again: it must see to it
	// that the person is told once.
	Disconnected func(ctx context.Context, c model.Connection) error
	// EmailWorkers and CliqWorkers are how many send at once; 0: 8 and 16.
	EmailWorkers, CliqWorkers int
	// CliqLease is for how long a worker has a person to itself, and what is waited for when it dies; 0: 30 s.
	CliqLease time.Duration
	// Poll is the safety net; 0: 5 s.
	Poll time.Duration
	// Random is 0 to 1, for jitter; nil: random.
	Random func() float64
	Logger *slog.Logger
	Now    func() time.Time
}

// Workers send until they are stopped.
type Workers struct {
	config   Config
	email    *loop
	cliq     *loop
	breakers *breakers
	tests    *testLimiter

	claiming, working context.Context //nolint:containedctx // the two lifetimes of the workers, made by Start
	stopClaiming      context.CancelFunc
	stopWorking       context.CancelFunc
	running           sync.WaitGroup
}

// New makes the workers. They begin with Start.
func New(c Config) (*Workers, error) {
	missing := c.Store == nil || c.Mailer == nil || c.Messenger == nil || c.Tokens == nil || c.AppURL == nil || c.Subject == nil ||
		c.Changed == nil || c.Disconnected == nil || c.Logger == nil || c.Now == nil
	if missing {
		return nil, errors.New("delivery: a required part of the configuration is missing")
	}
	if c.EmailWorkers <= 0 {
		c.EmailWorkers = defaultEmailWorkers
	}
	if c.CliqWorkers <= 0 {
		c.CliqWorkers = defaultCliqWorkers
	}
	if c.CliqLease <= 0 {
		c.CliqLease = cliqLease
	}
	if c.Poll <= 0 {
		c.Poll = defaultPoll
	}
	if c.Random == nil {
		c.Random = defaultRandom
	}
	w := &Workers{config: c, breakers: newBreakers(), tests: newTestLimiter(c.Now)}
	w.email = w.loop("email", c.EmailWorkers, model.ChannelEmail, w.claimEmail)
	w.cliq = w.loop("cliq", c.CliqWorkers, model.ChannelCliq, w.claimCliq)
	w.cliq.ease = 9 // of ten seconds in which nothing can be sent to anybody, it looks for one
	return w, nil
}

func (w *Workers) loop(name string, workers int, channel model.Channel, claim func(context.Context, int) ([]job, error)) *loop {
	return &loop{
		name: name, workers: workers, poll: w.config.Poll, claim: claim, now: w.config.Now, logger: w.config.Logger,
		next: func(ctx context.Context) (model.Time, bool, error) { return w.config.Store.NextDue(ctx, channel) },
		wake: make(chan struct{}, 1),
	}
}

// Start begins to send. It is called once.
func (w *Workers) Start(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	w.claiming, w.stopClaiming = context.WithCancel(ctx)
	w.working, w.stopWorking = context.WithCancel(ctx)
	w.running.Go(func() { w.email.run(w.claiming, w.working) })
	w.running.Go(func() { w.cliq.run(w.claiming, w.working) })
	w.running.Go(w.sweep)
}

// Stop takes no more work, lets what was begun finish until ctx ends, and then breaks it off. It may be called
// twice, and before Start.
func (w *Workers) Stop(ctx context.Context) {
	if w.stopClaiming == nil {
		return
	}
	w.stopClaiming()
	finished := make(chan struct{})
	go func() {
		w.running.Wait()
		close(finished)
	}()
	select {
	case <-finished:
	case <-ctx.Done():
	}
	w.stopWorking()
	<-finished
}

// Wake makes the workers of a channel look at the queue. It never waits.
func (w *Workers) Wake(channel model.Channel) {
	switch channel {
	case model.ChannelEmail:
		w.email.notify()
	case model.ChannelCliq:
		w.cliq.notify()
	case model.ChannelInApp: // nothing leaves the process
	}
}

// sweep finishes what a worker that died left behind, and what it did not get done.
func (w *Workers) sweep() {
	ticker := time.NewTicker(sweepInterval)
	defer ticker.Stop()
	for {
		select {
		case <-w.claiming.Done():
			return
		case <-ticker.C:
		}
		email, chat, err := w.config.Store.SweepLeases(w.claiming, w.now())
		switch {
		case w.claiming.Err() != nil:
			return
		case err != nil:
			w.config.Logger.ErrorContext(w.claiming, "leases cannot be swept", slog.Any("error", err))
		case email+chat > 0:
			w.config.Logger.WarnContext(w.claiming, "leases ran out", slog.Int("email", email), slog.Int("cliq", chat))
			w.email.notify()
			w.cliq.notify()
		}
		w.tellUntold(w.claiming)
	}
}

// stopping reports that no more work is to be begun.
func (w *Workers) stopping() bool { return w.claiming != nil && w.claiming.Err() != nil }

func (w *Workers) now() model.Time { return model.NewTime(w.config.Now()) }

// link is the absolute URL of a path of the app.
func (w *Workers) link(path string) string { return w.config.AppURL.String() + path }

// finish writes how an attempt ended. It must be written even when the process is told to stop.
func (w *Workers) finish(ctx context.Context, o model.DeliveryOutcome) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	held, err := w.config.Store.FinishDelivery(ctx, o)
	if err != nil {
		return fmt.Errorf("finish delivery: %w", err)
	}
	if !held {
		return model.ErrLeaseLost
	}
	return nil
}
