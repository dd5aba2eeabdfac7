package guide

import (
	"context"
	"sync/atomic"
)

// Book is where the server looks the catalogue up. A reload puts a new one in
// its place; a request that has begun ends with the one that it began with.
type Book struct{ current atomic.Pointer[Catalogue] }

// NewBook makes a book with its first catalogue.
func NewBook(c *Catalogue) *Book {
	b := &Book{}
	b.Replace(c)
	return b
}

// Current gives the catalogue of now.
func (b *Book) Current() *Catalogue { return b.current.Load() }

// Replace puts a new catalogue in the place of the old.
func (b *Book) Replace(c *Catalogue) { b.current.Store(c) }

// Notices keeps notices. A kept notice never changes; one that is not there is
// NOT_FOUND.
type Notices interface {
	// SaveNotice gives the number of what it kept: where the context carries a
	// viewer.Once that had its effect before, that of the first time.
	SaveNotice(ctx context.Context, n Notice) (number string, err error)
	Notice(ctx context.Context, number string) (Notice, error)
}
