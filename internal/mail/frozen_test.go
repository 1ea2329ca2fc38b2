package mail_test

import (
	"bytes"
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"github.com/heffl/bff/internal/mail"
)

// recorder is a connection whose timers have not fired yet, whatever its deadline.
type recorder struct {
	net.Conn
	wrote bytes.Buffer
}

func (r *recorder) Write(p []byte) (int, error) { return r.wrote.Write(p) }

// TestFrozenAttempt shows that a process that was frozen in the middle of an e-mail says nothing more to the server when
// its time is over, even before a timer tells it so.
func TestFrozenAttempt(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		deadline time.Time
		goes     bool
	}{
		"InTime":          {time.Now().Add(time.Minute), true},
		"WithoutDeadline": {time.Time{}, true},
		"Late":            {time.Now().Add(-time.Millisecond), false},
		// A machine that was suspended knows it only by its clock on the wall.
		"LateByTheWallOnly": {time.Now().Add(-time.Minute).Round(0), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wire := &recorder{}
			_, err := mail.Bound(wire, test.deadline).Write([]byte(".\r\n"))
			if test.goes && (err != nil || wire.wrote.Len() == 0) {
				t.Errorf("nothing was written: %v", err)
			}
			if !test.goes && (!errors.Is(err, os.ErrDeadlineExceeded) || wire.wrote.Len() > 0) {
				t.Errorf("%q was written, %v", wire.wrote.String(), err)
			}
		})
	}
}
