package bus_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/onedoor/onedoor/internal/bus"
	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/testservices"
)

func TestMain(m *testing.M) { testservices.Main(m) }

// log is a log of events in memory.
type log struct {
	mu     sync.Mutex
	events []casework.Placed
	away   bool
	wakes  []chan struct{}
}

func (l *log) EventsAfter(_ context.Context, seq int64, caseID string, limit int) ([]casework.Placed, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.away {
		return nil, errors.New("the database is away")
	}
	var page []casework.Placed
	for _, e := range l.events[min(int(seq), len(l.events)):] {
		if caseID == "" || e.Case == caseID {
			page = append(page, e)
		}
		if len(page) == limit {
			break
		}
	}
	return page, nil
}

func (l *log) LastEvent(context.Context) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.away {
		return 0, errors.New("the database is away")
	}
	return int64(len(l.events)), nil
}

// add appends n events, of five cases in turn.
func (l *log) add(n int) {
	l.mu.Lock()
	for range n {
		seq := int64(len(l.events)) + 1
		l.events = append(l.events, casework.Placed{Seq: seq, ID: fmt.Sprintf("ev_%d", seq), Case: fmt.Sprintf("c%d", seq%5), Kind: "k"})
	}
	wakes := l.wakes
	l.mu.Unlock()
	for _, w := range wakes {
		select {
		case w <- struct{}{}:
		default:
		}
	}
}

// process runs a hub as a process of its own would.
func (l *log) process(t *testing.T, client *redis.Client) *bus.Hub {
	t.Helper()
	wake := make(chan struct{}, 1)
	l.mu.Lock()
	l.wakes = append(l.wakes, wake)
	l.mu.Unlock()
	h := &bus.Hub{Log: l, Redis: client, Stream: "events", Wake: wake, Load: func(_ context.Context, ids []string) ([]*casework.Case, error) {
		return []*casework.Case{{ID: ids[0]}}, nil
	}}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { h.Run(ctx) })
	t.Cleanup(func() { cancel(); running.Wait() })
	return h
}

func clientOf(t *testing.T, options *redis.Options) *redis.Client {
	options.MaxRetries, options.DialerRetries = -1, 1
	options.DialTimeout = 100 * time.Millisecond
	c := redis.NewClient(options)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// onEach runs a test without Redis, with the embedded one and with a real one.
func onEach(t *testing.T, test func(t *testing.T, connect func() *redis.Client)) {
	t.Parallel()
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		test(t, func() *redis.Client { return nil })
	})
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		m := miniredis.RunT(t)
		test(t, func() *redis.Client { return clientOf(t, &redis.Options{Addr: m.Addr(), DisableIdentity: true}) })
	})
	t.Run("redis", func(t *testing.T) {
		t.Parallel()
		url := testservices.Redis(t)
		test(t, func() *redis.Client {
			options, err := redis.ParseURL(url)
			if err != nil {
				t.Fatal(err)
			}
			return clientOf(t, options)
		})
	})
}

func follow(t *testing.T, h *bus.Hub, caseID string, after *int64) casework.Following {
	t.Helper()
	f, err := h.Follow(t.Context(), caseID, after)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

// take takes n events and checks that they follow one another by step.
func take(t *testing.T, f casework.Following, after int64, n int, step int64) int64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for range n {
		d, err := f.Next(ctx)
		if err != nil {
			t.Errorf("after %d: %v", after, err)
			return after
		}
		if d.Seq != after+step {
			t.Errorf("after %d came %d", after, d.Seq)
			return after
		}
		after = d.Seq
	}
	return after
}

// takeWhileFast takes up to n events, fewer when it is closed for being slow: then
// who follows begins again after the last one.
func takeWhileFast(t *testing.T, f casework.Following, after int64, n int) int64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for range n {
		d, err := f.Next(ctx)
		var slow *fault.Error
		switch {
		case errors.As(err, &slow) && len(slow.Problems) == 1 && slow.Problems[0].Code == "SLOW_CONSUMER":
			return after
		case err != nil:
			t.Errorf("after %d: %v", after, err)
			return after
		case d.Seq != after+1:
			t.Errorf("after %d came %d", after, d.Seq)
			return after
		}
		after = d.Seq
	}
	return after
}

func from(seq int64) *int64 { return &seq }

func TestEveryEventComesOnce(t *testing.T) {
	onEach(t, func(t *testing.T, connect func() *redis.Client) {
		l := &log{}
		l.add(7000) // more than a process remembers
		one, two := l.process(t, connect()), l.process(t, connect())
		live := follow(t, one, "", nil)
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				h, other := one, two
				if i%2 == 1 {
					h, other = two, one
				}
				at := int64(i * 350)
				f := follow(t, h, "", from(at))
				at = take(t, f, at, 500, 1)
				f.Close()
				take(t, follow(t, other, "", from(at)), at, 10_000-int(at), 1) // it comes again, to another process
			})
		}
		all.Go(func() { take(t, live, 7000, 3000, 1) })
		for range 300 {
			l.add(10)
		}
		all.Wait()
	})
}

func TestOneCase(t *testing.T) {
	onEach(t, func(t *testing.T, connect func() *redis.Client) {
		l := &log{}
		l.add(9000)
		h := l.process(t, connect())
		live := follow(t, h, "c3", nil)
		old := follow(t, h, "c3", from(0))
		none := follow(t, h, "c9", from(0))
		take(t, old, -2, 1800, 5)
		l.add(5000)
		take(t, live, 8998, 1000, 5)
		take(t, old, 8998, 1000, 5)
		d, err := follow(t, h, "c3", from(13_990)).Next(t.Context())
		if err != nil || d.Seq != 13_993 {
			t.Errorf("%v %v", d, err)
		}
		if c, err := d.Of(t.Context()); err != nil || c.ID != "c3" {
			t.Errorf("the case of an event: %v %v", c, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if d, err := none.Next(ctx); err == nil {
			t.Errorf("another case's event: %v", d)
		}
	})
}

// Who rests between events is woken for each, and never rests while there is one.
func TestRest(t *testing.T) {
	onEach(t, func(t *testing.T, connect func() *redis.Client) {
		l := &log{}
		l.add(500)
		h := l.process(t, connect())
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		f := follow(t, h, "", from(100)) // it catches up first
		var adding sync.WaitGroup
		adding.Go(func() {
			for range 500 {
				l.add(1)
			}
		})
		for at := int64(100); at < 1000; {
			woken := make(chan struct{})
			if f.Rest(ctx, func() { close(woken) }) {
				select {
				case <-woken:
				case <-ctx.Done():
					t.Fatalf("not woken after %d", at)
				}
			}
			if at = take(t, f, at, 1, 1); t.Failed() {
				return
			}
		}
		adding.Wait()
		if !f.Rest(ctx, func() { t.Error("woken for nothing") }) {
			t.Error("there is something after the last")
		}
	})
}

// Many who take long hold up nobody, and who has gone is not woken. One goroutine
// for each processor, and a few more now and then, would not get through here.
func TestManyRest(t *testing.T) {
	t.Parallel()
	l := &log{}
	h := l.process(t, nil)
	const followers = 30_000
	stuck := make(chan struct{})
	defer close(stuck)
	woken := make(chan int, followers)
	var gone []casework.Following
	for i := range followers {
		f := follow(t, h, "", nil)
		resting := f.Rest(t.Context(), func() {
			if i%3 == 1 {
				<-stuck
			}
			woken <- i
		})
		if !resting {
			t.Fatalf("there is something for %d", i)
		}
		if i%3 == 2 {
			gone = append(gone, f)
		}
	}
	for _, f := range gone {
		f.Close()
	}
	l.add(1)
	got := map[int]bool{}
	for range (followers + 2) / 3 {
		select {
		case i := <-woken:
			if i%3 != 0 || got[i] {
				t.Fatalf("%d is woken", i)
			}
			got[i] = true
		case <-time.After(30 * time.Second):
			t.Fatalf("%d are woken", len(got))
		}
	}
}

// Nothing is left of followers, and nobody keeps an event that all have taken, in
// whatever state they are closed.
func TestNothingIsLeft(t *testing.T) {
	t.Parallel()
	l := &log{}
	l.add(100)
	h := l.process(t, nil)
	freed := make(chan bool, 100)
	follow := func(after *int64) casework.Following {
		t.Helper()
		f, err := h.Follow(t.Context(), "", after)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	takes, rests, behind, never := follow(nil), follow(nil), follow(from(10)), follow(from(5))
	if !rests.Rest(t.Context(), func() {}) {
		t.Error("there is something")
	}
	take(t, behind, 10, 1, 1)
	for at := int64(100); at < 110; at++ {
		l.add(1)
		d, err := takes.Next(t.Context())
		if err != nil || d.Seq != at+1 {
			t.Fatal(d, err)
		}
		runtime.AddCleanup(d, func(freed chan bool) { freed <- true }, freed)
	}
	for _, f := range []casework.Following{rests, behind, never} {
		f.Close()
	}
	for range 10 {
		runtime.GC()
		select {
		case <-freed:
		case <-time.After(30 * time.Second):
			t.Fatal("an event is kept")
		}
	}
	takes.Close()
	never.Close()
	if n := h.Topics(); n != 0 {
		t.Errorf("%d topics are followed", n)
	}
	if _, err := behind.Next(t.Context()); !errors.Is(err, context.Canceled) {
		t.Errorf("a closed one gives %v", err)
	}
}

func TestResumeGone(t *testing.T) {
	onEach(t, func(t *testing.T, connect func() *redis.Client) {
		l := &log{}
		l.add(100_010)
		h := l.process(t, connect())
		for _, after := range []int64{-1, 9, 100_011} {
			_, err := h.Follow(t.Context(), "", from(after))
			var f *fault.Error
			if !errors.As(err, &f) || f.Code != fault.Conflict || f.Problems[0].Code != "RESUME_GONE" {
				t.Errorf("after %d: %v", after, err)
			}
		}
		take(t, follow(t, h, "", from(100_010)), 100_010, 0, 1)
		if _, err := h.Follow(t.Context(), "c1", from(0)); err != nil {
			t.Errorf("one case has no bound: %v", err)
		}
	})
}

// TestSlowFollowers does not take events, and takes them again after it has been
// told.
func TestSlowFollowers(t *testing.T) {
	onEach(t, func(t *testing.T, connect func() *redis.Client) {
		l := &log{}
		h := l.process(t, connect())
		slow, late, quick := follow(t, h, "", nil), follow(t, h, "", from(0)), follow(t, h, "", nil)
		l.add(9)
		at := take(t, quick, 0, 9, 1)
		take(t, late, 0, 1, 1) // it is behind with the others, and live events wait for it too
		for range 17 {
			l.add(241) // 4,097 in all, one more than may wait
			at = take(t, quick, at, 241, 1)
		}
		for _, f := range []casework.Following{slow, late} {
			if _, err := f.Next(t.Context()); fault.CodeOf(err) != fault.Limited {
				t.Fatalf("%v", err)
			}
		}
		take(t, follow(t, h, "", from(0)), 0, 4106, 1)
	})
}

// TestRedisGoesAndComes takes Redis away, empties it and gives it another
// database's events, in the middle of a stream.
func TestRedisGoesAndComes(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	options := func() *redis.Options { return &redis.Options{Addr: m.Addr(), DisableIdentity: true} }
	if _, err := m.XAdd("events", "900000-0", []string{"e", `{"id":"of another database","kind":"k"}`}); err != nil {
		t.Fatal(err)
	}
	l := &log{}
	one, two := l.process(t, clientOf(t, options())), l.process(t, clientOf(t, options()))
	var all sync.WaitGroup
	for i := range 20 {
		h := one
		if i%2 == 1 {
			h = two
		}
		f := follow(t, h, "", nil)
		all.Go(func() { take(t, f, 0, 4000, 1) })
	}
	l.add(1000)
	m.Close()
	l.add(1000)
	if err := m.Restart(); err != nil {
		t.Fatal(err)
	}
	l.add(1000)
	m.FlushAll()
	l.add(1000)
	all.Wait()
}

// TestRedisIsKilled kills a real Redis in the middle of 10,000 events with 100
// followers of two processes, who begin again at the other one all the time.
func TestRedisIsKilled(t *testing.T) {
	t.Parallel()
	server, url := testservices.OwnRedis(t)
	connect := func() *redis.Client {
		options, err := redis.ParseURL(url)
		if err != nil {
			t.Fatal(err)
		}
		return clientOf(t, options)
	}
	l := &log{}
	hubs := []*bus.Hub{l.process(t, connect()), l.process(t, connect())}
	var all sync.WaitGroup
	for i := range 100 {
		f := follow(t, hubs[i%2], "", from(0))
		all.Go(func() {
			at := int64(0)
			for next := i; at < 10_000 && !t.Failed(); next++ {
				at = takeWhileFast(t, f, at, min(400, 10_000-int(at)))
				f.Close()
				f = follow(t, hubs[next%2], "", from(at))
			}
		})
	}
	for i := range 100 {
		if i == 30 {
			server.Stop()
		}
		if i == 60 {
			server.Start(t)
		}
		l.add(100)
	}
	all.Wait()
}

// TestTheDatabaseGoesAndComes: nothing is told that is not known to have happened.
func TestTheDatabaseGoesAndComes(t *testing.T) {
	onEach(t, func(t *testing.T, connect func() *redis.Client) {
		l := &log{}
		h := l.process(t, connect())
		f := follow(t, h, "", nil)
		l.add(10)
		take(t, f, 0, 10, 1)
		l.mu.Lock()
		l.away = true
		l.mu.Unlock()
		l.add(10)
		l.mu.Lock()
		l.away = false
		l.mu.Unlock()
		l.add(10)
		take(t, f, 10, 20, 1)
	})
}

func TestDeliveriesAreShared(t *testing.T) {
	t.Parallel()
	l := &log{}
	h := l.process(t, nil)
	var followers []casework.Following
	for range 50 {
		followers = append(followers, follow(t, h, "", nil))
	}
	l.add(1)
	made := 0
	for _, f := range followers {
		d, err := f.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := d.Once(t.Context(), "the same question", func(context.Context, *casework.Delivery) any { made++; return made }); got != 1 {
			t.Errorf("%v was made anew", got)
		}
	}
}
