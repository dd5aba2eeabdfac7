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
	"github.com/onedoor/onedoor/internal/drafting"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/files"
	"github.com/onedoor/onedoor/internal/guide"
	"github.com/onedoor/onedoor/internal/identity"
	"github.com/onedoor/onedoor/internal/jobs"
	"github.com/onedoor/onedoor/internal/limit"
	"github.com/onedoor/onedoor/internal/store"
	"github.com/onedoor/onedoor/internal/viewer"
	"github.com/onedoor/onedoor/internal/workday"
	"github.com/onedoor/onedoor/server/explorer"
)

const (
	lookEvery   = time.Second         // how soon what time has made due is done, and an import by another process is served
	settleEvery = time.Minute         // how often rulings whose patches are published are looked at
	forgetEvery = time.Hour           // how often keys of old requests are thrown away
	forgetAfter = 30 * 24 * time.Hour // how long a request can be retried under its key
	firstYear   = 2000                // of a sandbox's clock
	lastYear    = 2100
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
	if err := s.EndClaims(ctx); err != nil {
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
	reading := &reader{store: s, book: book, news: newsOfCatalogue(hints)}
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
	drafts := &drafting.Desk{
		Shelf: s, Catalog: s, Cases: s, Book: book, Now: clock.now, Random: rand.Reader,
		Refresh: reading.refresh,
	}
	events := &bus.Hub{Log: s, Load: s.Load, Redis: hints.Client(), Stream: "events", Wake: s.Placed()}
	published := &bus.Hub{Log: store.Revisions{Store: s}, Load: s.Load}
	resolver := &graph.Resolver{Client: s.Client(), Desk: desk, Answers: s, Office: office, Plugins: guests, Events: events, Published: published, Drafting: drafts}
	hooks, dispatcher, err := webhooks(c, s, book, resolver)
	if err != nil {
		return err
	}
	resolver.Webhooks = hooks
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
	door := c.doorkeeper
	door.Limiter = limit.New(buckets(c, hints), time.Now)
	resolver.Guesses = &door
	limited := func(next http.Handler) http.Handler {
		return door.ByAddress(identity.Middleware(signIn, door.BySubject(next)))
	}
	api := graph.NewHandler(resolver, graph.Options{
		Documents:  cache.Documents{Cache: hints},
		Trusted:    c.trusted,
		Production: c.production,
		Draft:      c.draft,
		Origins:    c.origins,
		SignIn:     identity.SignIn(signIn),
		Enter:      door.Enter,
		Caching:    graph.Caching{Pages: cache.NewPages(hints), Build: build(), Doubted: reading.doubted, Age: c.publicAge},
	})
	page := explorer.Handler("/graphql")
	if c.production { // it shows the schema, which nobody sees there
		page = http.NotFoundHandler()
	}
	server := newHTTPServer(
		limited(api),
		limited(serveFiles(s.Client(), uploads)),
		serveCatalogue(s, func() workday.Date { return workday.DateOf(clock.now()) }),
		page,
		func(asked context.Context) error {
			return errors.Join(stoppingBy(ctx), s.Ping(asked), uploads.Ping(asked))
		},
		guests.Status,
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
	work, stop := context.WithCancel(context.WithoutCancel(ctx)) // it goes on while requests finish
	defer stop()
	happened := make(chan struct{}, 1)
	working.Go(func() {
		jobs.Run(work, append(ownWork(s, reading, desk, drafts, guests), webhookWork(s, dispatcher, happened)...)...)
		dispatcher.Wait()
	})
	working.Go(func() { listen(work, events, happened) })
	working.Go(func() { events.Run(work) })
	working.Go(func() { published.Run(work) })
	working.Go(func() { reading.follow(work) })
	return serveUntil(ctx, c.stopDelay, server, api, stopped, func(finish context.Context) error {
		stop()
		return waitFor(finish, &working)
	})
}

// buckets are those that servers share; nil for one that shares its Redis with none.
func buckets(c config, hints *cache.Cache) limit.Shared {
	if c.redisURL == cache.Embedded {
		return nil
	}
	return cache.Buckets{Cache: hints}
}

// ownWork is what the platform does of itself.
func ownWork(s *store.Store, reading *reader, desk *casework.Desk, drafts *drafting.Desk, guests *plugins) []jobs.Work {
	return []jobs.Work{
		{Name: "timers", Every: lookEvery, Do: func(ctx context.Context) error {
			_, err := desk.RunTimers(ctx)
			return err
		}},
		{Name: "impact runs", Every: lookEvery, Do: drafts.RunImpacts},
		{Name: "coordinations", Every: settleEvery, Do: drafts.RunSettlements},
		{Name: "events", Every: lookEvery, Do: s.Sequence},
		{Name: "plugins", Every: lookEvery, Do: guests.Apply},
		{Name: "checks", Every: lookEvery, Do: func(ctx context.Context) error {
			_, err := desk.RunChecks(ctx)
			return err
		}},
		{Name: "catalogue", Every: lookEvery, Do: reading.refresh},
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
