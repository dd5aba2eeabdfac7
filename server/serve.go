package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/onedoor/onedoor/graph"
	"github.com/onedoor/onedoor/internal/cache"
	"github.com/onedoor/onedoor/internal/catalog"
	"github.com/onedoor/onedoor/internal/guide"
	"github.com/onedoor/onedoor/internal/store"
)

const (
	reloadEvery  = time.Second      // how soon an import by another process is served
	shutdownTime = 10 * time.Second // how long requests may take to finish
)

// serve wires the parts by hand and serves until ctx ends.
func serve(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	c, rest, err := parseConfig("serve", args, getenv, stderr)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return fmt.Errorf("serve takes no %q", rest[0])
	}
	slog.SetDefault(slog.New(slog.NewTextHandler(stderr, nil)))
	s, err := store.Open(ctx, c.databaseURL)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.Migrate(ctx); err != nil {
		return err
	}
	hints, err := cache.Open(c.redisURL)
	if err != nil {
		return err
	}
	defer hints.Close()
	first, err := loadCatalogue(ctx, s)
	if err != nil {
		return err
	}
	book := guide.NewBook(first)
	go keepFresh(ctx, s, book)

	api := graph.NewHandler(&graph.Resolver{Client: s.Client(), Book: book, Notices: s, Now: time.Now, Random: rand.Reader}, cache.Documents{Cache: hints})
	server := newHTTPServer(api, s.Ping)
	listener, err := net.Listen("tcp", c.addr)
	if err != nil {
		return fmt.Errorf("ONEDOOR_ADDR: %w", err)
	}
	fmt.Fprintf(stdout, "onedoor serves http://%s/ (GraphQL at /graphql)\n", listener.Addr())
	stopped := make(chan error, 1)
	go func() { stopped <- server.Serve(listener) }()
	select {
	case err := <-stopped:
		return err
	case <-ctx.Done():
	}
	finish, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	if err := server.Shutdown(finish); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("requests were cut off: %w", err)
	}
	return nil
}

// loadCatalogue loads the catalogue; an empty database gets the pack that ships
// with the product.
func loadCatalogue(ctx context.Context, s *store.Store) (*guide.Catalogue, error) {
	revision, err := s.Revision(ctx)
	if err != nil {
		return nil, err
	}
	if revision == 0 {
		pack, err := catalog.Read(catalog.Jiangbei())
		if err != nil {
			return nil, err
		}
		if _, err := s.Import(ctx, pack, time.Now()); err != nil {
			return nil, err
		}
	}
	return s.Catalogue(ctx)
}

// keepFresh reloads the catalogue when an import, by whatever process, has made
// a new revision. Requests go on with the old one until the new is ready.
func keepFresh(ctx context.Context, s *store.Store, book *guide.Book) {
	ticker := time.NewTicker(reloadEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		revision, err := s.Revision(ctx)
		if err == nil && revision != book.Current().Revision {
			var c *guide.Catalogue
			if c, err = s.Catalogue(ctx); err == nil {
				book.Replace(c)
				slog.InfoContext(ctx, "catalogue reloaded", "revision", c.Revision)
			}
		}
		if err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "catalogue not reloaded; the old one is served", "error", err)
		}
	}
}
