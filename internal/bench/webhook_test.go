package bench_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/onedoor/onedoor/internal/testservices"
	"github.com/onedoor/onedoor/internal/viewer"
)

// hookCases are the cases whose four events each are told.
const hookCases = 500

// receiver is the endpoint of a webhook.
type receiver struct {
	mu     sync.Mutex
	got    []arrived
	last   map[string]int // by case: the place of its last message
	wrong  int            // messages that came before an earlier one of their case
	enough int
	done   chan struct{} // gets one when enough have come
}

type arrived struct {
	at   time.Time
	body []byte
}

var numberOf = regexp.MustCompile(`"number":"([^"]+)"`)

func (r *receiver) ServeHTTP(_ http.ResponseWriter, q *http.Request) {
	text, _ := io.ReadAll(q.Body)
	id := q.Header.Get("webhook-id")
	place, _ := strconv.Atoi(id[strings.LastIndexByte(id, '_')+1:])
	number := string(numberOf.Find(text))
	r.mu.Lock()
	defer r.mu.Unlock()
	if place <= r.last[number] && id != "" {
		r.wrong++
	}
	r.last[number] = place
	if r.got = append(r.got, arrived{time.Now(), text}); len(r.got) == r.enough {
		r.done <- struct{}{}
	}
}

// expect begins anew, and waits for n.
func (r *receiver) expect(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got, r.last, r.enough = nil, map[string]int{}, n
}

func (r *receiver) wait(ctx context.Context, b *testing.B) []arrived {
	b.Helper()
	select {
	case <-r.done:
	case <-ctx.Done():
		r.mu.Lock()
		defer r.mu.Unlock()
		b.Fatalf("%d of %d arrived", len(r.got), r.enough)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.wrong > 0 {
		b.Fatalf("%d messages came before an earlier one of their case", r.wrong)
	}
	return r.got
}

// BenchmarkWebhooks has the program deliver 2,000 events of 500 cases to an endpoint
// on this machine, in the order of each case, and tells how many a second arrive,
// beside what an http.Client does that posts the same bodies there, as many at
// once. Then it tells how long after the answer to a command its message is there.
func BenchmarkWebhooks(b *testing.B) {
	for name, flags := range map[string]func() []string{
		"sqlite": func() []string { return nil },
		"postgresql": func() []string {
			return []string{"-database-url", testservices.PostgreSQL(b), "-redis-url", testservices.Redis(b)}
		},
	} {
		b.Run(name, func(b *testing.B) {
			ctx, cancel := context.WithTimeout(b.Context(), 5*time.Minute)
			defer cancel()
			off := []string{"-webhook-allow", "127.0.0.1", "-limit-address", "off", "-limit-subject", "off"}
			url, _, sign := runServer(ctx, b, append(off, flags()...)...)
			window, app := sign(viewer.Viewer{Subject: "wang-wu", Role: viewer.Window}), sign(viewer.Viewer{Subject: "app", Role: viewer.Integrator})
			post := func(token, query string) []byte { return ask(ctx, b, url, token, query) }
			in := &receiver{done: make(chan struct{}, 1), last: map[string]int{}}
			endpoint := httptest.NewServer(in)
			defer endpoint.Close()

			submit := func() string {
				id := string(regexp.MustCompile(`"id":"([^"]+)"`).FindSubmatch(post(window, `mutation { openCase(input: {item: "biz-reg", applicant: "many", facts: {industry: "catering"}}) { case { id } } }`))[1])
				return id
			}
			var opening sync.WaitGroup
			for range 4 {
				opening.Go(func() {
					for range hookCases / 4 {
						id := submit()
						post(window, fmt.Sprintf(`mutation { submitCase(input: {case: %q}) { case { id } } }`, id))
						post(window, fmt.Sprintf(`mutation { acceptCase(input: {case: %q}) { case { id } } }`, id))
					}
				})
			}
			opening.Wait()
			const n = 4 * hookCases
			in.expect(n)
			answer := post(app, fmt.Sprintf(`mutation { createWebhook(input: {url: %q, selection: "{ kind case { number state } }", after: "gaFpoTA"}) { webhook { id } } }`, endpoint.URL))
			hook := regexp.MustCompile(`whk_[^"]+`).Find(answer)
			in.wait(ctx, b)

			var deliveries, canned []float64
			rate := func(got []arrived) float64 { return float64(n-1) / got[n-1].at.Sub(got[0].at).Seconds() }
			for b.Loop() {
				in.expect(n)
				post(app, fmt.Sprintf(`mutation { replayWebhook(input: {webhook: %q, after: "gaFpoTA"}) { webhook { id } } }`, hook))
				got := in.wait(ctx, b)
				deliveries = append(deliveries, rate(got))

				in.expect(n)
				bodies := make(chan []byte, n)
				for _, g := range got {
					bodies <- g.body
				}
				close(bodies)
				client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
				var posting sync.WaitGroup
				for range 8 {
					posting.Go(func() {
						for body := range bodies {
							answer, err := client.Post(endpoint.URL, "application/json", bytes.NewReader(body))
							if err != nil {
								b.Error(err)
								return
							}
							_, _ = io.Copy(io.Discard, answer.Body)
							_ = answer.Body.Close()
						}
					})
				}
				posting.Wait()
				canned = append(canned, rate(in.wait(ctx, b)))
			}

			var delays []time.Duration
			for range 300 {
				id := submit()
				in.expect(1)
				post(window, fmt.Sprintf(`mutation { submitCase(input: {case: %q}) { case { id } } }`, id))
				answered := time.Now()
				delays = append(delays, max(0, in.wait(ctx, b)[0].at.Sub(answered)))
			}
			slices.Sort(delays)
			slices.Sort(deliveries)
			slices.Sort(canned)
			of := func(percent int) float64 { return float64(delays[len(delays)*percent/100].Microseconds()) / 1000 }
			ours, theirs := deliveries[len(deliveries)/2], canned[len(canned)/2]
			b.ReportMetric(ours, "deliveries/s")
			b.ReportMetric(theirs, "canned/s")
			b.ReportMetric(100*ours/theirs, "%of-canned")
			b.ReportMetric(of(50), "ms-p50")
			b.ReportMetric(of(99), "ms-p99(limit≤100)")
		})
	}
}

// ask sends an operation and gives its answer, which has no errors.
func ask(ctx context.Context, b *testing.B, url, token, query string) []byte {
	b.Helper()
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		b.Fatal(err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/graphql", bytes.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || bytes.Contains(text, []byte(`"errors"`)) {
		b.Fatalf("%v %s", err, text)
	}
	return text
}
