package sandbox

import (
	"net/http"
	"slices"
	"strconv"
)

func (s *Sandbox) mailPage(w http.ResponseWriter, r *http.Request) {
	page := s.frame("Mailbox", "mail")
	var mails []MailMessage
	if s.cfg.Mail != nil {
		mails = s.cfg.Mail.Messages()
		slices.Reverse(mails)
	}
	s.show(w, r, http.StatusOK, "mail", policyPage, page.with(mails))
}

// mailMessageView is the page of one mail.
type mailMessageView struct {
	MailMessage

	Fields []headerField
}

func (s *Sandbox) mailMessagePage(w http.ResponseWriter, r *http.Request) {
	message, ok := s.mailOf(w, r)
	if !ok {
		return
	}
	s.show(w, r, http.StatusOK, "mailmessage", policyPage, s.frame(message.Subject, "mail").with(mailMessageView{message, message.fields()}))
}

// mailHTML is what the page of a mail shows in a frame. It keeps its policy when opened on its own.
func (s *Sandbox) mailHTML(w http.ResponseWriter, r *http.Request) {
	message, ok := s.mailOf(w, r)
	if !ok {
		return
	}
	h := w.Header()
	h.Set("Content-Security-Policy", policyMail)
	h.Set("X-Frame-Options", "SAMEORIGIN")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	writeHTML(w, http.StatusOK, message.HTML)
}

func (s *Sandbox) mailRaw(w http.ResponseWriter, r *http.Request) {
	message, ok := s.mailOf(w, r)
	if !ok {
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(message.Raw)
}

func (s *Sandbox) mailOf(w http.ResponseWriter, r *http.Request) (MailMessage, bool) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err == nil && s.cfg.Mail != nil {
		if message, ok := s.cfg.Mail.Message(id); ok {
			return message, true
		}
	}
	http.NotFound(w, r)
	return MailMessage{}, false
}
