package sandbox

import (
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"

	"github.com/emersion/go-smtp"
)

// mailSession is one SMTP connection. The library calls it from one goroutine.
type mailSession struct {
	mail *Mail
	conn *smtp.Conn
	from string
	to   []string
}

// Reset ends one message.
func (s *mailSession) Reset() { s.from, s.to = "", nil }

// Logout has nothing to free.
func (s *mailSession) Logout() error { return nil }

// Mail takes the envelope sender.
func (s *mailSession) Mail(from string, _ *smtp.MailOptions) error {
	s.from = from
	return nil
}

// Rcpt takes one recipient, or refuses it when a fault says so.
func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	if value, ok := s.mail.faults.strike(FaultMailRecipient, target{email: to}); ok {
		return smtpError(value)
	}
	s.to = append(s.to, to)
	return nil
}

// Data takes the message.
func (s *mailSession) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("read mail: %w", err)
	}
	if value, ok := s.strike(FaultMailTooBig); ok {
		return smtpError(value)
	}
	if _, ok := s.strike(FaultMailHang); ok {
		s.mail.hold(s.conn.Conn())
		return net.ErrClosed
	}
	if value, ok := s.strike(FaultMailDrop); ok {
		if value == "stored" {
			s.mail.store(s.from, s.to, raw)
		}
		_ = s.conn.Conn().Close()
		return net.ErrClosed
	}
	s.mail.store(s.from, s.to, raw)
	return nil
}

// strike asks for a fault of any recipient of the message.
func (s *mailSession) strike(fault Fault) (string, bool) {
	for _, to := range s.to {
		if value, ok := s.mail.faults.strike(fault, target{email: to}); ok {
			return value, true
		}
	}
	return "", false
}

// smtpError is the answer for a code a fault names.
func smtpError(value string) *smtp.SMTPError {
	code, _ := strconv.Atoi(value)
	enhanced, text := smtp.EnhancedCode{4, 0, 0}, "Try again later"
	switch code {
	case 450:
		enhanced, text = smtp.EnhancedCode{4, 2, 1}, "Mailbox busy, try again later"
	case 451:
		enhanced, text = smtp.EnhancedCode{4, 3, 0}, "Local error in processing"
	case 452:
		enhanced, text = smtp.EnhancedCode{4, 3, 1}, "Insufficient system storage"
	case 550:
		enhanced, text = smtp.EnhancedCode{5, 1, 1}, "No such mailbox"
	case 552:
		enhanced, text = smtp.EnhancedCode{5, 2, 2}, "Mailbox full"
	case 554:
		enhanced, text = smtp.EnhancedCode{5, 7, 1}, "Message refused"
	}
	return &smtp.SMTPError{Code: code, EnhancedCode: enhanced, Message: text}
}

// mailListener knows every open connection, so that Close can cut them, and plays the faults before the greeting.
type mailListener struct {
	net.Listener

	mail  *Mail
	holds sync.WaitGroup // connections that are held without a greeting

	mu     sync.Mutex // guards everything below
	closed bool
	open   map[net.Conn]bool
}

func newMailListener(inner net.Listener, mail *Mail) *mailListener {
	return &mailListener{Listener: inner, mail: mail, open: make(map[net.Conn]bool)}
}

// Accept returns the next connection that may be greeted.
func (l *mailListener) Accept() (net.Conn, error) {
	for {
		inner, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		conn := &mailConn{Conn: inner, listener: l}
		l.mail.connected()
		if !l.track(conn) {
			return nil, net.ErrClosed
		}
		if value, ok := l.mail.faults.strike(FaultMailRefused, target{}); ok {
			code := "421 4.3.2"
			if value == "554" {
				code = "554 5.3.2"
			}
			_, _ = io.WriteString(conn, code+" Service not available\r\n")
			_ = conn.Close()
			continue
		}
		if _, ok := l.mail.faults.strike(FaultMailSilent, target{}); ok {
			l.holds.Go(func() {
				l.mail.hold(conn)
				_ = conn.Close()
			})
			continue
		}
		return conn, nil
	}
}

// Close stops accepting and cuts what is open.
func (l *mailListener) Close() error {
	l.mu.Lock()
	l.closed = true
	open := l.open
	l.open = nil
	l.mu.Unlock()
	for conn := range open {
		_ = conn.Close()
	}
	return l.Listener.Close()
}

func (l *mailListener) wait() { l.holds.Wait() }

// track reports false when the listener is closed already; the connection is closed then.
func (l *mailListener) track(conn net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		_ = conn.(*mailConn).Conn.Close()
		return false
	}
	l.open[conn] = true
	return true
}

type mailConn struct {
	net.Conn

	listener *mailListener
}

// Close forgets the connection.
func (c *mailConn) Close() error {
	c.listener.mu.Lock()
	delete(c.listener.open, c)
	c.listener.mu.Unlock()
	return c.Conn.Close()
}
