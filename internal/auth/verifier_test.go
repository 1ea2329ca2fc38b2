package auth

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"
)

var (
	noon    = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	testKey = []byte("0123456789abcdef0123456789abcdef")
)

func setup(tb testing.TB) *Verifier {
	tb.Helper()
	v, err := New(tb.Context(), Config{Key: testKey, Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { return noon }})
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

// sign makes a token of any claims, also of those Mint refuses.
func sign(tb testing.TB, method jwt.SigningMethod, key any, claims jwt.MapClaims) string {
	tb.Helper()
	token, err := jwt.NewWithClaims(method, claims).SignedString(key)
	if err != nil {
		tb.Fatal(err)
	}
	return token
}

func claimsOf(changes map[string]any) jwt.MapClaims {
	c := jwt.MapClaims{"sub": "u-1", "wid": "w-1", "exp": noon.Add(time.Hour).Unix()}
	for name, value := range changes {
		if value == nil {
			delete(c, name)
			continue
		}
		c[name] = value
	}
	return c
}

func TestVerify(t *testing.T) {
	t.Parallel()

	t.Run("Minted", func(t *testing.T) {
		t.Parallel()
		want := Identity{
			UserExternalID: "u-1", WorkspaceExternalID: "w-1", WorkspaceName: "Acme", Name: "Ada", Email: "ada@acme.test",
			Scopes: []Scope{ScopeAdmin, ScopeEventsWrite}, ExpiresAt: noon.Add(time.Hour),
		}
		token, err := Mint(testKey, want, noon)
		if err != nil {
			t.Fatal(err)
		}
		v := setup(t)
		for range 2 { // the second answer is a remembered one
			got, err := v.Verify(t.Context(), token)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		}
	})

	t.Run("Service", func(t *testing.T) {
		t.Parallel()
		got, err := setup(t).Verify(t.Context(), sign(t, jwt.SigningMethodHS256, testKey, claimsOf(map[string]any{"wid": nil, "wids": []string{"a", "b"}})))
		if err != nil {
			t.Fatal(err)
		}
		if !got.Service() || !got.MayUse("b") || got.MayUse("c") {
			t.Errorf("a service for a and b: %+v", got)
		}
	})

	t.Run("EveryWorkspace", func(t *testing.T) {
		t.Parallel()
		got, err := setup(t).Verify(t.Context(), sign(t, jwt.SigningMethodHS256, testKey, claimsOf(map[string]any{"wid": nil, "wids": []string{"*"}})))
		if err != nil || !got.AllWorkspaces || !got.MayUse("anything") {
			t.Errorf("got %+v, %v", got, err)
		}
	})

	t.Run("UnsafeTextIsLeftOut", func(t *testing.T) {
		t.Parallel()
		got, err := setup(t).Verify(t.Context(), sign(t, jwt.SigningMethodHS256, testKey, claimsOf(map[string]any{
			"name": "Ada\x00\r\n Lovelace ", "email": "ada@acme.test\r\nBcc: x@y.test", "scope": "admin root  users:write",
		})))
		if err != nil {
			t.Fatal(err)
		}
		want := Identity{
			UserExternalID: "u-1", WorkspaceExternalID: "w-1", Name: "Ada Lovelace",
			Scopes: []Scope{ScopeAdmin, ScopeUsersWrite}, ExpiresAt: noon.Add(time.Hour),
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestTimes(t *testing.T) {
	t.Parallel()
	unix := func(d time.Duration) any { return noon.Add(d).Unix() }
	cases := map[string]struct {
		claims map[string]any
		ok     bool
	}{
		"NoExpiry":             {map[string]any{"exp": nil}, false},
		"ExpiredWithinLeeway":  {map[string]any{"exp": unix(-29 * time.Second)}, true},
		"ExpiredBeyondLeeway":  {map[string]any{"exp": unix(-31 * time.Second)}, false},
		"ExpiryAsText":         {map[string]any{"exp": fmt.Sprint(unix(time.Hour))}, false},
		"ExpiryBeyondTime":     {map[string]any{"exp": uint64(1) << 63}, false},
		"ExpiryNegative":       {map[string]any{"exp": -1}, false},
		"ExpiryFraction":       {map[string]any{"exp": float64(noon.Unix()) + 3600.5}, true},
		"NotBeforeInLeeway":    {map[string]any{"nbf": unix(29 * time.Second)}, true},
		"NotBeforeFuture":      {map[string]any{"nbf": unix(31 * time.Second)}, false},
		"IssuedInLeeway":       {map[string]any{"iat": unix(29 * time.Second)}, true},
		"IssuedInTheFarFuture": {map[string]any{"iat": unix(24 * time.Hour)}, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := setup(t).Verify(t.Context(), sign(t, jwt.SigningMethodHS256, testKey, claimsOf(c.claims)))
			if (err == nil) != c.ok {
				t.Errorf("accepted: %t, want %t (%v)", err == nil, c.ok, err)
			}
			if err != nil && !errors.Is(err, ErrUnauthenticated) {
				t.Errorf("%v is no ErrUnauthenticated", err)
			}
		})
	}
}

func TestIDs(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		claims map[string]any
		ok     bool
	}{
		"128Characters":      {map[string]any{"sub": strings.Repeat("ü", 128)}, true},
		"129Characters":      {map[string]any{"sub": strings.Repeat("u", 129)}, false},
		"SubjectEmpty":       {map[string]any{"sub": ""}, false},
		"SubjectMissing":     {map[string]any{"sub": nil}, false},
		"SubjectNumber":      {map[string]any{"sub": 7}, false},
		"SubjectWithNUL":     {map[string]any{"sub": "u\x001"}, false},
		"SubjectWithNewline": {map[string]any{"sub": "u\n1"}, false},
		"WorkspaceEmpty":     {map[string]any{"wid": ""}, false},
		"WorkspaceMissing":   {map[string]any{"wid": nil}, false},
		"WorkspaceWithTab":   {map[string]any{"wid": "w\t"}, false},
		"BothWorkspaces":     {map[string]any{"wids": []string{"a"}}, false},
		"NoWorkspaceInList":  {map[string]any{"wid": nil, "wids": []string{}}, false},
		"EmptyInList":        {map[string]any{"wid": nil, "wids": []string{"a", ""}}, false},
		"ListIsText":         {map[string]any{"wid": nil, "wids": "*"}, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := setup(t).Verify(t.Context(), sign(t, jwt.SigningMethodHS256, testKey, claimsOf(c.claims)))
			if (err == nil) != c.ok {
				t.Errorf("accepted: %t, want %t (%v)", err == nil, c.ok, err)
			}
		})
	}
}

func TestForgeries(t *testing.T) {
	t.Parallel()
	part := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	body := part(claimsOf(nil))
	good := sign(t, jwt.SigningMethodHS256, testKey, claimsOf(nil))
	cases := map[string]string{
		"Empty":         "",
		"NoToken":       "not-a-token",
		"AlgNone":       part(map[string]string{"alg": "none", "typ": "JWT"}) + "." + body + ".",
		"AlgNoneSigned": part(map[string]string{"alg": "none"}) + "." + body + "." + strings.Split(good, ".")[2],
		"HS384":         sign(t, jwt.SigningMethodHS384, testKey, claimsOf(nil)),
		"OtherKey":      sign(t, jwt.SigningMethodHS256, []byte("fedcba9876543210fedcba9876543210"), claimsOf(nil)),
		"NoSignature":   good[:strings.LastIndexByte(good, '.')+1],
		"FourParts":     good + ".x",
		"Huge":          good + strings.Repeat("x", 100<<10),
		"WithBearer":    "Bearer " + good,
		"WithSpace":     good + " ",
	}
	for name, token := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if id, err := setup(t).Verify(t.Context(), token); !errors.Is(err, ErrUnauthenticated) {
				t.Errorf("got %+v, %v", id, err)
			}
		})
	}
}

func TestRememberedTokenRunsOut(t *testing.T) {
	t.Parallel()
	now := noon
	v, err := New(t.Context(), Config{Key: testKey, Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	token := sign(t, jwt.SigningMethodHS256, testKey, claimsOf(map[string]any{"exp": noon.Add(10 * time.Second).Unix()}))
	if _, err := v.Verify(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	now = noon.Add(41 * time.Second)
	if _, err := v.Verify(t.Context(), token); err == nil {
		t.Error("the token still works after its end")
	}
}

func FuzzVerify(f *testing.F) {
	f.Add("")
	f.Add("a.b.c")
	f.Add(sign(f, jwt.SigningMethodHS256, testKey, claimsOf(nil)))
	v := setup(f)
	good := sign(f, jwt.SigningMethodHS256, testKey, claimsOf(nil))
	f.Fuzz(func(t *testing.T, token string) {
		id, err := v.Verify(t.Context(), token)
		if err == nil && token != good && id.UserExternalID != "u-1" {
			t.Errorf("%q became %+v", token, id)
		}
	})
}

func FuzzClaims(f *testing.F) {
	f.Add([]byte(`{"sub":"u","wid":"w","exp":1}`))
	f.Add([]byte(`{"sub":"u","wids":["*"],"exp":1e300,"aud":["a"]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var c claims
		if json.Unmarshal(data, &c) != nil || c.Validate() != nil || c.ExpiresAt == nil {
			return
		}
		id := c.identity()
		if checkID("sub", id.UserExternalID) != nil || (id.Service() && !id.AllWorkspaces && len(id.WorkspaceIDs) == 0) {
			t.Errorf("%s became %+v", data, id)
		}
	})
}
