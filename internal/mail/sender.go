package mail

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// defaultTimeout ends an attempt that hangs, so that no server holds a worker longer.
const defaultTimeout = 30 * time.Second

// Config says how mail leaves.
type Config struct {
	// URL is smtp://user:password@host:587 (STARTTLS is required) or smtps://user:password@host:465.
	URL string
	// AllowPlaintext permits smtp:// without TLS, for the mailbox inside the process.
	AllowPlaintext bool
	// From is the sender.
	From mail.Address
	// Hello is what the server is greeted with (RFC 5321 §4.1.1.1); empty: localhost.
	Hello string
	// Timeout ends an attempt; 0: 30 seconds.
	Timeout time.Duration
	// TLS verifies the server; nil: with the system's roots and the host of the URL.
	TLS *tls.Config
}

// Sender sends e-mails, each over a connection of its own. It is safe for concurrent use.
type Sender struct {
	host    string
	from    mail.Address
	timeout time.Duration
	// implicit is the TLS that a connection begins with; nil: it begins without.
	implicit *tls.Config
	options  []gomail.Option
}

// NewSender makes a sender. It connects to nothing. Its error never holds the password.
func NewSender(c Config) (*Sender, error) {
	u, err := url.Parse(c.URL)
	if err != nil || (u.Scheme != "smtp" && u.Scheme != "smtps") || u.Hostname() == "" {
		return nil, errors.New("the SMTP URL must look like smtp://user:password@host:587")
	}
	if !Usable(c.From.Address) {
		return nil, fmt.Errorf("sender %q: %w", c.From.Address, ErrAddress)
	}
	s := &Sender{host: u.Hostname(), from: c.From, timeout: c.Timeout}
	if s.timeout <= 0 {
		s.timeout = defaultTimeout
	}
	encryption := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.TLS != nil {
		encryption = c.TLS.Clone()
	}
	encryption.ServerName = cmp.Or(encryption.ServerName, s.host)
	port, tlsOptions := 587, []gomail.Option{gomail.WithTLSPolicy(gomail.TLSMandatory)}
	switch {
	case u.Scheme == "smtps":
		// The library leaves TLS to whoever brings a dialer. It is told to look for STARTTLS, which nobody offers within
		// TLS, because only then does it see that the connection is encrypted and fit for a password.
		port, tlsOptions = 465, []gomail.Option{gomail.WithTLSPolicy(gomail.TLSOpportunistic)}
		s.implicit = encryption
	case c.AllowPlaintext:
		port, tlsOptions = 25, []gomail.Option{gomail.WithTLSPolicy(gomail.NoTLS)}
	}
	if u.Port() != "" {
		if port, err = strconv.Atoi(u.Port()); err != nil {
			return nil, errors.New("the SMTP URL has no port from 1 to 65535")
		}
	}
	s.options = append(s.options, gomail.WithPort(port), gomail.WithTimeout(s.timeout))
	s.options = append(s.options, tlsOptions...)
	if c.Hello != "" {
		s.options = append(s.options, gomail.WithHELO(c.Hello))
	}
	s.options = append(s.options, gomail.WithTLSConfig(encryption))
	if password, ok := u.User.Password(); ok {
		s.options = append(s.options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(u.User.Username()), gomail.WithPassword(password))
	}
	return s, nil
}

// dialer opens connections that die with the attempt: a server that stops answering cannot hold it. The context
// that the mail library hands to the dialer ends with the handshake, so the attempt's own is used besides it.
// With implicit, the connection is encrypted before anything is said on it.
func dialer(attempt context.Context, implicit *tls.Config) gomail.DialContextFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		var d net.Dialer
		conn, err := d.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		deadline, _ := attempt.Deadline()
		bound := &boundConn{Conn: conn, stop: context.AfterFunc(attempt, func() { _ = conn.Close() }), deadline: deadline}
		if implicit == nil {
			return bound, nil
		}
		encrypted := tls.Client(bound, implicit)
		if err := encrypted.HandshakeContext(attempt); err != nil {
			_ = bound.Close()
			return nil, fmt.Errorf("encrypt: %w", err)
		}
		return encrypted, nil
	}
}

// boundConn never lets its deadline be moved beyond that of the attempt, and says nothing more after it.
type boundConn struct {
	net.Conn
	stop     func() bool
	deadline time.Time
}

// SetDeadline keeps the attempt's own deadline when that is earlier.
func (c *boundConn) SetDeadline(t time.Time) error {
	if !c.deadline.IsZero() && (t.IsZero() || t.After(c.deadline)) {
		t = c.deadline
	}
	return c.Conn.SetDeadline(t)
}

// Write looks at the clock itself. A process that was frozen goes on before its timers fire: without this it would
// finish an e-mail that somebody else has sent in the meantime. It is the clock on the wall, because the other one
// stands still while a machine is suspended.
func (c *boundConn) Write(p []byte) (int, error) {
	now := time.Now().Round(0) //nolint:forbidigo // deadlines of connections are in real time
	if !c.deadline.IsZero() && now.After(c.deadline.Round(0)) {
		return 0, os.ErrDeadlineExceeded
	}
	return c.Conn.Write(p)
}

// Close ends the watch over the context too.
func (c *boundConn) Close() error {
	c.stop()
	return c.Conn.Close()
}

// Send makes one attempt. Its error is a *SendError, or the context's.
func (s *Sender) Send(ctx context.Context, m Message) error {
	msg, err := build(m, s.from)
	if err != nil {
		if errors.Is(err, ErrAddress) {
			return &SendError{Class: ClassMailboxRefused, Err: err}
		}
		return &SendError{Class: ClassRejected, Err: err}
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	client, err := gomail.NewClient(s.host, append(slices.Clip(s.options), gomail.WithDialContextFunc(dialer(ctx, s.implicit)))...)
	if err != nil {
		return &SendError{Class: ClassUnavailable, Err: fmt.Errorf("set up client: %w", err)}
	}
	if err := client.DialAndSendWithContext(ctx, msg); err != nil {
		if msg.IsDelivered() {
			return nil // the server took it; only the goodbye failed
		}
		return classify(err)
	}
	return nil
}

// String names the server and hides the rest.
func (s *Sender) String() string { return "smtp " + strings.ToLower(s.host) }
