package explorer

import (
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

var handler = Handler("/graphql")

// ask sends one request without the transport's own gzip.
func ask(t *testing.T, method, target string, header ...string) (*http.Response, string) {
	t.Helper()
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Result(), string(body)
}

var reference = regexp.MustCompile(`(?:src|href)="([^"]*)"`)

// files are the addresses the page refers to.
func files(t *testing.T) []string {
	t.Helper()
	_, html := ask(t, "GET", "/")
	var found []string
	for _, m := range reference.FindAllStringSubmatch(html, -1) {
		if m[1] != "data:," {
			found = append(found, m[1])
		}
	}
	if len(found) != 6 {
		t.Fatalf("the page refers to %d files, want 6: %q", len(found), found)
	}
	return found
}

func TestPage(t *testing.T) {
	res, html := ask(t, "GET", "/")
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("got %d %s", res.StatusCode, res.Header.Get("Content-Type"))
	}
	if strings.Contains(html, "://") || strings.Contains(html, `="//`) {
		t.Error("the page names another origin")
	}
	if strings.Contains(html, "<script>") || strings.Contains(html, "<style") {
		t.Error("the page has an inline script or style, which its policy forbids or should not need")
	}
	if !strings.Contains(html, `data-endpoint="/graphql"`) || !strings.Contains(html, "guide(input: {") {
		t.Errorf("the page lacks the endpoint or the sample:\n%s", html)
	}
	policy := res.Header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "script-src 'self';") || strings.Contains(policy, "http") || strings.Contains(policy, "*") {
		t.Errorf("policy: %s", policy)
	}
}

func TestEndpointIsEscaped(t *testing.T) {
	w := httptest.NewRecorder()
	Handler(`/"><script>alert(1)</script>`).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if strings.Contains(w.Body.String(), "<script>alert") {
		t.Error("the endpoint is written into the page as it is")
	}
}

func TestOtherPathsAndMethods(t *testing.T) {
	for _, path := range []string{"/x", "/index.html", "/explorer", "/explorer/", "/explorer/README.md", "/explorer/boot.js.gz", "/explorer/page.html"} {
		if res, _ := ask(t, "GET", path); res.StatusCode != 404 {
			t.Errorf("GET %s: got %d, want 404", path, res.StatusCode)
		}
	}
	if res, _ := ask(t, "POST", "/"); res.StatusCode != 405 {
		t.Errorf("POST /: got %d, want 405", res.StatusCode)
	}
}

// remote is what a browser would fetch from another origin by itself.
var remote = regexp.MustCompile("(?i)(?:@import\\s*|url\\(\\s*|\\bsrc\\s*[=:]\\s*|\\bimport\\s*\\(?\\s*|\\bfrom\\s*|importScripts\\(\\s*|new Worker\\(\\s*|fetch\\(\\s*)[\"'`]?(?:https?:|wss?:)?//[^)\\s]{0,60}")

// link is an absolute address behind href; those below are for a reader's click.
var (
	link  = regexp.MustCompile("(?i)\\bhref\\s*[=:]\\s*[\"'`]?((?:https?:)?//[^\"'`\\s]+)")
	links = map[string]bool{
		"https://codemirror.net/5/doc/manual.html#keymaps": true,
		"https://github.com/graphql/graphiql":              true,
	}
)

func TestFiles(t *testing.T) {
	for _, path := range files(t) {
		t.Run(path, func(t *testing.T) {
			res, body := ask(t, "GET", path)
			if res.StatusCode != 200 || body == "" {
				t.Fatalf("got %d with %d bytes", res.StatusCode, len(body))
			}
			kind := "text/javascript; charset=utf-8"
			if strings.HasSuffix(path, ".css") {
				kind = "text/css; charset=utf-8"
			}
			if got := res.Header.Get("Content-Type"); got != kind {
				t.Errorf("Content-Type: got %s, want %s", got, kind)
			}
			if found := remote.FindString(body); found != "" {
				t.Errorf("it would fetch %s", found)
			}
			for _, m := range link.FindAllStringSubmatch(body, -1) {
				if !links[m[1]] {
					t.Errorf("it links to %s", m[1])
				}
			}
			if strings.Contains(body, "sourceMappingURL") {
				t.Error("it names a source map")
			}

			versioned := strings.Contains(path, ".min.")
			if got := strings.Contains(res.Header.Get("Cache-Control"), "immutable"); got != versioned {
				t.Errorf("immutable: got %v, want %v", got, versioned)
			}
			if versioned {
				readme, err := os.ReadFile("assets/README.md")
				if err != nil {
					t.Fatal(err)
				}
				row := fmt.Sprintf("| %s | %x |", strings.TrimPrefix(path, "/explorer/"), sha256.Sum256([]byte(body)))
				if !strings.Contains(string(readme), row) {
					t.Errorf("assets/README.md lacks the row %s", row)
				}
			}

			packed, content := ask(t, "GET", path, "Accept-Encoding", "br, gzip")
			r, err := gzip.NewReader(strings.NewReader(content))
			if err != nil {
				t.Fatal(err)
			}
			unpacked, err := io.ReadAll(r)
			if err != nil || string(unpacked) != body {
				t.Errorf("the gzipped file is another one (%v)", err)
			}
			tag := packed.Header.Get("ETag")
			if tag == "" || tag == res.Header.Get("ETag") || packed.Header.Get("Vary") != "Accept-Encoding" {
				t.Errorf("the encodings are not told apart: %v", packed.Header)
			}
			again, _ := ask(t, "GET", path, "Accept-Encoding", "gzip", "If-None-Match", tag)
			if again.StatusCode != 304 {
				t.Errorf("with its ETag: got %d, want 304", again.StatusCode)
			}
		})
	}
}

// TestRemote makes sure that the check above finds what it is for.
func TestRemote(t *testing.T) {
	for _, bad := range []string{
		`@import "https://x.org/a.css"`, `url(//x.org/f.woff2)`, `url("http://x.org/f")`, `e.src="https://x.org/a.js"`,
		`import("https://x.org/a.js")`, `import a from"https://x.org/a.js"`, `new Worker('https://x.org/w.js')`,
	} {
		if !remote.MatchString(bad) {
			t.Errorf("not found: %s", bad)
		}
	}
	for _, good := range []string{`url(data:font/woff2;base64,d09G)`, `e.includes("url(")`, `xmlns:"http://www.w3.org/2000/svg"`, `// see https://x.org`} {
		if remote.MatchString(good) {
			t.Errorf("found: %s", good)
		}
	}
}

func TestAcceptsGzip(t *testing.T) {
	for header, want := range map[string]bool{
		"": false, "br": false, "gzip": true, "br, GZIP;q=0.5": true, "gzip;q=0": false, "gzip; q=0.0, br": false, "xgzip": false,
	} {
		if got := acceptsGzip(header); got != want {
			t.Errorf("%q: got %v, want %v", header, got, want)
		}
	}
}

func TestSampleParses(t *testing.T) {
	if _, err := parser.ParseQuery(&ast.Source{Input: Sample}); err != nil {
		t.Error(err)
	}
}
