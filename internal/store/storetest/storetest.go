// Package storetest is the one suite that every database must pass, and what its tests build on. It owns the
// behaviour that callers of package store may rely on; a test that only makes sense on one database lies in package store.
package storetest

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/heffl/bff/internal/store"
	"github.com/heffl/bff/model"
)

// Open gives a migrated, empty store that is closed when the test ends.
type Open func(t *testing.T) *store.Store

// Run runs the whole suite.
func Run(t *testing.T, open Open) {
	t.Helper()
	areas := []struct {
		name string
		run  func(*testing.T, Open)
	}{
		{"Base", runBase},
		{"Users", runUsers},
		{"Sync", runSync},
		{"Settings", runSettings},
		{"Policy", runPolicy},
		{"Audit", runAudit},
		{"Audience", runAudience},
		{"Plan", runPlan},
		{"Inbox", runInbox},
		{"InboxChange", runInboxChange},
		{"InboxModel", runInboxModel},
		{"Purge", runPurge},
		{"Integrations", runIntegrations},
		{"Secrets", runSecrets},
		{"ConnectStates", runConnectStates},
		{"ConnectAudit", runConnectAudit},
		{"Email", runEmail},
		{"Cliq", runCliq},
	}
	for _, area := range areas {
		t.Run(area.name, func(t *testing.T) {
			t.Parallel()
			area.run(t, open)
		})
	}
}

// lockedType is an event type that nothing turns off in stores that New opens.
const lockedType = "security.new_login"

// New opens and migrates the database at url, with statements reported to the Statements in a call's context.
func New(tb testing.TB, url string) *store.Store {
	tb.Helper()
	s, err := store.Open(tb.Context(), store.Config{
		URL: url, MaxConns: 8, Logger: slog.New(slog.DiscardHandler), Now: time.Now, Observe: observe,
		Locked: map[model.Channel][]string{model.ChannelEmail: {lockedType}, model.ChannelCliq: {lockedType}},
	})
	if err != nil {
		tb.Fatalf("open: %v", err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Errorf("close: %v", err)
		}
	})
	if err := s.Migrate(tb.Context()); err != nil {
		tb.Fatalf("migrate: %v", err)
	}
	return s
}

// Statements counts the statements that are run with the context it came with.
type Statements struct {
	mu   sync.Mutex
	seen []string
}

type statementsKey struct{}

// CountStatements gives a context and what will have been run with it.
func CountStatements(ctx context.Context) (context.Context, *Statements) {
	counter := new(Statements)
	return context.WithValue(ctx, statementsKey{}, counter), counter
}

// Seen is every statement so far, in order.
func (s *Statements) Seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.seen...)
}

func observe(ctx context.Context, statement string, _ time.Duration, _ error) {
	if counter, ok := ctx.Value(statementsKey{}).(*Statements); ok {
		counter.mu.Lock()
		defer counter.mu.Unlock()
		counter.seen = append(counter.seen, statement)
	}
}
