package store

import (
	"context"
	"errors"
	"time"
)

// errNoConnection says that all connections stayed taken for as long as a call waits for one.
var errNoConnection = errors.New("no connection to the database became free")

// How long a call waits for a connection. When PostgreSQL's pool is exhausted, whoever is in excess is refused soon and may
// come again; SQLite's one writer waits as long as it waits for other processes.
const (
	postgresPatience = 1700 * time.Millisecond
	sqlitePatience   = 10 * time.Second
)

// gate lets in as many as there are connections, in the order they came. database/sql itself would let callers wait
// for as long as their context lives, and picks one of them at random.
type gate struct {
	taken    chan struct{}
	patience time.Duration
}

func newGate(connections int, patience time.Duration) *gate {
	return &gate{taken: make(chan struct{}, connections), patience: patience}
}

// enter waits for a connection to be free. Whoever was let in must leave.
func (g *gate) enter(ctx context.Context) error {
	select {
	case g.taken <- struct{}{}:
		return nil
	default:
	}
	patience := time.NewTimer(g.patience)
	defer patience.Stop()
	select {
	case g.taken <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-patience.C:
		return errNoConnection
	}
}

func (g *gate) leave() { <-g.taken }

// inside runs do when a connection is free. A nil gate belongs to a transaction, which has its connection already.
func (g *gate) inside(ctx context.Context, do func() error) error {
	if g == nil {
		return do()
	}
	if err := g.enter(ctx); err != nil {
		return err
	}
	defer g.leave()
	return do()
}
