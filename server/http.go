package main

import (
	"context"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/onedoor/onedoor/ent"
	"github.com/onedoor/onedoor/ent/casematerial"
	"github.com/onedoor/onedoor/internal/files"
	"github.com/onedoor/onedoor/internal/viewer"
	"github.com/onedoor/onedoor/server/explorer"
)

const (
	maxBody    = 1 << 20               // bytes of a request
	maxUpload  = files.MaxSize + 1<<20 // bytes of a request that carries a file
	maxHeader  = 64 << 10              // bytes
	answerTime = 30 * time.Second      // the longest that an answer may take
	uploadTime = 5 * time.Minute       // the same, where a file comes or goes
	healthTime = 2 * time.Second
)

// newHTTPServer puts the routes together: the API, uploaded files, the explorer,
// health.
func newHTTPServer(api, uploaded http.Handler, ready func(context.Context) error) *http.Server {
	mux := http.NewServeMux()
	mux.Handle("/graphql", bounded(api))
	mux.Handle("GET /files/{id}", uploaded)
	page := explorer.Handler("/graphql")
	mux.Handle("/{$}", page)
	mux.Handle("/explorer/", page)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("ok\n"))
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), healthTime)
		defer cancel()
		if err := ready(ctx); err != nil {
			slog.WarnContext(ctx, "not ready", "error", err)
			http.Error(w, "not ready: the database or the store of files does not answer", http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ready\n"))
	})
	return &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    maxHeader,
	}
}

// tooLate is the answer to a request that takes too long. What it has asked for
// may have been done or not: its Idempotency-Key tells when it comes again.
const tooLate = `{"errors":[{"message":"未能及时处理，请带同一 Idempotency-Key 重试 / no answer in time; try again with the same Idempotency-Key",` +
	`"extensions":{"code":"UNAVAILABLE","op":"server.answer","problems":[]}}],"data":null}`

// bounded gives each request a size and a time. One that carries a file may be
// larger and take longer; it says its length, so that the file is kept on disk
// while it is read and never in memory.
func bounded(api http.Handler) http.Handler {
	usual := http.MaxBytesHandler(http.TimeoutHandler(api, answerTime, tooLate), maxBody)
	large := http.MaxBytesHandler(http.TimeoutHandler(api, uploadTime, tooLate), maxUpload)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8") // of tooLate; the API sets its own
		if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); !strings.HasPrefix(kind, "multipart/") {
			usual.ServeHTTP(w, r)
			return
		}
		if r.ContentLength < 0 {
			http.Error(w, "a request with a file says its Content-Length", http.StatusLengthRequired)
			return
		}
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(uploadTime))
		large.ServeHTTP(w, r)
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
