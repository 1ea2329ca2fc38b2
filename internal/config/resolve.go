package config

import (
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// resolver gives settings their types and collects what is wrong with them.
type resolver struct{ problems Problems }

func (r *resolver) problem(flag, format string, args ...any) {
	r.problems = append(r.problems, fmt.Sprintf("--%s (%s): %s", flag, variable(flag), fmt.Sprintf(format, args...)))
}

// resolve turns text into a Config, or says everything that is wrong.
func (f *flags) resolve(command Command, _ environment) (*Config, Problems) {
	r := &resolver{}
	c := &Config{
		Command:      command,
		Production:   f.Env == "production",
		DataDir:      f.DataDir,
		DatabaseURL:  NewSecret(f.DatabaseURL),
		NATSURL:      NewSecret(f.NATSURL),
		JWTIssuer:    f.JWTIssuer,
		JWTAudience:  f.JWTAudience,
		SecretKeyset: NewSecret(f.SecretKeyset),
		SMTPURL:      NewSecret(f.SMTPURL),
		Zoho:         ZohoClient{ID: f.ZohoClientID, Secret: NewSecret(f.ZohoClientSecret)},
		AfterRestore: f.Migrate.AfterRestore,
		TokenUser:    f.Token.User,
		TokenScope:   f.Token.Scope,
	}
	if f.Env != "production" && f.Env != "development" {
		r.problem("env", "%q is neither development nor production.", f.Env)
	}
	f.resolveListeners(r, c)
	f.resolveURLs(r, c)
	f.resolveBackends(r, c)
	f.resolveZoho(r, c)
	f.resolveToken(r, c)
	switch command {
	case Version, KeysNew, Token:
	case Migrate:
		r.requireDatabase(c)
	case KeysAdd, KeysPromote, KeysRotate:
		r.requireKeyset(c)
	case Serve:
		r.production(c)
	}
	if command == Token && c.Production {
		r.problem("env", "the token command is for development only; in production whoever owns HEFFL_JWKS_URL signs tokens.")
	}
	return c, r.problems
}

func (f *flags) resolveListeners(r *resolver, c *Config) {
	c.Addr = f.Addr
	if c.Addr == "" {
		c.Addr = "localhost:8080"
		if c.Production {
			c.Addr = ":8080"
		}
	}
	r.address("addr", c.Addr, !c.Production)
	if err := c.LogLevel.UnmarshalText([]byte(f.LogLevel)); err != nil {
		r.problem("log-level", "%q is none of debug, info, warn, error.", f.LogLevel)
	}
	switch f.LogForm {
	case "":
		c.LogJSON = c.Production
	case "json", "text":
		c.LogJSON = f.LogForm == "json"
	default:
		r.problem("log-format", "%q is neither text nor json.", f.LogForm)
	}
	if c.DataDir == "" {
		r.problem("data-dir", "must name a folder.")
	}
}

func (f *flags) resolveURLs(r *resolver, c *Config) {
	c.PublicURL = r.base("public-url", f.PublicURL, c.Production)
	c.AppURL = r.base("app-url", f.AppURL, c.Production)
	for origin := range strings.SplitSeq(f.AppOrigins, ",") {
		if origin = strings.TrimSpace(origin); origin == "" {
			continue
		}
		u, err := url.Parse(origin)
		if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.Scheme+"://"+u.Host != origin {
			r.problem("app-origins", "%q is no origin; one looks like https://app.heffl.example, without a path.", origin)
			continue
		}
		if c.Production && u.Scheme != "https" {
			r.problem("app-origins", "%q must be https in production.", origin)
		}
		c.AppOrigins = append(c.AppOrigins, origin)
	}
	for _, u := range []*url.URL{c.PublicURL, c.AppURL} {
		if u != nil {
			c.AppOrigins = append(c.AppOrigins, u.Scheme+"://"+u.Host)
		}
	}
	slices.Sort(c.AppOrigins)
	c.AppOrigins = slices.Compact(c.AppOrigins)
	switch f.Playground {
	case "":
		c.Playground = !c.Production
	case "on", "off":
		c.Playground = f.Playground == "on"
	default:
		r.problem("playground", "%q is neither on nor off.", f.Playground)
	}
	c.JWKSURL = r.url("jwks-url", f.JWKSURL, c.Production)
}

func (f *flags) resolveBackends(r *resolver, c *Config) {
	if f.DatabaseURL != "" {
		u, err := url.Parse(f.DatabaseURL)
		// A Unix socket stands in the query: postgres://user@/database?host=/run/postgresql.
		if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") || (u.Host == "" && u.Query().Get("host") == "") {
			r.problem("database-url", "must look like postgres://user:password@host:5432/database.")
		}
	}
	n, err := strconv.Atoi(f.DatabaseMaxConns)
	if err != nil || n < 2 || n > 200 {
		r.problem("database-max-conns", "%q is no number from 2 to 200.", f.DatabaseMaxConns)
	}
	c.DatabaseMaxConns = n
	for part := range strings.SplitSeq(f.NATSURL, ",") {
		u, err := url.Parse(strings.TrimSpace(part))
		if f.NATSURL != "" && (err != nil || !slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme) || u.Host == "") {
			r.problem("nats-url", "must look like nats://host:4222 or tls://host:4222, several separated by commas.")
		}
	}
	if f.SMTPURL != "" {
		u, err := url.Parse(f.SMTPURL)
		if err != nil || (u.Scheme != "smtp" && u.Scheme != "smtps") || u.Hostname() == "" {
			r.problem("smtp-url", "must look like smtp://user:password@host:587 or smtps://user:password@host:465.")
		}
	}
	c.MailFrom = &mail.Address{Name: "Heffl", Address: "notifications@heffl.test"}
	if f.MailFrom != "" {
		from, err := mail.ParseAddress(f.MailFrom)
		if err != nil {
			r.problem("mail-from", "%q is no address; one looks like Heffl <notifications@heffl.example>.", f.MailFrom)
		} else {
			c.MailFrom = from
		}
	} else if c.Production && c.Command == Serve {
		r.problem("mail-from", "must be set in production.")
	}
}

func (f *flags) resolveZoho(r *resolver, c *Config) {
	c.ZohoStandin = r.base("zoho-standin-url", f.ZohoStandinURL, false)
	if c.ZohoStandin != nil && c.Production {
		r.problem("zoho-standin-url", "a stand-in is refused in production; unset it.")
	}
	r.client("zoho", f.ZohoClientID, f.ZohoClientSecret)
	c.ZohoRegions = map[string]ZohoClient{}
	own := map[string]zohoClient{
		"US": f.ZohoUS, "IN": f.ZohoIN, "EU": f.ZohoEU, "AU": f.ZohoAU, "CA": f.ZohoCA,
		"UK": f.ZohoUK, "JP": f.ZohoJP, "SA": f.ZohoSA, "CN": f.ZohoCN,
	}
	for code, client := range own {
		id := client.ClientID
		if id == "" && client.ClientSecret != "" {
			id = f.ZohoClientID // Zoho's default: one client id, a secret for every data centre
		}
		r.client("zoho-"+strings.ToLower(code), id, client.ClientSecret)
		if id != "" {
			c.ZohoRegions[code] = ZohoClient{ID: id, Secret: NewSecret(client.ClientSecret)}
		}
	}
}

func (f *flags) resolveToken(r *resolver, c *Config) {
	ttl, err := time.ParseDuration(f.Token.TTL)
	if err != nil || ttl <= 0 || ttl > 720*time.Hour {
		r.problems = append(r.problems, fmt.Sprintf("--ttl: %q is no duration up to 720h, for example 30m or 12h.", f.Token.TTL))
	}
	c.TokenTTL = ttl
	for scope := range strings.FieldsSeq(f.Token.Scope) {
		if !slices.Contains([]string{"admin", "events:write", "users:write"}, scope) {
			r.problems = append(r.problems, fmt.Sprintf("--scope: %q is none of admin, events:write, users:write.", scope))
		}
	}
}

// client checks that id and secret come together.
func (r *resolver) client(name, id, secret string) {
	switch {
	case id != "" && secret == "":
		r.problem(name+"-client-secret", "is missing: %s has an id.", variable(name+"-client-id"))
	case id == "" && secret != "":
		r.problem(name+"-client-id", "is missing: %s has a secret.", variable(name+"-client-secret"))
	}
}

// address checks host:port. Development listens on loopback only: it trusts a signing key in a folder.
func (r *resolver) address(flag, addr string, loopbackOnly bool) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		r.problem(flag, "%q must look like host:port.", addr)
		return
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		r.problem(flag, "%q has no port from 0 to 65535.", addr)
	}
	ip := net.ParseIP(host)
	if loopbackOnly && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		r.problem(flag, "development listens on localhost only, not on %q; HEFFL_ENV=production serves the world.", addr)
	}
}

// base reads the URL of a server, without query, fragment or trailing slash.
func (r *resolver) base(flag, value string, https bool) *url.URL {
	u := r.url(flag, strings.TrimRight(value, "/"), https)
	if u != nil && (u.RawQuery != "" || u.Fragment != "") {
		r.problem(flag, "must have no query and no fragment.")
	}
	return u
}

func (r *resolver) url(flag, value string, https bool) *url.URL {
	if value == "" {
		return nil
	}
	u, err := url.Parse(value)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil {
		r.problem(flag, "must look like https://host, with a scheme and without a user.")
		return nil
	}
	if https && u.Scheme != "https" {
		r.problem(flag, "must be https in production.")
	}
	return u
}

// production refuses every stand-in and everything that is missing.
func (r *resolver) production(c *Config) {
	if !c.Production {
		return
	}
	r.requireDatabase(c)
	r.requireKeyset(c)
	missing := []struct {
		flag string
		set  bool
	}{
		{"nats-url", c.NATSURL.IsSet()},
		{"public-url", c.PublicURL != nil},
		{"app-url", c.AppURL != nil},
		{"jwks-url", c.JWKSURL != nil},
		{"jwt-issuer", c.JWTIssuer != ""},
		{"jwt-audience", c.JWTAudience != ""},
		{"smtp-url", c.SMTPURL.IsSet()},
		{"zoho-client-id", c.Zoho.IsSet()},
	}
	for _, m := range missing {
		if !m.set {
			r.problem(m.flag, "must be set in production.")
		}
	}
}

func (r *resolver) requireDatabase(c *Config) {
	if c.Production && !c.DatabaseURL.IsSet() {
		r.problem("database-url", "must be set in production.")
	}
}

func (r *resolver) requireKeyset(c *Config) {
	if c.Production && !c.SecretKeyset.IsSet() {
		r.problem("secret-keyset", "must be set in production; make one with the command: keys new.")
	}
}
