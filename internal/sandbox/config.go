package sandbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Config is everything the stand-in needs from outside.
type Config struct {
	// BaseURL is the absolute URL at which Handler is reachable, prefix included, no slash at the end
	// (http://localhost:8080/sandbox). Nil derives it from each request's Host, which suits tests.
	BaseURL func() string
	// Prefix is the path under which Handler is mounted. Default "/sandbox"; "/" is the root.
	Prefix string
	// Clients are the OAuth client credentials the accounts servers accept.
	Clients []Client
	// RedirectURIs are compared byte for byte, as in Zoho's API console. More can come later with AllowRedirectURI.
	RedirectURIs []string
	// Organisations say which bots exist for whom. Default: one organisation with DefaultBots.
	Organisations []Organisation
	// Identities are the people the consent page offers beside those of Users. When there is nobody at all, it offers
	// three invented ones.
	Identities []Identity
	// CodeLifetime of an authorization code. Default 2 minutes.
	CodeLifetime time.Duration
	// AccessLifetime of an access token. Default 1 hour.
	AccessLifetime time.Duration
	// MaxMessages bounds the chat messages kept; the oldest go first. Default 5000.
	MaxMessages int
	// Mail is the mail sink whose mailbox the pages show. Nil hides it.
	Mail *Mail
	// Now is the clock. Required.
	Now func() time.Time
	// Logger gets a line per unexpected event. Default: nothing is logged.
	Logger *slog.Logger

	// Catalog, Users and Fire let a page fire any business event at a demo user. Nil hides the form.
	Catalog []EventForm
	Users   func(ctx context.Context) []DemoUser
	Fire    func(ctx context.Context, request FireRequest) (FireResult, error)
}

// Client is one pair of OAuth credentials.
type Client struct {
	// Region that accepts the pair; empty means every region.
	Region Region
	ID     string
	Secret string
}

// Organisation is one Cliq organisation: a bot of one organisation is unknown to the people of another.
type Organisation struct {
	Name string
	// Domain of its people's e-mail addresses; empty takes everyone no other organisation claims.
	Domain string
	// Bots are the unique names of its bots.
	Bots []string
}

// DefaultBots are the bots of the organisation that exists when Config names none.
func DefaultBots() []string {
	return []string{"heffl", "hefflbot", "heffl_notifications", "heffl-notifications", "notifications", "crmbot"}
}

// Identity is a person who can sign in at the stand-in.
type Identity struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

// inventedPeople sign in where neither the configuration nor the application knows anybody.
func inventedPeople() []Identity {
	return []Identity{
		{Name: "Asha Rao", Email: "asha.rao@sandbox.example"},
		{Name: "Jonas Weber", Email: "jonas.weber@sandbox.example"},
		{Name: "Mia Chen", Email: "mia.chen@sandbox.example"},
	}
}

// EventForm describes one event type well enough to build a form for it.
type EventForm struct {
	Type        string      `json:"type"`
	Label       string      `json:"label"`
	Category    string      `json:"category"`
	Description string      `json:"description"`
	NeedsActor  bool        `json:"needsActor"`
	Fields      []FormField `json:"fields"`
}

// FormField is one value an event carries.
type FormField struct {
	Name string `json:"name"`
	// Kind is one of id, text, decimal, integer, currency, date, instant; anything else is treated as text.
	Kind     string `json:"kind"`
	Required bool   `json:"required"`
	// Example fills the form in advance.
	Example string `json:"example"`
}

// DemoUser is a person of the application an event can be fired at.
type DemoUser struct {
	ID            string `json:"id"`
	Name          string `json:"name"`
	Email         string `json:"email"`
	WorkspaceID   string `json:"workspaceId"`
	WorkspaceName string `json:"workspaceName"`
}

// FireRequest asks the application to publish one event.
type FireRequest struct {
	Type        string `json:"type"`
	WorkspaceID string `json:"workspaceId"`
	// ActorID may be empty: nobody did it.
	ActorID    string   `json:"actorId"`
	Recipients []string `json:"recipients"`
	// Fields holds the values as typed; empty ones are left out.
	Fields map[string]string `json:"fields"`
}

// FireResult is what became of a FireRequest.
type FireResult struct {
	EventID string `json:"eventId"`
	// Outcomes say who gets what where.
	Outcomes []FireOutcome `json:"outcomes"`
	// Problems are mistakes in the request, fit to be shown.
	Problems []FireProblem `json:"problems"`
}

// FireOutcome is one line of a FireResult.
type FireOutcome struct {
	User    string `json:"user"`
	Channel string `json:"channel"`
	// Decision in words: "delivers", "skipped: the person switched it off".
	Decision string `json:"decision"`
}

// FireProblem is a mistake in a FireRequest.
type FireProblem struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

// resolve fills defaults into a copy and reports every problem at once.
func (c Config) resolve() (Config, error) {
	c.Prefix = strings.TrimRight(cmp.Or(c.Prefix, "/sandbox"), "/")
	c.CodeLifetime = cmp.Or(c.CodeLifetime, 2*time.Minute)
	c.AccessLifetime = cmp.Or(c.AccessLifetime, time.Hour)
	c.MaxMessages = cmp.Or(c.MaxMessages, 5000)
	c.Clients = slices.Clone(c.Clients)
	c.RedirectURIs = slices.Clone(c.RedirectURIs)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if len(c.Organisations) == 0 {
		c.Organisations = []Organisation{{Name: "Heffl Sandbox", Bots: DefaultBots()}}
	}

	var problems []error
	if c.Now == nil {
		problems = append(problems, errors.New("clock is missing"))
	}
	if c.Prefix != "" && !strings.HasPrefix(c.Prefix, "/") {
		problems = append(problems, fmt.Errorf("prefix %q does not begin with a slash", c.Prefix))
	}
	for i, client := range c.Clients {
		if client.ID == "" || client.Secret == "" {
			problems = append(problems, fmt.Errorf("client %d has no id or no secret", i+1))
		}
		if client.Region != "" && !client.Region.valid() {
			problems = append(problems, fmt.Errorf("client %d names the unknown region %q", i+1, client.Region))
		}
	}
	for _, uri := range c.RedirectURIs {
		if err := checkRedirectURI(uri); err != nil {
			problems = append(problems, err)
		}
	}
	for _, identity := range c.Identities {
		if _, err := mail.ParseAddress(identity.Email); err != nil {
			problems = append(problems, fmt.Errorf("identity %q has no usable address", identity.Name))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return c, fmt.Errorf("sandbox configuration: %w", err)
	}
	return c, nil
}

func checkRedirectURI(uri string) error {
	parsed, err := url.Parse(uri)
	if err != nil || parsed.Host == "" || (parsed.Scheme != "http" && parsed.Scheme != "https") || parsed.Fragment != "" {
		return fmt.Errorf("redirect URI %q is not an absolute http or https URL", uri)
	}
	return nil
}
