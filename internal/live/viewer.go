package live

import (
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
)

const (
	// viewerPause lies between two tidings of changes of one viewer at least.
	viewerPause = time.Second
	// workspaceSpread is how long everybody in a workspace is told of a change that concerns them all: each of them
	// then asks for their settings.
	workspaceSpread = 5 * time.Second
)

// viewerClock knows when a person's viewer subscriptions may next be told of a change. The shard's lock guards it.
type viewerClock struct {
	// revision is what the database said last; seen: it said something.
	revision int64
	seen     bool
	// personal: somebody said that this very person changed. The spread is for changes of the workspace.
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
	personal := v.personal
	v.revision, v.seen, v.personal = revision, true, false
	if !changed || !e.hasViewers() {
		return
	}
	due := v.told.Add(viewerPause)
	if !personal && v.spread.After(due) {
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
	e.viewer.told = now
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
