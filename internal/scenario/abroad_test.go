package scenario

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"maps"
	"mime"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	standin "github.com/heffl/bff/internal/sandbox"
)

// zohoClient is the pair of credentials that the stand-in of the test accepts.
const zohoClientID, zohoClientSecret = "1000.ABROAD", "abroad-secret"

// Two bots whose answers are held in two ways.
const (
	botTells   = "heffl"    // the message arrives, only the answer is held
	botRefuses = "hefflbot" // Zoho refuses the token, which asks for a second request
)

// abroad is what one replica sees of the world: Zoho and a mail server of its own, outside of any replica. While it
// holds, it takes requests and does not answer.
type abroad struct {
	settings []string
	url      string // of the stand-in

	mu       sync.Mutex // guards the rest
	release  chan struct{}
	held     map[string]int // of each kind, since hold was called
	letters  []letter
	requests []botRequest
	turn     int
}

// letter is an e-mail that was taken.
type letter struct {
	to, messageID string
	number        int
	at            time.Time
	// resumed: it was held before its text came.
	resumed bool
}

// botRequest is one request to a bot.
type botRequest struct {
	bot    string
	number int
	at     time.Time
}

// goAbroad makes the world of one replica around a stand-in that replicas share.
func goAbroad(tb testing.TB, zoho *standin.Sandbox) *abroad {
	tb.Helper()
	a := &abroad{}
	outside := httptest.NewServer(a.watch(zoho.Handler()))
	certified := httptest.NewUnstartedServer(http.NotFoundHandler())
	certified.StartTLS()
	roots := filepath.Join(tb.TempDir(), "roots.pem")
	block := &pem.Block{Type: "CERTIFICATE", Bytes: certified.Certificate().Raw}
	if err := os.WriteFile(roots, pem.EncodeToMemory(block), 0o600); err != nil {
		tb.Fatal(err)
	}
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	post := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &postSession{abroad: a}, nil }))
	post.Domain, post.ErrorLog = "post.test", log.New(io.Discard, "", 0)
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = post.Serve(tls.NewListener(plain, certified.TLS))
	}()
	tb.Cleanup(func() {
		a.letGo()
		_ = post.Close()
		<-served
		certified.Close()
		outside.Close()
	})
	a.url = outside.URL
	a.settings = []string{
		"HEFFL_SMTP_URL=smtps://" + plain.Addr().String(), "SSL_CERT_FILE=" + roots, "HEFFL_ZOHO_STANDIN_URL=" + outside.URL + "/sandbox",
		"HEFFL_ZOHO_CLIENT_ID=" + zohoClientID, "HEFFL_ZOHO_CLIENT_SECRET=" + zohoClientSecret,
	}
	return a
}

// hold answers nothing from now on, until letGo.
func (a *abroad) hold() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.release, a.held = make(chan struct{}), map[string]int{}
}

// letGo gives all the answers that were held.
func (a *abroad) letGo() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.release != nil {
		close(a.release)
		a.release = nil
	}
}

// wait holds one answer of a kind, if answers are held.
func (a *abroad) wait(kind string) (held bool) {
	a.mu.Lock()
	release := a.release
	if release != nil {
		a.held[kind]++
	}
	a.mu.Unlock()
	if release != nil {
		<-release
	}
	return release != nil
}

func (a *abroad) holds(kind string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.held[kind]
}

// watch notes requests to bots on their way to the stand-in, and holds their answers.
func (a *abroad) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, rest, isMessage := strings.Cut(r.URL.Path, "/bots/")
		if !isMessage {
			next.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // it never came whole
		}
		bot, _, _ := strings.Cut(rest, "/")
		var message struct{ Text string }
		_ = json.Unmarshal(body, &message) // the stand-in judges it
		request := botRequest{bot: bot, at: time.Now(), number: numberIn(message.Text)}
		a.mu.Lock()
		a.requests = append(a.requests, request)
		refuse := bot == botRefuses && a.release != nil
		a.mu.Unlock()
		if refuse {
			a.wait(bot)
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"code":"oauthtoken_invalid","message":"Invalid OAuth token passed."}`)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		answer := httptest.NewRecorder()
		next.ServeHTTP(answer, r)
		a.wait(bot)
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	})
}

// numberIn is the number in the title, or 0.
func numberIn(text string) int {
	match := numberInTitle.FindStringSubmatch(asRead(text))
	if match == nil {
		return 0
	}
	n, _ := strconv.Atoi(match[1])
	return n
}

// postSession takes e-mails. While answers are held, it holds every other one before the text and the others after it.
type postSession struct {
	abroad *abroad
	to     string
	late   bool // hold the answer to the text
	held   bool // the answer to the recipient was held
}

// AuthPlain is not asked for.
func (*postSession) AuthPlain(string, string) error { return smtp.ErrAuthUnsupported }

// Mail takes the sender.
func (*postSession) Mail(string, *smtp.MailOptions) error { return nil }

// Rcpt takes the recipient.
func (s *postSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = to
	s.abroad.mu.Lock()
	s.abroad.turn++
	s.late = s.abroad.turn%2 == 0
	s.abroad.mu.Unlock()
	if !s.late {
		s.held = s.abroad.wait("before the text")
	}
	return nil
}

// Data takes the text.
func (s *postSession) Data(r io.Reader) error {
	message, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, message.Body); err != nil {
		return err // it broke off: no e-mail
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(message.Header.Get("Subject"))
	if err != nil {
		return err
	}
	taken := letter{to: s.to, messageID: message.Header.Get("Message-ID"), number: numberIn(subject), at: time.Now(), resumed: s.held}
	s.abroad.mu.Lock()
	s.abroad.letters = append(s.abroad.letters, taken)
	s.abroad.mu.Unlock()
	if s.late {
		s.abroad.wait("after the text")
	}
	return nil
}

// Reset ends one e-mail.
func (*postSession) Reset() {}

// Logout ends the connection.
func (*postSession) Logout() error { return nil }

// connectAbroad connects somebody at the stand-in, through one replica.
func connectAbroad(tb testing.TB, a *abroad, on *server, id, bot string) {
	tb.Helper()
	p := on.signedIn(tb, id)
	p.email = id + "@acme.test"
	elsewhere := &server{url: a.url, http: on.http}
	callback := elsewhere.consent(tb, p.beginConnect(tb, "IN", bot, on.url+"/"), "in", id, p.email)
	landed, _ := p.visit(tb, callback)
	if landed.Query().Get("status") != "connected" {
		tb.Fatalf("%s landed at %s", id, landed)
	}
}
