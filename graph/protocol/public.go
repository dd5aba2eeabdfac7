package protocol

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
)

// Page is an answer that is the same for everybody who asks the same.
type Page struct {
	Text []byte
	Tag  string        // of the text
	Age  time.Duration // for which others may keep it without asking again
}

// Public knows the answers that are the same for everybody, so that browsers and
// proxies may keep them when they were asked for by GET.
type Public interface {
	// Find gives the answer to words that have been answered before.
	Find(ctx context.Context, words string) (Page, bool)
	// Keep is shown the answer to an operation that came in these words, and makes a
	// page of it when everybody gets it.
	Keep(ctx context.Context, op *graphql.OperationContext, words string, text []byte) (Page, bool)
}

// wordsOf gives the words of a request whose answer may be a page: everything in
// it that the answer depends on, but its language. Who signs in gets an answer of
// their own.
func (h *Handler) wordsOf(r *http.Request, f form) (string, bool) {
	_, signedIn := r.Header["Authorization"]
	if h.Public == nil || signedIn || f.media == eventStream || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return "", false
	}
	return f.media + " " + r.URL.RawQuery, true
}

// writePage writes an answer that may be kept, or says that the client's own is
// still good. It ends with the day or the next look, whichever comes first, and
// is not used after that, also where the server is away.
func writePage(w http.ResponseWriter, r *http.Request, f form, page Page) {
	tag := strconv.Quote(page.Tag)
	if f.media == graphJSON {
		tag = strconv.Quote(page.Tag + "g") // the same text as another type is another thing
	}
	header := w.Header()
	header.Set("ETag", tag)
	header.Set("Cache-Control", "public, no-cache")
	if seconds := int(page.Age / time.Second); seconds > 0 {
		header.Set("Cache-Control", fmt.Sprintf("public, max-age=%d, must-revalidate", seconds))
	}
	if matches(r.Header.Values("If-None-Match"), tag) {
		header.Del("Content-Type")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	header.Set("Content-Type", f.media+"; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(len(page.Text)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(page.Text) // a client that is gone needs no answer
	}
}

// matches says whether a tag is among those of If-None-Match. A proxy that
// compresses makes a weak one of it.
func matches(given []string, tag string) bool {
	for _, one := range splitList(strings.Join(given, ",")) {
		if one = strings.TrimSpace(one); one == "*" || strings.TrimPrefix(one, "W/") == tag {
			return true
		}
	}
	return false
}
