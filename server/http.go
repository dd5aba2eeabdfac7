package main

import (
	"context"
	"net/http"
	"time"

	"github.com/onedoor/onedoor/server/explorer"
)

const (
	maxBody    = 1 << 20 // bytes of a request
	maxHeader  = 64 << 10
	answerTime = 30 * time.Second // the longest that an answer may take
	healthTime = 2 * time.Second
)

// newHTTPServer puts the routes together: the API, the explorer, health.
func newHTTPServer(api http.Handler, ready func(context.Context) error) *http.Server {
	mux := http.NewServeMux()
	mux.Handle("/graphql", http.MaxBytesHandler(http.TimeoutHandler(api, answerTime, ""), maxBody))
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
			http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
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
