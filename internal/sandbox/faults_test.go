package sandbox

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestFaultTable(t *testing.T) {
	t.Parallel()
	seen := map[Fault]bool{}
	for _, info := range Faults() {
		if seen[info.Fault] || info.Label == "" || info.Description == "" || info.Group == "" {
			t.Errorf("%s stands there twice or says too little", info.Fault)
		}
		seen[info.Fault] = true
		set := &faultSet{}
		if err := set.set(info.Fault, Setting{}); err != nil {
			t.Errorf("%s does not take its default: %v", info.Fault, err)
		}
		for _, choice := range info.Choices {
			if err := set.set(info.Fault, Setting{Value: choice}); err != nil {
				t.Errorf("%s does not take %q: %v", info.Fault, choice, err)
			}
		}
		if err := set.set(info.Fault, Setting{Value: "no\r\nsuch value"}); err == nil {
			t.Errorf("%s takes nonsense", info.Fault)
		}
	}
}

func TestFaultSettings(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault   Fault
		setting Setting
	}{
		"ErrFault":         {"nonsense", Setting{}},
		"ErrRegion":        {FaultDown, Setting{Region: "xx"}},
		"ErrService":       {FaultDown, Setting{Service: "mail"}},
		"ErrChoice":        {FaultDown, Setting{Value: "418"}},
		"ErrNumber":        {FaultSlow, Setting{Value: "-1"}},
		"ErrTimes":         {FaultDown, Setting{Times: -1}},
		"ErrTakesNone":     {FaultBotUnknown, Setting{Value: "x"}},
		"ErrRedirectCode":  {FaultRedirect, Setting{Value: "200"}},
		"ErrRedirectPlace": {FaultRedirect, Setting{Value: "302 /relative"}},
		"ErrAutoApprove":   {FaultAutoApprove, Setting{Value: "mars"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := new(faultSet).set(tc.fault, tc.setting); err == nil {
				t.Error("got no error")
			}
		})
	}
	t.Run("NarrowWinsWhenNewer", func(t *testing.T) {
		t.Parallel()
		set := &faultSet{}
		_ = set.set(FaultDown, Setting{Value: "500"})
		_ = set.set(FaultDown, Setting{Value: "502", Region: RegionIN, Service: ServiceCliq, Account: "A@b.example"})
		for want, to := range map[string]target{
			"502": {region: RegionIN, service: ServiceCliq, email: "a@B.example"},
			"500": {region: RegionIN, service: ServiceAccounts, email: "a@b.example"},
		} {
			if got, ok := set.strike(FaultDown, to); !ok || got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
	})
	t.Run("RunsOut", func(t *testing.T) {
		t.Parallel()
		set := &faultSet{}
		_ = set.set(FaultDown, Setting{Times: 2})
		var hits []bool
		for range 3 {
			_, hit := set.strike(FaultDown, target{})
			hits = append(hits, hit)
		}
		if !slices.Equal(hits, []bool{true, true, false}) || len(set.list()) != 0 {
			t.Errorf("got %v", hits)
		}
	})
	t.Run("ReplacedAndCleared", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.fault(t, FaultDown, Setting{Region: RegionIN})
		b.fault(t, FaultDown, Setting{Region: RegionIN, Value: "500"})
		b.fault(t, FaultSlow, Setting{})
		if active := b.ActiveFaults(); len(active) != 2 || active[1].Value != "500" {
			t.Errorf("got %+v", active)
		}
		b.ClearFault(FaultDown, Setting{Region: RegionIN})
		if active := b.ActiveFaults(); len(active) != 1 || active[0].Fault != FaultSlow {
			t.Errorf("got %+v", active)
		}
		b.ResetFaults()
		if active := b.ActiveFaults(); len(active) != 0 {
			t.Errorf("got %+v", active)
		}
	})
	t.Run("ErrTooMany", func(t *testing.T) {
		t.Parallel()
		set := &faultSet{}
		var err error
		for i := range maxSettings + 1 {
			err = set.set(FaultDown, Setting{Account: strings.Repeat("x", i+1)})
		}
		if err == nil || len(set.list()) != maxSettings {
			t.Errorf("got %d settings, %v", len(set.list()), err)
		}
	})
}

func TestNetworkFaults(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"503", "500", "502"} {
		t.Run("Down_"+value, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			token := b.connect(t, RegionIN).AccessToken
			b.fault(t, FaultDown, Setting{Value: value, Region: RegionIN})
			for _, got := range []answer{
				b.send(t, RegionIN, token, "heffl", `{"text":"x"}`), b.postForm(t, tokenPath(RegionIN), refreshForm("x")),
				b.get(t, "/in/accounts/oauth/v2/auth?"+authorizeQuery().Encode()),
			} {
				if got.header.Get("Content-Type") != "text/html;charset=UTF-8" || !strings.Contains(got.body, "<h1>"+value) {
					t.Errorf("got %d %s", got.status, got.body)
				}
			}
			if got := b.postForm(t, tokenPath(RegionUS), refreshForm("x")); got.status != http.StatusOK {
				t.Errorf("the other region answers %d", got.status)
			}
		})
	}
	t.Run("DownReset", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		token := b.connect(t, RegionIN).AccessToken
		b.fault(t, FaultDown, Setting{Value: "reset", Service: ServiceCliq})
		if got, err := b.try(b.messageRequest(t, RegionIN, token, "heffl", `{"text":"x"}`)); err == nil {
			t.Errorf("got an answer: %d", got.status)
		}
		if got := b.postForm(t, tokenPath(RegionIN), refreshForm("x")); got.status != http.StatusOK {
			t.Errorf("accounts answers %d", got.status)
		}
	})
	for _, value := range []string{"301", "302", "303", "307", "308"} {
		t.Run("Redirect_"+value, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.fault(t, FaultRedirect, Setting{Value: value})
			got := b.postForm(t, tokenPath(RegionIN), refreshForm("x"))
			if got.header.Get("Location") != b.base+"/trap" {
				t.Fatalf("got %d to %q", got.status, got.header.Get("Location"))
			}
			b.client.CheckRedirect = nil
			b.postForm(t, tokenPath(RegionIN), refreshForm("x"))
			if v := b.Violations(); len(v) != 1 || v[0].Kind != ViolationRedirectFollowed || b.Count("", EndpointTrap) != 1 {
				t.Errorf("got %+v", v)
			}
		})
	}
	t.Run("RedirectElsewhere", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.fault(t, FaultRedirect, Setting{Value: "307 https://elsewhere.example/x"})
		if got := b.postForm(t, tokenPath(RegionIN), refreshForm("x")); got.status != 307 || got.header.Get("Location") != "https://elsewhere.example/x" {
			t.Errorf("got %d to %q", got.status, got.header.Get("Location"))
		}
	})
	t.Run("Slow", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.fault(t, FaultSlow, Setting{Value: "30"})
		began := time.Now()
		if got := b.postForm(t, tokenPath(RegionIN), refreshForm("x")); got.status != http.StatusOK || time.Since(began) < 30*time.Millisecond {
			t.Errorf("got %d after %s", got.status, time.Since(began))
		}
	})
}

func TestBlackHole(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"silent", "headers", "endless"} {
		t.Run("ClientLeaves_"+value, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			ended := make(chan struct{})
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				defer close(ended)
				b.Handler().ServeHTTP(w, r)
			}))
			defer server.Close()
			defer b.Close()
			b.base = server.URL + "/sandbox"
			token := b.connect(t, RegionIN).AccessToken
			b.fault(t, FaultBlackHole, Setting{Value: value})
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			r := b.messageRequest(t, RegionIN, token, "heffl", `{"text":"x"}`).WithContext(ctx)
			go func() {
				_, err := b.try(r)
				done <- err
			}()
			if err := b.WaitCount(soon(t), RegionIN, EndpointMessage, 1); err != nil {
				t.Fatal(err)
			}
			cancel()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
			select {
			case <-ended:
			case <-soon(t).Done():
				t.Error("the request goes on without its client")
			}
			if len(b.Messages()) != 0 {
				t.Error("the message was delivered")
			}
		})
		t.Run("Close_"+value, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.fault(t, FaultBlackHole, Setting{Value: value})
			done := make(chan error, 1)
			r := b.request(t, http.MethodPost, tokenPath(RegionIN), "application/x-www-form-urlencoded", refreshForm("x").Encode())
			go func() {
				_, err := b.try(r)
				done <- err
			}()
			if err := b.WaitCount(soon(t), RegionIN, EndpointRefresh, 1); err != nil {
				t.Fatal(err)
			}
			b.Close()
			select {
			case err := <-done:
				if err == nil {
					t.Error("the client got a whole answer")
				}
			case <-soon(t).Done():
				t.Fatal("Close does not end the request")
			}
		})
	}
	t.Run("SlowEndsOnClose", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.fault(t, FaultSlow, Setting{Value: "600000"})
		done := make(chan error, 1)
		r := b.request(t, http.MethodPost, tokenPath(RegionIN), "application/x-www-form-urlencoded", refreshForm("x").Encode())
		go func() {
			_, err := b.try(r)
			done <- err
		}()
		if err := b.WaitCount(soon(t), RegionIN, EndpointRefresh, 1); err != nil {
			t.Fatal(err)
		}
		b.Close()
		select {
		case err := <-done:
			if err == nil {
				t.Error("the client got a whole answer")
			}
		case <-soon(t).Done():
			t.Fatal("Close does not end the request")
		}
	})
}
