package live

import (
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
)

const (
	// viewerPause lies between two tidings of changes of one viewer at least: a second, less what it takes to read and
	// render, so that a change is on the stream within a second even when another was told just before it.
	viewerPause = 750 * time.Millisecond
	// workspaceSpread is how long everybody in a workspace is told of a change that concerns them all: each of them
	// then asks for their settings.
	workspaceSpread = 5 * time.Second
)

// viewerClock knows when a person's viewer subscriptions may next be told of a change. The shard's lock guards it.
type viewerClock struct {
	// revision is what the database said last; seen: it said something.
	revision int64
	seen     bool
	// personal: somebody said that this very person changed, and nothing was told since. The spread is for changes of
	// the workspace.
	personal bool
	spread   time.Time
	told     time.Time
	due      time.Time
	timer    *time.Timer
}

// compareViewer has the viewer subscriptions told if the revision differs from the last. The shard's lock is held.
func (e *entry) compareViewer(revision int64, now time.Time) {
	v := &e.viewer
	changed := v.seen && revision != v.revision
	v.revision, v.seen = revision, true
	// Whoever came by first may have seen a change before the message about it: it then waits already, with those of
	// the workspace, and must not any longer.
	if hurry := v.personal && v.timer != nil; !changed && !hurry || !e.hasViewers() {
		return
	}
	due := v.told.Add(viewerPause)
	if !v.personal && v.spread.After(due) {
		due = v.spread
	}
	switch wait := due.Sub(now); {
	case wait <= 0:
		e.tellViewers(now)
	case v.timer == nil:
		v.due = due
		v.timer = time.AfterFunc(wait, e.viewerDue)
	case due.Before(v.due):
		v.due = due
		v.timer.Reset(wait)
	}
}

// viewerDue is called by the timer.
func (e *entry) viewerDue() {
	e.shard.mu.Lock()
	defer e.shard.mu.Unlock()
	if e.viewer.timer != nil && !e.removed {
		e.tellViewers(e.shard.hub.config.Now())
	}
}

// tellViewers tells every viewer subscription. The shard's lock is held.
func (e *entry) tellViewers(now time.Time) {
	if e.viewer.timer != nil {
		e.viewer.timer.Stop()
		e.viewer.timer = nil
	}
	e.viewer.told, e.viewer.personal = now, false
	for _, sub := range e.subscribers {
		if sub.follows == followsViewer && sub.phase == live {
			sub.viewer.Changed()
		}
	}
}

func (e *entry) hasViewers() bool {
	for _, sub := range e.subscribers {
		if sub.follows == followsViewer {
			return true
		}
	}
	return false
}

// workspaceChanged gives everybody in a workspace a moment of their own within the spread. That there is something to
// tell is noticed by the reconciler, from the revision.
func (h *Hub) workspaceChanged(workspaceID uuid.UUID) {
	now := h.config.Now()
	for _, s := range h.shards {
		s.mu.Lock()
		for _, e := range s.entries {
			if e.workspace == workspaceID {
				e.viewer.spread = now.Add(rand.N(workspaceSpread)) //nolint:gosec // spreads load, keeps no secret
			}
		}
		s.mu.Unlock()
	}
}
