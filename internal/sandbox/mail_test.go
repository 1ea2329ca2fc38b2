package sandbox

import (
	"errors"
	"io"
	"net"
	"net/smtp"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const testMail = "From: Heffl <no-reply@heffl.example>\r\n" +
	"To: asha@heffl.example\r\n" +
	"Subject: =?UTF-8?Q?Deal_=E2=80=9CAcme=E2=80=9D_won?=\r\n" +
	"Message-ID: <d1@heffl.example>\r\n" +
	"List-Unsubscribe: <https://heffl.example/unsubscribe/abc>\r\n" +
	"MIME-Version: 1.0\r\n" +
	"Content-Type: multipart/alternative; boundary=b\r\n\r\n" +
	"--b\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" +
	"Open https://heffl.example/deals/1?a=3D1. Bye=E2=80=A6\r\n" +
	"--b\r\nContent-Type: text/html; charset=UTF-8\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
	"PHA+PGEgaHJlZj0iaHR0cHM6Ly9oZWZmbC5leGFtcGxlL2RlYWxzLzE/YT0xJmFtcDtiPTIiPk9wZW48L2E+PC9wPg==\r\n" +
	"--b--\r\n"

func setupMail(t *testing.T, adjust ...func(*MailConfig)) *Mail {
	t.Helper()
	cfg := MailConfig{Now: (&clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}).Now}
	for _, f := range adjust {
		f(&cfg)
	}
	m, err := NewMail(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

// sendMail speaks SMTP as a client would and returns the first error.
func sendMail(t *testing.T, m *Mail, to string) error {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(soon(t), "tcp", m.Addr())
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return err
	}
	client, err := smtp.NewClient(conn, "sandbox.localhost")
	if err != nil {
		return err
	}
	if err := client.Mail("bounce@heffl.example"); err != nil {
		return err
	}
	if err := client.Rcpt(to); err != nil {
		return err
	}
	w, err := client.Data()
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w, testMail); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return client.Quit()
}

func TestMailReceived(t *testing.T) {
	t.Parallel()
	m := setupMail(t)
	if err := sendMail(t, m, "asha@heffl.example"); err != nil {
		t.Fatal(err)
	}
	mails, err := m.Wait(soon(t), 1)
	if err != nil {
		t.Fatal(err)
	}
	got := mails[0]
	if !strings.Contains(string(got.Raw), "List-Unsubscribe: <") {
		t.Errorf("raw lacks a header: %s", got.Raw)
	}
	if got.Header.Get("List-Unsubscribe") != "<https://heffl.example/unsubscribe/abc>" {
		t.Errorf("got header %v", got.Header)
	}
	got.Raw, got.Header = nil, nil
	want := MailMessage{
		ID: 1, ReceivedAt: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), From: "bounce@heffl.example", To: []string{"asha@heffl.example"},
		Subject: "Deal “Acme” won", MessageID: "d1@heffl.example", Text: "Open https://heffl.example/deals/1?a=1. Bye…",
		HTML:  `<p><a href="https://heffl.example/deals/1?a=1&amp;b=2">Open</a></p>`,
		Links: []string{"https://heffl.example/deals/1?a=1", "https://heffl.example/deals/1?a=1&b=2"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(m.MessagesTo("ASHA@heffl.example")) != 1 || len(m.MessagesTo("other@heffl.example")) != 0 {
		t.Error("MessagesTo does not go by the recipient")
	}
}

func TestMailFaults(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault  Fault
		value  string
		code   int // 0: the connection just ends
		stored int
	}{
		"Refused421":   {FaultMailRefused, "421", 421, 0},
		"Refused554":   {FaultMailRefused, "554", 554, 0},
		"Recipient550": {FaultMailRecipient, "550", 550, 0},
		"Recipient450": {FaultMailRecipient, "450", 450, 0},
		"Recipient451": {FaultMailRecipient, "451", 451, 0},
		"Recipient452": {FaultMailRecipient, "452", 452, 0},
		"TooBig552":    {FaultMailTooBig, "552", 552, 0},
		"Message451":   {FaultMailTooBig, "451", 451, 0},
		"DropStored":   {FaultMailDrop, "stored", 0, 1},
		"DropLost":     {FaultMailDrop, "lost", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := setupMail(t)
			if err := m.SetFault(tc.fault, Setting{Value: tc.value, Times: 1}); err != nil {
				t.Fatal(err)
			}
			err := sendMail(t, m, "asha@heffl.example")
			var reply *textproto.Error
			switch {
			case err == nil:
				t.Fatal("the mail went through")
			case tc.code != 0 && (!errors.As(err, &reply) || reply.Code != tc.code):
				t.Errorf("got %v, want %d", err, tc.code)
			case tc.code == 0 && errors.As(err, &reply):
				t.Errorf("got the answer %v, want none", err)
			}
			if tc.code == 550 && !strings.HasPrefix(reply.Msg, "5.1.1") {
				t.Errorf("got %q, want 5.1.1", reply.Msg)
			}
			if got := len(m.Messages()); got != tc.stored {
				t.Errorf("stored %d, want %d", got, tc.stored)
			}
			if err := sendMail(t, m, "asha@heffl.example"); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
	for _, fault := range []Fault{FaultMailSilent, FaultMailHang} {
		t.Run("Close_"+string(fault), func(t *testing.T) {
			t.Parallel()
			m := setupMail(t)
			if err := m.SetFault(fault, Setting{}); err != nil {
				t.Fatal(err)
			}
			done := make(chan error, 1)
			go func() { done <- sendMail(t, m, "asha@heffl.example") }()
			if err := m.WaitHeld(soon(t), 1); err != nil {
				t.Fatal(err)
			}
			if err := m.Close(); err != nil {
				t.Error(err)
			}
			if err := <-done; err == nil || len(m.Messages()) != 0 {
				t.Errorf("got %v and %d mails", err, len(m.Messages()))
			}
		})
	}
	t.Run("OneRecipientOnly", func(t *testing.T) {
		t.Parallel()
		m := setupMail(t)
		if err := m.SetFault(FaultMailRecipient, Setting{Account: "gone@heffl.example"}); err != nil {
			t.Fatal(err)
		}
		if err := sendMail(t, m, "gone@heffl.example"); err == nil {
			t.Error("the recipient was accepted")
		}
		if err := sendMail(t, m, "asha@heffl.example"); err != nil {
			t.Error(err)
		}
	})
	t.Run("ErrNoMailFault", func(t *testing.T) {
		t.Parallel()
		if err := setupMail(t).SetFault(FaultDown, Setting{}); err == nil {
			t.Error("got no error")
		}
	})
}

func TestMailLifecycle(t *testing.T) {
	t.Parallel()
	m := setupMail(t, func(c *MailConfig) { c.MaxMessages = 2 })
	for range 3 {
		if err := sendMail(t, m, "asha@heffl.example"); err != nil {
			t.Fatal(err)
		}
	}
	mails := m.Messages()
	if len(mails) != 2 || mails[0].ID != 2 || m.Connections() != 3 {
		t.Errorf("kept %d mails of %d connections", len(mails), m.Connections())
	}
	m.Clear()
	if len(m.Messages()) != 0 || m.Connections() != 0 {
		t.Error("Clear leaves something")
	}
	if err := errors.Join(m.Close(), m.Close()); err != nil {
		t.Error(err)
	}
	if err := sendMail(t, m, "asha@heffl.example"); err == nil {
		t.Error("a closed sink accepts mail")
	}
	if _, err := NewMail(MailConfig{}); err == nil {
		t.Error("a sink without a clock starts")
	}
	if _, err := NewMail(MailConfig{Now: time.Now, Addr: "256.0.0.1:x"}); err == nil {
		t.Error("a sink without an address starts")
	}
}

func TestParseMail(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		raw     string
		text    string
		problem bool
	}{
		"Plain":           {"Subject: x\r\n\r\nhello\r\n", "hello\n", false},
		"NoHeader":        {"\r\nhello", "hello", false},
		"ErrHeader":       {"no colon here\r\n\r\nhello", "", true},
		"ErrContentType":  {"Content-Type: ;;;\r\n\r\nhello", "", true},
		"ErrBase64":       {"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!", "", true},
		"ErrNoBoundary":   {"Content-Type: multipart/mixed; boundary=x\r\n\r\nhello", "", true},
		"ErrTooManyParts": {"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + strings.Repeat("--x\r\n\r\na\r\n", 60) + "--x--", "a", true},
		"InvalidUTF8":     {"Subject: x\r\n\r\na\xffb", "a\uFFFDb", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := parseMail([]byte(tc.raw))
			if got.Text != tc.text || (got.Problem != "") != tc.problem {
				t.Errorf("got %q, problem %q", got.Text, got.Problem)
			}
		})
	}
}

func FuzzParseMail(f *testing.F) {
	f.Add([]byte(testMail))
	f.Add([]byte("Subject: =?utf-8?q?=0D=0A?=\r\n\r\nx"))
	f.Add([]byte("Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got := parseMail(raw)
		if len(got.Links) > maxLinks || got.Links == nil {
			t.Fatalf("got %d links", len(got.Links))
		}
		for _, link := range got.Links {
			if !strings.HasPrefix(strings.ToLower(link), "http") {
				t.Fatalf("got link %q", link)
			}
		}
	})
}
