// Package web serves the reference page at / and the playground at /playground/ from the program itself.
//
// It owns the built files (dist, made by `npm run build` and committed, so that a fresh clone compiles without Node),
// how they are negotiated and cached, and what the pages may do in a browser (Content-Security-Policy). It does not
// own anything the pages talk to: /graphql, /session and /playground/users.json are other handlers, which the router
// must place before this one. The package imports nothing of ours.
//
// The build leaves compressible files only as .br and .gz; who accepts neither gets the .gz unpacked on the way out.
package web

import (
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// dist stays in the read-only part of the program: files are streamed from it, never copied to the heap.
//
//go:embed all:dist
var dist embed.FS

// Handler serves the built files. It is safe for concurrent use and holds no state of any request.
type Handler struct {
	fsys  fs.FS
	files map[string]*file // by URL path
}

// New indexes the embedded files. It fails only if the build that was embedded is incomplete.
func New() (*Handler, error) {
	fsys, err := fs.Sub(dist, "dist")
	if err != nil {
		return nil, fmt.Errorf("open dist: %w", err)
	}
	return newHandler(fsys)
}

func newHandler(fsys fs.FS) (*Handler, error) {
	h := &Handler{fsys: fsys, files: map[string]*file{}}
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		return h.add(name)
	})
	if err != nil {
		return nil, fmt.Errorf("index dist: %w", err)
	}
	for address, f := range h.files {
		_, plain := f.variants[identity]
		if _, packed := f.variants[gzipped]; !plain && !packed {
			return nil, fmt.Errorf("index dist: %s has no form that every caller can be given", address)
		}
	}
	for _, page := range []string{"/", playgroundPath} {
		if h.files[page] == nil {
			return nil, fmt.Errorf("index dist: no page for %s", page)
		}
	}
	return h, nil
}

// redirects leads to the one address of a page. Browsers ask for the .ico on behalf of pages that name no icon, such as
// those of the sandbox.
var redirects = map[string]string{
	"/playground":  playgroundPath,
	"/favicon.ico": "/favicon.svg",
}

// file is one address with its representations.
type file struct {
	contentType string
	policy      string
	cache       string
	variants    map[coding]variant
}

// variant is one representation of a file as it lies in dist.
type variant struct {
	name string
	etag string
	size int64
}

func (h *Handler) add(name string) error {
	plain, enc := name, identity
	switch path.Ext(name) {
	case ".br":
		plain, enc = strings.TrimSuffix(name, ".br"), brotli
	case ".gz":
		plain, enc = strings.TrimSuffix(name, ".gz"), gzipped
	}
	contentType, ok := contentTypes[path.Ext(plain)]
	if !ok {
		return fmt.Errorf("%s: no content type for it", plain)
	}
	opened, err := h.fsys.Open(name)
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	defer opened.Close()
	sum := sha256.New()
	size, err := io.Copy(sum, opened)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	address := addressOf(plain)
	if h.files[address] == nil {
		h.files[address] = &file{
			contentType: contentType,
			policy:      policyOf(plain),
			cache:       cacheOf(plain),
			variants:    map[coding]variant{},
		}
	}
	h.files[address].variants[enc] = variant{
		name: name,
		etag: `"` + base64.RawURLEncoding.EncodeToString(sum.Sum(nil)[:12]) + `"`,
		size: size,
	}
	return nil
}

// addressOf is where a file is found: a page under its folder, everything else under its name.
func addressOf(name string) string {
	if dir, ok := strings.CutSuffix(name, "index.html"); ok {
		return "/" + dir
	}
	return "/" + name
}

// ServeHTTP answers GET and HEAD for the built files, and 404 for everything else: there is no listing of a folder
// and no page for unknown paths, so that a mistyped API address is told apart from a page.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	if target, ok := redirects[r.URL.Path]; ok {
		http.Redirect(w, r, target, http.StatusPermanentRedirect)
		return
	}
	f := h.files[r.URL.Path]
	if f == nil {
		header.Set("Cache-Control", "no-store")
		http.Error(w, "Not found.", http.StatusNotFound)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		header.Set("Allow", "GET, HEAD")
		http.Error(w, "Only GET and HEAD.", http.StatusMethodNotAllowed)
		return
	}
	v, enc, unpack := f.pick(r.Header.Values("Accept-Encoding"))
	header.Set("Cache-Control", f.cache)
	header.Set("Content-Security-Policy", f.policy)
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	// The address of the reference page carries a one-time ticket when Zoho sends someone back.
	header.Set("Referrer-Policy", "same-origin")
	header.Set("Etag", v.etag)
	header.Set("Vary", "Accept-Encoding")
	if matches(r.Header.Values("If-None-Match"), v.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	header.Set("Content-Type", f.contentType)
	if enc != identity {
		header.Set("Content-Encoding", enc.String())
	}
	if !unpack {
		header.Set("Content-Length", strconv.FormatInt(v.size, 10))
	}
	if r.Method == http.MethodHead {
		return
	}
	h.send(w, v, unpack)
}

// send streams a variant: a file of our own build, so what it unpacks to is bounded. Once the headers are out an error
// can only mean that the reader left.
func (h *Handler) send(w io.Writer, v variant, unpack bool) {
	opened, err := h.fsys.Open(v.name)
	if err != nil {
		return
	}
	defer opened.Close()
	body := io.Reader(opened)
	if unpack {
		unpacked, err := gzip.NewReader(opened)
		if err != nil {
			return
		}
		defer unpacked.Close()
		body = unpacked
	}
	_, _ = io.Copy(w, body)
}

// pick finds the smallest representation the caller can read. unpack says that it has to be the plain one and that
// only the gzip of it is there.
func (f *file) pick(accept []string) (v variant, enc coding, unpack bool) {
	accepted := parseAcceptEncoding(accept)
	for _, enc := range []coding{brotli, gzipped} {
		if v, ok := f.variants[enc]; ok && accepted.has(enc) {
			return v, enc, false
		}
	}
	if v, ok := f.variants[identity]; ok {
		return v, identity, false
	}
	v = f.variants[gzipped]
	// The tag names the bytes that are sent, and these are not those of the .gz.
	v.etag = strings.TrimSuffix(v.etag, `"`) + `-plain"`
	return v, identity, true
}
