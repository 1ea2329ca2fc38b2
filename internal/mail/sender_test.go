package mail_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	stdmail "net/mail"
	"strings"
	"testing"
	"time"

	"github.com/heffl/bff/internal/mail"
	"github.com/heffl/bff/internal/sandbox"
)

var from = stdmail.Address{Name: "Heffl", Address: "notifications@heffl.test"}

func message() mail.Message {
	return mail.Message{
		ID: "0190-email", To: "grace@acme.test", Name: "Grace Hopper", Subject: "Deal won: “Fleet”", Title: "🎉 Deal won: “Fleet”",
		Body: "Pipeline: Sales", URL: "https://app.heffl.test/deals/1", SettingsURL: "https://app.heffl.test/settings/notifications",
		Date: time.Date(2026, 11, 22, 10, 48, 0, 0, time.UTC),
	}
}

func sink(t *testing.T) *sandbox.Mail {
	t.Helper()
	m, err := sandbox.NewMail(sandbox.MailConfig{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

func sender(t *testing.T, addr string, timeout time.Duration) *mail.Sender {
	t.Helper()
	s, err := mail.NewSender(mail.Config{URL: "smtp://" + addr, AllowPlaintext: true, From: from, Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func received(t *testing.T, m *sandbox.Mail, n int) []sandbox.MailMessage {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	mails, err := m.Wait(ctx, n)
	if err != nil {
		t.Fatalf("wait for %d mails: %v", n, err)
	}
	return mails
}

func TestSend(t *testing.T) {
	t.Parallel()

	t.Run("TextAndHTMLOfTheSameContent", func(t *testing.T) {
		t.Parallel()
		m := sink(t)
		if err := sender(t, m.Addr(), 0).Send(t.Context(), message()); err != nil {
			t.Fatal(err)
		}
		got := received(t, m, 1)[0]
		if got.Subject != "Deal won: “Fleet”" || got.From != from.Address || len(got.To) != 1 || got.To[0] != "grace@acme.test" {
			t.Errorf("envelope or subject: %+v", got)
		}
		for _, part := range []string{got.Text, got.HTML} {
			for _, want := range []string{"🎉 Deal won: “Fleet”", "Pipeline: Sales", "https://app.heffl.test/deals/1"} {
				if !strings.Contains(part, want) {
					t.Errorf("%q is not in:\n%s", want, part)
				}
			}
		}
	})

	t.Run("RepetitionHasTheSameMessageID", func(t *testing.T) {
		t.Parallel()
		m := sink(t)
		s := sender(t, m.Addr(), 0)
		for range 2 {
			if err := s.Send(t.Context(), message()); err != nil {
				t.Fatal(err)
			}
		}
		got := received(t, m, 2)
		if got[0].MessageID == "" || got[0].MessageID != got[1].MessageID {
			t.Errorf("Message-IDs %q and %q", got[0].MessageID, got[1].MessageID)
		}
	})

	t.Run("ContentIsEscapedInHTML", func(t *testing.T) {
		t.Parallel()
		m := sink(t)
		hostile := message()
		hostile.Title = `<img src=x onerror=alert(1)>`
		hostile.URL = "javascript:alert(1)"
		if err := sender(t, m.Addr(), 0).Send(t.Context(), hostile); err != nil {
			t.Fatal(err)
		}
		if html := received(t, m, 1)[0].HTML; strings.Contains(html, "<img") || strings.Contains(html, "javascript:") {
			t.Errorf("hostile content got through:\n%s", html)
		}
	})
}

// TestSendFaults is the table of what a server can do wrong and what it means (E3).
func TestSendFaults(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fault sandbox.Fault
		value string
		want  mail.Class
	}{
		"Busy421":       {sandbox.FaultMailRefused, "", mail.ClassUnavailable},
		"NoMailbox550":  {sandbox.FaultMailRecipient, "550", mail.ClassMailboxRefused},
		"Greylisted450": {sandbox.FaultMailRecipient, "450", mail.ClassUnavailable},
		"SilentServer":  {sandbox.FaultMailSilent, "", mail.ClassUnavailable},
		"HangsInData":   {sandbox.FaultMailHang, "", mail.ClassUnavailable},
		"DropsInData":   {sandbox.FaultMailDrop, "", mail.ClassUnavailable},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := sink(t)
			if err := m.SetFault(test.fault, sandbox.Setting{Value: test.value}); err != nil {
				t.Fatal(err)
			}
			err := sender(t, m.Addr(), time.Second).Send(t.Context(), message())
			var failed *mail.SendError
			if !errors.As(err, &failed) {
				t.Fatalf("Send = %v, want a SendError", err)
			}
			if failed.Class != test.want {
				t.Errorf("class %d, want %d (%v)", failed.Class, test.want, err)
			}
		})
	}

	t.Run("NobodyListens", func(t *testing.T) {
		t.Parallel()
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addr := listener.Addr().String()
		_ = listener.Close()
		var failed *mail.SendError
		if err := sender(t, addr, time.Second).Send(t.Context(), message()); !errors.As(err, &failed) || failed.Permanent() {
			t.Errorf("Send = %v, want another attempt later", err)
		}
	})
}

func TestTLSIsRequired(t *testing.T) {
	t.Parallel()
	m := sink(t) // offers no STARTTLS
	s, err := mail.NewSender(mail.Config{URL: "smtp://u:secret-7431@" + m.Addr(), From: from, Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Send(t.Context(), message())
	if err == nil || len(m.Messages()) != 0 {
		t.Fatalf("Send = %v with %d messages: it left without TLS", err, len(m.Messages()))
	}
	if strings.Contains(err.Error()+s.String(), "secret-7431") {
		t.Errorf("the password is in %q or %q", err, s)
	}
}

func TestUnusableAddresses(t *testing.T) {
	t.Parallel()
	m := sink(t)
	s := sender(t, m.Addr(), 0)
	addresses := []string{
		"", "nobody", "a@b>\r\nRCPT TO:<x@y.test>", `"a b> SIZE=1"@b.test`, strings.Repeat("l", 65) + "@b.test", "a@[127.0.0.1]",
		"a@b.test, c@d.test", "a@localhost", "a@b.test.", "Grace <a@b.test>", "a@b.test\n", strings.Repeat("d", 250) + "@b.test",
	}
	for _, address := range addresses {
		bad := message()
		bad.To = address
		var failed *mail.SendError
		if err := s.Send(t.Context(), bad); !errors.As(err, &failed) || failed.Class != mail.ClassMailboxRefused {
			t.Errorf("%q: %v", address, err)
		}
	}
	if n := m.Connections(); n != 0 {
		t.Errorf("%d connections for addresses that cannot work", n)
	}
}

func TestNewSenderRefuses(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "mail:25", "http://mail:25", "smtp://"} {
		if _, err := mail.NewSender(mail.Config{URL: url, From: from}); err == nil {
			t.Errorf("%q was taken", url)
		}
	}
	if _, err := mail.NewSender(mail.Config{URL: "smtp://mail", From: stdmail.Address{Address: "nobody"}}); !errors.Is(err, mail.ErrAddress) {
		t.Errorf("a sender without a domain: %v", err)
	}
}

// FuzzHeaders looks for content that becomes a header of its own or a line longer than RFC 5322 allows (E1).
func FuzzHeaders(f *testing.F) {
	for _, seed := range []string{"plain", "a\r\nBcc: x@y.test", "a\nX: y", "\x00", "a\u2028b", "=?utf-8?q?=0D=0ABcc:x?=", strings.Repeat("x", 100_000), "🎉🎉"} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, subject, name string) {
		m := message()
		m.Subject, m.Title, m.Name = subject, subject, name
		raw, err := mail.Wire(m, from)
		if err != nil {
			t.Skip()
		}
		parsed, err := stdmail.ReadMessage(bytes.NewReader(raw))
		if err != nil {
			t.Fatalf("unreadable: %v", err)
		}
		known := map[string]bool{
			"From": true, "To": true, "Subject": true, "Message-Id": true, "Date": true, "Mime-Version": true, "Content-Type": true,
			"Auto-Submitted": true, "X-Auto-Response-Suppress": true, "User-Agent": true, "X-Mailer": true,
		}
		for header := range parsed.Header {
			if !known[header] {
				t.Errorf("header %q came out of %q, %q", header, subject, name)
			}
		}
		lines := bufio.NewScanner(bytes.NewReader(raw))
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if len(lines.Bytes()) > 998 {
				t.Errorf("a line of %d bytes", len(lines.Bytes()))
			}
		}
	})
}

func ExampleSender_String() {
	s, _ := mail.NewSender(mail.Config{URL: "smtps://user:password@mail.heffl.test", From: from})
	fmt.Println(s)
	// Output: smtp mail.heffl.test
}
