package connect

import (
	"bytes"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// What generated return paths are made of. Much of it is right, or nothing would be accepted and nothing shown.
var (
	oracleSchemes = []string{
		"https", "https", "https", "https", "https", "http", "http", "HTTPS", "Http", "javascript", "data", "ftp", "file", "ws", "blob:https",
		"view-source:https", "https\t", "\thttps", "ht\ntps", "", "h%74tps",
	}
	oracleSeparators = []string{"://", "://", "://", "://", "://", "://", "://", "://", ":", ":/", ":///", "//", `:\\`, `:/\`, `:\/`, ": //", ":%2f%2f", "://%2f", ""}
	oracleUsers      = []string{"", "", "", "", "", "", "", "", "", "user@", "user:pass@", "@", ":@", "app.heffl.example@", "app.heffl.example:443@", "%40", "localhost:8080@", `a\@`}
	oracleHosts      = []string{
		"app.heffl.example", "app.heffl.example", "app.heffl.example", "app.heffl.example", "localhost:8080", "localhost:8080", "[2001:db8::1]:8443", "[2001:db8::1]:8443",
		"APP.heffl.example", "app.heffl.example.", "app.heffl.example:443", "app.heffl.example:", "app.heffl.example:080", "app.heffl.example.evil.test", "app.heffl.exampleevil.test",
		"evil.test", "evil.test:8080", "localhost", "localhost:8081", "localhost:08080", "127.0.0.1:8080", "2130706433:8080", "[::1]:8080", "[2001:db8:0::1]:8443", "[2001:db8::1%25a]:8443",
		"app。heffl.example", "ａpp.heffl.example", "app.heffl%2eexample", "app.heffl.example%2f.evil.test", "app.heffl.example%00", `app.heffl.example\evil.test`, "app.heffl.example;evil.test", "",
	}
	oraclePaths = []string{
		"", "/", "/settings", "/settings/", "/a/b/c", "//evil.test", "//evil.test/..", "/..//evil.test", "/../../evil.test", "/./", "/.", "/%2e%2e//evil.test", "/%2f%2fevil.test",
		`/\evil.test`, "/%5cevil.test", "/@evil.test", ":@evil.test", "@evil.test", "/:80@evil.test", "/https://evil.test", "/a;b=c", "/%0d%0aLocation:%20https:%2f%2fevil.test", "/\r\nLocation: https://evil.test",
		"/%00", "/%zz", "/%", "/ü", "/%c3%bc", "/%E2%80%AE", "/ a", "/\t/evil.test", "/|", "/^", "/`", "/{a}", "/[a]", "/\"<>", "/*'()!$&+,=~",
	}
	oracleQueries = []string{
		"", "", "", "?", "??", "?tab=integrations", "?a=b&c=d", "?a=b&a=c", "?status=connected&code=X&ticket=T&integration=evil", "?Status=a", "?next=//evil.test", "?next=https://evil.test/",
		"?a=%zz", "?a;b", "?a=b;c=d", "?=", "?&&&", "?a=%0d%0aX", "?a=\x00", "?a=ü", "?a=%E2%80%A8", "?@evil.test", "?/../..//evil.test", `?\evil.test`, "?a=b#", "?+", "?a=' or \"<>",
	}
	oracleFragments = []string{"", "", "", "", "#", "#top", "#/route?x=y", "#@evil.test", "#//evil.test", `#\evil.test`, "#\n", "#%zz", "##", "#?status=connected"}
	// oracleSplinters are put anywhere.
	oracleSplinters = []string{
		"/", "//", `\`, "@", ":", "?", "#", "%", "%2f", "%5c", "%40", "%00", "%0a", ".", "..", "\t", "\n", "\r", " ", "\x00", "\x7f", "\u00a0", "\u3002", "\u2028", "\ufeff", "ä",
		"[", "]", ";", "&", "=", "+", "|", "evil.test", "@evil.test", "//evil.test", "app.heffl.example", "https://", "javascript:", "xn--", "0x7f", "*", "'", "\"", "<", ">",
	}
)

// oracleInput makes one return path: taken from those written by hand, put together from parts, or beginning with an origin
// that is allowed and going on with anything; and splintered or not.
func oracleInput(r *rand.Rand, written []string) string {
	pick := func(from []string) string { return from[r.IntN(len(from))] }
	var parts []string
	switch r.IntN(4) {
	case 0:
		parts = append(parts, pick(written))
	case 1:
		for _, kind := range [][]string{oracleSchemes, oracleSeparators, oracleUsers, oracleHosts, oraclePaths, oracleQueries, oracleFragments} {
			parts = append(parts, pick(kind))
		}
	default:
		parts = append(parts, pick(ours))
		for range r.IntN(4) {
			parts = append(parts, pick(oraclePaths))
		}
		for range r.IntN(3) {
			parts = append(parts, pick(oracleQueries))
		}
		parts = append(parts, pick(oracleFragments))
	}
	raw := strings.Join(parts, "")
	if r.IntN(3) == 0 {
		for range 1 + r.IntN(3) {
			from := r.IntN(len(raw) + 1)
			to := min(len(raw), from+r.IntN(3)) // what is there may go, too
			raw = raw[:from] + pick(oracleSplinters) + raw[to:]
		}
	}
	return raw
}

// whatwg is what a browser makes of a Location.
type whatwg struct {
	Origin, Credentials, Integration, Status string
}

// browse asks Node, once, where browsers go.
func browse(t *testing.T, base string, locations []string) []*whatwg {
	t.Helper()
	asked, err := json.Marshal(locations)
	if err != nil {
		t.Fatal(err)
	}
	node := exec.CommandContext(t.Context(), "node", "testdata/origins.mjs", base)
	var said, complained bytes.Buffer
	node.Stdin, node.Stdout, node.Stderr = bytes.NewReader(asked), &said, &complained
	if err := node.Run(); err != nil {
		t.Fatalf("ask Node.js, which this test needs: %v\n%s", err, &complained)
	}
	var answers []*whatwg
	if err := json.Unmarshal(said.Bytes(), &answers); err != nil || len(answers) != len(locations) {
		t.Fatalf("%d answers for %d questions: %v", len(answers), len(locations), err)
	}
	return answers
}

// TestReturnPathOracle shows O5: of 100,000 return paths that are made to deceive, every one that is accepted leads a browser, as
// Node's URL reads the very header that it is sent, to the origin that was allowed.
func TestReturnPathOracle(t *testing.T) {
	t.Parallel()
	const inputs, seed1, seed2 = 100_000, 7, 2026
	t.Logf("%d inputs of PCG(%d, %d)", inputs, seed1, seed2)
	// A path without an origin of its own would be taken from here, and found out.
	const base = "https://relative.test/oauth/cliq/callback"
	s, r := redirector(), rand.New(rand.NewPCG(seed1, seed2))
	written := slices.Concat(hostile, slices.Sorted(maps.Keys(harmless)))

	// Those that are known to deceive show that the oracle is awake.
	locations := []string{"/settings", "//evil.test", "https://app.heffl.example@evil.test/", `https:\\evil.test`, "\thttps:evil.test", "javascript:alert(1)", "https://["}
	awake := []string{"https://relative.test", "https://evil.test", "https://evil.test", "https://evil.test", "https://relative.test", "null", ""}
	from := slices.Clone(locations)
	outcomes := []map[string]string{failed("OTHER_USER"), {"status": "connected"}, {"status": "confirm", "ticket": strings.Repeat("t", secretLength)}}
	accepted, origins := map[string]bool{}, map[string]int{}
	for i := range inputs {
		raw := oracleInput(r, written)
		checked, ok := s.allowed(raw)
		if !ok || accepted[checked] {
			continue
		}
		accepted[checked] = true
		for _, origin := range ours {
			if strings.HasPrefix(checked, origin+"/") {
				origins[origin]++
			}
		}
		locations = append(locations, answerTo(checked, outcomes[i%len(outcomes)]))
		from = append(from, raw)
	}
	for i, got := range browse(t, base, locations) {
		if i < len(awake) {
			if got == nil != (awake[i] == "") || got != nil && got.Origin != awake[i] {
				t.Fatalf("the oracle reads %q as %+v", locations[i], got)
			}
			continue
		}
		if got == nil || !slices.Contains(ours, got.Origin) || !strings.HasPrefix(locations[i], got.Origin+"/") {
			t.Errorf("%q leads by %q to %+v", from[i], locations[i], got)
			continue
		}
		if got.Credentials != "" || got.Integration != "zoho_cliq" || !slices.Contains([]string{"error", "connected", "confirm"}, got.Status) {
			t.Errorf("%q tells by %q %+v", from[i], locations[i], got)
		}
	}
	t.Logf("%d different paths were accepted: %v", len(accepted), origins)
	if len(accepted) < 5000 || len(origins) != len(ours) {
		t.Errorf("only %d different paths were accepted, %v: this shows too little", len(accepted), origins)
	}
}
