package sandbox

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
)

func (s *Sandbox) apiRoutes(mux *http.ServeMux) {
	p := s.cfg.Prefix + "/api"
	mux.HandleFunc("GET "+p+"/version", s.apiVersion)
	mux.HandleFunc("GET "+p+"/state", s.apiState)
	mux.HandleFunc("GET "+p+"/faults", s.apiFaults)
	mux.HandleFunc("POST "+p+"/faults", s.apiSetFault)
	mux.HandleFunc("DELETE "+p+"/faults", s.apiClearFaults)
	mux.HandleFunc("POST "+p+"/reset", s.apiReset)
	mux.HandleFunc("GET "+p+"/accounts", s.apiAccounts)
	mux.HandleFunc("POST "+p+"/accounts/revoke", s.apiAccountAction(s.RevokeTokens))
	mux.HandleFunc("POST "+p+"/accounts/expire", s.apiAccountAction(s.ExpireTokens))
	mux.HandleFunc("POST "+p+"/accounts/connect", s.apiConnect)
	mux.HandleFunc("POST "+p+"/redirect-uris", s.apiRedirectURI)
	mux.HandleFunc("POST "+p+"/consent", s.apiConsent)
	mux.HandleFunc("GET "+p+"/messages", s.apiMessages)
	mux.HandleFunc("DELETE "+p+"/messages", s.apiClearMessages)
	mux.HandleFunc("GET "+p+"/requests", s.apiRequests)
	mux.HandleFunc("GET "+p+"/violations", s.apiViolations)
	mux.HandleFunc("GET "+p+"/revocations", s.apiRevocations)
	mux.HandleFunc("GET "+p+"/mail", s.apiMail)
	mux.HandleFunc("GET "+p+"/mail/{id}", s.apiMailMessage)
	mux.HandleFunc("DELETE "+p+"/mail", s.apiClearMail)
	mux.HandleFunc("GET "+p+"/catalog", s.apiCatalog)
	mux.HandleFunc("POST "+p+"/fire", s.apiFire)
	mux.HandleFunc(p+"/", func(w http.ResponseWriter, _ *http.Request) { apiError(w, http.StatusNotFound, "no such endpoint") })
}

// version changes with every change a page would show.
func (s *Sandbox) version() uint64 {
	version := s.changed.count()
	if s.cfg.Mail != nil {
		version += s.cfg.Mail.changed.count()
	}
	return version
}

func (s *Sandbox) apiVersion(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]uint64{"version": s.version()})
}

func (s *Sandbox) apiState(w http.ResponseWriter, r *http.Request) {
	state := map[string]any{
		"version": s.version(), "baseUrl": s.base(r), "regions": Regions(), "organisations": s.cfg.Organisations,
		"faults": s.ActiveFaults(), "accounts": s.Accounts(), "counts": s.Counts(), "violations": len(s.Violations()),
		"messages": len(s.Messages()), "mails": 0, "smtp": "",
	}
	if s.cfg.Mail != nil {
		state["mails"], state["smtp"] = len(s.cfg.Mail.Messages()), s.cfg.Mail.Addr()
	}
	writeJSON(w, http.StatusOK, state)
}

func (s *Sandbox) apiFaults(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{"table": Faults(), "active": orEmpty(s.ActiveFaults())})
}

func (s *Sandbox) apiSetFault(w http.ResponseWriter, r *http.Request) {
	var body ActiveFault
	if !readJSON(w, r, &body) {
		return
	}
	if err := s.SetFault(body.Fault, body.Setting); err != nil {
		apiError(w, http.StatusBadRequest, err.Error())
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"active": orEmpty(s.ActiveFaults())})
}

// apiClearFaults clears one setting, every setting of a fault, or everything when no fault is named.
func (s *Sandbox) apiClearFaults(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	fault := Fault(query.Get("fault"))
	switch {
	case fault == "":
		s.ResetFaults()
	case query.Has("region") || query.Has("service") || query.Has("account"):
		s.ClearFault(fault, Setting{
			Region: Region(query.Get("region")), Service: Service(query.Get("service")), Account: query.Get("account"),
		})
	default:
		for _, active := range s.ActiveFaults() {
			if active.Fault == fault {
				s.ClearFault(fault, active.Setting)
			}
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{"active": orEmpty(s.ActiveFaults())})
}

func (s *Sandbox) apiReset(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Accounts bool `json:"accounts"`
	}
	if !readJSON(w, r, &body) {
		return
	}
	if body.Accounts {
		s.ResetAll()
	} else {
		s.Reset()
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Sandbox) apiAccounts(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{"accounts": orEmpty(s.Accounts())})
}

func (s *Sandbox) apiAccountAction(action func(Region, string) int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Region  Region `json:"region"`
			Account string `json:"account"`
		}
		if readJSON(w, r, &body) {
			writeJSON(w, http.StatusOK, map[string]int{"changed": action(body.Region, body.Account)})
		}
	}
}

func (s *Sandbox) apiConnect(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Region   Region   `json:"region"`
		Account  Identity `json:"account"`
		ClientID string   `json:"clientId"`
		Scopes   []string `json:"scopes"`
	}
	if !readJSON(w, r, &body) {
		return
	}
	if body.ClientID == "" && len(s.cfg.Clients) > 0 {
		body.ClientID = s.cfg.Clients[0].ID
	}
	tokens, err := s.Connect(body.Region, body.Account, body.ClientID, body.Scopes...)
	if err != nil {
		apiError(w, http.StatusBadRequest, err.Error())
		return
	}
	writeJSON(w, http.StatusOK, tokens)
}

func (s *Sandbox) apiRedirectURI(w http.ResponseWriter, r *http.Request) {
	var body struct {
		URI string `json:"uri"`
	}
	if !readJSON(w, r, &body) {
		return
	}
	if err := s.AllowRedirectURI(body.URI); err != nil {
		apiError(w, http.StatusBadRequest, err.Error())
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Sandbox) apiConsent(w http.ResponseWriter, r *http.Request) {
	var body struct {
		URL string `json:"url"`
		Decision
	}
	if !readJSON(w, r, &body) {
		return
	}
	callback, err := s.Decide(r.Context(), body.URL, body.Decision)
	if err != nil {
		apiError(w, http.StatusBadRequest, err.Error())
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"location": callback})
}

func (s *Sandbox) apiMessages(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	after, _ := strconv.Atoi(query.Get("after"))
	messages := slices.DeleteFunc(s.Messages(), func(m Message) bool {
		reach := Setting{Region: Region(query.Get("region")), Account: query.Get("account")}
		return m.ID <= after || !reach.reaches(target{region: m.Account.Region, zuid: m.Account.ZUID, email: m.Account.Email})
	})
	writeJSON(w, http.StatusOK, map[string]any{"messages": orEmpty(messages)})
}

func (s *Sandbox) apiClearMessages(w http.ResponseWriter, _ *http.Request) {
	s.ClearMessages()
	w.WriteHeader(http.StatusNoContent)
}

func (s *Sandbox) apiRequests(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{"counts": orEmpty(s.Counts()), "requests": orEmpty(s.Requests())})
}

func (s *Sandbox) apiViolations(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{"violations": orEmpty(s.Violations())})
}

func (s *Sandbox) apiRevocations(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{"revocations": orEmpty(s.Revocations())})
}

func (s *Sandbox) apiMail(w http.ResponseWriter, r *http.Request) {
	var mails []MailMessage
	if s.cfg.Mail != nil {
		mails = s.cfg.Mail.Messages()
		if to := r.URL.Query().Get("to"); to != "" {
			mails = s.cfg.Mail.MessagesTo(to)
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{"messages": orEmpty(mails)})
}

func (s *Sandbox) apiMailMessage(w http.ResponseWriter, r *http.Request) {
	if message, ok := s.mailOf(w, r); ok {
		writeJSON(w, http.StatusOK, message)
	}
}

func (s *Sandbox) apiClearMail(w http.ResponseWriter, _ *http.Request) {
	if s.cfg.Mail != nil {
		s.cfg.Mail.Clear()
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Sandbox) apiCatalog(w http.ResponseWriter, r *http.Request) {
	var users []DemoUser
	if s.cfg.Users != nil {
		users = s.cfg.Users(r.Context())
	}
	writeJSON(w, http.StatusOK, map[string]any{"events": orEmpty(s.cfg.Catalog), "users": orEmpty(users)})
}

func (s *Sandbox) apiFire(w http.ResponseWriter, r *http.Request) {
	var request FireRequest
	if !readJSON(w, r, &request) {
		return
	}
	result, err := s.fire(r.Context(), request)
	if err != nil {
		apiError(w, http.StatusBadRequest, fireText(err))
		return
	}
	writeJSON(w, http.StatusOK, result)
}

// readJSON decodes a body strictly; an empty one is the zero value.
func readJSON(w http.ResponseWriter, r *http.Request, into any) bool {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		apiError(w, http.StatusBadRequest, "the body is not the JSON expected: "+err.Error())
		return false
	}
	return true
}

func apiError(w http.ResponseWriter, status int, text string) {
	writeJSON(w, status, map[string]string{"error": text})
}

// orEmpty keeps null out of the answers.
func orEmpty[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}
