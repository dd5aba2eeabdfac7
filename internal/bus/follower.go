package bus

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/fault"
)

const (
	queueSize = 4096    // events that may wait for one follower
	maxBehind = 100_000 // events of all cases after which a follower begins anew
	// patience is how long those who have been woken are waited for before others are
	// woken beside them.
	patience = 5 * time.Millisecond
)

// topic is what those who follow the same have in common: the live events, each
// with the next. Nobody keeps those that all have taken. It belongs to a hub, whose
// lock is held for all that is done with it.
type topic struct {
	followers int
	end       *live
	resting   []*follower
}

// live is an event among those of a topic, which are counted; or their end, where
// the next one will be.
type live struct {
	*casework.Delivery
	number int
	next   *live // nil: it is the end
}

// put adds an event, and wakes those who rest.
func (t *topic) put(d *casework.Delivery) {
	if t == nil { // nobody follows
		return
	}
	t.end.Delivery, t.end.next = d, &live{number: t.end.number + 1}
	t.end = t.end.next
	if len(t.resting) == 0 {
		return
	}
	wakes := make([]func(), len(t.resting))
	for i, f := range t.resting {
		wakes[i], f.wake = f.wake, nil
	}
	clear(t.resting) // who is closed meanwhile is not kept
	t.resting = t.resting[:0]
	go wakeAll(wakes)
}

// wakeAll wakes those who rested, as many at a time as there are processors: a
// goroutine for each costs as much as what most of them do. Those who take long hold
// up nobody, since ever more are woken beside them as long as some have not been.
func wakeAll(wakes []func()) {
	var woken atomic.Int64
	some := func() {
		for i := woken.Add(1); i <= int64(len(wakes)); i = woken.Add(1) {
			wakes[i-1]()
		}
	}
	at := runtime.GOMAXPROCS(0)
	for left := len(wakes); left > 0 && woken.Load() < int64(len(wakes)); left, at = left-at, 2*at {
		for range min(at, left) { // each wakes one at least
			go some()
		}
		time.Sleep(patience)
	}
}

// Follow implements casework.Feed.
func (h *Hub) Follow(ctx context.Context, caseID string, after *int64) (casework.Following, error) {
	h.init()
	select {
	case <-h.started:
	case <-ctx.Done():
		return nil, fault.New(fault.Unavailable, "bus.Follow", "事件暂不可用，请稍后再试", "events are not there yet; try again later")
	}
	f := &follower{hub: h, caseID: caseID}
	if after == nil {
		h.mu.Lock()
		defer h.mu.Unlock()
		f.cursor = h.last
		f.attach()
		return f, nil
	}
	f.cursor = *after
	last := h.handedOut()
	if f.cursor > last { // another process may have told of events that this one has not seen
		var err error
		if last, err = h.Log.LastEvent(ctx); err != nil {
			return nil, err
		}
	}
	if f.cursor < 0 || f.cursor > last || caseID == "" && last-f.cursor > maxBehind {
		return nil, &fault.Error{Code: fault.Conflict, Op: "bus.Follow", ZH: "无法从该游标继续：请重新查询后从头订阅", EN: "nothing can go on after that cursor: read anew, and subscribe without it",
			Problems: []fault.Problem{{Path: "after", Code: "RESUME_GONE", ZH: "游标不存在或太旧", EN: "the cursor is of no event, or too old"}}}
	}
	return f, nil
}

// follower follows a hub, or catches up with it first.
type follower struct {
	hub    *Hub
	caseID string
	cursor int64 // of the last event that it has been given or does not want
	behind []*casework.Delivery
	caught bool // it has caught up: live events follow

	// Under the hub's lock.
	topic *topic // nil: it has not caught up, or is closed
	at    *live  // the first of the topic that it has not taken
	wake  func() // not nil: it rests
	seat  int    // its place among those who rest
	over  bool   // it is closed
}

// attach makes it get live events; the hub's lock is held. What the ring has that
// it lacks comes first.
func (f *follower) attach() {
	h := f.hub
	f.caught = true
	if f.over {
		return
	}
	for _, e := range h.ring {
		if e.Seq > f.cursor && (f.caseID == "" || e.Case == f.caseID) {
			f.behind = append(f.behind, casework.NewDelivery(e, h.Load))
		}
	}
	t := h.topics[f.caseID]
	if t == nil {
		t = &topic{end: &live{}}
		h.topics[f.caseID] = t
	}
	t.followers++
	f.topic, f.at = t, t.end
}

// Next implements casework.Following.
func (f *follower) Next(ctx context.Context) (*casework.Delivery, error) {
	for {
		if err := f.catchUp(ctx); err != nil {
			return nil, err
		}
		d, err := f.take()
		if d != nil || err != nil {
			return d, err
		}
		something := make(chan struct{})
		if !f.Rest(ctx, func() { close(something) }) {
			continue
		}
		select {
		case <-something:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Rest implements casework.Following.
func (f *follower) Rest(ctx context.Context, wake func()) bool {
	if f.catchUp(ctx) != nil { // Next tells
		return false
	}
	h := f.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(f.behind) > 0 || f.over || f.at.next != nil {
		return false
	}
	f.wake, f.seat = wake, len(f.topic.resting)
	f.topic.resting = append(f.topic.resting, f)
	return true
}

// take gives the next event; nil when there is none yet. It has caught up, or has
// events that it was behind with.
func (f *follower) take() (*casework.Delivery, error) {
	h := f.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case f.over:
		return nil, context.Canceled
	case f.topic != nil && f.topic.end.number-f.at.number > queueSize: // all that it has not taken is kept for it
		return nil, &fault.Error{Code: fault.Limited, Op: "bus.Next", ZH: "接收太慢，订阅已结束：请从最后收到的游标继续", EN: "events were taken too slowly: subscribe again after the last one",
			Problems: []fault.Problem{{Code: "SLOW_CONSUMER", ZH: "接收太慢", EN: "events were taken too slowly"}}}
	}
	if len(f.behind) > 0 {
		d := f.behind[0]
		f.behind[0] = nil
		f.behind = f.behind[1:]
		f.cursor = d.Seq
		return d, nil
	}
	for f.at.next != nil {
		d := f.at.Delivery
		f.at = f.at.next
		if d.Seq > f.cursor { // otherwise it had it elsewhere
			f.cursor = d.Seq
			return d, nil
		}
	}
	return nil, nil
}

// catchUp takes what has happened since its cursor, page by page, until there is
// something for it or it gets live events: from the ring, from the stream, or from
// the log.
func (f *follower) catchUp(ctx context.Context) error {
	h := f.hub
	for len(f.behind) == 0 && !f.caught {
		h.mu.Lock()
		last := h.last
		if f.cursor >= last || len(h.ring) > 0 && f.cursor+1 >= h.ring[0].Seq {
			f.attach()
			h.mu.Unlock()
			return nil
		}
		h.mu.Unlock()
		events := f.fromStream(ctx)
		if len(events) == 0 {
			var err error
			if events, err = h.Log.EventsAfter(ctx, f.cursor, f.caseID, pageSize); err != nil {
				return err
			}
		}
		for _, e := range events {
			f.behind = append(f.behind, casework.NewDelivery(e, h.Load))
		}
		if len(events) == 0 { // nothing for it up to there
			f.cursor = last
		}
	}
	return nil
}

// fromStream gives a page from Redis when that has all that follows.
func (f *follower) fromStream(ctx context.Context) []casework.Placed {
	h := f.hub
	if h.Redis == nil || f.caseID != "" {
		return nil
	}
	messages, err := h.Redis.XRangeN(ctx, h.Stream, "("+idOf(f.cursor), "+", pageSize).Result()
	events := decode(messages)
	if err != nil || len(events) == 0 || events[0].Seq != f.cursor+1 {
		return nil // the log has it
	}
	return events
}

// Close implements casework.Following.
func (f *follower) Close() {
	h := f.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	t := f.topic
	f.over, f.topic, f.at = true, nil, nil
	if t == nil {
		return
	}
	if f.wake != nil {
		last := t.resting[len(t.resting)-1]
		t.resting[f.seat], last.seat = last, f.seat
		t.resting[len(t.resting)-1] = nil
		t.resting = t.resting[:len(t.resting)-1]
		f.wake = nil
	}
	if t.followers--; t.followers == 0 {
		delete(h.topics, f.caseID)
	}
}
