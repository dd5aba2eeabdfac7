package acceptance_test

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/onedoor/onedoor/internal/testservices"
)

// follower is a client that follows a department's inbox and connects again,
// after its last event, whenever it is cut off.
type follower struct {
	urls  []string // of the servers, in turn
	token string

	mu     sync.Mutex
	cursor string
	seen   []string // identities of events, as they came
	cuts   int
}

const beginning = "gqFpoTChdsA" // the cursor before the first event

func (f *follower) run(ctx context.Context, t *testing.T) {
	for turn := 0; ctx.Err() == nil; turn++ {
		if err := f.follow(ctx, t, f.urls[turn%len(f.urls)]); err != nil && ctx.Err() == nil {
			t.Error(err)
			return
		}
		f.mu.Lock()
		f.cuts++
		f.mu.Unlock()
	}
}

// follow follows until it is cut off. An error of the API is one of the test.
func (f *follower) follow(ctx context.Context, t *testing.T, to string) error {
	f.mu.Lock()
	query := fmt.Sprintf(`subscription { departmentEvents(department: "samr", after: %q) { id cursor kind } }`, f.cursor)
	f.mu.Unlock()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, to+"/graphql?query="+url.QueryEscape(query), nil)
	if err != nil {
		return err
	}
	r.Header.Set("Accept", "text/event-stream")
	r.Header.Set("Authorization", "Bearer "+f.token)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil // it is away, and comes back
	}
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	for lines.Scan() {
		text, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var next struct {
			Data struct {
				DepartmentEvents struct{ ID, Cursor, Kind string }
			}
			Errors []refusal
		}
		if err := json.Unmarshal([]byte(text), &next); err != nil {
			return err
		}
		if len(next.Errors) > 0 && next.Errors[0].Extensions.Code == "UNAVAILABLE" {
			return nil
		}
		if len(next.Errors) > 0 {
			return fmt.Errorf("%s", text)
		}
		e := next.Data.DepartmentEvents
		f.mu.Lock()
		f.seen, f.cursor = append(f.seen, e.ID), e.Cursor
		f.mu.Unlock()
		if t.Failed() {
			return nil
		}
	}
	return nil
}

func (f *follower) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.seen)
}

var (
	liveFollowers = flag.Int("followers", 20, "TestLiveOverTwoServers: how many `clients` follow")
	liveCases     = flag.Int("live-cases", 40, "TestLiveOverTwoServers: how many `cases` are handled, with five events each")
)

// TestLiveOverTwoServers has followers at two servers on one database and one
// Redis, which is killed and started again meanwhile, as is one of the servers.
// Nobody loses an event, and nobody has one twice.
func TestLiveOverTwoServers(t *testing.T) {
	t.Parallel()
	redis, redisURL := testservices.OwnRedis(t)
	env := []string{"ONEDOOR_DATA=" + t.TempDir(), "DATABASE_URL=" + testservices.PostgreSQL(t), "REDIS_URL=" + redisURL}
	one, two := start(t, env), start(t, env)
	at := one.as(t, clerk)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var all sync.WaitGroup
	var followers []*follower
	for i := range *liveFollowers {
		f := &follower{urls: []string{one.url, two.url}, token: at.token, cursor: beginning}
		if i%2 == 1 {
			f.urls = []string{two.url, one.url}
		}
		followers = append(followers, f)
		all.Go(func() { f.run(ctx, t) })
	}
	quarter := func() {
		t.Helper()
		var clients sync.WaitGroup
		for i := range 4 {
			clients.Go(func() {
				for range (*liveCases/4 + i) / 4 {
					c := at.do(t, "openCase", map[string]any{"item": "biz-reg", "applicant": "many", "facts": map[string]any{"industry": "catering"}})
					c = at.do(t, "submitCase", map[string]any{"case": c.ID})
					at.do(t, "acceptCase", map[string]any{"case": c.ID, "tolerate": []string{}})
				}
			})
		}
		clients.Wait()
		if t.Failed() {
			t.FailNow()
		}
	}
	quarter()
	redis.Stop()
	quarter()
	if err := two.process.stop(); err != nil {
		t.Fatal(err)
	}
	quarter()
	redis.Start(t)
	if err := two.process.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	quarter()
	happened := map[string]bool{}
	for after := any(nil); ; {
		var data struct {
			Cases struct {
				Edges []struct {
					Node struct {
						Events struct {
							Edges []struct{ Node struct{ ID string } }
						}
					}
				}
				PageInfo struct {
					HasNextPage bool
					EndCursor   string
				}
			}
		}
		at.ask(t, `query($after: Cursor) { cases(first: 100, after: $after) { edges { node { events { edges { node { id } } } } } pageInfo { hasNextPage endCursor } } }`, map[string]any{"after": after}, &data)
		for _, c := range data.Cases.Edges {
			for _, e := range c.Node.Events.Edges {
				happened[e.Node.ID] = true
			}
		}
		if !data.Cases.PageInfo.HasNextPage {
			break
		}
		after = data.Cases.PageInfo.EndCursor
	}
	if len(happened) < 5**liveCases {
		t.Fatalf("%d events happened", len(happened))
	}
	eventually(t, "every follower has every event", func() bool {
		for _, f := range followers {
			if f.count() < len(happened) {
				return false
			}
		}
		return true
	})
	cancel()
	all.Wait()
	cuts := 0
	for i, f := range followers {
		seen := map[string]bool{}
		for _, id := range f.seen {
			if seen[id] || !happened[id] {
				t.Errorf("follower %d has %s twice, or it never happened", i, id)
			}
			seen[id] = true
		}
		cuts += f.cuts
	}
	t.Logf("%d followers of %d events were cut off %d times", len(followers), len(happened), cuts)
	if cuts == 0 {
		t.Error("nobody was cut off: the test has shown nothing")
	}
}

// TestLiveIsSoon: a follower hears of a command by another server within what a
// person takes for at once, with the embedded parts as with the real ones.
func TestLiveIsSoon(t *testing.T) {
	onBoth(t, func(t *testing.T, in instance) {
		at := in.as(t, clerk)
		f := &follower{urls: []string{in.url}, token: at.token, cursor: beginning}
		ctx, cancel := context.WithCancel(t.Context())
		var following sync.WaitGroup
		following.Go(func() { f.run(ctx, t) })
		defer following.Wait()
		defer cancel()
		began := time.Now()
		for n := 1; n <= 20; n++ {
			at.do(t, "openCase", map[string]any{"item": "biz-reg", "applicant": "many", "facts": map[string]any{"industry": "catering"}})
			eventually(t, "the event came", func() bool { return f.count() >= n })
		}
		t.Logf("20 commands, each with its event back, took %v", time.Since(began))
	})
}
