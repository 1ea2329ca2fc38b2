package connect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/heffl/bff/internal/cliq"
	"github.com/heffl/bff/model"
)

// Limits of what Zoho sends back; real values are a tenth of them.
const (
	maxQuery = 8 << 10
	maxValue = 2 << 10
)

// answer is what Zoho's redirect says. It is kept sealed while a hand-over waits.
type answer struct {
	Code           string `json:"code"`
	Location       string `json:"location,omitempty"`
	AccountsServer string `json:"accountsServer,omitempty"`
}

// parseCallback reads the query of Zoho's redirect (ZOHO: state, code, location, accounts-server, error; in any
// order, perhaps with a stray & at the end). It answers false for anything that Zoho would not send.
func parseCallback(raw string) (state string, got answer, denied, ok bool) {
	if len(raw) > maxQuery {
		return "", answer{}, false, false
	}
	query, err := url.ParseQuery(raw)
	if err != nil {
		return "", answer{}, false, false
	}
	for _, name := range []string{"state", "code", "location", "accounts-server", "error"} {
		if values := query[name]; len(values) > 1 || (len(values) == 1 && !printable(values[0])) {
			return "", answer{}, false, false
		}
	}
	state = query.Get("state")
	got = answer{Code: query.Get("code"), Location: query.Get("location"), AccountsServer: query.Get("accounts-server")}
	denied = query.Get("error") != ""
	return state, got, denied, state != "" && (denied || got.Code != "")
}

// printable reports whether s is short and made of visible ASCII, as everything that Zoho sends is.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] < '!' || s[i] > '~' {
			return false
		}
	}
	return len(s) <= maxValue
}

// Callback is GET /oauth/cliq/callback: where Zoho sends the browser after consent.
func (s *Service) Callback() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			w.Header().Set("Allow", http.MethodGet)
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		// The URL holds a code: no cache and no page that is loaded next may see it.
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Referrer-Policy", "no-referrer")
		state, got, denied, ok := parseCallback(r.URL.RawQuery)
		by := s.actorIn(r)
		if !ok {
			reason := model.ConnectMalformed
			if denied { // Zoho may leave the state out
				reason = model.ConnectAccessDenied
			}
			s.refuse(w, r, model.ConnectAudit{ActorWorkspace: by.workspace, ActorID: by.id, Outcome: model.ConnectRefused, Reason: reason})
			return
		}
		st, open, err := s.Store.ConsumeConnectState(r.Context(), hash(state), s.now())
		if err != nil {
			s.Logger.ErrorContext(r.Context(), "connect state cannot be read", slog.Any("error", err))
			s.page(w, http.StatusServiceUnavailable)
			return
		}
		if !open {
			s.refuse(w, r, s.closed(r.Context(), hash(state), &st, by))
			return
		}
		http.Redirect(w, r, answerTo(st.ReturnTo, s.conclude(r, &st, by, got, denied)), http.StatusSeeOther)
	})
}

// conclude checks whose callback it is and only then lets anything happen with its code.
func (s *Service) conclude(r *http.Request, st *model.ConnectState, by actor, got answer, denied bool) map[string]string {
	ctx := r.Context()
	end := func(outcome model.ConnectOutcome, reason model.ConnectReason) map[string]string {
		s.record(ctx, entry(st, by, outcome, reason))
		return failed(reason)
	}
	proven := s.prove(r, st.BrowserHash)
	if proven == proofWrong {
		return end(model.ConnectRefused, model.ConnectOtherBrowser)
	}
	other, err := s.otherUser(ctx, st, by)
	switch {
	case err != nil:
		s.Logger.ErrorContext(ctx, "session of a callback cannot be compared", slog.Any("error", err), slog.String("user_id", st.UserID.String()))
		return end(model.ConnectFailed, model.ConnectInternal)
	case other:
		return end(model.ConnectRefused, model.ConnectOtherUser)
	case denied:
		return end(model.ConnectFailed, model.ConnectAccessDenied)
	}
	if _, err := s.Regions.Resolve(got.AccountsServer, got.Location, cliq.Code(st.Region)); err != nil {
		s.Logger.WarnContext(ctx, "region of a callback is not served", slog.Any("error", err), slog.String("user_id", st.UserID.String()))
		if errors.Is(err, cliq.ErrRegionNotOffered) {
			return end(model.ConnectFailed, explain(err, got).code)
		}
		return end(model.ConnectRefused, model.ConnectUnknownRegion)
	}
	if proven == proofMissing {
		ticket, err := s.handOver(ctx, st, got)
		if err != nil {
			s.Logger.ErrorContext(ctx, "connect cannot be handed over", slog.Any("error", err))
			return end(model.ConnectFailed, model.ConnectInternal)
		}
		s.record(ctx, entry(st, by, model.ConnectHandedOver, ""))
		return map[string]string{"status": "confirm", "ticket": ticket}
	}
	if failure := s.exchange(ctx, st, by, got); failure != nil {
		return failed(failure.code)
	}
	return map[string]string{"status": "connected"}
}

// failed is what the app is told: the reason is `code` beside `status=error`.
func failed(reason model.ConnectReason) map[string]string {
	return map[string]string{"status": "error", "code": string(reason)}
}

// otherUser reports whether the browser is signed in as somebody else than the one who started.
func (s *Service) otherUser(ctx context.Context, st *model.ConnectState, by actor) (bool, error) {
	if by == (actor{}) {
		return false, nil
	}
	v, found, err := s.Viewer(ctx, st.UserID)
	if err != nil || !found {
		return true, err
	}
	return by != actorOf(&v), nil
}

// handOver keeps Zoho's answer, sealed, until the person who started redeems the ticket.
func (s *Service) handOver(ctx context.Context, st *model.ConnectState, got answer) (ticket string, err error) {
	plain, err := json.Marshal(got)
	if err != nil {
		return "", fmt.Errorf("encode answer: %w", err)
	}
	if st.Answer, err = s.Box.Seal(stateBinding(st, "answer"), plain); err != nil {
		return "", fmt.Errorf("seal answer: %w", err)
	}
	ticket = random()
	st.TicketHash, st.ExpiresAt = hash(ticket), s.now().Add(ticketLifetime)
	if err := s.Store.HandOverConnectState(ctx, *st); err != nil {
		return "", fmt.Errorf("save ticket: %w", err)
	}
	return ticket, nil
}

// Complete redeems the ticket of a hand-over. What the person can mend is a *model.UserError: TICKET_INVALID,
// PROVIDER_REJECTED, PROVIDER_BUSY.
func (s *Service) Complete(ctx context.Context, v model.Viewer, ticket string) (model.Connection, error) {
	st, redeemed, err := s.Store.RedeemTicket(ctx, hash(ticket), v.User.UUID, s.now())
	if err != nil {
		return model.Connection{}, fmt.Errorf("redeem ticket: %w", err)
	}
	if !redeemed {
		s.record(ctx, s.misused(ctx, hash(ticket), &st, &v))
		return model.Connection{}, model.UserErrorf(model.UserErrorCodeTicketInvalid, []string{"input", "ticket"},
			"This ticket is unknown, used, older than a minute or somebody else's; connect again.")
	}
	got, err := s.openAnswer(&st)
	if err != nil {
		s.record(ctx, entry(&st, actorOf(&v), model.ConnectFailed, model.ConnectInternal))
		return model.Connection{}, err
	}
	if failure := s.exchange(ctx, &st, actorOf(&v), got); failure != nil {
		return model.Connection{}, failure.userError()
	}
	return s.Store.Connection(ctx, v.User.UUID)
}

// openAnswer reads what handOver sealed.
func (s *Service) openAnswer(st *model.ConnectState) (got answer, err error) {
	plain, err := s.Box.Open(stateBinding(st, "answer"), st.Answer)
	if err != nil {
		return answer{}, fmt.Errorf("open answer: %w", err)
	}
	if err := json.Unmarshal(plain, &got); err != nil {
		return answer{}, fmt.Errorf("decode answer: %w", err)
	}
	return got, nil
}

// refuse answers a callback that belongs to no open attempt: there is no page of ours that it may be sent to.
func (s *Service) refuse(w http.ResponseWriter, r *http.Request, e model.ConnectAudit) {
	s.record(r.Context(), e)
	s.page(w, http.StatusBadRequest)
}
