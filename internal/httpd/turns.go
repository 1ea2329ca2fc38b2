package httpd

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/heffl/bff/model"
)

// turns lets each caller do one thing at a time that is dear, and everybody together so many, so that who asks for much
// waits for themselves and nobody else does. Between two turns a caller rests, so that others find a processor free
// at any moment.
type turns struct {
	seats chan struct{} // nil: any number of callers at a time
	rest  int           // how many times as long as a turn took
	now   func() time.Time

	mu    sync.Mutex // guards lines and how many wait in each
	lines map[string]*line
}

// line is one caller's.
type line struct {
	turn    chan struct{} // holds a token while it is somebody's turn
	waiting int           // and whose turn it is
}

// newTurns makes turns for so many callers at a time; 0: for any number.
func newTurns(seats, rest int, now func() time.Time) *turns {
	t := &turns{rest: rest, now: now, lines: make(map[string]*line)}
	if seats > 0 {
		t.seats = make(chan struct{}, seats)
	}
	return t
}

// take waits for the caller's turn and answers how to give it back, or false if ctx is done before.
func (t *turns) take(ctx context.Context, key string) (done func(), ok bool) {
	t.mu.Lock()
	l := t.lines[key]
	if l == nil {
		l = &line{turn: make(chan struct{}, 1)}
		t.lines[key] = l
	}
	l.waiting++
	t.mu.Unlock()
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		t.leave(key, l)
		return nil, false
	}
	if t.seats != nil {
		select {
		case t.seats <- struct{}{}:
		case <-ctx.Done():
			<-l.turn
			t.leave(key, l)
			return nil, false
		}
	}
	begin := t.now()
	return func() {
		if t.seats != nil {
			<-t.seats
		}
		free := func() {
			<-l.turn
			t.leave(key, l)
		}
		if t.rest == 0 {
			free()
			return
		}
		time.AfterFunc(time.Duration(t.rest)*t.now().Sub(begin), free)
	}, true
}

func (t *turns) leave(key string, l *line) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l.waiting--; l.waiting == 0 {
		delete(t.lines, key)
	}
}

// longAnswer is how many fields an answer may have that begins at once.
const longAnswer = 2_000

// answerTurn waits until an operation may run: of those with long answers, each caller has one at a time.
func (s *Server) answerTurn(ctx context.Context, c caller, m measure) (done func(), p *problem) {
	if m.cost <= longAnswer {
		return func() {}, nil
	}
	done, ok := s.answering.take(ctx, c.key(clientOf(ctx)))
	if !ok {
		return nil, givenUp()
	}
	return done, nil
}

// givenUp is for whoever did not wait for their turn.
func givenUp() *problem {
	return &problem{status: http.StatusServiceUnavailable, code: model.CodeUnavailable, message: "The request was given up.", retry: time.Second}
}
