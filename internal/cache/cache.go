// Package cache reaches Redis, which carries hints and never the truth: losing
// it loses speed. Without a REDIS_URL a server inside the process speaks the
// same protocol through the same client.
package cache

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// Embedded is the URL of the server inside the process.
const Embedded = "embedded:"

// Cache is a connection to Redis.
type Cache struct {
	client *redis.Client
	stop   func()
}

// Open connects lazily: a Redis that is away makes things slower, not impossible.
func Open(url string) (*Cache, error) {
	if url == Embedded {
		return openEmbedded()
	}
	options, err := redis.ParseURL(url)
	if err != nil {
		return nil, fmt.Errorf("cache.Open: REDIS_URL: %w", err)
	}
	return &Cache{client: redis.NewClient(patience(options)), stop: func() {}}, nil
}

// patience keeps a missing Redis from holding requests up: by default the
// client tries for seconds.
func patience(o *redis.Options) *redis.Options {
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout = 300*time.Millisecond, 300*time.Millisecond, 300*time.Millisecond
	o.DialerRetries, o.MaxRetries = 1, -1
	o.ContextTimeoutEnabled = true
	return o
}

func openEmbedded() (*Cache, error) {
	server := miniredis.NewMiniRedis()
	var secret [16]byte
	if _, err := rand.Read(secret[:]); err != nil {
		return nil, fmt.Errorf("cache.Open: %w", err)
	}
	password := hex.EncodeToString(secret[:])
	server.RequireAuth(password) // other programs of this machine can reach the port
	if err := server.StartAddr("127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("cache.Open: %w", err)
	}
	ticker := time.NewTicker(time.Second) // its keys do not expire by themselves
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-ticker.C:
				server.FastForward(time.Second)
			case <-done:
				return
			}
		}
	}()
	client := redis.NewClient(patience(&redis.Options{Addr: server.Addr(), Password: password, DisableIdentity: true}))
	return &Cache{client: client, stop: func() { ticker.Stop(); close(done); server.Close() }}, nil
}

// Close ends the connection, and the embedded server.
func (c *Cache) Close() {
	_ = c.client.Close()
	c.stop()
}

// Client gives the connection, for what is neither kept nor looked up.
func (c *Cache) Client() *redis.Client { return c.client }

// Ping says whether Redis answers.
func (c *Cache) Ping(ctx context.Context) error { return c.client.Ping(ctx).Err() }

// documentLife is how long a persisted operation is remembered after its last
// registration; a client sends it again when it is gone.
const documentLife = 24 * time.Hour

// maxDocument bounds what a client may make the cache remember, in bytes.
const maxDocument = 16 << 10

// Documents remembers operations by their hash, for automatic persisted
// queries. It has the shape that gqlgen's graphql.Cache asks for.
type Documents struct{ Cache *Cache }

// Get finds an operation's text.
func (d Documents) Get(ctx context.Context, hash string) (string, bool) {
	text, err := d.Cache.client.Get(ctx, "apq:"+hash).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return "", false // the client sends the text again
	}
	return text, err == nil
}

// Add remembers an operation's text.
func (d Documents) Add(ctx context.Context, hash, text string) {
	if len(text) <= maxDocument {
		_ = d.Cache.client.Set(ctx, "apq:"+hash, text, documentLife).Err()
	}
}
