package connect

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/heffl/bff/internal/cliq"
	"github.com/heffl/bff/internal/secret"
	"github.com/heffl/bff/model"
)

// failure is why an exchange connected nothing, for the return path and for userErrors.
type failure struct {
	code    model.ConnectReason // for the return path and the audit
	user    model.UserErrorCode
	message string
}

func (f *failure) userError() *model.UserError { return model.UserErrorf(f.user, nil, "%s", f.message) }

// exchange redeems the code at the data centre that Zoho named and keeps what it gives. nil: connected.
func (s *Service) exchange(ctx context.Context, st *model.ConnectState, by actor, got answer) *failure {
	// A browser that leaves now must not lose the grant that Zoho is about to give: it counts against the person's twenty.
	ctx = context.WithoutCancel(ctx)
	region, err := s.redeem(ctx, st, got)
	if err != nil {
		s.Logger.WarnContext(ctx, "connect failed", slog.Any("error", err), slog.String("user_id", st.UserID.String()))
		why := explain(err, got)
		s.record(ctx, entry(st, by, model.ConnectFailed, why.code))
		return why
	}
	s.Changed(st.UserID)
	e := entry(st, by, model.ConnectConnected, "")
	e.Region = model.CliqRegionCode(region)
	s.record(ctx, e)
	return nil
}

// redeem answers where the account lives.
func (s *Service) redeem(ctx context.Context, st *model.ConnectState, got answer) (cliq.Code, error) {
	region, err := s.Regions.Resolve(got.AccountsServer, got.Location, cliq.Code(st.Region))
	if err != nil {
		return "", err
	}
	verifier, err := s.Box.Open(stateBinding(st, "verifier"), st.Verifier)
	if err != nil {
		return "", fmt.Errorf("open verifier: %w", err)
	}
	token, err := s.Client.Exchange(ctx, region.Code, cliq.NewSecret(got.Code), cliq.NewSecret(string(verifier)), s.CallbackURL)
	if err != nil {
		s.giveBack(ctx, region.Code, token.Refresh)
		return "", fmt.Errorf("exchange code: %w", err)
	}
	if err := s.keep(ctx, st, region.Code, token); err != nil {
		s.giveBack(ctx, region.Code, token.Refresh)
		return "", err
	}
	s.Revoke() // the connection before, if there was one
	return region.Code, nil
}

// keep makes the grant the person's connection.
func (s *Service) keep(ctx context.Context, st *model.ConnectState, region cliq.Code, token cliq.Token) error {
	user := st.UserID.String()
	access, err := s.Box.Seal(tokenBinding("access", user), []byte(token.Access.Reveal()))
	if err != nil {
		return fmt.Errorf("seal access token: %w", err)
	}
	refresh, err := s.Box.Seal(tokenBinding("refresh", user), []byte(token.Refresh.Reveal()))
	if err != nil {
		return fmt.Errorf("seal refresh token: %w", err)
	}
	if _, err := s.Store.SaveConnected(ctx, model.NewConnection{
		UserID: st.UserID, WorkspaceID: st.WorkspaceID, Region: model.CliqRegionCode(region), RegionChosen: st.Region,
		BotName: st.BotName, Scopes: strings.Join(token.Scopes, " "), Access: access, Refresh: refresh,
		ExpiresAt: model.NewTime(token.ExpiresAt), KeyID: s.Box.PrimaryKeyID(),
	}, s.now()); err != nil {
		return fmt.Errorf("save connection: %w", err)
	}
	return nil
}

// giveBack revokes a grant that is of no use to us, as far as Zoho listens. An access token alone ends by itself.
func (s *Service) giveBack(ctx context.Context, region cliq.Code, refresh cliq.Secret) {
	if refresh.IsEmpty() {
		return
	}
	if err := s.Client.Revoke(ctx, region, refresh); err != nil {
		s.Logger.WarnContext(ctx, "useless grant was not revoked", slog.Any("error", err))
	}
}

// explain puts the reason into words that a person can act on.
func explain(err error, got answer) *failure {
	var throttled *cliq.ThrottledError
	var unavailable *cliq.UnavailableError
	var misconfigured *cliq.MisconfiguredError
	switch {
	case errors.As(err, &throttled), errors.As(err, &unavailable):
		return &failure{"PROVIDER_BUSY", model.UserErrorCodeProviderBusy, "Zoho does not answer right now. Connect again in a few minutes."}
	case errors.Is(err, cliq.ErrRegionNotOffered):
		return &failure{"REGION_NOT_AVAILABLE", model.UserErrorCodeRegionNotAvailable, "Your Zoho account lives in a region that this server cannot connect."}
	case errors.Is(err, cliq.ErrScopeMissing):
		return &failure{"SCOPE_MISSING", model.UserErrorCodeProviderRejected, "Zoho did not grant the permission to send with a bot. Connect again and accept it."}
	case errors.Is(err, cliq.ErrNoRefreshToken):
		return &failure{"NO_REFRESH_TOKEN", model.UserErrorCodeProviderRejected, "Zoho granted access for an hour only. Connect again and accept on Zoho's page."}
	case got.AccountsServer == "" && got.Location == "" && (errors.Is(err, cliq.ErrInvalidGrant) || errors.As(err, &misconfigured)):
		return &failure{"REGION_MISMATCH", model.UserErrorCodeProviderRejected, "Your Zoho account seems to live in another region. Choose the region in whose address you use Cliq, and connect again."}
	case errors.Is(err, cliq.ErrInvalidGrant):
		return &failure{"PROVIDER_REJECTED", model.UserErrorCodeProviderRejected, "Zoho did not accept its own answer any more: it is good for two minutes. Connect again."}
	case errors.As(err, &misconfigured):
		return &failure{"PROVIDER_MISCONFIGURED", model.UserErrorCodeProviderRejected, "Zoho refuses this server's registration in your region. Tell your administrator."}
	}
	return &failure{model.ConnectInternal, model.UserErrorCodeProviderRejected, "Something went wrong on our side; nothing was connected. Connect again."}
}

// tokenBinding is the one place where a person's sealed token may stand.
func tokenBinding(column, user string) secret.Binding {
	return secret.Binding{Table: "integration_tokens", Column: column, Row: user, User: user}
}
