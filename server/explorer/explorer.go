// Package explorer serves GraphiQL, the page to try the API in, from files in
// the binary: it works without the internet and asks no other origin.
package explorer

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
)

// Sample is the query the page starts with.
//
//go:embed sample.graphql
var Sample string

//go:embed page.html
var pageText string

// The third-party files are embedded as .gz; our own two are plain.
//
//go:embed assets/*.gz assets/boot.*
var assets embed.FS

// GraphiQL puts <style> elements and data: fonts into the page; all else is
// files of this origin.
const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; " +
	"font-src data:; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Handler serves the page at / and its files below /explorer/. The page sends
// its queries to endpoint, which must be of the same origin, as "/graphql".
func Handler(endpoint string) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", page(endpoint))
	entries, err := assets.ReadDir("assets")
	must(err)
	for _, entry := range entries {
		content, err := assets.ReadFile("assets/" + entry.Name())
		must(err)
		name, packed := strings.CutSuffix(entry.Name(), ".gz")
		var f file
		if packed {
			// Its name has its version, so that it never changes.
			f = newFile(name, "public, max-age=31536000, immutable", gunzip(content), content)
		} else {
			f = newFile(name, "no-cache", content, pack(content))
		}
		mux.Handle("GET /explorer/"+name, f)
	}
	return mux
}

func page(endpoint string) file {
	var html bytes.Buffer
	t := template.Must(template.New("page").Parse(pageText))
	must(t.Execute(&html, map[string]string{"Endpoint": endpoint, "Sample": Sample}))
	return newFile("page.html", "no-cache", html.Bytes(), pack(html.Bytes()))
}

// file is one answer, ready to be sent in either encoding.
type file struct {
	kind, cache, tag string
	plain, gzipped   []byte
}

// kinds is our own list, because that of package mime depends on the machine.
var kinds = map[string]string{
	".css":  "text/css; charset=utf-8",
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
}

func newFile(name, cache string, plain, gzipped []byte) file {
	tag := fmt.Sprintf("%x", sha256.Sum256(plain))[:32]
	return file{kind: kinds[path.Ext(name)], cache: cache, tag: tag, plain: plain, gzipped: gzipped}
}

func (f file) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", f.cache)
	h.Set("Vary", "Accept-Encoding")
	h.Set("Content-Security-Policy", contentSecurityPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	content, tag := f.plain, f.tag
	if acceptsGzip(r.Header.Get("Accept-Encoding")) {
		h.Set("Content-Encoding", "gzip")
		content, tag = f.gzipped, f.tag+"-gzip"
	}
	h.Set("ETag", strconv.Quote(tag))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

// acceptsGzip reads an Accept-Encoding header. Only an explicit gzip counts.
func acceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		coding, weight, _ := strings.Cut(part, ";")
		if !strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			continue
		}
		q, found := strings.CutPrefix(strings.ToLower(strings.TrimSpace(weight)), "q=")
		value, err := strconv.ParseFloat(q, 64)
		return !found || err == nil && value > 0
	}
	return false
}

func pack(plain []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(plain)
	must(err)
	must(w.Close())
	return b.Bytes()
}

func gunzip(packed []byte) []byte {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	must(err)
	plain, err := io.ReadAll(r)
	must(err)
	return plain
}

// must is for what only a broken build can get wrong.
func must(err error) {
	if err != nil {
		panic(fmt.Sprintf("explorer: %v", err))
	}
}
