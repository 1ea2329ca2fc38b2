package web

import "strings"

const playgroundPath = "/playground/"

// What each kind of response may do in a browser. Nothing may come from another host, be framed or be submitted.
// The playground needs inline styles and font data because Monaco sets both at run time; the reference page needs
// neither. The policy of a script counts where the script is a worker, which loads its own parts.
const (
	referencePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	playgroundPolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; " +
		"img-src 'self' data:; worker-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	assetPolicy = "default-src 'none'; script-src 'self'; frame-ancestors 'none'"
)

// contentTypes is a table of our own: the one of package mime depends on the machine.
var contentTypes = map[string]string{
	".css":  "text/css; charset=utf-8",
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".md":   "text/markdown; charset=utf-8",
	".svg":  "image/svg+xml",
	".ttf":  "font/ttf",
}

func policyOf(name string) string {
	switch {
	case !strings.HasSuffix(name, ".html"):
		return assetPolicy
	case strings.HasPrefix("/"+name, playgroundPath):
		return playgroundPolicy
	default:
		return referencePolicy
	}
}

// cacheOf lets browsers keep for ever what carries a hash of its content in its name, and ask again for the rest.
func cacheOf(name string) string {
	if strings.HasPrefix(name, "assets/") {
		return "public, max-age=31536000, immutable"
	}
	return "no-cache"
}
