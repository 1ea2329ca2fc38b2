package sandbox

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// maxSettings bounds how many faults can be switched on at once.
const maxSettings = 500

// Setting says for whom a fault is on. The zero value is everyone, until it is switched off.
type Setting struct {
	// Region limits it to one data centre; empty means all.
	Region Region `json:"region,omitempty"`
	// Service limits a network fault to accounts or cliq; empty means both.
	Service Service `json:"service,omitempty"`
	// Account limits it to one person: ZUID or e-mail address (for mail faults the recipient); empty means all.
	Account string `json:"account,omitempty"`
	// Value of the fault; empty means its default.
	Value string `json:"value,omitempty"`
	// Times is how often it strikes before it switches itself off; 0 means for ever.
	Times int `json:"times,omitempty"`
}

// ActiveFault is a fault that is switched on.
type ActiveFault struct {
	Fault Fault `json:"fault"`
	Setting
}

// target is who a request concerns, as far as that is known.
type target struct {
	region  Region
	service Service
	zuid    string
	email   string
}

// faultSet holds the faults that are switched on.
type faultSet struct {
	mu     sync.Mutex
	active []ActiveFault // guarded by mu; the newest first, so that it wins
}

// set switches a fault on, replacing a setting with the same reach.
func (s *faultSet) set(fault Fault, setting Setting) error {
	info, ok := fault.info()
	if !ok {
		return fmt.Errorf("unknown fault %q", fault)
	}
	if setting.Region != "" && !setting.Region.valid() {
		return fmt.Errorf("unknown region %q", setting.Region)
	}
	if setting.Service != "" && setting.Service != ServiceAccounts && setting.Service != ServiceCliq {
		return fmt.Errorf("unknown service %q", setting.Service)
	}
	if setting.Times < 0 {
		return errors.New("times is negative")
	}
	value, err := info.value(setting.Value)
	if err != nil {
		return err
	}
	setting.Value = value

	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(fault, setting)
	if len(s.active) >= maxSettings {
		return fmt.Errorf("more than %d faults at once", maxSettings)
	}
	s.active = slices.Insert(s.active, 0, ActiveFault{Fault: fault, Setting: setting})
	return nil
}

// clear switches off the setting with the same reach.
func (s *faultSet) clear(fault Fault, setting Setting) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(fault, setting)
}

// remove needs s.mu.
func (s *faultSet) remove(fault Fault, reach Setting) {
	s.active = slices.DeleteFunc(s.active, func(a ActiveFault) bool {
		return a.Fault == fault && a.Region == reach.Region && a.Service == reach.Service && strings.EqualFold(a.Account, reach.Account)
	})
}

func (s *faultSet) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active = nil
}

func (s *faultSet) list() []ActiveFault {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.active)
}

// strike reports whether a fault hits the target, with its value, and uses up one of its times.
func (s *faultSet) strike(fault Fault, t target) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.active, func(a ActiveFault) bool { return a.Fault == fault && a.reaches(t) })
	if i < 0 {
		return "", false
	}
	value := s.active[i].Value
	switch s.active[i].Times {
	case 0:
	case 1:
		s.active = slices.Delete(s.active, i, i+1)
	default:
		s.active[i].Times--
	}
	return value, true
}

func (s Setting) reaches(t target) bool {
	return (s.Region == "" || s.Region == t.region) &&
		(s.Service == "" || s.Service == t.service) &&
		(s.Account == "" || s.Account == t.zuid || strings.EqualFold(s.Account, t.email))
}
