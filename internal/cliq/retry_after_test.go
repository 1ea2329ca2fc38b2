package cliq

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]struct {
		wait   time.Duration
		stated bool
	}{
		"":                                 {lockout, false},
		"  ":                               {lockout, false},
		"0":                                {lockout, false},
		"000":                              {lockout, false},
		"-1":                               {lockout, false},
		"-99999999999999999999":            {lockout, false},
		"abc":                              {lockout, false},
		"1.5":                              {lockout, false},
		"+5":                               {lockout, false},
		"0x10":                             {lockout, false},
		"5, 10":                            {lockout, false},
		"\u0665":                           {lockout, false}, // an Arabic five
		"1":                                {time.Second, true},
		" 30 ":                             {30 * time.Second, true},
		"3599":                             {3599 * time.Second, true},
		"3600":                             {time.Hour, true},
		"3601":                             {time.Hour, true},
		"315360000":                        {time.Hour, true},
		"9223372036854775807":              {time.Hour, true},
		strings.Repeat("9", 500):           {time.Hour, true},
		"Sat, 14 Mar 2026 09:27:53 GMT":    {time.Minute, true},
		"Saturday, 14-Mar-26 09:27:53 GMT": {time.Minute, true},
		"Sat, 14 Mar 2026 09:26:53 GMT":    {lockout, false},
		"Sat, 14 Mar 2016 09:26:53 GMT":    {lockout, false},
		"Sat, 14 Mar 2036 09:26:53 GMT":    {time.Hour, true},
		"Sat, 14 Mar 9999 09:26:53 GMT":    {time.Hour, true},
	} {
		t.Run(value[:min(len(value), 40)], func(t *testing.T) {
			t.Parallel()
			wait, stated := retryAfter(http.Header{"Retry-After": {value}}, clock)
			if wait != want.wait || stated != want.stated {
				t.Errorf("got %s, %t; want %s, %t", wait, stated, want.wait, want.stated)
			}
		})
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"", "0", "-1", "30", "1e9", "Sat, 14 Mar 2026 09:27:53 GMT", "315360000"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		wait, stated := retryAfter(http.Header{"Retry-After": {value}}, clock)
		if wait <= 0 || wait > time.Hour || (!stated && wait != lockout) {
			t.Fatalf("%q gives %s, %t", value, wait, stated)
		}
	})
}
