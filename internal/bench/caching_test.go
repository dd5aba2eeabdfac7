package bench_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/onedoor/onedoor/graph"
	"github.com/onedoor/onedoor/internal/cache"
	"github.com/onedoor/onedoor/internal/identity"
	"github.com/onedoor/onedoor/internal/testservices"
	"github.com/onedoor/onedoor/internal/viewer"
)

// The limits of what is kept.
const (
	leastOfCanned  = 0.60 // of the requests a second of bytes from net/http
	latestNews     = 10 * time.Millisecond
	mostWithoutOne = 3.0 // times the wait with Redis
)

// list is a page of the catalogue.
const list = `{ items(first: 20) { edges { node { code name version department { code name } } } pageInfo { hasNextPage endCursor } } }`

func caching(b *testing.B, redisURL string) (http.Handler, *cache.Cache) {
	hints, err := cache.Open(redisURL)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(hints.Close)
	api := graph.NewHandler(resolver(b), graph.Options{Documents: cache.Documents{Cache: hints}, Caching: graph.Caching{Pages: cache.NewPages(hints), Age: time.Minute}})
	nobody := func(string, time.Time) (viewer.Viewer, error) { return viewer.Viewer{}, nil }
	return identity.Middleware(nobody, api), hints
}

func byGET(query string, variables any) string {
	text, err := json.Marshal(variables)
	if err != nil {
		panic(err)
	}
	return "/graphql?" + url.Values{"query": {query}, "variables": {string(text)}}.Encode()
}

// BenchmarkPublicGET compares pages that are kept with the same bytes from a
// handler that has nothing else to do, over loopback. The two take turns, so
// that both have the machine at its best and at its worst.
func BenchmarkPublicGET(b *testing.B) {
	api, _ := caching(b, testservices.Redis(b))
	for name, path := range map[string]string{
		"guide": byGET(query, map[string]any{"facts": hotpot(b)}),
		"items": byGET(list, nil),
	} {
		b.Run(name, func(b *testing.B) {
			w := httptest.NewRecorder()
			api.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
			text := w.Body.Bytes()
			if w.Code != http.StatusOK || w.Header().Get("ETag") == "" {
				b.Fatalf("%d %.300s", w.Code, text)
			}
			canned := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				h := w.Header()
				h.Set("Content-Type", "application/json; charset=utf-8")
				h.Set("Content-Length", strconv.Itoa(len(text)))
				_, _ = w.Write(text)
			})
			var rate [2]float64
			const turns = 6
			for range turns {
				for i, h := range []http.Handler{api, canned} {
					rate[i] += perSecond(b, h, path, len(text), time.Second/2) / turns
				}
			}
			for b.Loop() { // one page, without the wire
				w := httptest.NewRecorder()
				api.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
			}
			b.ReportMetric(rate[0], "req/s")
			b.ReportMetric(rate[1], "canned-req/s")
			b.ReportMetric(rate[0]/rate[1], "of-canned")
			b.ReportMetric(leastOfCanned, "of-canned-limit")
			b.ReportMetric(float64(len(text)), "bytes")
		})
	}
}

// perSecond asks for a path from 16 clients for a while.
func perSecond(b *testing.B, h http.Handler, path string, size int, during time.Duration) float64 {
	server := httptest.NewServer(h)
	defer server.Close()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16, DisableCompression: true}}
	defer client.CloseIdleConnections()
	var all sync.WaitGroup
	var done [16]int
	began := time.Now()
	for who := range done {
		all.Go(func() {
			for time.Since(began) < during {
				answer, err := client.Get(server.URL + path)
				if err != nil {
					b.Error(err)
					return
				}
				n, err := io.Copy(io.Discard, answer.Body)
				_ = answer.Body.Close()
				if err != nil || int(n) != size || answer.StatusCode != http.StatusOK {
					b.Errorf("%d bytes, status %d, %v", n, answer.StatusCode, err)
					return
				}
				done[who]++
			}
		})
	}
	all.Wait()
	sum := 0
	for _, n := range done {
		sum += n
	}
	return float64(sum) / time.Since(began).Seconds()
}

// followerURL tells a process of this test that it is to follow the news.
const followerURL = "ONEDOOR_BENCH_FOLLOW"

// TestFollower is no test: it is the other process of BenchmarkInvalidation. It
// writes a line as soon as it hears something.
func TestFollower(t *testing.T) {
	redisURL := os.Getenv(followerURL)
	if redisURL == "" {
		t.Skip("it is run by BenchmarkInvalidation")
	}
	c, err := cache.Open(redisURL)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() { _, _ = io.Copy(io.Discard, os.Stdin); cancel() }() // the other has gone
	cache.News{Cache: c, Subject: "catalogue"}.Follow(ctx, func(text string) { fmt.Printf("heard %s\n", text) })
}

// BenchmarkInvalidation measures how soon another process knows of an import: from
// before it is told to after it has said that it has heard.
func BenchmarkInvalidation(b *testing.B) {
	redisURL := testservices.Redis(b)
	c, err := cache.Open(redisURL)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(c.Close)
	other := exec.CommandContext(b.Context(), os.Args[0], "-test.run=^TestFollower$")
	other.Env = append(os.Environ(), followerURL+"="+redisURL)
	stdin, err := other.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := other.StdoutPipe()
	if err == nil {
		err = other.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = stdin.Close(); _ = other.Wait() })
	lines := bufio.NewScanner(stdout)
	next := func(want string) {
		for lines.Scan() {
			if lines.Text() == "heard "+want {
				return
			}
		}
		b.Fatalf("not heard %s: %v", want, lines.Err())
	}
	next("")
	news := cache.News{Cache: c, Subject: "catalogue"}
	var waits []time.Duration
	tick := time.NewTicker(2 * time.Millisecond) // imports don't come in a row
	defer tick.Stop()
	for i := 0; b.Loop(); i++ {
		<-tick.C
		began := time.Now()
		if err := news.Tell(b.Context(), strconv.Itoa(i)); err != nil {
			b.Fatal(err)
		}
		next(strconv.Itoa(i))
		waits = append(waits, time.Since(began))
	}
	report(b, "", waits)
	b.ReportMetric(latestNews.Seconds()*1000, "p99-limit-ms")
}

// report tells the median and the 99th of a hundred.
func report(b *testing.B, name string, waits []time.Duration) time.Duration {
	slices.Sort(waits)
	p99 := waits[len(waits)*99/100]
	b.ReportMetric(waits[len(waits)/2].Seconds()*1000, name+"p50-ms")
	b.ReportMetric(p99.Seconds()*1000, name+"p99-ms")
	return p99
}

// BenchmarkWithoutRedis has clients ask for guides, of which one in ten is asked
// for the first time, with Redis and after it was killed. What is slow is what
// nobody has kept, so that the 99th of a hundred is one that Redis was asked for.
func BenchmarkWithoutRedis(b *testing.B) {
	redis, redisURL := testservices.OwnRedis(b)
	api, hints := caching(b, redisURL)
	server := httptest.NewServer(api)
	defer server.Close()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
	defer client.CloseIdleConnections()
	facts := hotpot(b)
	old := byGET(query, map[string]any{"facts": facts})
	asks := 0
	measure := func(n int) []time.Duration {
		var all sync.WaitGroup
		var mu sync.Mutex
		var waits []time.Duration
		for range 4 {
			all.Go(func() {
				for range n / 4 {
					mu.Lock()
					asks++
					path := old
					if asks%10 == 0 {
						path = strings.Replace(old, "query=query", fmt.Sprintf("query=query+n%d", asks), 1)
					}
					mu.Unlock()
					began := time.Now()
					answer, err := client.Get(server.URL + path)
					if err != nil {
						b.Error(err)
						return
					}
					_, err = io.Copy(io.Discard, answer.Body)
					_ = answer.Body.Close()
					if err != nil || answer.StatusCode != http.StatusOK || answer.Header.Get("ETag") == "" {
						b.Errorf("status %d, %v %v", answer.StatusCode, answer.Header, err)
						return
					}
					wait := time.Since(began)
					mu.Lock()
					waits = append(waits, wait)
					mu.Unlock()
				}
			})
		}
		all.Wait()
		return waits
	}
	measure(400)
	const n = 4000
	for b.Loop() { // once is enough
		for hints.Ping(b.Context()) != nil { // it is left alone for a moment after it was away
			time.Sleep(10 * time.Millisecond)
		}
		with := measure(n)
		redis.Stop()
		without := measure(n) // the first of them find it dead
		redis.Start(b)
		normal := report(b, "with-", with)
		killed := report(b, "without-", without)
		b.ReportMetric(killed.Seconds()/normal.Seconds(), "p99-times")
		b.ReportMetric(mostWithoutOne, "p99-times-limit")
	}
}
