package live

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
)

// TestAwaitLull has messages come in virtual time while the reconciler waits for a moment to ask.
func TestAwaitLull(t *testing.T) {
	t.Parallel()
	const most = 12 * time.Millisecond
	every := func(pause time.Duration, n int) (at []time.Duration) {
		for i := range n {
			at = append(at, time.Duration(i+1)*pause)
		}
		return at
	}
	for name, c := range map[string]struct {
		down     bool
		messages []time.Duration
		want     time.Duration
	}{
		"NoMessage":     {want: most},
		"BehindOne":     {messages: []time.Duration{3 * time.Millisecond}, want: 3*time.Millisecond + quietBefore},
		"BehindMany":    {messages: every(quietBefore/2, 10), want: quietBefore/2 + 6*quietBefore},
		"BetweenBursts": {messages: []time.Duration{time.Millisecond, 11 * time.Millisecond}, want: time.Millisecond + quietBefore},
		"NeverQuiet":    {messages: every(quietBefore/2, 100), want: most},
		"TooLate":       {messages: []time.Duration{most - quietBefore/2}, want: most},
		"WithoutNATS":   {down: true, messages: []time.Duration{3 * time.Millisecond}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h, _ := unstarted(t, !c.down)
				user := uuid.New()
				s := h.shardOf(user)
				s.entries[user] = &entry{user: user, shard: s}
				for _, at := range c.messages {
					time.AfterFunc(at, func() { s.deliver(&message{kind: kindChanged, user: user, seq: 1}) })
				}
				begin := time.Now()
				h.awaitLull(t.Context(), most)
				if took := time.Since(begin); took != c.want {
					t.Errorf("waited %v, want %v", took, c.want)
				}
			})
		})
	}
}
