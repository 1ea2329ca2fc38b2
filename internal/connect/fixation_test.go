package connect_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heffl/bff/internal/sandbox"
	"github.com/heffl/bff/model"
)

// TestOAuthCrossUserFixation opens ann's callback where it does not belong. Nobody may end up with an account that
// is not theirs, and each refusal is written where operators find it: whose attempt it was and who came.
func TestOAuthCrossUserFixation(t *testing.T) {
	t.Parallel()
	// refused demands that nothing was connected, and one entry about it besides what began.
	refused := func(t *testing.T, w *world, what string, begun ...string) {
		t.Helper()
		w.untouched(t)
		w.audited(t, append(begun, "REFUSED "+what+", IN heffl")...)
		if n := w.log.count("connect refused"); n != 1 {
			t.Errorf("%d lines tell of the refusal", n)
		}
	}
	for name, run := range map[string]func(t *testing.T, w *world){
		"by bob, who is signed in": func(t *testing.T, w *world) {
			t.Helper()
			callback := w.attempt(t, newBrowser().signIn(w.ann))
			if got := w.open(t, newBrowser().signIn(w.bob), callback); got.code != "OTHER_USER" {
				t.Errorf("landed %+v", got)
			}
			refused(t, w, "OTHER_USER, ann's by acme/bob", startedByAnn)
		},
		"by bob, who is signed in and has begun an attempt himself": func(t *testing.T, w *world) {
			t.Helper()
			callback := w.attempt(t, newBrowser().signIn(w.ann))
			bobs := newBrowser().signIn(w.bob)
			w.start(t, bobs, w.bob, model.CliqRegionCodeIn)
			if got := w.open(t, bobs, callback); got.code != "OTHER_BROWSER" {
				t.Errorf("landed %+v", got)
			}
			refused(t, w, "OTHER_BROWSER, ann's by acme/bob", startedByAnn, "STARTED, bob's by acme/bob, IN heffl")
		},
		"by bob, in the browser that ann used": func(t *testing.T, w *world) {
			t.Helper()
			shared := newBrowser().signIn(w.ann)
			callback := w.attempt(t, shared)
			if got := w.open(t, shared.signIn(w.bob), callback); got.code != "OTHER_USER" {
				t.Errorf("landed %+v", got)
			}
			refused(t, w, "OTHER_USER, ann's by acme/bob", startedByAnn)
		},
		"by somebody of the same name elsewhere": func(t *testing.T, w *world) {
			t.Helper()
			callback := w.attempt(t, newBrowser().signIn(w.ann))
			namesake := w.ann
			namesake.Workspace.ExternalID = "other"
			if got := w.open(t, newBrowser().signIn(namesake), callback); got.code != "OTHER_USER" {
				t.Errorf("landed %+v", got)
			}
			refused(t, w, "OTHER_USER, ann's by other/ann", startedByAnn)
		},
		"by nobody": func(t *testing.T, w *world) {
			t.Helper()
			got := w.open(t, newBrowser(), w.attempt(t, newBrowser().signIn(w.ann)))
			if got.status != "confirm" || got.ticket == "" {
				t.Errorf("landed %+v", got)
			}
			// The page that it lands on belongs to whoever sits there: the ticket is worth nothing to them.
			if _, err := w.Complete(t.Context(), w.bob, got.ticket); codeOf(err) != model.UserErrorCodeTicketInvalid {
				t.Errorf("bob redeems: %v", err)
			}
			refused(t, w, "OTHER_USER, ann's by acme/bob", startedByAnn, "HANDED_OVER, ann's by a stranger, IN heffl")
		},
		"by ann in another browser where she has begun, too": func(t *testing.T, w *world) {
			t.Helper()
			callback := w.attempt(t, newBrowser().signIn(w.ann))
			other := newBrowser().signIn(w.ann)
			w.start(t, other, w.ann, model.CliqRegionCodeIn)
			if got := w.open(t, other, callback); got.code != "OTHER_BROWSER" || got.ticket != "" {
				t.Errorf("landed %+v", got)
			}
			refused(t, w, "OTHER_BROWSER, ann's by acme/ann", startedByAnn, startedByAnn)
		},
		"with a cookie that is none of ours": func(t *testing.T, w *world) {
			t.Helper()
			callback := w.attempt(t, newBrowser())
			planted := newBrowser()
			planted.cookies["__Host-heffl_connect"] = "planted"
			if got := w.open(t, planted, callback); got.code != "OTHER_BROWSER" || got.ticket != "" {
				t.Errorf("landed %+v", got)
			}
			refused(t, w, "OTHER_BROWSER, ann's by a stranger", startedByAnn)
		},
		"twice": func(t *testing.T, w *world) {
			t.Helper()
			b := newBrowser().signIn(w.ann)
			callback := w.attempt(t, b)
			if got := w.open(t, b, callback); got.status != "connected" {
				t.Errorf("landed %+v", got)
			}
			before := w.refreshHash(t, w.ann)
			if got := w.open(t, b, callback); got.page != http.StatusBadRequest {
				t.Errorf("the second time it landed %+v", got)
			}
			if w.refreshHash(t, w.ann) != before || w.zoho.Count("", sandbox.EndpointExchange) != 1 {
				t.Errorf("something was connected again, %d exchanges", w.zoho.Count("", sandbox.EndpointExchange))
			}
			w.audited(t, startedByAnn, "CONNECTED, ann's by acme/ann, IN heffl", "REFUSED STATE_USED, ann's by acme/ann, IN heffl")
		},
		"after ten minutes and a second": func(t *testing.T, w *world) {
			t.Helper()
			b := newBrowser().signIn(w.ann)
			callback := w.attempt(t, b)
			w.clock.pass(10*time.Minute + time.Second)
			if got := w.open(t, b, callback); got.page != http.StatusBadRequest {
				t.Errorf("landed %+v", got)
			}
			refused(t, w, "STATE_EXPIRED, ann's by acme/ann", startedByAnn)
		},
		"fifty times at once": fiftyAtOnce,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachDatabase(t, run)
		})
	}
}

func fiftyAtOnce(t *testing.T, w *world) {
	t.Helper()
	b := newBrowser().signIn(w.ann)
	callback := w.attempt(t, b)
	var connected, refusals atomic.Int32
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			switch got := w.open(t, b, callback); {
			case got.status == "connected":
				connected.Add(1)
			case got.page == http.StatusBadRequest:
				refusals.Add(1)
			default:
				t.Errorf("landed %+v", got)
			}
		})
	}
	wg.Wait()
	if connected.Load() != 1 || refusals.Load() != 49 || w.zoho.Count("", sandbox.EndpointExchange) != 1 {
		t.Errorf("%d connected, %d refused, %d exchanges", connected.Load(), refusals.Load(), w.zoho.Count("", sandbox.EndpointExchange))
	}
	of := map[string]int{}
	for _, line := range w.audit(t) {
		of[line]++
	}
	// Those who looked at the same moment may all have found room, but nobody takes a used state for an expired one.
	used := "REFUSED STATE_USED, ann's by acme/ann, IN heffl"
	if n := of[used]; n < 5 || n > 49 || of[startedByAnn] != 1 || of["CONNECTED, ann's by acme/ann, IN heffl"] != 1 || len(of) != 3 {
		t.Errorf("audit %v", of)
	}
}

func codeOf(err error) model.UserErrorCode {
	if problem, ok := errors.AsType[*model.UserError](err); ok {
		return problem.Code
	}
	return ""
}

func TestHandOver(t *testing.T) {
	t.Parallel()
	t.Run("an attempt by WebSocket ends with the ticket", func(t *testing.T) {
		t.Parallel()
		eachDatabase(t, func(t *testing.T, w *world) {
			t.Helper()
			got := w.open(t, newBrowser(), w.attempt(t, nil))
			if got.status != "confirm" || len(got.ticket) != 43 || got.code != "" {
				t.Fatalf("landed %+v", got)
			}
			w.untouched(t)
			if _, err := w.Complete(t.Context(), w.bob, got.ticket); codeOf(err) != model.UserErrorCodeTicketInvalid {
				t.Errorf("bob redeems: %v", err)
			}
			if _, err := w.Complete(t.Context(), w.ann, got.ticket+"A"); codeOf(err) != model.UserErrorCodeTicketInvalid {
				t.Errorf("another ticket: %v", err)
			}
			w.untouched(t)
			w.clock.pass(59 * time.Second)
			c, err := w.Complete(t.Context(), w.ann, got.ticket)
			if err != nil || c.Status != model.IntegrationStatusConnected || c.UserID != w.ann.User.UUID {
				t.Errorf("ann redeems: %+v, %v", c, err)
			}
			if _, err := w.Complete(t.Context(), w.ann, got.ticket); codeOf(err) != model.UserErrorCodeTicketInvalid {
				t.Errorf("twice: %v", err)
			}
			if n := w.zoho.Count("", sandbox.EndpointExchange); n != 1 {
				t.Errorf("%d exchanges", n)
			}
		})
	})
	t.Run("a browser that keeps an older attempt's cookie", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		b := newBrowser().signIn(w.ann)
		w.start(t, b, w.ann, model.CliqRegionCodeIn)
		if got := w.open(t, b, w.attempt(t, nil)); got.status != "confirm" {
			t.Errorf("landed %+v", got)
		}
	})
	t.Run("after sixty-one seconds", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		got := w.open(t, nil, w.attempt(t, nil))
		w.clock.pass(61 * time.Second)
		if _, err := w.Complete(t.Context(), w.ann, got.ticket); codeOf(err) != model.UserErrorCodeTicketInvalid {
			t.Errorf("redeemed: %v", err)
		}
		w.untouched(t)
	})
	t.Run("the callback cannot be opened again", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		callback := w.attempt(t, nil)
		first := w.open(t, nil, callback)
		if got := w.open(t, nil, callback); got.page != http.StatusBadRequest {
			t.Errorf("landed %+v", got)
		}
		if _, err := w.Complete(t.Context(), w.ann, first.ticket); err != nil {
			t.Errorf("the ticket is worth nothing any more: %v", err)
		}
	})
	t.Run("twenty at once: one redeems", func(t *testing.T) {
		t.Parallel()
		eachDatabase(t, func(t *testing.T, w *world) {
			t.Helper()
			ticket := w.open(t, nil, w.attempt(t, nil)).ticket
			var redeemed atomic.Int32
			var wg sync.WaitGroup
			for range 20 {
				wg.Go(func() {
					if _, err := w.Complete(t.Context(), w.ann, ticket); err == nil {
						redeemed.Add(1)
					} else if codeOf(err) != model.UserErrorCodeTicketInvalid {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if redeemed.Load() != 1 || w.zoho.Count("", sandbox.EndpointExchange) != 1 {
				t.Errorf("%d redeemed, %d exchanges", redeemed.Load(), w.zoho.Count("", sandbox.EndpointExchange))
			}
		})
	})
	t.Run("denied", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		callback := w.consent(t, w.start(t, nil, w.ann, model.CliqRegionCodeIn), sandbox.Decision{Deny: true})
		if got := w.open(t, nil, callback); got.code != "ACCESS_DENIED" || got.ticket != "" {
			t.Errorf("landed %+v", got)
		}
		w.untouched(t)
	})
}

func TestDenial(t *testing.T) {
	t.Parallel()
	w := setup(t)
	b := newBrowser()
	consentURL := w.start(t, b, w.ann, model.CliqRegionCodeIn)
	denied := w.consent(t, consentURL, sandbox.Decision{Deny: true})
	if got := w.open(t, b, callbackURL+"?error=access_denied"); got.page != http.StatusBadRequest {
		t.Errorf("without state: %+v", got)
	}
	if got := w.open(t, b, denied); got.status != "error" || got.code != "ACCESS_DENIED" {
		t.Errorf("with state: %+v", got)
	}
	if got := w.open(t, b, w.consent(t, consentURL, sandbox.Decision{})); got.page != http.StatusBadRequest {
		t.Errorf("consent after the denial: %+v", got)
	}
	w.untouched(t)
}

// TestTwoTabs connects in two tabs of one browser at once: one cookie serves both, and the account that came second
// is the one that stays.
func TestTwoTabs(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, w *world) {
		t.Helper()
		b := newBrowser().signIn(w.ann)
		first := w.start(t, b, w.ann, model.CliqRegionCodeUs)
		cookie := b.cookies["__Host-heffl_connect"]
		second := w.start(t, b, w.ann, model.CliqRegionCodeIn)
		if cookie == "" || b.cookies["__Host-heffl_connect"] != cookie {
			t.Errorf("the cookie was %q, is %q", cookie, b.cookies["__Host-heffl_connect"])
		}
		for _, consentURL := range []string{second, first} {
			if got := w.open(t, b, w.consent(t, consentURL, sandbox.Decision{})); got.status != "connected" {
				t.Errorf("landed %+v", got)
			}
		}
		if c := w.connection(t, w.ann); c.Region != model.CliqRegionCodeUs {
			t.Errorf("connected in %s", c.Region)
		}
		w.revoker.Start(t.Context())
		revoked, err := w.zoho.WaitRevocations(t.Context(), 1)
		if err != nil || len(revoked) != 1 || !revoked[0].OK || revoked[0].Region != sandbox.RegionIN {
			t.Errorf("revoked %+v, %v", revoked, err)
		}
	})
}

// TestTwoTabsAtOnce sends both callbacks of one browser at the same moment: both tabs are told that they connected, one
// account stays, and the other one's grant is given back, whichever it is.
func TestTwoTabsAtOnce(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, w *world) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		b := newBrowser().signIn(w.ann)
		w.revoker.Start(t.Context())
		for round := range 5 {
			var callbacks []string
			for region, chosen := range map[sandbox.Region]model.CliqRegionCode{sandbox.RegionUS: model.CliqRegionCodeUs, sandbox.RegionIN: model.CliqRegionCodeIn} {
				callbacks = append(callbacks, w.consent(t, w.start(t, b, w.ann, chosen), sandbox.Decision{Region: region}))
			}
			var wg sync.WaitGroup
			for _, callback := range callbacks {
				wg.Go(func() {
					if got := w.open(t, b, callback); got.status != "connected" {
						t.Errorf("landed %+v", got)
					}
				})
			}
			wg.Wait()
			// Of all that was granted so far, one grant is left.
			revoked, err := w.zoho.WaitRevocations(ctx, 2*round+1)
			if err != nil || len(revoked) != 2*round+1 {
				t.Fatalf("round %d: revoked %+v, %v", round, revoked, err)
			}
			kept := w.refreshHash(t, w.ann)
			for _, r := range revoked {
				if !r.OK || r.TokenHash == kept {
					t.Errorf("round %d: %+v was given back, %s is kept", round, r, kept)
				}
			}
			c := w.connection(t, w.ann)
			if _, _, err := w.tokens.Renew(t.Context(), &c, versionOf(t, w)); err != nil {
				t.Errorf("round %d: the account in %s that stayed does not work: %v", round, c.Region, err)
			}
		}
	})
}
