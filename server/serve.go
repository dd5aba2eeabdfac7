package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/onedoor/onedoor/graph"
	"github.com/onedoor/onedoor/internal/bus"
	"github.com/onedoor/onedoor/internal/cache"
	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/catalog"
	"github.com/onedoor/onedoor/internal/check"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/files"
	"github.com/onedoor/onedoor/internal/guide"
	"github.com/onedoor/onedoor/internal/identity"
	"github.com/onedoor/onedoor/internal/jobs"
	"github.com/onedoor/onedoor/internal/store"
	"github.com/onedoor/onedoor/internal/viewer"
)

const (
	lookEvery    = time.Second         // how soon what time has made due is done, and an import by another process is served
	forgetEvery  = time.Hour           // how often keys of old requests are thrown away
	forgetAfter  = 30 * 24 * time.Hour // how long a request can be retried under its key
	firstYear    = 2000                // of a sandbox's clock
	lastYear     = 2100
	shutdownTime = 10 * time.Second // how long requests may take to finish
)

// serve wires the parts by hand and serves until ctx ends.
func serve(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	var sandbox bool
	c, rest, err := parseConfig("serve", args, getenv, stderr, func(flags *flag.FlagSet) {
		flags.BoolVar(&sandbox, "sandbox", getenv("ONEDOOR_SANDBOX") == "1", "demo data, and a clock that anybody may set (ONEDOOR_SANDBOX=1); never for real cases")
	})
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
	if err := s.Serve(); err != nil {
		return err
	}
	if err := s.Migrate(ctx); err != nil {
		return err
	}
	hints, err := cache.Open(c.redisURL)
	if err != nil {
		return err
	}
	defer hints.Close()
	uploads, err := files.Open(ctx, c.blobURL)
	if err != nil {
		return err
	}
	defer uploads.Close()
	issuer, err := identity.OpenIssuer(c.data)
	if err != nil {
		return err
	}
	first, err := loadCatalogue(ctx, s)
	if err != nil {
		return err
	}
	book := guide.NewBook(first)
	var clock clock
	guests, err := openPlugins(c, s, uploads, slog.Default())
	if err != nil {
		return err
	}
	defer guests.Close()
	if err := guests.Apply(ctx); err != nil { // before anybody could be served without them
		return err
	}
	desk := &casework.Desk{Cases: s, Notices: s, Files: uploads, Checks: guests, Book: book, Now: clock.now, Random: rand.Reader}
	office := &check.Office{Registry: s, Catalogue: func() check.Catalogue { return book.Current() }, Now: clock.now}
	events := &bus.Hub{Log: s, Load: s.Load, Redis: hints.Client(), Stream: "events", Wake: s.Placed()}
	published := &bus.Hub{Log: store.Revisions{Store: s}, Load: s.Load}
	resolver := &graph.Resolver{Client: s.Client(), Desk: desk, Answers: s, Events: events, Published: published, Office: office, Plugins: guests}
	if sandbox {
		// A clock that was set into the future goes on there after a restart.
		if last, err := s.LastRecorded(ctx); err != nil {
			return err
		} else if last.After(time.Now()) {
			clock.set(last)
		}
		resolver.SetClock = func(ctx context.Context, now time.Time) (int, error) {
			if now.Year() < firstYear || now.Year() > lastYear {
				return 0, fault.InvalidInput("server.setClock", fault.Problem{Path: "now", Code: "OUT_OF_RANGE",
					ZH: fmt.Sprintf("年份须在 %d 至 %d 之间", firstYear, lastYear), EN: fmt.Sprintf("is between the years %d and %d", firstYear, lastYear)})
			}
			clock.set(now)
			return desk.RunTimers(ctx)
		}
	}
	signIn := func(token string, now time.Time) (viewer.Viewer, error) {
		v, err := issuer.Verify(token, now)
		v.Within = book.Current().RegionsIn(v.Region)
		return v, err
	}
	api := graph.NewHandler(resolver, graph.Options{
		Documents:  cache.Documents{Cache: hints},
		Trusted:    c.trusted,
		Production: c.production,
		Draft:      c.draft,
		Origins:    c.origins,
		SignIn:     identity.SignIn(signIn),
	})
	server := newHTTPServer(
		identity.Middleware(signIn, api),
		identity.Middleware(signIn, serveFiles(s.Client(), uploads)),
		func(ctx context.Context) error { return errors.Join(s.Ping(ctx), uploads.Ping(ctx)) },
		c.origins,
	)
	listener, err := net.Listen("tcp", c.addr)
	if err != nil {
		return fmt.Errorf("ONEDOOR_ADDR: %w", err)
	}
	url := fmt.Sprintf("http://%s", listener.Addr())
	stopped := make(chan error, 1)
	go func() { stopped <- server.Serve(listener) }()
	if sandbox { // before anybody is told that it serves, and may set the clock
		if err := seedSandbox(ctx, s, url, issuer); err != nil && ctx.Err() == nil {
			slog.ErrorContext(ctx, "no demo data", "error", err)
		}
	}
	fmt.Fprintf(stdout, "onedoor serves %s/ (GraphQL at /graphql)\n", url)

	var working sync.WaitGroup
	defer working.Wait() // before the database closes
	work, stop := context.WithCancel(ctx)
	defer stop()
	working.Go(func() { jobs.Run(work, ownWork(s, book, desk, guests)...) })
	working.Go(func() { events.Run(work) })
	working.Go(func() { published.Run(work) })
	return serveUntil(ctx, server, api, stopped)
}

// serveUntil waits until the server stops or ctx ends, and then tells streams to
// come again and lets requests finish.
func serveUntil(ctx context.Context, server *http.Server, api graph.Handler, stopped <-chan error) error {
	select {
	case err := <-stopped:
		return err
	case <-ctx.Done():
	}
	finish, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	api.Close(finish)
	if err := server.Shutdown(finish); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("requests were cut off: %w", err)
	}
	return nil
}

// ownWork is what the platform does of itself.
func ownWork(s *store.Store, book *guide.Book, desk *casework.Desk, guests *plugins) []jobs.Work {
	return []jobs.Work{
		{Name: "timers", Every: lookEvery, Do: func(ctx context.Context) error {
			_, err := desk.RunTimers(ctx)
			return err
		}},
		{Name: "events", Every: lookEvery, Do: s.Sequence},
		{Name: "plugins", Every: lookEvery, Do: guests.Apply},
		{Name: "checks", Every: lookEvery, Do: func(ctx context.Context) error {
			_, err := desk.RunChecks(ctx)
			return err
		}},
		{Name: "catalogue", Every: lookEvery, Do: func(ctx context.Context) error { return refresh(ctx, s, book) }},
		{Name: "keys", Every: forgetEvery, Do: func(ctx context.Context) error { return s.ForgetKeys(ctx, time.Now().Add(-forgetAfter)) }},
	}
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

// refresh reloads the catalogue when an import, by whatever process, has made a
// new revision. Requests go on with the old one until the new is ready, and with
// the old one alone when the new cannot be loaded.
func refresh(ctx context.Context, s *store.Store, book *guide.Book) error {
	revision, err := s.Revision(ctx)
	if err != nil || revision == book.Current().Revision {
		return err
	}
	c, err := s.Catalogue(ctx)
	if err != nil {
		return err
	}
	book.Replace(c)
	slog.InfoContext(ctx, "catalogue reloaded", "revision", c.Revision)
	return nil
}
