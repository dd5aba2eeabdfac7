// Package limit bounds how often somebody may ask: by signed-in subject, by
// network address, and more tightly where something could be found by trying.
package limit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Rate is a bucket: Count at once, and Count in every Per. The zero value is no
// limit.
type Rate struct {
	Count int
	Per   time.Duration
}

// Off says that there is no limit.
func (r Rate) Off() bool { return r.Count == 0 }

// interval is how long one takes to come back.
func (r Rate) interval() time.Duration { return r.Per / time.Duration(r.Count) }

// String spells the rate as ParseRate reads it.
func (r Rate) String() string {
	switch r.Per {
	case time.Second:
		return strconv.Itoa(r.Count) + "/s"
	case time.Minute:
		return strconv.Itoa(r.Count) + "/m"
	case time.Hour:
		return strconv.Itoa(r.Count) + "/h"
	}
	return "off"
}

// ParseRate reads 300/m (s, m or h), or off.
func ParseRate(text string) (Rate, error) {
	if text == "off" {
		return Rate{}, nil
	}
	count, per, _ := strings.Cut(text, "/")
	n, err := strconv.Atoi(count)
	unit, ok := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour}[per]
	if err != nil || n < 1 || n > 1_000_000 || !ok {
		return Rate{}, fmt.Errorf("%q is neither off nor a rate such as 300/m", text)
	}
	return Rate{n, unit}, nil
}

// Verdict says whether one more is allowed.
type Verdict struct {
	Allowed    bool
	Limit      int
	Remaining  int
	RetryAfter time.Duration // when the next is allowed; 0: now
	Reset      time.Duration // when the bucket is full
}

// verdict reads a bucket that is full after a time.
func verdict(r Rate, taken bool, untilFull time.Duration) Verdict {
	v := Verdict{Allowed: taken, Limit: r.Count, Reset: untilFull, Remaining: r.Count - int((untilFull+r.interval()-1)/r.interval())}
	if v.Remaining = max(v.Remaining, 0); !taken {
		v.Remaining, v.RetryAfter = 0, max(untilFull-r.interval()*time.Duration(r.Count-1), time.Millisecond)
	}
	return v
}

// Shared keeps buckets for all instances; see cache.Buckets.
type Shared interface {
	Take(ctx context.Context, key string, interval time.Duration, burst int, spend bool) (taken bool, untilFull time.Duration, err error)
}

const (
	// rest is how long a Shared that failed is left alone: a Redis that hangs costs
	// one request its patience, not all of them.
	rest = time.Second
	// sweepAfter is how many buckets are looked through for full ones.
	sweepAfter = 10_000
	// maxBuckets bounds the memory of an instance. Beyond it somebody comes with ever
	// new addresses; the buckets are emptied of those that are nearly full.
	maxBuckets = 200_000
)

// Limiter keeps buckets, in Shared and beside it in this process. Both must
// allow: while Shared is away or has forgotten, this instance alone lets nobody
// exceed a rate, and all instances together not more than each its own.
type Limiter struct {
	shared Shared
	now    func() time.Time

	mu      sync.Mutex
	full    map[string]time.Time // when each bucket is full; a full one is not kept
	open    map[string]int       // how many streams each has open
	sweepAt int
	restTo  time.Time
}

// New makes a limiter. shared may be nil: this process is alone.
func New(shared Shared, now func() time.Time) *Limiter {
	return &Limiter{shared: shared, now: now, full: map[string]time.Time{}, open: map[string]int{}, sweepAt: sweepAfter}
}

// Take takes one from the bucket of a key.
func (l *Limiter) Take(ctx context.Context, key string, r Rate) Verdict {
	return l.ask(ctx, key, r, true)
}

// Look says whether there is one to take.
func (l *Limiter) Look(ctx context.Context, key string, r Rate) Verdict {
	return l.ask(ctx, key, r, false)
}

func (l *Limiter) ask(ctx context.Context, key string, r Rate, spend bool) Verdict {
	if r.Off() {
		return Verdict{Allowed: true}
	}
	key = bounded(key) + " " + r.String() // another rate is another bucket
	own := l.own(key, r, spend)
	if !own.Allowed || l.shared == nil || l.resting() {
		return own
	}
	taken, untilFull, err := l.shared.Take(ctx, key, r.interval(), r.Count, spend)
	if err != nil {
		if ctx.Err() == nil && l.restNow() {
			slog.WarnContext(ctx, "rates are limited by each instance alone: Redis does not answer", "error", err)
		}
		return own
	}
	v := verdict(r, taken, untilFull)
	v.Remaining = min(v.Remaining, own.Remaining)
	return v
}

// maxKey bounds the text of a key, part of which a client writes.
const maxKey = 100

func bounded(key string) string {
	if len(key) <= maxKey {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return "sha256 " + hex.EncodeToString(sum[:])
}

func (l *Limiter) resting() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now().Before(l.restTo)
}

// restNow leaves Shared alone for a while; true for the first to say so.
func (l *Limiter) restNow() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	first := !now.Before(l.restTo)
	l.restTo = now.Add(rest)
	return first
}

// own asks the bucket of this process.
func (l *Limiter) own(key string, r Rate, spend bool) Verdict {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	full := l.full[key]
	if full.Before(now) {
		full = now
	}
	after := full.Add(r.interval())
	if after.Sub(now) > r.interval()*time.Duration(r.Count) {
		return verdict(r, false, full.Sub(now))
	}
	if spend {
		l.sweep(now)
		l.full[key], full = after, after
	}
	return verdict(r, true, full.Sub(now))
}

// sweep forgets full buckets when there are many.
func (l *Limiter) sweep(now time.Time) {
	if len(l.full) < l.sweepAt {
		return
	}
	for key, full := range l.full {
		if !full.After(now) {
			delete(l.full, key)
		}
	}
	for key := range l.full {
		if len(l.full) < maxBuckets {
			break
		}
		delete(l.full, key)
	}
	l.sweepAt = max(sweepAfter, 2*len(l.full))
}
