package cache

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	enoughFailures = 3           // after which Redis is left alone
	restTime       = time.Second // for so long; then one command tries
)

// errAway is the answer of a Redis that is left alone.
var errAway = errors.New("cache: Redis does not answer and is left alone for a moment")

// breaker keeps commands from waiting, one after another, for a Redis that does
// not answer: after a few failures it refuses them at once, and lets one through
// now and then to see whether Redis is back. It stands before every command of a
// connection, whoever sends it.
type breaker struct {
	mu       sync.Mutex
	failures int // one after another
	next     time.Time
}

var _ redis.Hook = (*breaker)(nil)

// DialHook lets the client dial.
func (b *breaker) DialHook(next redis.DialHook) redis.DialHook { return next }

// sentKey marks the context of a command that has been let through. What a new
// connection says first, for that command, goes with it.
type sentKey struct{}

// send lets a command through, or says that Redis is left alone.
func (b *breaker) send(ctx context.Context, next func(context.Context) error, refuse func(error)) error {
	if ctx.Value(sentKey{}) != nil {
		return next(ctx)
	}
	if !b.open() {
		refuse(errAway)
		return errAway
	}
	err := next(context.WithValue(ctx, sentKey{}, true))
	b.note(ctx, err)
	return err
}

// ProcessHook stands before a command.
func (b *breaker) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		return b.send(ctx, func(ctx context.Context) error { return next(ctx, cmd) }, cmd.SetErr)
	}
}

// ProcessPipelineHook stands before several commands at once.
func (b *breaker) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		return b.send(ctx, func(ctx context.Context) error { return next(ctx, cmds) }, func(err error) {
			for _, cmd := range cmds {
				cmd.SetErr(err)
			}
		})
	}
}

// open says whether a command may be sent.
func (b *breaker) open() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failures < enoughFailures {
		return true
	}
	now := time.Now()
	if now.Before(b.next) {
		return false
	}
	b.next = now.Add(restTime) // this one tries
	return true
}

// note counts how a command went. An answer is one, also when it says no; a
// command that its sender has given up says nothing.
func (b *breaker) note(ctx context.Context, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	var said redis.Error
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil || errors.Is(err, redis.Nil) || errors.As(err, &said) {
		if b.failures >= enoughFailures {
			slog.InfoContext(ctx, "Redis answers again")
		}
		b.failures = 0
		return
	}
	b.failures++
	b.next = time.Now().Add(restTime)
	if b.failures == enoughFailures {
		slog.WarnContext(ctx, "Redis does not answer; going on without it", "error", err)
	}
}
