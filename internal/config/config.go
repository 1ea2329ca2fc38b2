package config

import (
	"log/slog"
	"net/mail"
	"net/url"
	"time"
)

// Command is what the process is asked to do.
type Command string

// The commands.
const (
	Serve       Command = "serve"
	Migrate     Command = "migrate"
	Token       Command = "token"
	KeysNew     Command = "keys new"
	KeysAdd     Command = "keys add"
	KeysPromote Command = "keys promote"
	KeysRotate  Command = "keys rotate"
	Version     Command = "version"
)

// Config is everything the process was told, with types.
type Config struct {
	Command Command

	Production bool
	// Addr is where to listen, host:port; port 0 takes a free one.
	Addr string
	// DataDir holds the SQLite file and development's keys.
	DataDir   string
	LogLevel  slog.Level
	LogJSON   bool
	PublicURL *url.URL // this server, without a trailing slash; nil: development, from the listener's port
	AppURL    *url.URL // the CRM's app, without a trailing slash; nil: the public URL
	// AppOrigins are exact origins, for example https://app.heffl.example.
	AppOrigins []string
	Playground bool

	DatabaseURL      Secret // unset: SQLite in DataDir
	DatabaseMaxConns int
	NATSURL          Secret // unset: embedded

	JWKSURL     *url.URL // nil: the key in DataDir
	JWTIssuer   string
	JWTAudience string

	SecretKeyset Secret // unset: the keyset in DataDir

	SMTPURL  Secret        // unset: the sink in the process
	MailFrom *mail.Address // never nil

	Zoho        ZohoClient            // the common one
	ZohoRegions map[string]ZohoClient // by region code (US, IN, …), only those with a client of their own
	ZohoStandin *url.URL              // nil: real Zoho, or the built-in sandbox when no client is set

	// OwnCollector: the operator set GOGC, so the program leaves the garbage collector alone.
	OwnCollector bool

	// AfterRestore belongs to Migrate.
	AfterRestore bool
	// TokenUser, TokenScope and TokenTTL belong to Token.
	TokenUser  string
	TokenScope string
	TokenTTL   time.Duration
}

// ZohoClient is an OAuth client registered with Zoho.
type ZohoClient struct {
	ID     string
	Secret Secret
}

// IsSet reports whether there is a client at all.
func (z ZohoClient) IsSet() bool { return z.ID != "" }

// UsesSandbox reports whether Zoho is played by the stand-in inside the process.
func (c *Config) UsesSandbox() bool { return !c.Production && c.ZohoStandin == nil && !c.Zoho.IsSet() }

// UsesMailSink reports whether e-mail goes to the mailbox inside the process.
func (c *Config) UsesMailSink() bool { return !c.Production && !c.SMTPURL.IsSet() }
