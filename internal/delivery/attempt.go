package delivery

import (
	"context"
	"errors"
	"time"

	"github.com/heffl/bff/internal/cliq"
	"github.com/heffl/bff/model"
)

// probeInterval is how often one message may find out whether a problem that needs a person is solved.
const probeInterval = 10 * time.Minute

// lockOut is how long Zoho locks a person out who sent too much.
const lockOut = 10 * time.Minute

// result is what became of one attempt to say something to one person.
type result struct {
	// status is SENT, OUTCOME_UNKNOWN, FAILED, or RETRYING for what surely did not arrive and may later.
	status  model.DeliveryStatus
	problem model.ProblemCode
	// hint is how long the provider wants to be left alone; 0: it did not say.
	hint time.Duration
	// left: a request left this machine, so the attempt counts.
	left bool
	// brokenOff: this process ended the attempt, which says nothing about Zoho.
	brokenOff bool
	// deadGrant: the person must connect again.
	deadGrant bool
	// needsPerson: every message would fail the same way until somebody acts.
	needsPerson bool
	err         error
}

// unreachable is what the attempt says against the region, rather than about the person; nil: nothing.
func (r *result) unreachable() error {
	switch {
	case r.brokenOff:
		return context.Canceled
	case r.problem == model.ProblemCodeProviderUnavailable:
		return r.err
	}
	return nil
}

// attempt is one try to say something to one person: first the access token, which may cost a request of its own, and
// only with it in hand the message. Whoever dies on the way to the token has sent nothing, and nothing was marked as if.
type attempt struct {
	*Workers
	c       *model.Connection
	tell    func(error) // tells the breaker, once
	token   cliq.Secret
	version int64 // of the row that the token stands in
	// result is what came of it so far; of an attempt that was not made, that it was broken off.
	result result
}

// attempt begins one. Its close must be called, after a panic too: a breaker that is not told stays half open.
func (w *Workers) attempt(c *model.Connection) *attempt {
	a := &attempt{Workers: w, c: c, result: result{brokenOff: true, err: context.Canceled}}
	tell, ok := w.breakers.allow(c.Region)
	if !ok {
		a.result = result{status: model.DeliveryStatusRetrying, problem: model.ProblemCodeProviderUnavailable, hint: breakerOpen, err: errBreakerOpen}
		return a
	}
	a.tell = tell
	return a
}

var errBreakerOpen = errors.New("the region's breaker is open")

func (a *attempt) close() {
	if a.tell != nil {
		a.tell(a.result.unreachable())
		a.tell = nil
	}
}

// ready gets the access token. When it cannot, or when the breaker is open, send sends nothing and says why.
func (a *attempt) ready(ctx context.Context) {
	if a.tell == nil || a.late(ctx) {
		return
	}
	token, version, err := a.config.Tokens.Access(ctx, a.c)
	if err != nil {
		a.conclude(tokenResult(err))
		return
	}
	a.token, a.version = token, version
}

// send sends one message. It renews a token that Zoho refused, once: the first message surely did not arrive.
func (a *attempt) send(ctx context.Context, m cliq.Message) result {
	if !a.token.IsEmpty() && !a.late(ctx) {
		a.conclude(a.post(ctx, m))
	}
	return a.result
}

// late reports that the time to try was over before it began: the process was stopped, or frozen until its lease was
// over. That says nothing about Zoho.
func (a *attempt) late(ctx context.Context) bool {
	if err := ctx.Err(); err != nil {
		a.conclude(result{status: model.DeliveryStatusRetrying, brokenOff: true, err: err})
	}
	return ctx.Err() != nil
}

// conclude keeps what came of it, and forgives Zoho what this process broke off.
func (a *attempt) conclude(r result) {
	if errors.Is(r.err, context.Canceled) {
		r.brokenOff, r.problem = true, ""
		r.left = r.left && r.status != model.DeliveryStatusRetrying
	}
	a.result = r
}

func (a *attempt) post(ctx context.Context, m cliq.Message) result {
	region := cliq.Code(a.c.Region)
	receipt, err := a.config.Messenger.Send(ctx, region, a.c.BotName, a.token, m)
	if cliq.ClassOf(err) == cliq.ClassTokenInvalid {
		token, _, renewErr := a.config.Tokens.Renew(ctx, a.c, a.version)
		if renewErr != nil {
			return tokenResult(renewErr)
		}
		receipt, err = a.config.Messenger.Send(ctx, region, a.c.BotName, token, m)
	}
	if err != nil {
		return sendResult(err)
	}
	if receipt.ReachedOthers() {
		return result{status: model.DeliveryStatusSent, problem: model.ProblemCodeDeliveredToOthers, left: true, needsPerson: true}
	}
	return result{status: model.DeliveryStatusSent, left: true}
}

// tokenResult is what a missing access token means. No message left, but a request did: it counts as an attempt, so
// that the next one waits longer.
func tokenResult(err error) result {
	r := result{status: model.DeliveryStatusRetrying, problem: model.ProblemCodeInternal, left: true, err: err}
	var throttled *cliq.ThrottledError
	var misconfigured *cliq.MisconfiguredError
	var unavailable *cliq.UnavailableError
	switch {
	case errors.Is(err, cliq.ErrInvalidGrant):
		r.status, r.problem, r.deadGrant = model.DeliveryStatusFailed, model.ProblemCodeTokenRevoked, true
	case errors.Is(err, cliq.ErrScopeMissing):
		r.status, r.problem, r.deadGrant = model.DeliveryStatusFailed, model.ProblemCodeScopeMissing, true
	case errors.As(err, &throttled):
		r.problem, r.hint = model.ProblemCodeRateLimited, throttled.RetryAfter
	case errors.As(err, &misconfigured), errors.Is(err, cliq.ErrRegionNotOffered):
		r.status, r.problem, r.needsPerson = model.DeliveryStatusFailed, model.ProblemCodeProviderMisconfigured, true
	case errors.As(err, &unavailable):
		r.problem = model.ProblemCodeProviderUnavailable
	}
	return r
}

// sendResult is what a message that did not get through means.
func sendResult(err error) result {
	r := result{status: model.DeliveryStatusFailed, err: err, left: true}
	var failed *cliq.SendError
	errors.As(err, &failed)
	switch cliq.ClassOf(err) {
	case cliq.ClassBotNotFound:
		r.problem, r.needsPerson = model.ProblemCodeBotNotFound, true
	case cliq.ClassNotSubscribed:
		r.problem, r.needsPerson = model.ProblemCodeNotSubscribed, true
	case cliq.ClassMisconfigured:
		r.problem, r.needsPerson = model.ProblemCodeProviderMisconfigured, true
	case cliq.ClassTokenInvalid: // right after a renewal: the grant is worth nothing
		r.problem, r.deadGrant = model.ProblemCodeTokenRevoked, true
	case cliq.ClassScopeInvalid:
		r.problem, r.deadGrant = model.ProblemCodeScopeMissing, true
	case cliq.ClassRejected:
		r.problem = model.ProblemCodeMessageRejected
	case cliq.ClassRateLimited:
		r.status, r.problem, r.hint = model.DeliveryStatusRetrying, model.ProblemCodeRateLimited, failed.RetryAfter
		if r.hint <= 0 {
			r.hint = lockOut
		}
	case cliq.ClassUnavailable:
		r.status, r.problem, r.hint = model.DeliveryStatusRetrying, model.ProblemCodeProviderUnavailable, failed.RetryAfter
	case cliq.ClassUnknown:
		r.status, r.problem = model.DeliveryStatusOutcomeUnknown, model.ProblemCodeProviderUnavailable
	}
	return r
}
