package mail_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/heffl/bff/internal/mail"
)

// certified is a certificate for 127.0.0.1, and who must be trusted for it.
func certified(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.StartTLS()
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return &tls.Config{Certificates: s.TLS.Certificates}, &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
}

// office speaks just enough SMTP for one e-mail, and notes the login and the text that came encrypted.
type office struct {
	encryption *tls.Config
	login      string
	text       strings.Builder
}

// serve answers one client, who begins with TLS or asks for it.
func (o *office) serve(conn net.Conn, encrypted bool) {
	defer func() { _ = conn.Close() }()
	if encrypted {
		conn = tls.Server(conn, o.encryption)
	}
	answer := func(text string) { _, _ = io.WriteString(conn, text+"\r\n") }
	answer("220 office.test ESMTP")
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		verb, rest, _ := strings.Cut(lines.Text(), " ")
		switch verb {
		case "EHLO":
			if encrypted {
				answer("250-office.test\r\n250 AUTH PLAIN")
			} else {
				answer("250-office.test\r\n250 STARTTLS")
			}
		case "STARTTLS":
			answer("220 go on")
			conn, encrypted = tls.Server(conn, o.encryption), true
			lines = bufio.NewScanner(conn)
		case "AUTH":
			o.login = rest
			answer("235 welcome")
		case "DATA":
			answer("354 go on")
			for lines.Scan() && lines.Text() != "." {
				if encrypted {
					o.text.WriteString(lines.Text())
				}
			}
			answer("250 taken")
		case "QUIT":
			answer("221 bye")
			return
		default:
			answer("250 fine")
		}
	}
}

// TestTLS shows that both forms of the URL encrypt, log in within the encryption, and trust nobody else.
func TestTLS(t *testing.T) {
	t.Parallel()
	for scheme, implicit := range map[string]bool{"smtp": false, "smtps": true} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			server, client := certified(t)
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			offices := make(chan *office, 2)
			done := make(chan struct{})
			go func() {
				defer close(done)
				for range 2 {
					conn, err := listener.Accept()
					if err != nil {
						return
					}
					o := &office{encryption: server}
					o.serve(conn, implicit)
					offices <- o
				}
			}()
			t.Cleanup(func() { _ = listener.Close(); <-done })
			url := scheme + "://user:password@" + listener.Addr().String()
			sender, err := mail.NewSender(mail.Config{URL: url, From: from, TLS: client, Timeout: 10 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			if err := sender.Send(t.Context(), message()); err != nil {
				t.Fatal(err)
			}
			plain := base64.StdEncoding.EncodeToString([]byte("\x00user\x00password"))
			if o := <-offices; o.login != "PLAIN "+plain || !strings.Contains(o.text.String(), "Message-ID") {
				t.Errorf("logged in as %q with %q", o.login, o.text.String())
			}

			stranger, err := mail.NewSender(mail.Config{URL: url, From: from, Timeout: 10 * time.Second}) // the system's roots
			if err != nil {
				t.Fatal(err)
			}
			var failed *mail.SendError
			if err := stranger.Send(t.Context(), message()); !errors.As(err, &failed) || failed.Permanent() {
				t.Errorf("to a server nobody vouches for: %v", err)
			}
			if o := <-offices; o.login != "" || o.text.Len() > 0 {
				t.Errorf("a server nobody vouches for was told %q, %q", o.login, o.text.String())
			}
		})
	}
}

// TestImplicitTLSSaysNothingBefore shows that smtps sends nothing readable to a server that speaks without encryption.
func TestImplicitTLSSaysNothingBefore(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	heard := make(chan []byte, 1)
	go func() {
		defer close(heard)
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		_, _ = io.WriteString(conn, "220 plain.test ESMTP\r\n")
		said, _ := io.ReadAll(bufio.NewReader(conn))
		heard <- said
	}()
	t.Cleanup(func() { _ = listener.Close() })
	s, err := mail.NewSender(mail.Config{URL: "smtps://user:password@" + listener.Addr().String(), From: from, Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Send(t.Context(), message()); err == nil {
		t.Error("it was sent")
	}
	if said := <-heard; bytes.Contains(said, []byte("EHLO")) || bytes.Contains(said, []byte("MAIL")) || len(said) == 0 || said[0] != 22 {
		t.Errorf("it began with %q, not with a TLS handshake", said[:min(len(said), 60)])
	}
}
