package casework

import (
	"context"
	"sync"
)

// Placed is an event that has its place among all: what a feed needs to know to
// bring it to those whom it concerns.
type Placed struct {
	Seq        int64  `json:"-"` // its place, from 1 on without a gap
	ID         string `json:"id"`
	Case       string `json:"case,omitempty"` // identity; empty: it is of no case
	Kind       string `json:"kind"`
	Review     string `json:"review,omitempty"`     // that it names
	Department string `json:"department,omitempty"` // that it names
}

// Log keeps the events that have their places.
type Log interface {
	// EventsAfter gives the next events after a place, in order and without a gap,
	// or those of one case.
	EventsAfter(ctx context.Context, seq int64, caseID string, limit int) ([]Placed, error)
	// LastEvent gives the last place; 0 when there is no event.
	LastEvent(ctx context.Context) (int64, error)
}

// Feed brings events to those who follow it, as they happen.
type Feed interface {
	// Follow begins after a place, or with what happens from now on. With a caseID it
	// brings the events of that case only. A place that no event has had, or that is
	// too long ago, is CONFLICT with the problem RESUME_GONE.
	Follow(ctx context.Context, caseID string, after *int64) (Following, error)
}

// Following is one who follows a feed.
type Following interface {
	// Next waits for the next event. Who takes them too slowly gets LIMITED with the
	// problem SLOW_CONSUMER, and follows again after the last that it had.
	Next(ctx context.Context) (*Delivery, error)
	// Rest is for who does not want to wait in Next: wake is called once, when there
	// is something for it, and may take it, for as long as that lasts. False: there is
	// something already.
	Rest(ctx context.Context, wake func()) bool
	// Close ends it.
	Close()
}

// Delivery is an event on its way, one for all who get it at the same time: what
// one of them has found out, the others need not.
type Delivery struct {
	Placed

	load func(ctx context.Context, ids []string) ([]*Case, error)

	mu      sync.Mutex
	of      *Case
	answers map[string]*answer
}

type answer struct {
	mu    sync.Mutex
	value any // nil: it has not been made
}

// NewDelivery delivers an event; load reads its case when somebody asks.
func NewDelivery(p Placed, load func(ctx context.Context, ids []string) ([]*Case, error)) *Delivery {
	return &Delivery{Placed: p, load: load}
}

// Of gives the case of the event, as it is now, or nil. It is shared: nobody
// changes it.
func (d *Delivery) Of(ctx context.Context) (*Case, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.of != nil || d.Case == "" {
		return d.of, nil
	}
	cases, err := d.load(ctx, []string{d.Case})
	if err != nil || len(cases) == 0 {
		return nil, err
	}
	d.of = cases[0]
	return d.of, nil
}

// Once gives the value for a key, which the first who asks makes: not nil.
func (d *Delivery) Once(ctx context.Context, key string, make func(context.Context, *Delivery) any) any {
	d.mu.Lock()
	if d.answers == nil {
		d.answers = map[string]*answer{}
	}
	a := d.answers[key]
	if a == nil {
		a = &answer{}
		d.answers[key] = a
	}
	d.mu.Unlock()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.value == nil {
		a.value = make(ctx, d)
	}
	return a.value
}

// Concerns says whether an event of the case belongs in a department's inbox: it
// names the department or one of its reviews, or the department leads the case.
func (c *Case) Concerns(p Placed, department string) bool {
	if department == "" {
		return false
	}
	if c.Lead == department || p.Department == department {
		return true
	}
	for _, r := range c.Reviews {
		if r.ID == p.Review && r.Department == department {
			return true
		}
	}
	return false
}
