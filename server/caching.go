package main

import (
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/onedoor/onedoor/internal/cache"
	"github.com/onedoor/onedoor/internal/guide"
	"github.com/onedoor/onedoor/internal/store"
)

// tellTime is the longest that telling others may take; without news they look
// for themselves.
const tellTime = 300 * time.Millisecond

// newsOfCatalogue are the revisions of the catalogue.
func newsOfCatalogue(hints *cache.Cache) cache.News {
	return cache.News{Cache: hints, Subject: "catalogue"}
}

// tellServers tells all servers of an import. One that does not hear it finds it
// by itself within a second.
func tellServers(ctx context.Context, c config, revision int) {
	if c.redisURL == cache.Embedded {
		return // which is within the server
	}
	hints, err := cache.Open(c.redisURL)
	if err != nil {
		return
	}
	defer hints.Close()
	ctx, cancel := context.WithTimeout(ctx, tellTime)
	defer cancel()
	_ = newsOfCatalogue(hints).Tell(ctx, strconv.Itoa(revision))
}

// reader reads the catalogue anew when an import, by whatever process, has made a
// new revision: at once when it hears of it, and else when it looks.
type reader struct {
	store *store.Store
	book  *guide.Book
	news  cache.News

	reading sync.Mutex
	heard   atomic.Int64 // pieces of news
	settled atomic.Int64 // of them, those that the book has been compared with the database for
}

// doubted says that there is news of a revision that has not been read yet.
func (r *reader) doubted() bool { return r.settled.Load() < r.heard.Load() }

// refresh reads a new revision, when there is one. Requests go on with the old
// one until the new is ready, and with the old one alone when the new cannot be
// loaded.
func (r *reader) refresh(ctx context.Context) error {
	r.reading.Lock()
	defer r.reading.Unlock()
	heard := r.heard.Load() // before the database is asked: what is heard later counts for the next time
	revision, err := r.store.Revision(ctx)
	if err != nil {
		return err
	}
	if revision != r.book.Current().Revision {
		r.tell(ctx, revision)
		c, err := r.store.Catalogue(ctx)
		if err != nil {
			return err
		}
		r.book.Replace(c)
		slog.InfoContext(ctx, "catalogue reloaded", "revision", c.Revision)
	}
	r.settled.Store(heard)
	return nil
}

// tell tells the other servers, for who has imported may not have been able to.
func (r *reader) tell(ctx context.Context, revision int) {
	ctx, cancel := context.WithTimeout(ctx, tellTime)
	defer cancel()
	_ = r.news.Tell(ctx, strconv.Itoa(revision))
}

// follow listens to the news until ctx ends.
func (r *reader) follow(ctx context.Context) {
	r.news.Follow(ctx, func(text string) {
		if text == strconv.Itoa(r.book.Current().Revision) {
			return
		}
		if text != "" {
			r.heard.Add(1)
		}
		if err := r.refresh(ctx); err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "catalogue not compared; it is tried again", "error", err)
		}
	})
}

// build names this program by its content, so that answers kept by another
// version are not taken for its own.
var build = sync.OnceValue(func() string {
	unknown := fmt.Sprintf("%d-%d", os.Getpid(), time.Now().UnixNano()) // it shares nothing
	path, err := os.Executable()
	if err != nil {
		return unknown
	}
	file, err := os.Open(path)
	if err != nil {
		return unknown
	}
	defer file.Close()
	sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	size, err := io.Copy(sum, file)
	if err != nil {
		return unknown
	}
	return fmt.Sprintf("%x-%08x", size, sum.Sum32())
})
