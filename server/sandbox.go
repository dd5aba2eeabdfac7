package main

import (
	"context"
	"io"
	"sync"
	"time"

	"github.com/onedoor/onedoor/internal/identity"
	"github.com/onedoor/onedoor/internal/store"
)

// clock tells the time of the platform: the real one, or in a sandbox one that
// has been set and runs on from there.
type clock struct {
	mu     sync.Mutex
	offset time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.offset)
}

func (c *clock) set(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset = time.Until(now)
}

// seedSandbox fills an empty sandbox with a case at each stage of its life,
// played through the public API.
func seedSandbox(ctx context.Context, s *store.Store, url string, issuer *identity.Issuer) error {
	if last, err := s.LastRecorded(ctx); err != nil || !last.IsZero() {
		return err
	}
	for until := opened; until <= delivered; until++ {
		p := &player{url: url, issuer: issuer, say: io.Discard}
		if err := p.play(ctx, until); err != nil {
			return err
		}
	}
	return nil
}
