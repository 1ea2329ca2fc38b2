package live

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/heffl/bff/model"
)

const (
	// A dead connection is noticed after 2 to 3 unanswered pings; until then the reconciler covers its silence.
	pingInterval    = 2 * time.Second
	pingsUnanswered = 2
	reconnectWait   = 250 * time.Millisecond
	connectTimeout  = 2 * time.Second
	flushTimeout    = 500 * time.Millisecond
	embeddedStart   = 5 * time.Second
)

// bus carries messages between replicas. None of its methods waits for another replica, and losing a message is no
// error of it.
type bus interface {
	open() error
	close()
	connected() bool
	publish(subject string, data []byte) error
	// follow sends the messages of one subject into a channel until the link is cut. A full channel loses them.
	follow(subject string, into chan *nats.Msg) (link, error)
	// settle waits, for a short time at most, until everything followed so far is surely heard.
	settle()
}

// link is one followed subject.
type link interface{ Unsubscribe() error }

// busEvents are what a bus tells its hub.
type busEvents struct {
	changed   func()               // the connection came or went
	overflow  func(subject string) // a channel was full, messages of the subject were lost
	wake      func(model.Channel)
	workspace func(uuid.UUID)
}

// natsBus is the bus over NATS, with a server of its own when no URL is given.
type natsBus struct {
	config Config
	events busEvents
	server *server.Server
	conn   atomic.Pointer[nats.Conn]
	// line is what the connection's own callbacks say. The connection itself must not be asked: while it tries to reach a
	// server that does not answer, each of its methods waits for the attempt to end.
	line atomic.Int32
}

// What is known of the connection.
const (
	lineUnknown int32 = iota
	lineUp
	lineDown
)

// errLineDown says that nobody was told: hints that cannot be sent now are worth nothing later.
var errLineDown = errors.New("nats is out of reach")

func newNATSBus(c Config, events busEvents) *natsBus {
	return &natsBus{config: c, events: events}
}

func (b *natsBus) open() error {
	options := []nats.Option{
		nats.Name("heffl-bff"),
		nats.NoEcho(), // the hub tells itself, whether NATS is there or not
		nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(reconnectWait),
		nats.ReconnectJitter(reconnectWait, reconnectWait),
		nats.ReconnectBufSize(-1), // old hints are worth nothing
		nats.PingInterval(pingInterval),
		nats.MaxPingsOutstanding(pingsUnanswered),
		nats.Timeout(connectTimeout),
		nats.FlusherTimeout(connectTimeout),
		nats.ConnectHandler(func(*nats.Conn) {
			b.line.Store(lineUp)
			b.events.changed()
		}),
		nats.ReconnectHandler(func(*nats.Conn) {
			b.line.Store(lineUp)
			b.config.Logger.Info("nats is back")
			b.events.changed()
		}),
		nats.DisconnectErrHandler(b.lost),
		nats.ErrorHandler(b.failed),
	}
	if b.config.Credentials != "" {
		options = append(options, nats.UserCredentials(b.config.Credentials))
	}
	if b.config.URL == "" {
		if err := b.embed(); err != nil {
			return err
		}
		options = append(options, nats.InProcessServer(b.server))
	}
	conn, err := nats.Connect(b.config.URL, options...)
	if err != nil {
		b.close()
		return fmt.Errorf("connect to nats: %w", err)
	}
	b.conn.Store(conn)
	if conn.IsConnected() {
		b.line.CompareAndSwap(lineUnknown, lineUp)
	}
	if err := b.listen(conn); err != nil {
		b.close()
		return fmt.Errorf("subscribe to nats: %w", err)
	}
	return nil
}

// embed starts a server inside the process that listens on no port.
func (b *natsBus) embed() error {
	s, err := server.NewServer(&server.Options{ServerName: "embedded", DontListen: true, NoSigs: true, NoLog: true})
	if err != nil {
		return fmt.Errorf("make nats server: %w", err)
	}
	s.Start()
	b.server = s
	if !s.ReadyForConnections(embeddedStart) {
		b.close()
		return errors.New("start nats server: not ready in time")
	}
	return nil
}

// listen subscribes to what concerns the whole replica.
func (b *natsBus) listen(conn *nats.Conn) error {
	_, err := conn.Subscribe(wakeSubject+"*", func(m *nats.Msg) {
		if c, ok := wakeChannelOf(m.Subject); ok {
			b.events.wake(c)
		}
	})
	if err != nil {
		return err
	}
	_, err = conn.Subscribe(workspaceSubject+"*", func(m *nats.Msg) {
		if id, ok := idOf(workspaceSubject, m.Subject); ok {
			b.events.workspace(id)
		}
	})
	return err
}

func (b *natsBus) close() {
	if conn := b.conn.Load(); conn != nil {
		if conn.IsConnected() {
			_ = conn.FlushTimeout(flushTimeout)
		}
		conn.Close()
	}
	if b.server != nil {
		b.server.Shutdown()
		b.server.WaitForShutdown()
	}
}

func (b *natsBus) connected() bool { return b.line.Load() == lineUp }

func (b *natsBus) publish(subject string, data []byte) error {
	if !b.connected() {
		return errLineDown
	}
	return b.conn.Load().Publish(subject, data)
}

func (b *natsBus) follow(subject string, into chan *nats.Msg) (link, error) {
	return b.conn.Load().ChanSubscribe(subject, into)
}

func (b *natsBus) settle() {
	if b.connected() {
		_ = b.conn.Load().FlushTimeout(flushTimeout)
	}
}

func (b *natsBus) lost(conn *nats.Conn, err error) {
	b.line.Store(lineDown)
	if !conn.IsClosed() {
		b.config.Logger.Warn("nats is out of reach, polling instead", "error", err)
		b.events.changed()
	}
}

func (b *natsBus) failed(_ *nats.Conn, sub *nats.Subscription, err error) {
	if sub != nil && errors.Is(err, nats.ErrSlowConsumer) {
		b.events.overflow(sub.Subject)
		return
	}
	b.config.Logger.Warn("nats reports an error", "error", err)
}
