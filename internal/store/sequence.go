package store

import (
	"context"
	"sync"
	"time"
)

// sequencer gives committed events their place among all events, without a gap.
// One run serves all commits before it. Commands do not wait for it; who reads
// events waits until those of all commits of this instance have their places.
type sequencer struct {
	run func(ctx context.Context) error

	mu      sync.Mutex
	commits int64         // so far, and one for those before the start
	placed  int64         // of them, those whose events have their places
	next    chan struct{} // closed when the next run ends; nil when nobody waits
	wake    chan struct{} // of one: there is something to do
	hurry   chan struct{} // of one: somebody waits
	ready   chan struct{} // of one: events have got their places
	closed  chan struct{}
	closing sync.Once
	done    sync.WaitGroup
}

// pause is the least time between two runs that nobody waits for: under load one
// run serves more commits.
const pause = 5 * time.Millisecond

func newSequencer(run func(ctx context.Context) error) *sequencer {
	q := &sequencer{run: run, commits: 1, wake: make(chan struct{}, 1), hurry: make(chan struct{}, 1), ready: make(chan struct{}, 1), closed: make(chan struct{})}
	q.done.Go(q.loop)
	return q
}

// committed says that events have been committed.
func (q *sequencer) committed() {
	q.mu.Lock()
	q.commits++
	q.mu.Unlock()
	signal(q.wake)
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// settled returns when the events of all commits so far have their places, or
// after one run that failed: what it leaves, the next run finds.
func (q *sequencer) settled(ctx context.Context) {
	q.mu.Lock()
	if q.placed >= q.commits {
		q.mu.Unlock()
		return
	}
	if q.next == nil {
		q.next = make(chan struct{})
	}
	next := q.next
	q.mu.Unlock()
	signal(q.wake)
	signal(q.hurry)
	select {
	case <-next:
	case <-ctx.Done():
	case <-q.closed:
	}
}

func (q *sequencer) loop() {
	for {
		select {
		case <-q.closed:
			return
		case <-q.wake:
		}
		q.mu.Lock()
		upTo, next := q.commits, q.next
		q.next = nil
		q.mu.Unlock()
		err := q.run(context.Background())
		q.mu.Lock()
		if err == nil {
			q.placed = upTo
		}
		q.mu.Unlock()
		if next != nil {
			close(next)
		}
		signal(q.ready)
		select {
		case <-q.closed:
			return
		case <-q.hurry:
		case <-time.After(pause):
		}
	}
}

// close ends the runs. What they leave, the first reader after the next start
// has placed.
func (q *sequencer) close() {
	q.closing.Do(func() { close(q.closed) })
	q.done.Wait()
}
