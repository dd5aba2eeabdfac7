package cache_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/onedoor/onedoor/internal/cache"
	"github.com/onedoor/onedoor/internal/testservices"
)

func open(t *testing.T, url string) *cache.Cache {
	t.Helper()
	c, err := cache.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// onBoth runs a test on the server inside the process and on a real one.
func onBoth(t *testing.T, test func(t *testing.T, url string)) {
	t.Parallel()
	t.Run("embedded", func(t *testing.T) { t.Parallel(); test(t, cache.Embedded) })
	t.Run("redis", func(t *testing.T) { t.Parallel(); test(t, testservices.Redis(t)) })
}

// maker makes texts and counts how often it had to.
type maker struct{ made atomic.Int64 }

func (m *maker) text(text string) func(context.Context) ([]byte, bool) {
	return func(context.Context) ([]byte, bool) { m.made.Add(1); return []byte(text), true }
}

// eventually waits until done says so.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline, tick := time.After(time.Minute), time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-deadline:
			t.Fatalf("not %s", what)
		case <-tick.C:
		}
	}
}

func TestPages(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		c := open(t, url)
		p := cache.NewPages(c)
		var m maker
		for range 3 {
			if text, ok := p.Get(t.Context(), "a", time.Hour, m.text("one")); !ok || string(text) != "one" {
				t.Errorf("%q %v", text, ok)
			}
		}
		if text, ok := p.Get(t.Context(), "b", time.Hour, m.text("two")); !ok || string(text) != "two" || m.made.Load() != 2 {
			t.Errorf("%q %v, made %d", text, ok, m.made.Load())
		}
		refuse := func(context.Context) ([]byte, bool) { m.made.Add(1); return []byte("mine"), false }
		for range 2 {
			if text, ok := p.Get(t.Context(), "c", time.Hour, refuse); ok {
				t.Errorf("got what is for nobody: %q", text)
			}
		}
		if m.made.Load() != 4 {
			t.Errorf("made %d", m.made.Load())
		}
		p.KeepNear("d", []byte("four"))
		if text, ok := p.Near("d"); !ok || string(text) != "four" {
			t.Errorf("%q %v", text, ok)
		}
	})
}

func TestProcessesSharePages(t *testing.T) {
	t.Parallel()
	url := testservices.Redis(t)
	one, other := open(t, url), open(t, url)
	p, q := cache.NewPages(one), cache.NewPages(other)
	eventually(t, "connected", func() bool { return other.Ping(t.Context()) == nil })
	var m maker
	text := string(bytes.Repeat([]byte("文"), 30_000))
	p.Get(t.Context(), "a", time.Hour, m.text(text))
	eventually(t, "kept in Redis", func() bool { return one.Client().Exists(t.Context(), "{pages}:a").Val() == 1 })
	if got, ok := q.Get(t.Context(), "a", time.Hour, m.text("another")); !ok || string(got) != text || m.made.Load() != 1 {
		t.Errorf("%d bytes, %v, made %d", len(got), ok, m.made.Load())
	}
	if life := one.Client().PTTL(t.Context(), "{pages}:a").Val(); life <= 0 || life > time.Hour {
		t.Errorf("kept for %v", life)
	}

	// Emptied in the middle: those who have it go on, another makes it again.
	one.Client().FlushAll(t.Context())
	if got, ok := q.Get(t.Context(), "a", time.Hour, m.text("another")); !ok || string(got) != text || m.made.Load() != 1 {
		t.Errorf("%d bytes, %v, made %d", len(got), ok, m.made.Load())
	}
	if got, ok := cache.NewPages(other).Get(t.Context(), "a", time.Hour, m.text(text)); !ok || string(got) != text || m.made.Load() != 2 {
		t.Errorf("%d bytes, %v, made %d", len(got), ok, m.made.Load())
	}
}

// TestWhatIsKeptIsBounded keeps more than there is room for.
func TestWhatIsKeptIsBounded(t *testing.T) {
	t.Parallel()
	c := open(t, testservices.Redis(t))
	p := cache.NewPages(c)
	const n, room = 1100, 1000
	for i := range n {
		text := fmt.Sprint("text ", i)
		p.Get(t.Context(), fmt.Sprintf("%04d", i), time.Hour, func(context.Context) ([]byte, bool) { return []byte(text), true })
		eventually(t, "kept", func() bool { return c.Client().Exists(t.Context(), fmt.Sprintf("{pages}:%04d", i)).Val() == 1 })
	}
	if kept := c.Client().DBSize(t.Context()).Val(); kept != room+1 {
		t.Errorf("Redis keeps %d keys", kept)
	}
	if c.Client().Exists(t.Context(), "{pages}:0000").Val() != 0 || c.Client().Exists(t.Context(), "{pages}:1099").Val() != 1 {
		t.Error("the newest went, or the oldest stays")
	}
	huge := bytes.Repeat([]byte("x"), 1<<20)
	for i := range 100 {
		p.Get(t.Context(), fmt.Sprint("huge ", i), time.Hour, func(context.Context) ([]byte, bool) { return huge, true })
		p.Near("huge 0") // what is asked for stays
	}
	near := 0
	for i := range 100 {
		if _, ok := p.Near(fmt.Sprint("huge ", i)); ok {
			near++
		}
	}
	_, first := p.Near("huge 0")
	_, second := p.Near("huge 1")
	if near < 32 || near > 64 || !first || second {
		t.Errorf("this process keeps %d MiB; the one that is asked for: %v, the oldest: %v", near, first, second)
	}
	if kept := c.Client().DBSize(t.Context()).Val(); kept != room+1 {
		t.Errorf("Redis keeps %d keys: huge ones too", kept)
	}
}

// TestOneMakesItForAll has many ask at the same time; the first goes before it is
// made.
func TestOneMakesItForAll(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		p := cache.NewPages(open(t, url))
		var made atomic.Int64
		begun, finish := make(chan struct{}), make(chan struct{})
		work := func(ctx context.Context) ([]byte, bool) {
			made.Add(1)
			close(begun)
			<-finish
			return []byte("text"), ctx.Err() == nil
		}
		first, leave := context.WithCancel(t.Context())
		left := make(chan bool)
		go func() { _, ok := p.Get(first, "a", time.Hour, work); left <- ok }()
		<-begun
		leave()
		if <-left {
			t.Error("who has left got it")
		}
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				if text, ok := p.Get(t.Context(), "a", time.Hour, work); !ok || string(text) != "text" {
					t.Errorf("%q %v", text, ok)
				}
			})
		}
		close(finish)
		all.Wait()
		if made.Load() != 1 {
			t.Errorf("made %d times", made.Load())
		}
	})
}

func TestWhoseWorkPanicsHarmsNobody(t *testing.T) {
	t.Parallel()
	p := cache.NewPages(open(t, cache.Embedded))
	if text, ok := p.Get(t.Context(), "a", time.Hour, func(context.Context) ([]byte, bool) { panic("oh") }); ok {
		t.Errorf("%q", text)
	}
	var m maker
	if text, ok := p.Get(t.Context(), "a", time.Hour, m.text("one")); !ok || string(text) != "one" {
		t.Errorf("%q %v", text, ok)
	}
}

// TestRedisGoesAndComes asks while Redis is killed and started again and again:
// every text is right, and once it is back it is used again. It keeps the
// processors busy, and so runs alone: others give up a Redis that takes long.
func TestRedisGoesAndComes(t *testing.T) {
	server, url := testservices.OwnRedis(t)
	caches := []*cache.Cache{open(t, url), open(t, url)}
	pages := []*cache.Pages{cache.NewPages(caches[0]), cache.NewPages(caches[1])}
	stop := make(chan struct{})
	var all sync.WaitGroup
	var asked atomic.Int64
	for who := range 8 {
		all.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				key := fmt.Sprint("key ", i)
				text, ok := pages[who%2].Get(t.Context(), key, time.Hour, func(context.Context) ([]byte, bool) { return []byte("of " + key), true })
				if !ok || string(text) != "of "+key {
					t.Errorf("%s: %q %v", key, text, ok)
					return
				}
				asked.Add(1)
			}
		})
	}
	more := func() {
		t.Helper()
		until := asked.Load() + 200
		eventually(t, "asked again", func() bool { return asked.Load() > until })
	}
	for range 3 {
		more()
		server.Stop()
		more()
		server.Start(t)
		for _, c := range caches {
			eventually(t, "used again", func() bool { return c.Ping(t.Context()) == nil })
		}
	}
	more()
	close(stop)
	all.Wait()
}

// TestARedisThatHangsIsLeftAlone has a Redis that takes connections and says
// nothing: after a few of them nobody waits for it any more.
func TestARedisThatHangsIsLeftAlone(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	c := open(t, "redis://"+silent.Addr().String()+"/0")
	for range 3 {
		if err := c.Ping(t.Context()); err == nil {
			t.Fatal("it answers")
		}
	}
	// A command that is sent now would wait for its context, which has no end; one
	// that is refused does not.
	if err := c.Ping(context.Background()); err == nil || err.Error() != "cache: Redis does not answer and is left alone for a moment" {
		t.Errorf("the fourth command: %v", err)
	}
	p := cache.NewPages(c)
	for i := range 50 {
		if text, ok := p.Get(t.Context(), fmt.Sprint(i), time.Hour, func(context.Context) ([]byte, bool) { return []byte("text"), true }); !ok || string(text) != "text" {
			t.Errorf("%q %v", text, ok)
		}
	}
}

func TestNews(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		c := open(t, url)
		follower := c
		if url != cache.Embedded {
			follower = open(t, url)
		}
		ctx, cancel := context.WithCancel(t.Context())
		heard, ended := make(chan string, 100), make(chan struct{})
		go func() {
			cache.News{Cache: follower, Subject: "catalogue"}.Follow(ctx, func(text string) { heard <- text })
			close(ended)
		}()
		if text := <-heard; text != "" {
			t.Errorf("at first: %q", text)
		}
		if err := (cache.News{Cache: c, Subject: "weather"}).Tell(t.Context(), "rain"); err != nil {
			t.Fatal(err)
		}
		for i := range 20 {
			if err := (cache.News{Cache: c, Subject: "catalogue"}).Tell(t.Context(), fmt.Sprint(i)); err != nil {
				t.Fatal(err)
			}
			if text := <-heard; text != fmt.Sprint(i) {
				t.Errorf("%d: %q", i, text)
			}
		}
		cancel()
		<-ended
	})
}

// TestNewsAfterAnAbsence stops Redis under a follower, who is told that there may
// have been news, and hears the next.
func TestNewsAfterAnAbsence(t *testing.T) {
	t.Parallel()
	server, url := testservices.OwnRedis(t)
	heard := make(chan string, 1000)
	c := open(t, url)
	go cache.News{Cache: open(t, url), Subject: "catalogue"}.Follow(t.Context(), func(text string) { heard <- text })
	if text := <-heard; text != "" {
		t.Errorf("at first: %q", text)
	}
	server.Stop()
	server.Start(t)
	if text := <-heard; text != "" {
		t.Errorf("after the absence: %q", text)
	}
	news := cache.News{Cache: c, Subject: "catalogue"}
	eventually(t, "told", func() bool { return news.Tell(t.Context(), "7") == nil })
	for text := range heard {
		if text == "7" {
			break
		}
	}
}
