// Package bus brings events to those who follow them. A relay copies events from
// the database to a Redis stream after they have been committed and have got
// their places; one reader in each process takes them from there and hands them
// to its followers. The database is the truth: what Redis lacks, loses or tells
// too late is read from there, so that nobody misses an event and nobody has one
// twice, with Redis or without.
package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/onedoor/onedoor/internal/casework"
)

const (
	ringSize  = 4096    // events that a process remembers
	pageSize  = 500     // events read at once
	streamLen = 100_000 // events that Redis keeps, about
	// lookEvery is how soon an event is found that nobody has told of.
	lookEvery = time.Second
)

// Hub hands the events of one log to its followers. Its fields are set before Run.
type Hub struct {
	Log  casework.Log
	Load func(ctx context.Context, ids []string) ([]*casework.Case, error)
	// Redis carries the events between processes, in Stream. Nil: each process looks
	// at the log itself.
	Redis  *redis.Client
	Stream string
	// Wake tells that events have got their places here. It may tell too often, and
	// nobody relies on it.
	Wake <-chan struct{}

	start   sync.Once
	started chan struct{} // closed when last is known

	mu     sync.Mutex
	last   int64             // that has been handed out
	ring   []casework.Placed // the newest, in order and without a gap, up to last
	topics map[string]*topic // that somebody follows, by case; "": every case
}

var _ casework.Feed = (*Hub)(nil)

func (h *Hub) init() {
	h.start.Do(func() {
		h.started = make(chan struct{})
		h.topics = map[string]*topic{}
	})
}

// Run hands out events until ctx ends.
func (h *Hub) Run(ctx context.Context) {
	h.init()
	for {
		last, err := h.Log.LastEvent(ctx)
		if err == nil {
			h.mu.Lock()
			h.last = last
			h.mu.Unlock()
			break
		}
		if ctx.Err() == nil {
			slog.WarnContext(ctx, "events wait for the database", "error", err)
		}
		if !sleep(ctx, lookEvery) {
			return
		}
	}
	close(h.started)
	if h.Redis == nil {
		h.watch(ctx)
		return
	}
	var relaying sync.WaitGroup
	relaying.Go(func() { h.relay(ctx) })
	h.read(ctx)
	relaying.Wait()
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// watch looks at the log itself.
func (h *Hub) watch(ctx context.Context) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		if err := h.catchUp(ctx); err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "events are late", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-h.Wake:
		case <-ticker.C:
		}
	}
}

// relay copies events to the stream. Each has its place as its identity there, so
// that it does not matter how many processes copy it: Redis takes the first.
func (h *Hub) relay(ctx context.Context) {
	published := int64(-1) // unknown
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	away := false
	for {
		err := h.publish(ctx, &published)
		if err != nil && ctx.Err() == nil && !away {
			slog.WarnContext(ctx, "events go on without Redis, a little later", "error", err)
		}
		if away = err != nil; away {
			published = -1
		}
		select {
		case <-ctx.Done():
			return
		case <-h.Wake:
		case <-ticker.C:
		}
	}
}

// publish copies what the stream lacks.
func (h *Hub) publish(ctx context.Context, published *int64) error {
	if *published < 0 {
		from, err := h.beginning(ctx)
		if err != nil {
			return err
		}
		*published = from
	}
	for {
		events, err := h.Log.EventsAfter(ctx, *published, "", pageSize)
		if err != nil || len(events) == 0 {
			return err
		}
		h.handOut(events) // here, nobody has to wait for Redis
		pipe := h.Redis.Pipeline()
		for _, e := range events {
			text, err := json.Marshal(e)
			if err != nil {
				return err
			}
			pipe.XAdd(ctx, &redis.XAddArgs{Stream: h.Stream, MaxLen: streamLen, Approx: true, ID: idOf(e.Seq), Values: []string{"e", string(text)}})
		}
		results, _ := pipe.Exec(ctx)
		for i, r := range results {
			if err := r.Err(); err != nil && !strings.Contains(err.Error(), "equal or smaller") {
				return fmt.Errorf("bus.publish: %w", err)
			}
			*published = events[i].Seq
		}
	}
}

// beginning gives the place up to which the stream needs nothing: its last one. A
// stream that is ahead of the log is of another database, and thrown away.
func (h *Hub) beginning(ctx context.Context) (int64, error) {
	newest, err := h.Redis.XRevRangeN(ctx, h.Stream, "+", "-", 1).Result()
	if err != nil {
		return 0, fmt.Errorf("bus.beginning: %w", err)
	}
	last, err := h.Log.LastEvent(ctx)
	if err != nil {
		return 0, err
	}
	if len(newest) == 1 {
		if seq := seqOf(newest[0].ID); seq <= last {
			return seq, nil
		}
		if err := h.Redis.Del(ctx, h.Stream).Err(); err != nil {
			return 0, fmt.Errorf("bus.beginning: %w", err)
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return min(h.last, last), nil
}

func idOf(seq int64) string { return strconv.FormatInt(seq, 10) + "-0" }

func seqOf(id string) int64 {
	text, _, _ := strings.Cut(id, "-")
	seq, _ := strconv.ParseInt(text, 10, 64)
	return seq
}

// read takes events from the stream, and from the log what the stream does not
// tell.
func (h *Hub) read(ctx context.Context) {
	for ctx.Err() == nil {
		streams, err := h.Redis.XRead(ctx, &redis.XReadArgs{Streams: []string{h.Stream, idOf(h.handedOut())}, Count: pageSize, Block: lookEvery}).Result()
		var events []casework.Placed
		for _, s := range streams {
			events = append(events, decode(s.Messages)...)
		}
		if len(events) > 0 && events[0].Seq <= h.handedOut()+1 { // what the relay has handed out already, is not again
			h.handOut(events)
			continue
		}
		if caught := h.catchUp(ctx); caught != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "events are late", "error", caught)
			sleep(ctx, lookEvery)
		} else if err != nil && !errors.Is(err, redis.Nil) { // Redis is away
			select {
			case <-ctx.Done():
			case <-time.After(lookEvery / 5):
			}
		}
	}
}

// decode gives the events of a stream's messages up to the first gap or the first
// that is none of ours.
func decode(messages []redis.XMessage) []casework.Placed {
	var events []casework.Placed
	for _, m := range messages {
		text, _ := m.Values["e"].(string)
		e := casework.Placed{Seq: seqOf(m.ID)}
		if json.Unmarshal([]byte(text), &e) != nil || e.ID == "" || len(events) > 0 && e.Seq != events[len(events)-1].Seq+1 {
			break
		}
		events = append(events, e)
	}
	return events
}

// catchUp hands out what the log has more.
func (h *Hub) catchUp(ctx context.Context) error {
	for {
		events, err := h.Log.EventsAfter(ctx, h.handedOut(), "", pageSize)
		if err != nil || len(events) == 0 {
			return err
		}
		h.handOut(events)
		if len(events) < pageSize {
			return nil
		}
	}
}

func (h *Hub) handedOut() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.last
}

// handOut gives events to their followers, each once.
func (h *Hub) handOut(events []casework.Placed) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range events {
		if e.Seq != h.last+1 {
			if e.Seq <= h.last {
				continue
			}
			return // a gap: the log has what lies in it
		}
		h.last = e.Seq
		h.ring = append(h.ring, e)
		d := casework.NewDelivery(e, h.Load)
		h.topics[""].put(d)
		if e.Case != "" {
			h.topics[e.Case].put(d)
		}
	}
	if len(h.ring) > 2*ringSize {
		h.ring = append([]casework.Placed(nil), h.ring[len(h.ring)-ringSize:]...)
	}
}
