// Package jobs does the platform's own work again and again: what time has made
// due, and what a crash has left. Each kind of work finds what there is to do in
// the database, so that a restart, a second instance or a changed calendar
// loses nothing and does nothing twice.
package jobs

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Work is one kind of work. Do looks for what there is to do and does it; it may
// be called at any moment and by any number of instances.
type Work struct {
	Name  string
	Every time.Duration
	// Wake tells that there may be something to do before that. It may tell too
	// often, and too seldom: nobody relies on it. Nil: nobody tells.
	Wake <-chan struct{}
	Do   func(ctx context.Context) error
}

// longest is the longest pause after failures, as a multiple of Every.
const longest = 30

// Run does all kinds of work, each by itself, until ctx ends, and returns when
// the last is done. What fails or panics is logged and tried again, later each
// time.
func Run(ctx context.Context, all ...Work) {
	var running sync.WaitGroup
	for _, w := range all {
		running.Go(func() { w.run(ctx) })
	}
	running.Wait()
}

func (w Work) run(ctx context.Context) {
	pause := w.Every
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-w.Wake:
		}
		if err := w.once(ctx); err == nil {
			pause = w.Every
		} else if ctx.Err() == nil {
			pause = min(2*pause, longest*w.Every)
			slog.ErrorContext(ctx, "work failed; it is tried again", "work", w.Name, "after", pause, "error", err)
		}
		timer.Reset(pause)
	}
}

func (w Work) once(ctx context.Context) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	return w.Do(ctx)
}
