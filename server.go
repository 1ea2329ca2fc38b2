// Command bff serves Heffl's notifications: a GraphQL API with live streams, e-mail and Zoho Cliq behind it.
//
// Without a command and without any setting it serves for development. `bff --help` explains everything.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/heffl/bff/internal/app"
	"github.com/heffl/bff/internal/config"
)

//go:generate go tool gqlgen generate

// version is set by the linker in release builds.
var version = ""

func main() { os.Exit(run(os.Args[1:], os.Environ(), os.Stdout, os.Stderr)) }

// run is the whole program. It answers the exit code: 0 good, 1 something failed, 2 it was called wrongly.
func run(args, environ []string, stdout, stderr io.Writer) int {
	c, err := config.Load(args, environ, stdout)
	if errors.Is(err, config.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintf(stderr, "%v\n", err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := execute(ctx, c, newLogger(c, stderr), stdout); err != nil {
		fmt.Fprintf(stderr, "bff: %v\n", err)
		return 1
	}
	return 0
}

func execute(ctx context.Context, c *config.Config, logger *slog.Logger, stdout io.Writer) error {
	switch c.Command {
	case config.Version:
		_, err := fmt.Fprintln(stdout, currentVersion())
		return err
	case config.Token:
		return app.Token(c, stdout)
	case config.Migrate:
		return app.Migrate(ctx, c, logger)
	case config.KeysNew, config.KeysAdd, config.KeysPromote, config.KeysRotate:
		return app.Keys(ctx, c, logger, stdout)
	case config.Serve:
	}
	server, err := app.New(ctx, c, logger)
	if err != nil {
		return err
	}
	server.Banner(stdout, currentVersion())
	logger.InfoContext(ctx, "serving", slog.String("url", server.URL()), slog.String("version", currentVersion()))
	return server.Run(ctx)
}

func newLogger(c *config.Config, w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.LogLevel}
	if c.LogJSON {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// currentVersion is the linker's, or the commit that the toolchain noted.
func currentVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 12 {
				return s.Value[:12]
			}
		}
	}
	return "development"
}
