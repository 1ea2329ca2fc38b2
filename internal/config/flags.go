package config

// flags is the command line as kong reads it. Every value is text here: resolve gives it its type, so that all
// problems can be told at once. Names and variables follow from the field names (DatabaseURL → --database-url,
// HEFFL_DATABASE_URL).
type flags struct {
	Env      string `default:"development" placeholder:"ENV" help:"development or production. Production refuses every stand-in and every missing secret."`
	Addr     string `placeholder:"HOST:PORT" help:"Where to listen. Development: localhost:8080, loopback only. Production: :8080."`
	DataDir  string `default:"./data" placeholder:"DIR" help:"Folder of the SQLite file and of the keys made for development."`
	LogLevel string `default:"info" placeholder:"LEVEL" help:"debug, info, warn or error."`
	LogForm  string `name:"log-format" placeholder:"FORMAT" help:"text or json. Development: text. Production: json."`

	PublicURL  string `placeholder:"URL" help:"This server as browsers reach it; Zoho redirects to its /oauth/cliq/callback. Development: http://localhost and the port."`
	AppURL     string `placeholder:"URL" help:"The CRM's single-page app; links in notifications begin with it. Development: the public URL."`
	AppOrigins string `placeholder:"ORIGINS" help:"Exact origins of pages that may call this server and be returned to, separated by commas. The public URL's is always one."`
	Playground string `placeholder:"on|off" help:"The playground at /playground. Development: on. Production: off."`

	DatabaseURL      string `secret:"" placeholder:"URL" help:"postgres://… Unset: a SQLite file in the data folder (development only)."`
	DatabaseMaxConns string `default:"10" placeholder:"N" help:"Connections to PostgreSQL at most, 2 to 200."`
	NATSURL          string `name:"nats-url" secret:"" placeholder:"URL" help:"nats://… or tls://…, several separated by commas. Unset: a server inside the process (development only)."`

	JWKSURL     string `name:"jwks-url" placeholder:"URL" help:"Public keys of whoever signs the tokens. Unset: a key in the data folder (development only)."`
	JWTIssuer   string `name:"jwt-issuer" placeholder:"ISS" help:"The issuer that tokens must name (claim iss)."`
	JWTAudience string `name:"jwt-audience" placeholder:"AUD" help:"The audience that tokens must name (claim aud)."`

	SecretKeyset string `secret:"" placeholder:"JSON" help:"Tink keyset that seals tokens at rest, made by the keys command. Unset: a keyset in the data folder (development only)."`

	SMTPURL  string `name:"smtp-url" secret:"" placeholder:"URL" help:"smtp://user:password@host:587 (STARTTLS is required) or smtps://…:465. Unset: a mailbox inside the process (development only)."`
	MailFrom string `placeholder:"ADDRESS" help:"Sender of e-mails, for example \"Heffl <notifications@heffl.example>\"."`

	ZohoClientID     string `name:"zoho-client-id" placeholder:"ID" help:"Client id from Zoho's API console. Unset: the Zoho stand-in inside the process (development only)."`
	ZohoClientSecret string `name:"zoho-client-secret" secret:"" placeholder:"SECRET" help:"Its secret, for every region without one of its own."`
	ZohoStandinURL   string `name:"zoho-standin-url" placeholder:"URL" help:"Replaces every Zoho host by {URL}/{region}/accounts and {URL}/{region}/cliq. Refused in production."`

	ZohoUS zohoClient `embed:"" prefix:"zoho-us-" group:"Zoho clients of one region"`
	ZohoIN zohoClient `embed:"" prefix:"zoho-in-" group:"Zoho clients of one region"`
	ZohoEU zohoClient `embed:"" prefix:"zoho-eu-" group:"Zoho clients of one region"`
	ZohoAU zohoClient `embed:"" prefix:"zoho-au-" group:"Zoho clients of one region"`
	ZohoCA zohoClient `embed:"" prefix:"zoho-ca-" group:"Zoho clients of one region"`
	ZohoUK zohoClient `embed:"" prefix:"zoho-uk-" group:"Zoho clients of one region"`
	ZohoJP zohoClient `embed:"" prefix:"zoho-jp-" group:"Zoho clients of one region"`
	ZohoSA zohoClient `embed:"" prefix:"zoho-sa-" group:"Zoho clients of one region"`
	ZohoCN zohoClient `embed:"" prefix:"zoho-cn-" group:"Zoho clients of one region"`

	Serve   struct{}     `cmd:"" default:"1" help:"Serve the API (the default)."`
	Migrate migrateFlags `cmd:"" help:"Bring the database to this version's schema and end."`
	Token   tokenFlags   `cmd:"" help:"Print a development token, signed with the key in the data folder."`
	Keys    keysFlags    `cmd:"" help:"Make and rotate the keys that seal tokens at rest."`
	Version struct{}     `cmd:"" help:"Print the version and end."`
}

// zohoClient is a client of one region's own.
type zohoClient struct {
	ClientID     string `name:"client-id" placeholder:"ID" help:"Client id for this region only."`
	ClientSecret string `name:"client-secret" secret:"" placeholder:"SECRET" help:"Client secret for this region only."`
}

type migrateFlags struct {
	AfterRestore bool `help:"Also renew the epoch: after a restore or a lossy failover, so that clients refetch instead of missing what was lost."`
}

type tokenFlags struct {
	User  string `default:"u_ada" help:"Heffl's id of the user."`
	Scope string `help:"Scopes, separated by spaces: admin, events:write, users:write."`
	TTL   string `name:"ttl" default:"12h" help:"How long it is valid, for example 30m or 12h; at most 720h."`
}

type keysFlags struct {
	New     struct{} `cmd:"" help:"Print a new keyset for HEFFL_SECRET_KEYSET."`
	Add     struct{} `cmd:"" help:"Print the keyset with a further key that is not used yet: roll this one out to every replica first."`
	Promote struct{} `cmd:"" help:"Print the keyset with its newest key in use."`
	Rotate  struct{} `cmd:"" help:"Re-seal every stored token with the key in use; may run while the server does and be repeated."`
}
