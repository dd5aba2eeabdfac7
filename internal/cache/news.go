package cache

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// News are short messages to all processes at once. They may get lost, with
// Redis or on the way: who hears them also looks for itself now and then.
type News struct {
	Cache   *Cache
	Subject string
}

// Tell tells all who follow the subject.
func (n News) Tell(ctx context.Context, text string) error {
	if err := n.Cache.client.Publish(ctx, "news:"+n.Subject, text).Err(); err != nil {
		return fmt.Errorf("cache.Tell: %w", err)
	}
	return nil
}

// Follow calls heard with each message until ctx ends, one after another. Each
// time that it begins to listen, at first and when the connection was lost, it
// calls heard with nothing: there may have been news meanwhile.
func (n News) Follow(ctx context.Context, heard func(text string)) {
	listening := n.Cache.client.Subscribe(ctx, "news:"+n.Subject)
	defer listening.Close()
	messages := listening.ChannelWithSubscriptions(redis.WithChannelHealthCheckInterval(time.Second))
	for {
		select {
		case <-ctx.Done():
			return
		case message, ok := <-messages:
			if !ok {
				return
			}
			switch m := message.(type) {
			case *redis.Message:
				heard(m.Payload)
			case *redis.Subscription:
				heard("")
			}
		}
	}
}
