package acceptance_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/onedoor/onedoor/internal/viewer"
)

var integrator = viewer.Viewer{Subject: "city-app", Role: viewer.Integrator}

// listener is an endpoint of a webhook. It takes what is signed right, refuses
// one message in refuses when it comes for the first time, and keeps what it has
// taken, by case.
type listener struct {
	t        *testing.T
	verifier *standardwebhooks.Webhook
	refuses  int

	mu    sync.Mutex
	taken map[string][]string // by case: kinds in the order of their first arrival
	ids   map[string]int      // how often each message was taken
	seen  map[string]bool     // messages that came, taken or not
}

func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(r.Body)
	if err != nil { // the server was killed while it sent
		return
	}
	id := r.Header.Get("webhook-id")
	if err := l.verifier.Verify(text, r.Header); err != nil {
		l.t.Errorf("%v: %s", err, text)
	}
	var body struct {
		Type string
		Data struct{ Case struct{ Number string } }
	}
	if err := json.Unmarshal(text, &body); err != nil {
		l.t.Errorf("%v: %s", err, text)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	first := !l.seen[id]
	l.seen[id] = true
	if first && l.refuses > 0 && rand.IntN(l.refuses) == 0 {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	if l.ids[id]++; l.ids[id] == 1 {
		l.taken[body.Data.Case.Number] = append(l.taken[body.Data.Case.Number], body.Type)
	}
}

// listen makes a webhook to a new listener.
func listen(t *testing.T, in instance, refuses int) *listener {
	t.Helper()
	l := &listener{t: t, taken: map[string][]string{}, ids: map[string]int{}, seen: map[string]bool{}}
	endpoint := httptest.NewServer(l)
	t.Cleanup(endpoint.Close)
	var data struct{ CreateWebhook struct{ Secret string } }
	in.as(t, integrator).granted(t, mutation(t, "createWebhook", map[string]any{"url": endpoint.URL, "selection": "{ case { number } }"}, "secret"), &data)
	var err error
	if l.verifier, err = standardwebhooks.NewWebhook(data.CreateWebhook.Secret); err != nil {
		t.Fatal(err)
	}
	l.refuses = refuses
	return l
}

// toldOf gives the kinds of events that a listener has to be told of a case: those from
// the submission on.
func toldOf(t *testing.T, in instance, number string) []string {
	t.Helper()
	var data struct {
		Case struct {
			Events struct {
				Edges []struct{ Node struct{ Kind string } }
			}
		}
	}
	in.as(t, clerk).ask(t, `query($n: String!) { case(number: $n) { events(first: 100) { edges { node { kind } } } } }`, map[string]any{"n": number}, &data)
	var kinds []string
	for _, e := range data.Case.Events.Edges {
		kinds = append(kinds, e.Node.Kind)
	}
	return kinds[slices.Index(kinds, "submitCase"):]
}

// registered opens, submits and accepts a registration.
func registered(t *testing.T, in instance) string {
	t.Helper()
	window := in.as(t, clerk)
	c := window.do(t, "openCase", map[string]any{"item": "biz-reg", "applicant": "li", "facts": map[string]any{"industry": "catering"}})
	c = window.do(t, "submitCase", map[string]any{"case": c.ID})
	return window.do(t, "acceptCase", map[string]any{"case": c.Number}).Number
}

const allowLoopback = "-webhook-allow=127.0.0.1"

// TestWebhooks kills the server in the middle of its deliveries, again and again,
// while the endpoint fails now and then: every message arrives, in the order of
// its case. Where several servers can share a database, two do.
func TestWebhooks(t *testing.T) {
	onBoth(t, func(t *testing.T, in instance) {
		calm := listen(t, in, 0)
		if in.setting("DATABASE_URL") != "" {
			start(t, in.env, allowLoopback)
		}
		want := map[string][]string{}
		for range 8 {
			number := registered(t, in)
			want[number] = toldOf(t, in, number)
		}
		arrived := func(l *listener) func() bool {
			return func() bool {
				l.mu.Lock()
				defer l.mu.Unlock()
				return cmp.Equal(want, l.taken)
			}
		}
		eventually(t, "all messages arrived", arrived(calm))
		for id, n := range calm.ids {
			if n != 1 {
				t.Errorf("%s arrived %d times, although nothing failed", id, n)
			}
		}

		wild := listen(t, in, 6)
		clear(want)
		for range 2 {
			for range 4 {
				number := registered(t, in)
				want[number] = toldOf(t, in, number)
			}
			wild.mu.Lock()
			n := len(wild.ids)
			wild.mu.Unlock()
			eventually(t, "some of it arrived", func() bool {
				wild.mu.Lock()
				defer wild.mu.Unlock()
				return len(wild.ids) > n
			})
			in.process.kill()
			if err := in.process.start(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		deadline := time.Now().Add(4 * time.Minute) // claims of the dead end first, and pauses after failures
		for !arrived(wild)() {
			if time.Now().After(deadline) {
				wild.mu.Lock()
				defer wild.mu.Unlock()
				t.Fatalf("what arrived (-want +got):\n%s", cmp.Diff(want, wild.taken))
			}
			time.Sleep(50 * time.Millisecond)
		}
	}, allowLoopback)
}

// TestAKilledServerIsFollowed kills a server while its message is on the way: the
// endpoint has it, and has not answered. The server that is left, or started again,
// sends the same message once more under its id, and then the others in their order.
func TestAKilledServerIsFollowed(t *testing.T) {
	onBoth(t, func(t *testing.T, in instance) {
		type came struct{ id, kind string }
		all, killed := make(chan came, 100), make(chan struct{})
		endpoint := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			var body struct{ Type string }
			if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
				return
			}
			all <- came{r.Header.Get("webhook-id"), body.Type}
			<-killed
		}))
		t.Cleanup(endpoint.Close)
		in.as(t, integrator).granted(t, mutation(t, "createWebhook", map[string]any{"url": endpoint.URL, "selection": "{ case { number } }"}, "secret"), &struct{}{})
		want := toldOf(t, in, registered(t, in))
		first := <-all
		other := in
		if in.setting("DATABASE_URL") != "" {
			other = start(t, in.env, allowLoopback)
		}
		in.process.kill()
		began := time.Now()
		close(killed)
		if other.process == in.process {
			if err := in.process.start(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		again := <-all
		t.Logf("taken over after %v", time.Since(began).Round(time.Millisecond))
		if again != first {
			t.Errorf("%v was sent again, not %v", again, first)
		}
		got := []string{again.kind}
		for len(got) < len(want) {
			got = append(got, (<-all).kind)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("what arrived (-want +got):\n%s", diff)
		}
		t.Logf("all had arrived after %v", time.Since(began).Round(time.Millisecond))
		if other.process != in.process {
			if err := in.process.start(t.Context()); err != nil { // to be stopped as it should
				t.Fatal(err)
			}
		}
	}, allowLoopback)
}

// TestTheSealingKeyChanges changes the key that seals secrets as docs/webhooks.md
// tells operators, with a server running all the time but for its restarts: the
// endpoint's secret stays, and the old key is not needed in the end.
func TestTheSealingKeyChanges(t *testing.T) {
	onBoth(t, func(t *testing.T, in instance) {
		key := func(fill string) string { return base64.StdEncoding.EncodeToString([]byte(strings.Repeat(fill, 32))) }
		with := func(keys ...string) {
			t.Helper()
			in.process.kill()
			in.env = append(slices.Clone(in.env), "ONEDOOR_SECRET_KEY="+strings.Join(keys, ","))
			in.process.env = in.env
			if err := in.process.start(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		with(key("o"))
		l := listen(t, in, 0)
		want := map[string][]string{}
		told := func() {
			t.Helper()
			number := registered(t, in)
			want[number] = toldOf(t, in, number)
			eventually(t, "all messages arrived", func() bool {
				l.mu.Lock()
				defer l.mu.Unlock()
				return cmp.Equal(want, l.taken)
			})
		}
		told()
		with(key("o"), key("n"))
		told()
		with(key("n"), key("o"))
		told()
		for _, said := range []string{"webhooks: 1; sealed anew: 1\n", "webhooks: 1; sealed anew: 0\n"} {
			if got := in.command(t, "secrets", "reseal"); got != said {
				t.Errorf("reseal said %q, want %q", got, said)
			}
		}
		told()
		with(key("n"))
		told()
	}, allowLoopback)
}
