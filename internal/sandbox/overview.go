package sandbox

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
)

// shownRequests is how many of the latest requests the overview lists.
const shownRequests = 30

func (s *Sandbox) pageRoutes(mux *http.ServeMux) {
	p := s.cfg.Prefix
	mux.HandleFunc("GET "+p+"/{$}", s.overview)
	mux.HandleFunc("GET "+p+"/assets/{file}", s.asset)
	mux.HandleFunc("GET "+p+"/cliq", s.cliqPage)
	mux.HandleFunc("GET "+p+"/mail", s.mailPage)
	mux.HandleFunc("GET "+p+"/mail/{id}", s.mailMessagePage)
	mux.HandleFunc("GET "+p+"/mail/{id}/html", s.mailHTML)
	mux.HandleFunc("GET "+p+"/mail/{id}/raw", s.mailRaw)
	mux.HandleFunc("POST "+p+"/faults", s.postFault)
	mux.HandleFunc("POST "+p+"/accounts", s.postAccount)
	mux.HandleFunc("POST "+p+"/reset", s.postReset)
	mux.HandleFunc("POST "+p+"/fire", s.postFire)
}

// overviewView is the first page.
type overviewView struct {
	Base       string
	Active     []activeView
	Groups     []faultGroupView
	Regions    []regionInfo
	Accounts   []AccountState
	Messages   int
	Mails      int
	Violations []Violation
	Requests   []Request // newest first
	Fire       *fireView
	Bots       []Organisation
	SMTP       string
}

type faultGroupView struct {
	Group  FaultGroup
	Faults []faultView
}

type faultView struct {
	FaultInfo

	On         bool
	HasRegion  bool // can be limited to a data centre
	HasService bool // can be limited to accounts or Cliq
	HasAccount bool // can be limited to a person
}

type activeView struct {
	ActiveFault

	Label string
}

func (s *Sandbox) overview(w http.ResponseWriter, r *http.Request) {
	page := s.frame("Overview", "overview")
	requests := s.Requests()
	slices.Reverse(requests)
	view := overviewView{
		Base: s.base(r), Regions: regionTable[:], Accounts: s.Accounts(), Messages: len(s.Messages()), Violations: s.Violations(),
		Requests: requests[:min(len(requests), shownRequests)], Fire: s.fireView(r), Bots: s.cfg.Organisations,
	}
	if s.cfg.Mail != nil {
		view.Mails = len(s.cfg.Mail.Messages())
		view.SMTP = s.cfg.Mail.Addr()
	}
	on := map[Fault]bool{}
	for _, active := range s.ActiveFaults() {
		info, _ := active.Fault.info()
		on[active.Fault] = true
		view.Active = append(view.Active, activeView{active, info.Label})
	}
	for _, group := range []FaultGroup{GroupNetwork, GroupConsent, GroupAccounts, GroupCliq, GroupMail} {
		if group == GroupMail && s.cfg.Mail == nil {
			continue
		}
		faults := faultGroupView{Group: group}
		for _, info := range faultTable {
			if info.Group == group {
				faults.Faults = append(faults.Faults, faultView{
					FaultInfo: info, On: on[info.Fault],
					HasRegion: group != GroupMail, HasService: group == GroupNetwork,
					HasAccount: group != GroupConsent && info.Fault != FaultMailRefused && info.Fault != FaultMailSilent,
				})
			}
		}
		view.Groups = append(view.Groups, faults)
	}
	s.show(w, r, http.StatusOK, "overview", policyPage, page.with(view))
}

func (s *Sandbox) postFault(w http.ResponseWriter, r *http.Request) {
	form, ok := s.form(w, r)
	if !ok {
		return
	}
	fault := Fault(form.Get("fault"))
	setting := Setting{
		Region: Region(form.Get("region")), Service: Service(form.Get("service")),
		Account: form.Get("account"), Value: form.Get("value"),
	}
	if times := form.Get("times"); times != "" {
		n, err := strconv.Atoi(times)
		if err != nil {
			s.notice(w, r, "“"+cut(times, 20)+"” is not a number of times.")
			return
		}
		setting.Times = n
	}
	if form.Get("action") == "off" {
		s.ClearFault(fault, setting)
	} else if err := s.SetFault(fault, setting); err != nil {
		s.notice(w, r, err.Error())
		return
	}
	s.pages.redirect(w, r, s.cfg.Prefix+"/#faults")
}

func (s *Sandbox) postAccount(w http.ResponseWriter, r *http.Request) {
	form, ok := s.form(w, r)
	if !ok {
		return
	}
	region, account := Region(form.Get("region")), form.Get("account")
	switch form.Get("action") {
	case "revoke":
		s.RevokeTokens(region, account)
	case "expire":
		s.ExpireTokens(region, account)
	default:
		s.notice(w, r, "Unknown action.")
		return
	}
	s.pages.redirect(w, r, s.cfg.Prefix+"/#accounts")
}

func (s *Sandbox) postReset(w http.ResponseWriter, r *http.Request) {
	form, ok := s.form(w, r)
	if !ok {
		return
	}
	back := "/"
	switch form.Get("what") {
	case "faults":
		s.ResetFaults()
		back = "/#faults"
	case "messages":
		s.ClearMessages()
		back = "/cliq"
	case "mail":
		if s.cfg.Mail != nil {
			s.cfg.Mail.Clear()
		}
		back = "/mail"
	case "traffic":
		s.Reset()
	case "all":
		s.ResetAll()
	default:
		s.notice(w, r, "Unknown action.")
		return
	}
	s.pages.redirect(w, r, s.cfg.Prefix+back)
}

func (s *Sandbox) form(w http.ResponseWriter, r *http.Request) (url.Values, bool) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if err := r.ParseForm(); err != nil {
		s.notice(w, r, "The form could not be read.")
		return nil, false
	}
	return r.PostForm, true
}

// notice says what was wrong with a form.
func (s *Sandbox) notice(w http.ResponseWriter, r *http.Request, text string) {
	s.show(w, r, http.StatusBadRequest, "notice", policyPage, s.frame("That did not work", "").with(text))
}

// chatView is the page of the chats.
type chatView struct {
	Chats    []chatEntry
	Selected Account
	Messages []Message
}

type chatEntry struct {
	Account

	Count int
	Last  Message
}

func (s *Sandbox) cliqPage(w http.ResponseWriter, r *http.Request) {
	page := s.frame("Cliq chats", "cliq")
	var view chatView
	messages := s.Messages()
	for _, message := range messages {
		i := slices.IndexFunc(view.Chats, func(c chatEntry) bool { return c.ZUID == message.Account.ZUID })
		if i < 0 {
			view.Chats = append(view.Chats, chatEntry{Account: message.Account})
			i = len(view.Chats) - 1
		}
		view.Chats[i].Count++
		view.Chats[i].Last = message
	}
	slices.SortFunc(view.Chats, func(a, b chatEntry) int { return cmp.Compare(b.Last.ID, a.Last.ID) })
	for i, entry := range view.Chats {
		if i == 0 || entry.ZUID == r.URL.Query().Get("account") {
			view.Selected = entry.Account
		}
	}
	view.Messages = slices.DeleteFunc(messages, func(m Message) bool { return m.Account.ZUID != view.Selected.ZUID })
	s.show(w, r, http.StatusOK, "cliq", policyPage, page.with(view))
}
