package sandbox

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"
)

//go:embed assets
var assets embed.FS

// Policies for the pages. None of them lets a script or style stand in the page itself.
const (
	policyPage = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; frame-src 'self'; " +
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	// Browsers hold form-action against every redirect that follows, and the answer of the consent page leads
	// through the application's callback to wherever that returns to.
	policyConsent = "default-src 'none'; style-src 'self'; form-action 'self' http: https:; base-uri 'none'; frame-ancestors 'none'"
	// A mail brings its styles with it. It runs nothing, loads nothing and has no origin.
	policyMail = "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; " +
		"base-uri 'none'; frame-ancestors 'self'"
)

// pages renders the embedded templates.
type pages struct {
	templates map[string]*template.Template
}

func newPages() (*pages, error) {
	funcs := template.FuncMap{
		"clock":   func(t time.Time) string { return t.UTC().Format("15:04:05") },
		"day":     func(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04:05 UTC") },
		"iso":     func(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) },
		"initial": initial,
		"rich":    richText,
		"upper":   strings.ToUpper,
	}
	p := &pages{templates: make(map[string]*template.Template)}
	for name, layout := range map[string]string{
		"overview": "layout", "cliq": "layout", "mail": "layout", "mailmessage": "layout", "notice": "layout",
		"consent": "signin", "problem": "signin",
	} {
		parsed, err := template.New(layout).Funcs(funcs).ParseFS(assets, "assets/"+layout+".html", "assets/"+name+".html")
		if err != nil {
			return nil, fmt.Errorf("page %s: %w", name, err)
		}
		p.templates[name] = parsed
	}
	return p, nil
}

// frame is what every page needs.
type frame struct {
	Prefix  string
	Title   string
	Active  string // the entry of the navigation
	Mail    bool   // there is a mail sink
	Faults  int    // how many are switched on
	Version uint64 // what the page shows at least; the script looks for anything newer
	Data    any
}

// frame is called before the data is read: what changes in between has a version the script will notice.
func (s *Sandbox) frame(title, active string) frame {
	return frame{s.cfg.Prefix, title, active, s.cfg.Mail != nil, len(s.ActiveFaults()), s.version(), nil}
}

func (f frame) with(data any) frame {
	f.Data = data
	return f
}

// render writes a page only when all of it could be made.
func (p *pages) render(w http.ResponseWriter, status int, name, policy string, data frame) error {
	var page bytes.Buffer
	t := p.templates[name]
	if err := t.ExecuteTemplate(&page, t.Name()+".html", data); err != nil {
		http.Error(w, "The page could not be made.", http.StatusInternalServerError)
		return fmt.Errorf("render page %s: %w", name, err)
	}
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	writeHTML(w, status, page.String())
	return nil
}

// redirect goes on with GET. The location is set as it is: http.Redirect would tidy a callback that is odd on purpose.
func (p *pages) redirect(w http.ResponseWriter, _ *http.Request, location string) {
	w.Header().Set("Location", location)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusSeeOther)
}

// show renders a page of the sandbox itself.
func (s *Sandbox) show(w http.ResponseWriter, r *http.Request, status int, name, policy string, data frame) {
	if err := s.pages.render(w, status, name, policy, data); err != nil {
		s.cfg.Logger.ErrorContext(r.Context(), "sandbox page failed", "error", err)
	}
}

func (s *Sandbox) renderProblem(w http.ResponseWriter, r *http.Request, problem authorizeProblem) {
	s.show(w, r, http.StatusBadRequest, "problem", policyConsent, s.frame(problem.Title, "").with(problem))
}

// consentView is the consent page.
type consentView struct {
	Action  string
	Region  regionInfo
	Regions []regionInfo
	People  []Identity
	Scopes  []string
	// Home is where the application that asks lives.
	Home    string
	Problem string
}

func (s *Sandbox) renderConsent(w http.ResponseWriter, r *http.Request, request authorizeRequest, problem string) {
	view := consentView{
		Action: s.cfg.Prefix + "/" + string(request.region) + "/accounts/oauth/v2/approve?" + r.URL.RawQuery,
		People: s.identities(r.Context()), Scopes: request.scopes, Problem: problem,
	}
	view.Region, _ = request.region.info()
	for _, info := range regionTable {
		// A client that a data centre does not know could not redeem the code there.
		if s.knowsClient(info.Code, request.client) {
			view.Regions = append(view.Regions, info)
		}
	}
	view.Home = request.redirectURI
	if scheme, rest, ok := strings.Cut(request.redirectURI, "://"); ok {
		host, _, _ := strings.Cut(rest, "/")
		view.Home = scheme + "://" + host
	}
	status := http.StatusOK
	if problem != "" {
		status = http.StatusBadRequest
	}
	s.show(w, r, status, "consent", policyConsent, s.frame("Allow access", "").with(view))
}

// asset serves the embedded style sheet and script.
func (s *Sandbox) asset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	kind := map[string]string{"sandbox.css": "text/css; charset=utf-8", "live.js": "text/javascript; charset=utf-8"}[name]
	content, err := assets.ReadFile("assets/" + name)
	if kind == "" || err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(content) //nolint:gosec // an embedded file; the name only chooses which one
}

func initial(name string) string {
	for _, r := range name {
		return strings.ToUpper(string(r))
	}
	return "?"
}
