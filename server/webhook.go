package main

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/onedoor/onedoor/graph"
	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/courier"
	"github.com/onedoor/onedoor/internal/guide"
	"github.com/onedoor/onedoor/internal/jobs"
	"github.com/onedoor/onedoor/internal/store"
	"github.com/onedoor/onedoor/internal/webhook"
)

// deliveredFor is how long a delivery is kept after it was done. The events stay:
// a replay makes deliveries anew.
const deliveredFor = 30 * 24 * time.Hour

// webhooks wires what takes the commands on webhooks, and what delivers.
func webhooks(c config, s *store.Store, book *guide.Book, r *graph.Resolver) (*webhook.Office, *webhook.Dispatcher, error) {
	keys, err := openSecretKeys(c.secretKeys, c.data)
	if err != nil {
		return nil, nil, err
	}
	payloads, sender := graph.NewPayloads(r), courier.New(c.webhookAllowed, courier.Usual)
	office := &webhook.Office{Keeper: s, Payloads: payloads, Sender: sender, Book: book, Keys: keys, Now: time.Now, Random: rand.Reader}
	dispatcher := &webhook.Dispatcher{Keeper: s, Payloads: payloads, Sender: sender, Book: book, Keys: keys, Now: time.Now, Random: rand.Reader}
	return office, dispatcher, nil
}

// webhookWork is the work on webhooks. An event wakes it; what else there is to do,
// and an event that nobody has told of, it finds when it looks.
func webhookWork(s *store.Store, d *webhook.Dispatcher, wake <-chan struct{}) []jobs.Work {
	return []jobs.Work{
		{Name: "webhooks", Every: lookEvery, Wake: wake, Do: d.Work},
		{Name: "old deliveries", Every: forgetEvery, Do: func(ctx context.Context) error { return s.ForgetDeliveries(ctx, time.Now().Add(-deliveredFor)) }},
	}
}

// listen tells wake of events as they come, until ctx ends. It may miss some while
// the feed is away.
func listen(ctx context.Context, feed casework.Feed, wake chan<- struct{}) {
	for ctx.Err() == nil {
		pass(ctx, feed, wake)
		select {
		case <-ctx.Done():
		case <-time.After(lookEvery):
		}
	}
}

// pass tells wake until the feed is away.
func pass(ctx context.Context, feed casework.Feed, wake chan<- struct{}) {
	following, err := feed.Follow(ctx, "", nil)
	if err != nil {
		return
	}
	defer following.Close()
	for {
		if _, err := following.Next(ctx); err != nil {
			return
		}
		select {
		case wake <- struct{}{}:
		default: // it has been told
		}
	}
}
