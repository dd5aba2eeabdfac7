// Package graph is the public API. Reads go through ent, guides through the
// compiled catalogue, and each change through a command of the core.
package graph

import (
	"context"
	"time"

	"github.com/onedoor/onedoor/ent"
	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/check"
	"github.com/onedoor/onedoor/internal/guide"
	"github.com/onedoor/onedoor/internal/workday"
)

// Resolver holds what the resolvers need.
type Resolver struct {
	Client  *ent.Client    // for reading: it shows each viewer what that viewer may see
	Desk    *casework.Desk // for commands; the book, the notices and the clock are the desk's
	Answers Answers        // to requests with an Idempotency-Key
	Office  *check.Office  // for departments' plugins
	Plugins Plugins        // as they run here
	// Events brings those of cases, and Published the revisions of the catalogue, to
	// subscriptions; nil where there are none.
	Events, Published casework.Feed
	// SetClock sets the clock of a sandbox and does what has become due; it gives
	// how many cases were looked after. Nil where the time is real.
	SetClock func(ctx context.Context, now time.Time) (worked int, err error)
}

func (r *Resolver) book() *guide.Catalogue { return r.Desk.Book.Current() }

func (r *Resolver) today() workday.Date { return workday.DateOf(r.Desk.Now()) }
