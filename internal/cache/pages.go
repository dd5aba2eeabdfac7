package cache

import (
	"container/list"
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	nearSize = 64 << 20               // bytes that this process keeps
	farPages = 1000                   // texts that Redis keeps
	farSize  = 256 << 10              // bytes of each, at most
	farTime  = 100 * time.Millisecond // for which Redis is waited: to make a text anew takes no longer
	makeTime = 30 * time.Second
)

// Pages keeps texts that are the same for everybody, in this process and, for
// all of them, in Redis. A key names all that its text depends on, the edition of
// the catalogue too. So nothing has to be taken back: after an import other keys
// are asked for, and a text that was begun before it is kept under the old one,
// however late it comes.
//
// The server inside the process keeps no texts: they would be there twice.
type Pages struct {
	cache *Cache
	near  near

	mu     sync.Mutex
	making map[string]*making
}

// NewPages makes an empty one.
func NewPages(c *Cache) *Pages {
	return &Pages{cache: c, near: near{limit: nearSize, texts: map[string]*list.Element{}}, making: map[string]*making{}}
}

// making is a text that is being made.
type making struct {
	done chan struct{}
	text []byte // after done; nil: it is not for others
}

// Near gives a text that this process keeps. Nobody may change it.
func (p *Pages) Near(key string) ([]byte, bool) { return p.near.get(key) }

// KeepNear keeps a text in this process only.
func (p *Pages) KeepNear(key string, text []byte) { p.near.put(key, text) }

// Get gives the text of a key. When nobody keeps it, work makes it: once for all
// who ask at the same time, and to its end when the first of them goes; others
// get it, and it is kept for life, when keep says so. Get gives nothing when ctx
// ends first, or when the text is not for others; who has made it has it then.
func (p *Pages) Get(ctx context.Context, key string, life time.Duration, work func(ctx context.Context) (text []byte, keep bool)) ([]byte, bool) {
	if text, ok := p.near.get(key); ok {
		return text, true
	}
	p.mu.Lock()
	m := p.making[key]
	if m == nil {
		m = &making{done: make(chan struct{})}
		p.making[key] = m
		go p.run(ctx, key, life, m, work)
	}
	p.mu.Unlock()
	select {
	case <-m.done:
		return m.text, m.text != nil
	case <-ctx.Done():
		return nil, false
	}
}

// run fetches or makes a text, tells those who wait, and then tells Redis.
func (p *Pages) run(ctx context.Context, key string, life time.Duration, m *making, work func(ctx context.Context) ([]byte, bool)) {
	until, ok := ctx.Deadline()
	if !ok {
		until = time.Now().Add(makeTime)
	}
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), until)
	defer cancel()
	fetched := false
	func() {
		defer func() {
			if v := recover(); v != nil { // whoever asked makes it again, and answers for it
				slog.ErrorContext(ctx, "a page is not made", "panic", v)
			}
			if m.text != nil {
				p.near.put(key, m.text)
			}
			p.mu.Lock()
			delete(p.making, key)
			p.mu.Unlock()
			close(m.done)
		}()
		if m.text, fetched = p.fetch(ctx, key); fetched {
			return
		}
		if text, keep := work(ctx); keep {
			m.text = text
		}
	}()
	if m.text != nil && !fetched {
		p.send(ctx, key, life, m.text)
	}
}

// fetch asks Redis for a text.
func (p *Pages) fetch(ctx context.Context, key string) ([]byte, bool) {
	if p.cache.embedded {
		return nil, false
	}
	ctx, cancel := context.WithTimeout(ctx, farTime)
	defer cancel()
	text, err := p.cache.client.Get(ctx, far(key)).Bytes()
	return text, err == nil && len(text) > 0
}

// sendScript keeps a text and forgets the oldest when there are too many.
var sendScript = redis.NewScript(`
local now = redis.call('TIME')
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('ZADD', KEYS[2], now[1] * 1000000 + now[2], KEYS[1])
local over = redis.call('ZCARD', KEYS[2]) - tonumber(ARGV[3])
if over > 0 then
	local oldest = redis.call('ZPOPMIN', KEYS[2], over)
	for i = 1, #oldest, 2 do
		redis.call('DEL', oldest[i])
	end
end
return 0
`)

// send tells Redis a text. Without it the next process makes its own.
func (p *Pages) send(ctx context.Context, key string, life time.Duration, text []byte) {
	if p.cache.embedded || len(text) > farSize || life < time.Millisecond {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	_ = sendScript.Run(ctx, p.cache.client, []string{far(key), "{pages}"}, text, life.Milliseconds(), farPages).Err()
}

// far is a text's key in Redis. What stands in braces keeps all of them on one
// node of a cluster.
func far(key string) string { return "{pages}:" + key }

// near keeps texts in this process, up to a number of bytes: what was not asked
// for longest goes first.
type near struct {
	limit int // bytes

	mu    sync.Mutex
	used  int
	order list.List // of entries, the last that was asked for first
	texts map[string]*list.Element
}

type entry struct {
	key  string
	text []byte
}

// entrySize is what an entry takes beside its key and its text, about.
const entrySize = 200

func (e entry) size() int { return 2*len(e.key) + len(e.text) + entrySize }

func (n *near) get(key string) ([]byte, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	at, ok := n.texts[key]
	if !ok {
		return nil, false
	}
	n.order.MoveToFront(at)
	return at.Value.(entry).text, true
}

func (n *near) put(key string, text []byte) {
	e := entry{key, text}
	if e.size() > n.limit/4 {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if at, ok := n.texts[key]; ok {
		n.drop(at)
	}
	n.texts[key] = n.order.PushFront(e)
	n.used += e.size()
	for n.used > n.limit {
		n.drop(n.order.Back())
	}
}

func (n *near) drop(at *list.Element) {
	e := n.order.Remove(at).(entry)
	delete(n.texts, e.key)
	n.used -= e.size()
}
