package sandbox

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

const maxMailBytes = 2 << 20

// MailConfig is everything the mail sink needs.
type MailConfig struct {
	// Addr to listen on. Default "127.0.0.1:0": a free port, told by Mail.Addr.
	Addr string
	// MaxMessages bounds the mailbox; the oldest go first. Default 500.
	MaxMessages int
	// TLS offers STARTTLS when set.
	TLS *tls.Config
	// Now is the clock. Required.
	Now func() time.Time
	// Logger gets protocol errors, at debug level. Default: nothing is logged.
	Logger *slog.Logger
}

// Mail is an SMTP server that delivers into a mailbox in memory. It is safe for concurrent use.
type Mail struct {
	cfg      MailConfig
	faults   *faultSet
	changed  *signal
	listener *mailListener
	server   *smtp.Server
	served   chan struct{} // closed when the accept loop has ended
	close    func() error

	mu          sync.Mutex // guards everything below
	nextID      int
	mails       []MailMessage // oldest first
	connections int
	held        int // connections that get no answer on purpose
}

// NewMail starts the mail sink; Close stops it.
func NewMail(cfg MailConfig) (*Mail, error) {
	if cfg.Now == nil {
		return nil, errors.New("mail sink configuration: clock is missing")
	}
	cfg.Addr = cmp.Or(cfg.Addr, "127.0.0.1:0")
	cfg.MaxMessages = cmp.Or(cfg.MaxMessages, 500)
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	m := &Mail{cfg: cfg, faults: &faultSet{}, changed: &signal{}, served: make(chan struct{})}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("listen for mail: %w", err)
	}
	m.listener = newMailListener(listener, m)
	m.server = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &mailSession{mail: m, conn: c}, nil
	}))
	m.server.Domain = "sandbox.localhost"
	m.server.TLSConfig = cfg.TLS
	m.server.MaxMessageBytes = maxMailBytes
	m.server.MaxRecipients = 100
	m.server.ReadTimeout = 5 * time.Minute
	m.server.WriteTimeout = time.Minute
	m.server.ErrorLog = smtpLog{cfg.Logger}
	m.close = sync.OnceValue(m.shutdown)
	go func() {
		defer close(m.served)
		// The loop ends with an error when the listener closes: that is the only way it ends.
		_ = m.server.Serve(m.listener)
	}()
	return m, nil
}

// Addr is the host and port to send to.
func (m *Mail) Addr() string { return m.listener.Addr().String() }

// Close stops the server, cuts every connection and waits for all of them. It may be called more than once.
func (m *Mail) Close() error { return m.close() }

func (m *Mail) shutdown() error {
	err := m.listener.Close()
	<-m.served
	// The listener is closed and so is every connection: this only waits for their handlers.
	_ = m.server.Shutdown(context.Background())
	m.listener.wait()
	if err != nil {
		return fmt.Errorf("close mail listener: %w", err)
	}
	return nil
}

// Messages returns the mailbox, oldest first.
func (m *Mail) Messages() []MailMessage {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.mails)
}

// MessagesTo returns the mails to one address.
func (m *Mail) MessagesTo(address string) []MailMessage {
	return slices.DeleteFunc(m.Messages(), func(mail MailMessage) bool {
		return !slices.ContainsFunc(mail.To, func(to string) bool { return strings.EqualFold(to, address) })
	})
}

// Message returns one mail.
func (m *Mail) Message(id int) (MailMessage, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.IndexFunc(m.mails, func(mail MailMessage) bool { return mail.ID == id })
	if i < 0 {
		return MailMessage{}, false
	}
	return m.mails[i], true
}

// Wait waits until at least n mails have come and returns all.
func (m *Mail) Wait(ctx context.Context, n int) ([]MailMessage, error) {
	var got []MailMessage
	err := m.changed.await(ctx, func() bool {
		got = m.Messages()
		return len(got) >= n
	})
	return got, err
}

// Connections is how many connections were accepted since the last Clear, refused ones included.
func (m *Mail) Connections() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.connections
}

// WaitConnections waits until at least n connections were accepted.
func (m *Mail) WaitConnections(ctx context.Context, n int) error {
	return m.changed.await(ctx, func() bool { return m.Connections() >= n })
}

// WaitHeld waits until at least n connections are being kept waiting by a fault.
func (m *Mail) WaitHeld(ctx context.Context, n int) error {
	return m.changed.await(ctx, func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.held >= n
	})
}

// Clear empties the mailbox and forgets the connections.
func (m *Mail) Clear() {
	m.mu.Lock()
	m.mails, m.connections = nil, 0
	m.mu.Unlock()
	m.changed.raise()
}

// SetFault switches a mail fault on. Setting.Account limits a fault after RCPT TO to one recipient.
func (m *Mail) SetFault(fault Fault, setting Setting) error {
	if _, known := fault.info(); known && !isMailFault(fault) {
		return fmt.Errorf("%s is no mail fault", fault)
	}
	defer m.changed.raise()
	return m.faults.set(fault, setting)
}

// ClearFault switches off the setting of a fault with the same reach.
func (m *Mail) ClearFault(fault Fault, setting Setting) {
	m.faults.clear(fault, setting)
	m.changed.raise()
}

// ResetFaults switches every mail fault off.
func (m *Mail) ResetFaults() {
	m.faults.reset()
	m.changed.raise()
}

// ActiveFaults lists what is switched on, the newest first.
func (m *Mail) ActiveFaults() []ActiveFault { return m.faults.list() }

func (m *Mail) store(from string, to []string, raw []byte) {
	message := parseMail(raw)
	message.From, message.To, message.ReceivedAt = from, slices.Clone(to), m.cfg.Now()
	m.mu.Lock()
	m.nextID++
	message.ID = m.nextID
	m.mails = append(m.mails, message)
	if len(m.mails) > m.cfg.MaxMessages {
		m.mails = slices.Delete(m.mails, 0, 1)
	}
	m.mu.Unlock()
	m.changed.raise()
}

func (m *Mail) connected() {
	m.mu.Lock()
	m.connections++
	m.mu.Unlock()
	m.changed.raise()
}

// hold reads until the other side leaves or the sink closes: a client that waits for an answer sends nothing.
func (m *Mail) hold(conn net.Conn) {
	m.holds(1)
	defer m.holds(-1)
	_ = conn.SetReadDeadline(time.Time{})
	_, _ = io.Copy(io.Discard, conn)
}

func (m *Mail) holds(change int) {
	m.mu.Lock()
	m.held += change
	m.mu.Unlock()
	m.changed.raise()
}

func isMailFault(fault Fault) bool {
	info, ok := fault.info()
	return ok && info.Group == GroupMail
}

// smtpLog passes the library's complaints on.
type smtpLog struct{ logger *slog.Logger }

func (l smtpLog) Printf(format string, v ...any) {
	l.logger.Debug("mail sink protocol error", slog.String("detail", fmt.Sprintf(format, v...)))
}

func (l smtpLog) Println(v ...any) {
	l.logger.Debug("mail sink protocol error", slog.String("detail", fmt.Sprint(v...)))
}
