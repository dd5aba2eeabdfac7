package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/onedoor/onedoor/ent"
	"github.com/onedoor/onedoor/ent/casematerial"
	"github.com/onedoor/onedoor/graph/protocol"
	"github.com/onedoor/onedoor/internal/check"
	"github.com/onedoor/onedoor/internal/files"
	"github.com/onedoor/onedoor/internal/viewer"
)

const (
	maxBody    = 1 << 20               // bytes of a request
	maxUpload  = files.MaxSize + 1<<20 // bytes of a request that carries a file
	maxHeader  = 64 << 10              // bytes
	answerTime = 30 * time.Second      // the longest that an answer may take
	graceTime  = 2 * time.Second       // and then, until the connection is given up
	readTime   = 10 * time.Second      // the longest that a request may take to come, or an answer to go
	uploadTime = 5 * time.Minute       // the same, where a file comes or goes
	healthTime = 2 * time.Second
)

// newHTTPServer puts the routes together: the API, uploaded files, the published
// catalogue, the page to try the API in, health. A server whose plugins fail is ready all the
// same: it says so, and cases go on by the policies of their checks.
func newHTTPServer(api, uploaded, catalogue, page http.Handler, ready func(context.Context) error, plugins func() []check.Status, origins []string) *http.Server {
	mux := http.NewServeMux()
	mux.Handle("/graphql", bounded(api))
	mux.Handle("GET /files/{id}", uploaded)
	for _, name := range []string{"catalogue.json", "catalogue.jsonld", "catalogue.zip"} {
		mux.Handle("GET /"+name, catalogue)
	}
	mux.Handle("/{$}", page)
	mux.Handle("/explorer/", page)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("ok\n"))
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), healthTime)
		defer cancel()
		if err := ready(ctx); err != nil {
			reason := "the database or the store of files does not answer"
			if errors.Is(err, errStopping) {
				reason = err.Error()
			}
			slog.WarnContext(ctx, "not ready", "error", err)
			http.Error(w, "not ready: "+reason, http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ready\n"))
		for _, p := range plugins() {
			_, _ = fmt.Fprintf(w, "plugin %s %s %s %s\n", p.Plugin.Name, p.Plugin.Version, p.Plugin.Mode, p.State)
		}
	})
	return &http.Server{
		Handler:           shared(origins, mux),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       readTime,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    maxHeader,
	}
}

// bounded gives each request a size and a time. One that carries a file may be
// larger and take longer to come. How long an operation may take, its handler
// knows; what is not written in time after that is given up with the connection.
func bounded(api http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if slices.Contains(r.TransferEncoding, "chunked") {
			w.Header().Set("Connection", "close") // it may have had a Content-Length too, and what follows be no request (RFC 9112, 6.1)
		}
		control := http.NewResponseController(w)
		kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
		body := &boundedBody{ReadCloser: r.Body, left: maxBody}
		switch {
		case strings.HasPrefix(kind, "multipart/"):
			body.left, body.until, body.control = maxUpload, time.Now().Add(uploadTime), control
			_ = control.SetWriteDeadline(time.Now().Add(uploadTime + readTime))
		case !protocol.IsStream(r): // a stream bounds each of its writes
			_ = control.SetWriteDeadline(time.Now().Add(answerTime + graceTime + readTime))
		}
		r.Body = body
		if r.ContentLength > body.left {
			body.left = -1
			_ = control.EnableFullDuplex() // or the server reads some of it before it answers
		}
		api.ServeHTTP(w, r)
		if body.left < 0 { // a client that still sends would see a reset in place of the answer
			_ = control.Flush()
			_ = control.SetReadDeadline(time.Now().Add(graceTime))
			_, _ = io.CopyN(io.Discard, body.ReadCloser, 2*maxUpload)
		}
	})
}

// boundedBody is a body that may have so many bytes.
type boundedBody struct {
	io.ReadCloser
	left int64 // below zero once there were more

	// Of one that may take long, as long as it goes on: until then, and something
	// comes within readTime.
	until   time.Time
	control *http.ResponseController
}

// Read implements io.Reader.
func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, &http.MaxBytesError{}
	}
	if b.control != nil {
		next := time.Now().Add(readTime)
		if b.until.Before(next) {
			next = b.until
		}
		_ = b.control.SetReadDeadline(next)
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left+1)])
	if err != nil {
		b.control = nil // the deadlines that follow are HTTP's
	}
	b.left -= int64(n)
	if b.left < 0 {
		return n - 1, &http.MaxBytesError{}
	}
	return n, err
}

// Of CORS: what pages of other sites may send and read.
const (
	sentHeaders = "Authorization, Content-Type, Accept, Accept-Language, Idempotency-Key, GraphQL-Require-Preflight, Apollo-Require-Preflight, X-Apollo-Operation-Name, X-Request-Id"
	readHeaders = "X-Request-Id, Retry-After, Content-Disposition"
	preflightOf = "7200" // seconds for which a browser need not ask again
)

// shared lets pages of other sites use the API (CORS), those of the list only.
// Nobody is signed in by a cookie, so that no credentials are allowed.
func shared(origins []string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(uploadTime + readTime)) // anew for each request of a connection
		origin := r.Header.Get("Origin")
		if len(origins) > 0 {
			w.Header().Add("Vary", "Origin")
		}
		if origin == "" || len(origins) == 0 || !protocol.Permits(origins, origin, r.Host) {
			next.ServeHTTP(w, r)
			return
		}
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Expose-Headers", readHeaders)
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			h.Set("Access-Control-Allow-Methods", "GET, HEAD, POST, OPTIONS")
			h.Set("Access-Control-Allow-Headers", sentHeaders)
			h.Set("Access-Control-Max-Age", preflightOf)
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// serveFiles serves the file of a material to those who may see its case. Each
// reading is on record, for it may show personal data.
func serveFiles(client *ent.Client, store *files.Files) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		row, err := client.CaseMaterial.Query().Where(casematerial.ID(r.PathValue("id"))).Only(ctx)
		if ent.IsNotFound(err) || err == nil && row.File == nil {
			http.NotFound(w, r)
			return
		}
		if err != nil {
			slog.ErrorContext(ctx, "file not served", "error", err)
			http.Error(w, "the database does not answer; try again", http.StatusServiceUnavailable)
			return
		}
		content, err := store.Open(ctx, row.File.Key)
		if err != nil {
			slog.ErrorContext(ctx, "file not served", "file", row.ID, "error", err)
			http.Error(w, "the store of files does not answer; try again", http.StatusServiceUnavailable)
			return
		}
		defer content.Close()
		v := viewer.From(ctx)
		slog.InfoContext(ctx, "file read", "file", row.ID, "subject", v.Subject, "role", v.Role, "department", v.Department)
		h := w.Header()
		h.Set("Content-Type", row.File.Type)
		h.Set("Content-Length", strconv.FormatInt(row.File.Size, 10))
		h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": row.File.Name}))
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "private, no-store")
		_, _ = io.Copy(w, content)
	})
}
