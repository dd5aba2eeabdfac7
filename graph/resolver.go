// Package graph is the public API. Reads go through ent, guides through the
// compiled catalogue, and each change through a command of the core.
package graph

import (
	"io"
	"time"

	"github.com/onedoor/onedoor/ent"
	"github.com/onedoor/onedoor/internal/guide"
)

// Resolver holds what the resolvers need.
type Resolver struct {
	Client  *ent.Client // for reading
	Book    *guide.Book
	Notices guide.Notices
	Now     func() time.Time
	Random  io.Reader // for numbers that cannot be guessed
}
