package config_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/heffl/bff/internal/config"
)

// production is a complete and right configuration for production.
func production() []string {
	return []string{
		"HEFFL_ENV=production",
		"HEFFL_DATABASE_URL=postgres://bff:pw@db:5432/bff",
		"HEFFL_NATS_URL=tls://nats-1:4222, tls://nats-2:4222",
		"HEFFL_PUBLIC_URL=https://bff.heffl.example/",
		"HEFFL_APP_URL=https://app.heffl.example",
		"HEFFL_APP_ORIGINS=https://app.heffl.example, https://beta.heffl.example",
		"HEFFL_JWKS_URL=https://id.heffl.example/jwks.json",
		"HEFFL_JWT_ISSUER=https://id.heffl.example",
		"HEFFL_JWT_AUDIENCE=bff",
		`HEFFL_SECRET_KEYSET={"key":[]}`,
		"HEFFL_SMTP_URL=smtp://user:pw@mail:587",
		"HEFFL_MAIL_FROM=Heffl <notifications@heffl.example>",
		"HEFFL_ZOHO_CLIENT_ID=1000.ABC",
		"HEFFL_ZOHO_CLIENT_SECRET=shh",
		"HEFFL_ZOHO_CN_CLIENT_ID=1000.CN",
		"HEFFL_ZOHO_CN_CLIENT_SECRET=shh-cn",
		"HEFFL_ZOHO_EU_CLIENT_SECRET=shh-eu",
	}
}

func load(t *testing.T, args, environ []string) *config.Config {
	t.Helper()
	c, err := config.Load(args, environ, io.Discard)
	if err != nil {
		t.Fatalf("Load(%q) = %v", args, err)
	}
	return c
}

func problems(t *testing.T, args, environ []string) string {
	t.Helper()
	_, err := config.Load(args, environ, io.Discard)
	var p config.Problems
	if !errors.As(err, &p) {
		t.Fatalf("Load(%q) = %v, want problems", args, err)
	}
	return p.Error()
}

func TestLoad(t *testing.T) {
	t.Parallel()

	t.Run("NothingSetIsDevelopment", func(t *testing.T) {
		t.Parallel()
		c := load(t, nil, []string{"PATH=/bin", "HOME=/root"})
		if c.Command != config.Serve || c.Production || c.Addr != "localhost:8080" || !c.Playground || !c.UsesSandbox() || !c.UsesMailSink() {
			t.Errorf("got %+v", c)
		}
	})

	t.Run("ProductionIsComplete", func(t *testing.T) {
		t.Parallel()
		c := load(t, nil, production())
		if !c.Production || c.Addr != ":8080" || c.Playground || !c.LogJSON || c.UsesSandbox() || c.UsesMailSink() {
			t.Errorf("got %+v", c)
		}
		if got := c.PublicURL.String(); got != "https://bff.heffl.example" {
			t.Errorf("PublicURL = %q", got)
		}
		want := "[https://app.heffl.example https://beta.heffl.example https://bff.heffl.example]"
		if got := fmt.Sprint(c.AppOrigins); got != want {
			t.Errorf("AppOrigins = %s, want %s", got, want)
		}
		if got := c.ZohoRegions["EU"]; got.ID != "1000.ABC" || got.Secret.Reveal() != "shh-eu" {
			t.Errorf("EU shares the client id and has its own secret, got %q", got.ID)
		}
		if got := c.ZohoRegions["CN"].ID; got != "1000.CN" {
			t.Errorf("CN = %q", got)
		}
	})

	t.Run("EachMissingSettingOfProductionIsTold", func(t *testing.T) {
		t.Parallel()
		for i, line := range production() {
			name, _, _ := strings.Cut(line, "=")
			optional := name == "HEFFL_ENV" || name == "HEFFL_APP_ORIGINS" || strings.Contains(name, "_CN_") || strings.Contains(name, "_EU_")
			if optional {
				continue
			}
			env := append(append([]string{}, production()[:i]...), production()[i+1:]...)
			if got := problems(t, nil, env); !strings.Contains(got, name) {
				t.Errorf("without %s: %q does not name it", name, got)
			}
		}
	})

	t.Run("AllProblemsAtOnce", func(t *testing.T) {
		t.Parallel()
		got := problems(t, []string{"--nonsense", "--also=1", "--database-max-conns=9999"}, []string{
			"HEFFL_DATABAS_URL=x", "HEFFL_LOG_LEVEL=loud", "HEFFL_ADDR=0.0.0.0:8080", "HEFFL_APP_ORIGINS=https://a.example/path", "HEFFL_ZOHO_CLIENT_ID=1",
		})
		for _, want := range []string{"--nonsense", "--also", "HEFFL_DATABAS_URL", "HEFFL_LOG_LEVEL", "HEFFL_ADDR", "HEFFL_APP_ORIGINS", "HEFFL_ZOHO_CLIENT_SECRET", "HEFFL_DATABASE_MAX_CONNS"} {
			if !strings.Contains(got, want) {
				t.Errorf("%q is not told in:\n%s", want, got)
			}
		}
		if n := strings.Count(got, "\n") + 1; n != 8 {
			t.Errorf("%d problems, want 8:\n%s", n, got)
		}
	})

	t.Run("StandinIsRefusedInProduction", func(t *testing.T) {
		t.Parallel()
		if got := problems(t, nil, append(production(), "HEFFL_ZOHO_STANDIN_URL=https://x.example")); !strings.Contains(got, "STANDIN") {
			t.Errorf("got %q", got)
		}
	})

	t.Run("FlagWinsOverVariable", func(t *testing.T) {
		t.Parallel()
		c := load(t, []string{"--addr=localhost:1"}, []string{"HEFFL_ADDR=localhost:2"})
		if c.Addr != "localhost:1" {
			t.Errorf("Addr = %q", c.Addr)
		}
	})

	t.Run("SecretFromFile", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "url")
		if err := os.WriteFile(path, []byte("postgres://u:p@h/d\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		c := load(t, nil, []string{"HEFFL_DATABASE_URL_FILE=" + path})
		if got := c.DatabaseURL.Reveal(); got != "postgres://u:p@h/d" {
			t.Errorf("DatabaseURL = %q", got)
		}
		if got := problems(t, nil, []string{"HEFFL_DATABASE_URL_FILE=" + path, "HEFFL_DATABASE_URL=postgres://h/d"}); !strings.Contains(got, "set one of the two") {
			t.Errorf("both set: %q", got)
		}
		if got := problems(t, nil, []string{"HEFFL_DATABASE_URL_FILE=" + path + ".gone"}); !strings.Contains(got, "cannot be read") {
			t.Errorf("missing file: %q", got)
		}
	})

	t.Run("DatabaseByUnixSocket", func(t *testing.T) {
		t.Parallel()
		const socket = "postgres://bff@/bff?host=/run/postgresql"
		if got := load(t, nil, []string{"HEFFL_DATABASE_URL=" + socket}).DatabaseURL.Reveal(); got != socket {
			t.Errorf("DatabaseURL = %q", got)
		}
		if got := problems(t, nil, []string{"HEFFL_DATABASE_URL=postgres:///bff"}); !strings.Contains(got, "HEFFL_DATABASE_URL") {
			t.Errorf("without any host: %q", got)
		}
	})

	t.Run("TokenCommand", func(t *testing.T) {
		t.Parallel()
		c := load(t, []string{"token", "--user", "u_grace", "--scope", "admin events:write", "--ttl", "5m"}, nil)
		if c.Command != config.Token || c.TokenUser != "u_grace" || c.TokenScope != "admin events:write" || c.TokenTTL != 5*time.Minute {
			t.Errorf("got %+v", c)
		}
		got := problems(t, []string{"token", "--scope", "root", "--ttl", "1y"}, nil)
		if !strings.Contains(got, "--scope") || !strings.Contains(got, "--ttl") {
			t.Errorf("got %q", got)
		}
	})

	t.Run("HelpNamesEveryVariable", func(t *testing.T) {
		t.Parallel()
		var out bytes.Buffer
		if _, err := config.Load([]string{"--help"}, nil, &out); !errors.Is(err, config.ErrHelp) {
			t.Fatalf("err = %v", err)
		}
		text := strings.Join(strings.Fields(out.String()), " ")
		for _, want := range []string{"HEFFL_DATABASE_URL_FILE", "HEFFL_ZOHO_IN_CLIENT_SECRET", "HEFFL_APP_ORIGINS", "migrate", "token", "keys", "version"} {
			if !strings.Contains(text, want) {
				t.Errorf("help does not name %s:\n%s", want, out.String())
			}
		}
	})

	for _, command := range []string{"serve", "migrate", "version", "keys new", "keys add", "keys promote", "keys rotate"} {
		t.Run("Command "+command, func(t *testing.T) {
			t.Parallel()
			if c := load(t, strings.Fields(command), nil); string(c.Command) != command {
				t.Errorf("Command = %q", c.Command)
			}
		})
	}
}

func TestSecretNeverPrints(t *testing.T) {
	t.Parallel()
	const canary = "canary-7431"
	c := load(t, nil, []string{"HEFFL_SMTP_URL=smtp://u:" + canary + "@h:587", "HEFFL_ZOHO_CLIENT_ID=1", "HEFFL_ZOHO_CLIENT_SECRET=" + canary})
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("config", slog.Any("config", c), slog.Any("secret", c.SMTPURL))
	for _, text := range []string{fmt.Sprint(c), fmt.Sprintf("%+v", c), fmt.Sprintf("%#v", c.Zoho), log.String()} {
		if strings.Contains(text, canary) {
			t.Errorf("a secret is printed: %s", text)
		}
	}
	if c.SMTPURL.Reveal() != "smtp://u:"+canary+"@h:587" {
		t.Error("Reveal is not the value")
	}
}
