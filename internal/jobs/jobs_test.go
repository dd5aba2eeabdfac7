package jobs_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/onedoor/onedoor/internal/jobs"
)

// What fails or panics is tried again and stops nothing else; Run returns when
// all work has ended.
func TestRun(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	var failed, panicked, done atomic.Int32
	enough := func() {
		if failed.Load() >= 3 && panicked.Load() >= 3 && done.Load() >= 3 {
			cancel()
		}
	}
	jobs.Run(ctx,
		jobs.Work{Name: "fails", Every: time.Millisecond, Do: func(context.Context) error {
			failed.Add(1)
			enough()
			return errors.New("no")
		}},
		jobs.Work{Name: "panics", Every: time.Millisecond, Do: func(context.Context) error {
			panicked.Add(1)
			enough()
			panic("oh")
		}},
		jobs.Work{Name: "works", Every: time.Millisecond, Do: func(context.Context) error {
			done.Add(1)
			enough()
			return nil
		}},
	)
	if ctx.Err() == nil {
		t.Error("Run ended before its context")
	}
}
