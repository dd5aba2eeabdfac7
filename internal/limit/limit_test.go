package limit_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/onedoor/onedoor/internal/cache"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/limit"
	"github.com/onedoor/onedoor/internal/testservices"
	"github.com/onedoor/onedoor/internal/viewer"
)

func TestMain(m *testing.M) { testservices.Main(m) }

type clock struct {
	mu   sync.Mutex
	time time.Time
}

func (c *clock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.time }

func (c *clock) add(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.time = c.time.Add(d) }

func newClock() *clock { return &clock{time: time.Date(2026, 11, 25, 4, 0, 0, 0, time.UTC)} }

func TestParseRate(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]limit.Rate{"off": {}, "300/m": {Count: 300, Per: time.Minute}, "1/s": {Count: 1, Per: time.Second}, "20/h": {Count: 20, Per: time.Hour}} {
		got, err := limit.ParseRate(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("%s: %v %v", text, got, err)
		}
	}
	for _, text := range []string{"", "300", "0/m", "-1/m", "300/d", "x/m", "10000000/s", "OFF", "1/m/s"} {
		if got, err := limit.ParseRate(text); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}

// take takes n and gives how many were allowed.
func take(l *limit.Limiter, key string, r limit.Rate, n int) (allowed int) {
	for range n {
		if l.Take(context.Background(), key, r).Allowed {
			allowed++
		}
	}
	return allowed
}

func TestBucket(t *testing.T) {
	t.Parallel()
	c := newClock()
	l, r := limit.New(nil, c.now), limit.Rate{Count: 6, Per: time.Minute}
	first := l.Take(t.Context(), "a", r)
	if diff := cmp.Diff(limit.Verdict{Allowed: true, Limit: 6, Remaining: 5, Reset: 10 * time.Second}, first); diff != "" {
		t.Errorf("the first (-want +got):\n%s", diff)
	}
	if n := take(l, "a", r, 10); n != 5 {
		t.Errorf("%d more at once", n)
	}
	if diff := cmp.Diff(limit.Verdict{Limit: 6, RetryAfter: 10 * time.Second, Reset: time.Minute}, l.Take(t.Context(), "a", r)); diff != "" {
		t.Errorf("refused (-want +got):\n%s", diff)
	}
	if n := take(l, "b", r, 10); n != 6 {
		t.Errorf("%d of another key", n)
	}
	c.add(9 * time.Second)
	if v := l.Look(t.Context(), "a", r); v.Allowed || v.RetryAfter != time.Second {
		t.Errorf("too early: %+v", v)
	}
	c.add(time.Second)
	for range 3 { // to look takes nothing
		if !l.Look(t.Context(), "a", r).Allowed {
			t.Error("nothing to look at")
		}
	}
	if n := take(l, "a", r, 3); n != 1 {
		t.Errorf("%d after a tenth of the minute", n)
	}
	c.add(time.Hour)
	if n := take(l, "a", r, 10); n != 6 {
		t.Errorf("%d after an hour", n)
	}
	if n := take(l, "a", limit.Rate{}, 100); n != 100 {
		t.Errorf("%d without a limit", n)
	}
}

// Many addresses take no memory for ever.
func TestBucketsAreForgotten(t *testing.T) {
	t.Parallel()
	c := newClock()
	l, r := limit.New(nil, c.now), limit.Rate{Count: 60, Per: time.Minute}
	var key [4]byte
	for i := range 100_000 {
		key[0], key[1], key[2] = byte(i), byte(i>>8), byte(i>>16)
		l.Take(t.Context(), string(key[:]), r)
		c.add(time.Millisecond)
	}
	if n := l.Len(); n > 25_000 {
		t.Errorf("%d buckets are kept", n)
	}
}

func open(t *testing.T, url string) *cache.Cache {
	t.Helper()
	c, err := cache.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// Two instances on one Redis allow together what one would.
func TestInstancesShare(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]func(*testing.T) string{
		"embedded": func(*testing.T) string { return cache.Embedded },
		"redis":    func(t *testing.T) string { return testservices.Redis(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shared := cache.Buckets{Cache: open(t, url(t))}
			a, b := limit.New(shared, time.Now), limit.New(shared, time.Now)
			r := limit.Rate{Count: 50, Per: time.Hour}
			var allowed atomic.Int64
			var asking sync.WaitGroup
			for _, l := range []*limit.Limiter{a, b, a, b} {
				asking.Go(func() { allowed.Add(int64(take(l, "k", r, 40))) })
			}
			asking.Wait()
			if n := allowed.Load(); n != 50 {
				t.Errorf("%d allowed, want 50", n)
			}
			if v := a.Take(t.Context(), "k", r); v.Allowed || v.RetryAfter <= 0 || v.RetryAfter > 72*time.Second || v.Limit != 50 {
				t.Errorf("%+v", v)
			}
			if n := take(a, "another", r, 5); n != 5 {
				t.Errorf("%d of another key", n)
			}
		})
	}
}

// Redis dies in the middle: no instance is stuck, and each lets through no more
// than the rate in all, what it let through before included.
func TestRedisDies(t *testing.T) {
	t.Parallel()
	url := testservices.Redis(t)
	shared := cache.Buckets{Cache: open(t, url)}
	a, b := limit.New(shared, time.Now), limit.New(shared, time.Now)
	r := limit.Rate{Count: 40, Per: time.Hour}
	before := take(a, "k", r, 10) + take(b, "k", r, 20)
	options, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	_ = client.ShutdownNoSave(t.Context()).Err() // it cannot answer any more
	alone := take(a, "k", r, 100)
	other := take(b, "k", r, 100)
	if before != 30 || alone != 30 || other != 20 {
		t.Errorf("%d before; then %d and %d, want 30; 30 and 20", before, alone, other)
	}
}

type failing struct{ asked atomic.Int64 }

func (f *failing) Take(context.Context, string, time.Duration, int, bool) (bool, time.Duration, error) {
	f.asked.Add(1)
	return false, 0, errors.New("no")
}

// A Redis that does not answer is asked once a second, not by every request.
func TestAFailingRedisIsLeftAlone(t *testing.T) {
	t.Parallel()
	c, f := newClock(), &failing{}
	l := limit.New(f, c.now)
	r := limit.Rate{Count: 1000, Per: time.Minute}
	for range 3 {
		take(l, "k", r, 100)
		c.add(time.Second)
	}
	if n := f.asked.Load(); n != 3 {
		t.Errorf("asked %d times", n)
	}
}

func hello(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) }

func door(c *clock) *limit.Doorkeeper {
	per := func(n int) limit.Rate { return limit.Rate{Count: n, Per: time.Minute} }
	return &limit.Doorkeeper{Limiter: limit.New(nil, c.now), Address: per(5), Subject: per(3), Guess: per(4), Wrong: per(2), Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
}

func ask(h http.Handler, v viewer.Viewer, address string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/graphql", nil)
	r.RemoteAddr = address
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r.WithContext(viewer.With(r.Context(), v)))
	return w
}

func TestRequests(t *testing.T) {
	t.Parallel()
	d := door(newClock())
	h := d.ByAddress(d.BySubject(http.HandlerFunc(hello)))
	for i, want := range []string{"4", "3", "2", "1", "0"} {
		w := ask(h, viewer.Viewer{}, "192.0.2.1:1000")
		if w.Code != 200 || w.Header().Get("RateLimit-Limit") != "5" || w.Header().Get("RateLimit-Remaining") != want || w.Header().Get("RateLimit-Policy") != "5;w=60" {
			t.Errorf("request %d: %d %v", i, w.Code, w.Header())
		}
	}
	w := ask(h, viewer.Viewer{}, "192.0.2.1:2000", "Accept-Language", "en")
	var body struct {
		Errors []struct {
			Message    string
			Extensions struct{ Code string }
		}
	}
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || w.Code != 429 || w.Header().Get("Retry-After") != "12" || body.Errors[0].Extensions.Code != "LIMITED" || body.Errors[0].Message != "too many requests; try again in 12 seconds" {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	if w := ask(h, viewer.Viewer{}, "192.0.2.2:1000"); w.Code != 200 {
		t.Errorf("another address: %d", w.Code)
	}
	// A subject is counted wherever it comes from.
	li := viewer.Viewer{Subject: "li", Role: viewer.Applicant}
	for i, address := range []string{"192.0.2.3:1", "192.0.2.4:1", "192.0.2.5:1", "192.0.2.6:1"} {
		if w := ask(h, li, address); (w.Code == 200) != (i < 3) {
			t.Errorf("request %d of li: %d", i, w.Code)
		}
	}
	li.Role = viewer.Agent
	if w := ask(h, li, "192.0.2.6:1"); w.Code != 200 {
		t.Errorf("li in another role: %d", w.Code)
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		one, two  []string // address, then headers
		different bool
	}{
		"ports":                        {[]string{"192.0.2.1:1"}, []string{"192.0.2.1:2"}, false},
		"a client that claims another": {[]string{"192.0.2.1:1", "X-Forwarded-For", "1.1.1.1"}, []string{"192.0.2.1:1", "X-Forwarded-For", "2.2.2.2"}, false},
		"behind a proxy":               {[]string{"10.0.0.1:1", "X-Forwarded-For", "1.1.1.1"}, []string{"10.0.0.1:1", "X-Forwarded-For", "2.2.2.2"}, true},
		"behind a proxy, with a lie":   {[]string{"10.0.0.1:1", "X-Forwarded-For", "9.9.9.9, 1.1.1.1"}, []string{"10.0.0.1:1", "X-Forwarded-For", "8.8.8.8, 1.1.1.1"}, false},
		"behind two proxies":           {[]string{"10.0.0.1:1", "X-Forwarded-For", "1.1.1.1, 10.0.0.9"}, []string{"10.0.0.1:1", "X-Forwarded-For", "2.2.2.2", "X-Forwarded-For", "10.0.0.9"}, true},
		"one IPv6 network":             {[]string{"[2001:db8::1]:1"}, []string{"[2001:db8::ffff:2]:1"}, false},
		"two IPv6 networks":            {[]string{"[2001:db8::1]:1"}, []string{"[2001:db8:0:1::1]:1"}, true},
		"IPv4 in IPv6":                 {[]string{"192.0.2.1:1"}, []string{"[::ffff:192.0.2.1]:1"}, false},
	} {
		d := door(newClock())
		h := d.ByAddress(http.HandlerFunc(hello))
		for range 5 {
			ask(h, viewer.Viewer{}, c.one[0], c.one[1:]...)
		}
		if w := ask(h, viewer.Viewer{}, c.two[0], c.two[1:]...); (w.Code == 200) != c.different {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
}

// Guessing is limited by address and by number, and the answer says so by its
// status.
func TestGuesses(t *testing.T) {
	t.Parallel()
	c := newClock()
	d := door(c)
	d.Address = limit.Rate{}
	guess := func(address, number string, wrong bool) *httptest.ResponseRecorder {
		return ask(d.ByAddress(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := d.May(r.Context(), number); err != nil {
				if fault.CodeOf(err) != fault.Limited {
					t.Error(err)
				}
			} else if wrong {
				d.Missed(r.Context(), number)
			}
			hello(w, r)
		})), viewer.Viewer{}, address)
	}
	for i, want := range []int{200, 200, 429} { // by anybody, for one number
		w := guess("192.0.2."+string(rune('1'+i))+":1", "SB1", true)
		if w.Code != want || (want == 429) != (w.Header().Get("Retry-After") == "30") {
			t.Errorf("guess %d: %d %v", i, w.Code, w.Header())
		}
	}
	if w := guess("192.0.2.9:1", "SB1", false); w.Code != 429 {
		t.Errorf("a right code after too many wrong ones: %d", w.Code)
	}
	for i, want := range []int{200, 200, 200, 200, 429} { // one address, right or wrong
		if w := guess("192.0.2.20:1", "SB"+strings.Repeat("x", i*100+2), false); w.Code != want {
			t.Errorf("number %d: %d", i, w.Code)
		}
	}
}

func TestParseCount(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{"off": 0, "1": 1, "5000": 5000} {
		if got, err := limit.ParseCount(text); err != nil || got != want {
			t.Errorf("%s: %d %v", text, got, err)
		}
	}
	for _, text := range []string{"", "0", "-1", "many", "1000001", "300/m"} {
		if got, err := limit.ParseCount(text); err == nil {
			t.Errorf("%q is %d", text, got)
		}
	}
}

// Streams are counted while they are open, by address and by subject.
func TestStreams(t *testing.T) {
	t.Parallel()
	d := door(newClock())
	d.Address, d.Subject, d.AddressStreams, d.SubjectStreams = limit.Rate{}, limit.Rate{}, 3, 2
	enter := func(v viewer.Viewer, address string) (leave func()) {
		ask(d.ByAddress(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			var err error
			if leave, err = d.Enter(r.Context()); err != nil && fault.CodeOf(err) != fault.Limited {
				t.Errorf("refused by %v", err)
			}
		})), v, address)
		return leave
	}
	li := viewer.Viewer{Subject: "li", Role: viewer.Applicant}
	nobody := viewer.Viewer{}
	enter(li, "192.0.2.1:1")
	second := enter(li, "192.0.2.2:1")
	if enter(li, "192.0.2.3:1") != nil {
		t.Error("li has three, from three addresses")
	}
	second()
	second() // once is enough
	if third := enter(li, "192.0.2.3:1"); third == nil {
		t.Error("li has one and gets no second")
	}
	if enter(li, "192.0.2.3:1") != nil {
		t.Error("li has left once and got two")
	}
	enter(nobody, "192.0.2.1:2")
	last := enter(nobody, "192.0.2.1:3")
	if last == nil || enter(nobody, "192.0.2.1:4") != nil {
		t.Error("an address has three, whoever it is")
	}
	last()
	if enter(nobody, "192.0.2.1:4") == nil {
		t.Error("an address that one has left gets no other")
	}
	d.AddressStreams = 0
	if enter(nobody, "192.0.2.1:5") == nil {
		t.Error("there is a limit that is off")
	}
}
