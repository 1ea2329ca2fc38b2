package auth

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

type provider struct {
	rsa     *rsa.PrivateKey
	ec      *ecdsa.PrivateKey
	ed      ed25519.PrivateKey
	fetches atomic.Int32
	url     string
}

func startProvider(t *testing.T) *provider {
	t.Helper()
	var p provider
	var err error
	if p.rsa, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		t.Fatal(err)
	}
	if p.ec, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	if _, p.ed, err = ed25519.GenerateKey(rand.Reader); err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	point, err := p.ec.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	set, err := json.Marshal(map[string]any{"keys": []map[string]string{
		{"kty": "RSA", "kid": "rsa", "alg": "RS256", "use": "sig", "n": b64(p.rsa.N.Bytes()), "e": b64(big.NewInt(int64(p.rsa.E)).Bytes())},
		{"kty": "EC", "kid": "ec", "alg": "ES256", "crv": "P-256", "x": b64(point[1:33]), "y": b64(point[33:])},
		{"kty": "OKP", "kid": "ed", "alg": "EdDSA", "crv": "Ed25519", "x": b64(p.ed.Public().(ed25519.PublicKey))},
	}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		p.fetches.Add(1)
		_, _ = w.Write(set)
	}))
	t.Cleanup(server.Close)
	p.url = server.URL
	return &p
}

func (p *provider) verifier(t *testing.T) *Verifier {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	v, err := New(ctx, Config{
		JWKSURL: p.url, Issuer: "https://id.heffl.test", Audience: "bff",
		HTTPClient: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second},
		Logger:     slog.New(slog.DiscardHandler), Now: func() time.Time { return noon },
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func withHeader(t *testing.T, method jwt.SigningMethod, key crypto.PrivateKey, header, changes map[string]any) string {
	t.Helper()
	c := claimsOf(map[string]any{"iss": "https://id.heffl.test", "aud": "bff"})
	for name, value := range changes {
		if value == nil {
			delete(c, name)
			continue
		}
		c[name] = value
	}
	token := jwt.NewWithClaims(method, c)
	maps.Copy(token.Header, header)
	signed, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func TestJWKS(t *testing.T) {
	t.Parallel()
	p := startProvider(t)
	v := p.verifier(t)
	public, err := x509.MarshalPKIXPublicKey(&p.rsa.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	publicPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	kid := func(id any) map[string]any { return map[string]any{"kid": id} }
	ecToken := withHeader(t, jwt.SigningMethodES256, p.ec, kid("ec"), nil)
	cases := map[string]struct {
		token string
		ok    bool
	}{
		"RS256":              {withHeader(t, jwt.SigningMethodRS256, p.rsa, kid("rsa"), nil), true},
		"ES256":              {ecToken, true},
		"EdDSA":              {withHeader(t, jwt.SigningMethodEdDSA, p.ed, kid("ed"), nil), true},
		"AudienceInAList":    {withHeader(t, jwt.SigningMethodRS256, p.rsa, kid("rsa"), map[string]any{"aud": []string{"other", "bff"}}), true},
		"OtherAudience":      {withHeader(t, jwt.SigningMethodRS256, p.rsa, kid("rsa"), map[string]any{"aud": "other"}), false},
		"NoAudience":         {withHeader(t, jwt.SigningMethodRS256, p.rsa, kid("rsa"), map[string]any{"aud": nil}), false},
		"OtherIssuer":        {withHeader(t, jwt.SigningMethodRS256, p.rsa, kid("rsa"), map[string]any{"iss": "https://id.evil.test"}), false},
		"NoIssuer":           {withHeader(t, jwt.SigningMethodRS256, p.rsa, kid("rsa"), map[string]any{"iss": nil}), false},
		"RS384":              {withHeader(t, jwt.SigningMethodRS384, p.rsa, kid("rsa"), nil), false},
		"PublicKeyAsSecret":  {withHeader(t, jwt.SigningMethodHS256, publicPEM, kid("rsa"), nil), false},
		"PublicDERAsSecret":  {withHeader(t, jwt.SigningMethodHS256, public, kid("rsa"), nil), false},
		"KeyOfOtherKind":     {withHeader(t, jwt.SigningMethodRS256, p.rsa, kid("ec"), nil), false},
		"UnknownKey":         {withHeader(t, jwt.SigningMethodRS256, p.rsa, kid("nobody"), nil), false},
		"KeyIDPath":          {withHeader(t, jwt.SigningMethodRS256, p.rsa, kid("../../etc/passwd"), nil), false},
		"KeyIDSQL":           {withHeader(t, jwt.SigningMethodRS256, p.rsa, kid("' OR 1=1 --"), nil), false},
		"KeyIDNumber":        {withHeader(t, jwt.SigningMethodRS256, p.rsa, kid(7), nil), false},
		"ZeroSignature":      {ecToken[:strings.LastIndexByte(ecToken, '.')+1] + base64.RawURLEncoding.EncodeToString(make([]byte, 64)), false},
		"DevelopmentKey":     {withHeader(t, jwt.SigningMethodHS256, testKey, nil, nil), false},
		"KeysFromElsewhere":  {withHeader(t, jwt.SigningMethodHS256, testKey, map[string]any{"jku": "https://evil.test/keys", "x5u": "https://evil.test/x"}, nil), false},
		"SignedBodySwapped":  {swapBody(ecToken), false},
		"DuplicateSignature": {ecToken + ecToken[strings.LastIndexByte(ecToken, '.'):], false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			_, err := v.Verify(ctx, c.token)
			if (err == nil) != c.ok {
				t.Errorf("accepted: %t, want %t (%v)", err == nil, c.ok, err)
			}
		})
	}
	t.Cleanup(func() {
		if got := p.fetches.Load(); got > 3 {
			t.Errorf("unknown key ids made the server fetch the keys %d times", got)
		}
	})
}

// swapBody keeps header and signature and puts an administrator in between.
func swapBody(token string) string {
	parts := strings.Split(token, ".")
	body, _ := base64.RawURLEncoding.DecodeString(parts[1])
	parts[1] = base64.RawURLEncoding.EncodeToString(bytes.Replace(body, []byte(`"u-1"`), []byte(`"u-2"`), 1))
	return strings.Join(parts, ".")
}

func TestConfig(t *testing.T) {
	t.Parallel()
	logger, now := slog.New(slog.DiscardHandler), func() time.Time { return noon }
	cases := map[string]Config{
		"NoKeys":         {Logger: logger, Now: now},
		"ShortKey":       {Key: testKey[:31], Logger: logger, Now: now},
		"BothKeys":       {Key: testKey, JWKSURL: "https://id.test", Issuer: "i", Audience: "a", Logger: logger, Now: now},
		"JWKSOfAnyone":   {JWKSURL: "https://id.test", Logger: logger, Now: now},
		"JWKSNoAudience": {JWKSURL: "https://id.test", Issuer: "i", Logger: logger, Now: now},
		"NoClock":        {Key: testKey, Logger: logger},
	}
	for name, cfg := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := New(t.Context(), cfg); err == nil {
				t.Error("accepted")
			}
		})
	}
}
