package graph_test

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onedoor/onedoor/graph"
	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/courier"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/store"
	"github.com/onedoor/onedoor/internal/viewer"
	"github.com/onedoor/onedoor/internal/webhook"
)

var (
	alipay = viewer.Viewer{Subject: "alipay", Role: viewer.Integrator}
	other  = viewer.Viewer{Subject: "other", Role: viewer.Integrator}
	root   = viewer.Viewer{Subject: "root", Role: viewer.Admin}
)

// hooks are the webhooks of these tests: real ones, whose endpoints are on this
// machine. Their clock is set by hand, so that days of retries take no time.
type hooks struct {
	office   *webhook.Office
	store    *store.Store
	payloads *graph.Payloads
	courier  *courier.Courier
	clock    *clock
	resolver *graph.Resolver
}

func newHooks(o *office, r *graph.Resolver) *hooks {
	limits := courier.Limits{Connect: 2 * time.Second, Whole: time.Second, Body: 1 << 10, Header: 4 << 10}
	h := &hooks{resolver: r, store: o.store, payloads: graph.NewPayloads(r), courier: courier.New([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, limits), clock: &clock{time: now}}
	h.office = &webhook.Office{Keeper: o.store, Payloads: h.payloads, Sender: h.courier, Book: o.Book, Keys: webhook.Keys{{7}}, Now: h.clock.now, Random: rand.Reader}
	return h
}

func (h *hooks) dispatcher() *webhook.Dispatcher {
	return &webhook.Dispatcher{Keeper: h.store, Payloads: h.payloads, Sender: timeless{h}, Book: h.office.Book, Keys: h.office.Keys, Now: h.clock.now, Random: rand.Reader}
}

// timeless is the courier by the clock of the test.
type timeless struct{ h *hooks }

func (s timeless) Send(ctx context.Context, m webhook.Message) webhook.Answer {
	a := s.h.courier.Send(ctx, m)
	a.At, a.Took = s.h.clock.now(), 0
	return a
}

func (s timeless) Check(ctx context.Context, url string) []fault.Problem {
	return s.h.courier.Check(ctx, url)
}

// run fans out and delivers once.
func (h *hooks) run(t *testing.T, d *webhook.Dispatcher) {
	t.Helper()
	if _, err := d.FanOut(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := d.Deliver(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.Wait()
}

// got is one request that an endpoint had.
type got struct {
	id, timestamp, signature string
	text                     []byte
	body                     struct {
		Type, Cursor string
		Timestamp    time.Time
		Data         struct {
			Kind string
			Case struct{ Number string }
		}
	}
}

// inbox is an endpoint that keeps what it gets.
type inbox struct {
	mu     sync.Mutex
	all    []got
	answer func(g got, n int) int // status for the n-th request
	url    string
}

func newInbox(t *testing.T, answer func(g got, n int) int) *inbox {
	in := &inbox{answer: answer}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g := got{id: r.Header.Get("webhook-id"), timestamp: r.Header.Get("webhook-timestamp"), signature: r.Header.Get("webhook-signature")}
		g.text, _ = io.ReadAll(r.Body)
		if err := json.Unmarshal(g.text, &g.body); err != nil {
			t.Errorf("no JSON: %v %s", err, g.text)
		}
		in.mu.Lock()
		in.all = append(in.all, g)
		n := len(in.all)
		in.mu.Unlock()
		status := 200
		if in.answer != nil {
			status = in.answer(g, n)
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(s.Close)
	in.url = s.URL
	return in
}

func (in *inbox) taken() []got {
	in.mu.Lock()
	defer in.mu.Unlock()
	return slices.Clone(in.all)
}

// createWebhook makes a webhook through the API.
func (a api) createWebhook(t *testing.T, v viewer.Viewer, url, more string) (id, secret string) {
	t.Helper()
	answer, _ := a.askAs(t, v, fmt.Sprintf(`mutation { createWebhook(input: {url: %q, selection: "{ kind case { number state } }"%s}) { secret webhook { id } } }`, url, more), nil)
	var out struct {
		Data struct {
			CreateWebhook struct {
				Secret  string
				Webhook struct{ ID string }
			}
		}
	}
	if err := json.Unmarshal([]byte(answer), &out); err != nil || out.Data.CreateWebhook.Secret == "" {
		t.Fatalf("%v %s", err, answer)
	}
	return out.Data.CreateWebhook.Webhook.ID, out.Data.CreateWebhook.Secret
}

// verify checks a signature as docs/webhooks.md tells integrators, without any
// code of ours.
func verify(secret string, g got) bool {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		return false
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(g.id + "." + g.timestamp + "." + string(g.text)))
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	return slices.Contains(strings.Split(g.signature, " "), want)
}

// register opens, submits and accepts a registration: four events that are told.
func (o *office) register(n int) []string {
	o.t.Helper()
	ids := make([]string, n)
	for i := range ids {
		ids[i] = o.must(o.Open(o.as(wang), casework.OpenInput{Item: "biz-reg", Applicant: "many", Facts: map[string]any{"industry": "catering"}}))
		o.must(o.Submit(o.as(wang), ids[i], casework.Order{}))
		o.must(o.Accept(o.as(wang), ids[i], casework.Order{}, nil))
	}
	return ids
}

// A message is signed, told by the selection as its owner, and nothing of a draft
// is told.
func TestWebhookMessages(t *testing.T) {
	onBoth(t, func(t *testing.T, a api) {
		in := newInbox(t, nil)
		_, secret := a.createWebhook(t, alipay, in.url, "")
		a.office.register(1)
		a.office.must(a.office.Open(a.office.as(ouyang), casework.OpenInput{Scheme: "catering", Facts: restaurant}))
		d := a.hooks.dispatcher()
		a.hooks.run(t, d)
		taken := in.taken()
		var kinds []string
		for _, g := range taken {
			kinds = append(kinds, g.body.Type)
			if !verify(secret, g) {
				t.Errorf("the signature of %s is wrong", g.id)
			}
			if verify("whsec_AAAA", g) {
				t.Error("any secret verifies")
			}
			if g.body.Data.Kind != g.body.Type || g.body.Data.Case.Number == "" || g.body.Timestamp.IsZero() || g.body.Cursor == "" {
				t.Errorf("%s", g.text)
			}
			if at, err := strconv.ParseInt(g.timestamp, 10, 64); err != nil || at != now.Unix() {
				t.Errorf("sent at %s", g.timestamp)
			}
		}
		if diff := cmp.Diff([]string{"submitCase", "acceptCase", "reviewWaits", "reviewOpened"}, kinds); diff != "" {
			t.Errorf("messages (-want +got):\n%s", diff)
		}
		a.hooks.run(t, d)
		if n := len(in.taken()); n != len(taken) {
			t.Errorf("%d messages after another run", n)
		}
	})
}

// Whatever fails and in whichever order endpoints and workers do, the messages
// of a case arrive in order, none is lost, and each keeps its id.
func TestWebhooksAreOrderedPerCase(t *testing.T) {
	onBoth(t, func(t *testing.T, a api) {
		var mu sync.Mutex
		chance := mathrand.New(mathrand.NewChaCha8([32]byte{9}))
		statuses := []int{200, 200, 500, 503, 429, 404, 408}
		tried := map[string]int{}
		in := newInbox(t, func(g got, _ int) int {
			mu.Lock()
			defer mu.Unlock()
			if tried[g.id]++; tried[g.id] > 3 { // else one may be given up
				return 200
			}
			return statuses[chance.IntN(len(statuses))]
		})
		taken := map[string][]string{} // by case, ids that were answered with success
		byID := map[string]string{}
		inner := in.answer
		in.answer = func(g got, n int) int {
			status := inner(g, n)
			mu.Lock()
			defer mu.Unlock()
			if byID[g.id] == "" {
				byID[g.id] = g.body.Data.Case.Number
			}
			if status == 200 {
				taken[g.body.Data.Case.Number] = append(taken[g.body.Data.Case.Number], g.id)
			}
			return status
		}
		id, _ := a.createWebhook(t, root, in.url, "")
		a.office.register(6)
		workers := []*webhook.Dispatcher{a.hooks.dispatcher(), a.hooks.dispatcher()} // two instances
		for range 100 {
			for _, d := range workers {
				if _, err := d.FanOut(t.Context()); err != nil {
					t.Fatal(err)
				}
				if err := d.Deliver(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			for _, d := range workers {
				d.Wait()
			}
			a.hooks.clock.set(a.hooks.clock.now().Add(10*time.Minute), 0)
			if a.count(t, root, id, "PENDING") == 0 {
				break
			}
		}
		if n := a.count(t, root, id, "DELIVERED"); n != 24 {
			t.Fatalf("%d deliveries, want 24", n)
		}
		for number, ids := range taken {
			places := make([]int, len(ids))
			for i, id := range ids {
				places[i], _ = strconv.Atoi(id[strings.LastIndexByte(id, '_')+1:])
			}
			if !slices.IsSorted(places) || len(places) != 4 || len(slices.Compact(places)) != 4 {
				t.Errorf("%s got %v", number, ids)
			}
		}
	})
}

// count counts the deliveries of a webhook in a state.
func (a api) count(t *testing.T, v viewer.Viewer, id, state string) int {
	t.Helper()
	answer, _ := a.askAs(t, v, fmt.Sprintf(`{ node(id: %q) { ... on Webhook { state reason deliveries(where: {state: %s}) { totalCount } } } }`, id, state), nil)
	var out struct {
		Data struct {
			Node *struct{ Deliveries struct{ TotalCount int } }
		}
	}
	if err := json.Unmarshal([]byte(answer), &out); err != nil || out.Data.Node == nil {
		t.Fatalf("%v %s", err, answer)
	}
	return out.Data.Node.Deliveries.TotalCount
}

func (a api) webhook(t *testing.T, id string) webhook.Webhook {
	t.Helper()
	w, err := a.office.store.Webhook(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// A process that dies in the middle of sending leaves its claims: another sends
// the same messages under the same ids once they have ended, and nothing twice
// before.
func TestWhatADeadProcessLeavesIsSent(t *testing.T) {
	onBoth(t, func(t *testing.T, a api) {
		in := newInbox(t, nil)
		id, _ := a.createWebhook(t, alipay, in.url, "")
		a.office.register(2)
		d := a.hooks.dispatcher()
		if _, err := d.FanOut(t.Context()); err != nil {
			t.Fatal(err)
		}
		at := a.hooks.clock.now()
		dead, err := a.office.store.ClaimDeliveries(t.Context(), id, "dead", at, at.Add(90*time.Second), 8)
		if err != nil || len(dead) != 2 { // of each case the first
			t.Fatalf("%d claimed, %v", len(dead), err)
		}
		if again, err := a.office.store.ClaimDeliveries(t.Context(), id, "second", at, at.Add(90*time.Second), 8); err != nil || len(again) != 0 {
			t.Fatalf("%d claimed twice or out of order, %v", len(again), err)
		}
		a.hooks.run(t, d)
		if n := len(in.taken()); n != 0 {
			t.Fatalf("%d sent while they were claimed", n)
		}
		a.hooks.clock.set(at.Add(2*time.Minute), 0)
		a.hooks.run(t, d)
		if n := len(in.taken()); n != 8 {
			t.Fatalf("%d sent, want 8", n)
		}
		// The dead one wakes up: its claims have ended, and it changes nothing.
		err = a.office.store.SettleDeliveries(t.Context(), webhook.Settling{Claimed: dead[0], Settle: func(*webhook.Webhook, *webhook.Delivery) (*webhook.Attempt, error) {
			t.Error("a claim that ended was settled")
			return nil, nil
		}})
		if err != nil {
			t.Error(err)
		}
		if n := a.count(t, alipay, id, "DELIVERED"); n != 8 {
			t.Errorf("%d delivered", n)
		}
	})
}

// Two instances send each message once.
func TestTwoInstancesSendOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, a api) {
		in := newInbox(t, nil)
		id, _ := a.createWebhook(t, alipay, in.url, "")
		a.office.register(10)
		var racing sync.WaitGroup
		for range 2 {
			racing.Go(func() {
				d := a.hooks.dispatcher()
				for range 5 {
					a.hooks.run(t, d)
				}
			})
		}
		racing.Wait()
		ids := map[string]int{}
		for _, g := range in.taken() {
			ids[g.id]++
		}
		if len(ids) != 40 || len(in.taken()) != 40 || a.count(t, alipay, id, "DELIVERED") != 40 {
			t.Errorf("%d messages, %d different, %d delivered", len(in.taken()), len(ids), a.count(t, alipay, id, "DELIVERED"))
		}
	})
}

// 410 disables; what waits goes on when the owner makes it ACTIVE again.
func TestGoneAndResumed(t *testing.T) {
	onBoth(t, func(t *testing.T, a api) {
		status := 410
		var mu sync.Mutex
		in := newInbox(t, func(got, int) int { mu.Lock(); defer mu.Unlock(); return status })
		id, _ := a.createWebhook(t, alipay, in.url, "")
		a.office.register(1)
		d := a.hooks.dispatcher()
		a.hooks.run(t, d)
		if w := a.webhook(t, id); w.State != webhook.Disabled || w.Reason == "" || len(in.taken()) != 1 {
			t.Fatalf("%s %q after %d requests", w.State, w.Reason, len(in.taken()))
		}
		a.office.register(1) // waits in the log
		a.hooks.run(t, d)
		mu.Lock()
		status = 200
		mu.Unlock()
		if answer, _ := a.askAs(t, alipay, fmt.Sprintf(`mutation { updateWebhook(input: {webhook: %q, state: ACTIVE}) { webhook { state reason } } }`, id), nil); !strings.Contains(answer, `"state": "ACTIVE"`) {
			t.Fatal(answer)
		}
		a.hooks.run(t, d)
		if n := a.count(t, alipay, id, "DELIVERED"); n != 7 {
			t.Errorf("%d delivered, want 7", n)
		}
		failed := a.count(t, alipay, id, "FAILED")
		first := in.taken()[0].id
		if answer, _ := a.askAs(t, alipay, fmt.Sprintf(`mutation { redeliver(input: {delivery: %q}) { delivery { state attempts { totalCount } } } }`, first), nil); failed != 1 || !strings.Contains(answer, `"state": "PENDING"`) {
			t.Fatalf("%d failed; %s", failed, answer)
		}
		a.hooks.run(t, d)
		all := in.taken()
		if last := all[len(all)-1]; last.id != first {
			t.Errorf("%s came last, not %s", last.id, first)
		}
		answer, _ := a.askAs(t, alipay, fmt.Sprintf(`{ node(id: %q) { ... on WebhookDelivery { state kind event { kind } attempts { edges { node { position outcome status } } } } } }`, first), nil)
		if strings.Count(answer, `"position"`) != 2 || !strings.Contains(answer, `"GONE"`) || !strings.Contains(answer, `"TAKEN"`) {
			t.Error(answer)
		}
	})
}

// A replay sends again what came after a cursor, under the same ids.
func TestReplay(t *testing.T) {
	onBoth(t, func(t *testing.T, a api) {
		in := newInbox(t, nil)
		id, _ := a.createWebhook(t, alipay, in.url, "")
		a.office.register(2)
		d := a.hooks.dispatcher()
		a.hooks.run(t, d)
		before := in.taken()
		from := before[1]
		answer, _ := a.askAs(t, alipay, fmt.Sprintf(`mutation { replayWebhook(input: {webhook: %q, after: %q}) { webhook { cursor } } }`, id, from.body.Cursor), nil)
		if !strings.Contains(answer, from.body.Cursor) {
			t.Fatal(answer)
		}
		a.hooks.run(t, d)
		place := func(g got) int {
			n, _ := strconv.Atoi(g.id[strings.LastIndexByte(g.id, '_')+1:])
			return n
		}
		var want, again []string
		for _, g := range before {
			if place(g) > place(from) {
				want = append(want, g.id)
			}
		}
		for _, g := range in.taken()[len(before):] {
			again = append(again, g.id)
		}
		slices.Sort(want)
		slices.Sort(again)
		if diff := cmp.Diff(want, again); diff != "" || len(want) == 0 {
			t.Errorf("replayed (-want +got):\n%s", diff)
		}
	})
}

// What the owner may not see any more is not told: the case became a draft.
func TestRowRulesHoldWhenItIsSent(t *testing.T) {
	onBoth(t, func(t *testing.T, a api) {
		in := newInbox(t, nil)
		id, _ := a.createWebhook(t, alipay, in.url, "")
		caseID := a.office.must(a.office.Open(a.office.as(wang), casework.OpenInput{Item: "biz-reg", Applicant: "many", Facts: map[string]any{"industry": "catering"}}))
		a.office.must(a.office.Submit(a.office.as(wang), caseID, casework.Order{}))
		d := a.hooks.dispatcher()
		if _, err := d.FanOut(t.Context()); err != nil {
			t.Fatal(err)
		}
		a.office.must(a.office.Do(a.office.as(wang), "case", caseID, casework.Order{}, func(c *casework.Case, by casework.By) error {
			return c.Return(by, []casework.Reason{{Text: "不全"}})
		}))
		a.hooks.run(t, d)
		if n := len(in.taken()); n != 0 || a.count(t, alipay, id, "SKIPPED") != 1 {
			t.Errorf("%d sent, %d skipped", n, a.count(t, alipay, id, "SKIPPED"))
		}
	})
}

// Rotation: both secrets verify for a while. Nothing in the database holds the
// secret, and a retried request has it again.
func TestSecretsOfWebhooks(t *testing.T) {
	onBoth(t, func(t *testing.T, a api) {
		in := newInbox(t, nil)
		id, old := a.createWebhook(t, alipay, in.url, "")
		ask := func() string {
			answer, _ := a.askAs(t, alipay, fmt.Sprintf(`mutation { rotateWebhookSecret(input: {webhook: %q, overlapHours: 1}) { secret webhook { secrets { expiresAt } } } }`, id), nil, "Idempotency-Key", "rotate-1")
			var out struct {
				Data struct{ RotateWebhookSecret struct{ Secret string } }
			}
			if err := json.Unmarshal([]byte(answer), &out); err != nil || out.Data.RotateWebhookSecret.Secret == "" {
				t.Fatal(answer)
			}
			return out.Data.RotateWebhookSecret.Secret
		}
		fresh := ask()
		if again := ask(); again != fresh || fresh == old {
			t.Errorf("a retried request rotates again: %s %s %s", old, fresh, again)
		}
		d := a.hooks.dispatcher()
		a.office.register(1)
		a.hooks.run(t, d)
		a.hooks.clock.set(now.Add(2*time.Hour), 0)
		a.office.register(1)
		a.hooks.run(t, d)
		for i, g := range in.taken() {
			if !verify(fresh, g) || verify(old, g) != (i < 4) {
				t.Errorf("message %d: new %v, old %v", i, verify(fresh, g), verify(old, g))
			}
		}
		w := a.webhook(t, id)
		for _, s := range w.Secrets {
			if strings.Contains(string(s.Sealed), fresh[6:]) {
				t.Error("kept in clear")
			}
		}
	})
}

// Webhooks are their owner's; others are told that there is none.
func TestWebhooksAreTheirOwners(t *testing.T) {
	onBoth(t, func(t *testing.T, a api) {
		in := newInbox(t, nil)
		id, _ := a.createWebhook(t, alipay, in.url, "")
		for name, query := range map[string]string{
			"update": `mutation { updateWebhook(input: {webhook: %q, state: PAUSED}) { webhook { id } } }`, "rotate": `mutation { rotateWebhookSecret(input: {webhook: %q}) { secret } }`,
			"delete": `mutation { deleteWebhook(input: {webhook: %q}) { webhook } }`,
		} {
			for code, v := range map[string]viewer.Viewer{"NOT_FOUND": other, "DENIED": wang, "UNAUTHENTICATED": {}} {
				if answer, _ := a.askAs(t, v, fmt.Sprintf(query, id), nil); !strings.Contains(answer, `"code": "`+code+`"`) {
					t.Errorf("%s: want %s, got %s", name, code, answer)
				}
			}
		}
		for _, v := range []viewer.Viewer{other, wang, {}} {
			if answer, _ := a.askAs(t, v, fmt.Sprintf(`{ webhooks { totalCount } node(id: %q) { id } }`, id), nil); !strings.Contains(answer, `"totalCount": 0`) || !strings.Contains(answer, `"node": null`) {
				t.Errorf("%s sees %s", v.Subject, answer)
			}
		}
		if answer, _ := a.askAs(t, root, fmt.Sprintf(`mutation { deleteWebhook(input: {webhook: %q}) { webhook } }`, id), nil); strings.Contains(answer, "errors") {
			t.Error(answer)
		}
		if answer, _ := a.askAs(t, root, `{ webhooks { totalCount } }`, nil); !strings.Contains(answer, `"totalCount": 0`) {
			t.Error(answer)
		}
	})
}

func TestBadSelections(t *testing.T) {
	onBoth(t, func(t *testing.T, a api) {
		var wide strings.Builder
		for i := range 40 {
			fmt.Fprintf(&wide, "a%d: events(first: 100) { edges { node { id } } } ", i)
		}
		for selection, code := range map[string]string{
			"{ kind case { number } }": "", "{ ...A } fragment A on Event { kind }": "", "{ kind }  # a remark": "",
			"kind": "BAD_SELECTION", "": "BAD_SELECTION", "{ }": "BAD_SELECTION", "{ nothing }": "BAD_SELECTION", "{ kind": "BAD_SELECTION", "{ case { number(x: 1) } }": "BAD_SELECTION",
			"{ kind } mutation M { deliverResult(input: {case: \"x\"}) { case { id } } }": "BAD_SELECTION", "{ kind } query Q { viewer { subject } }": "BAD_SELECTION",
			"{ kind } fragment WebhookMessage on Event { id }": "BAD_SELECTION", "{ ...A } fragment A on Event { ...A }": "BAD_SELECTION", "{ case { number } @include(if: $x) }": "BAD_SELECTION",
			"{ case { " + wide.String() + "} }": "TOO_COSTLY", "{ " + strings.Repeat("case { events(first: 1) { edges { node { ", 6) + "kind" + strings.Repeat("} } } }", 6) + " }": "TOO_DEEP",
			"{ " + strings.Repeat("kind ", 1999) + "}": "TOO_MANY_FIELDS",
		} {
			var codes []string
			for _, p := range a.hooks.payloads.Check(t.Context(), selection) {
				codes = append(codes, p.Code)
			}
			if got := slices.Compact(codes); strings.Join(got, " ") != code {
				t.Errorf("%.60s: %v, want %q", selection, a.hooks.payloads.Check(t.Context(), selection), code)
			}
		}
	})
}

// play makes the webhook of the golden queries: with one delivery that failed
// once, and others that wait.
func (h *hooks) play(t *testing.T) {
	t.Helper()
	h.office.Random = &dice{src: mathrand.NewChaCha8([32]byte{2})}
	in := webhook.Input{URL: "https://93.184.215.14/hook", Filter: webhook.Filter{Kinds: []string{"submitCase", "acceptCase"}, Scheme: "catering"}, Selection: "{ kind case { number } }", After: "0"}
	id, _, err := h.office.Create(viewer.With(t.Context(), alipay), in)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.dispatcher().FanOut(t.Context()); err != nil {
		t.Fatal(err)
	}
	claimed, err := h.store.ClaimDeliveries(t.Context(), id, "lease", now, now.Add(time.Minute), 1)
	if err != nil || len(claimed) != 1 {
		t.Fatalf("%d claimed, %v", len(claimed), err)
	}
	a := webhook.Answer{Attempt: webhook.Attempt{At: now, Took: 42 * time.Millisecond, Outcome: webhook.Erred, Status: 500}}
	err = h.store.SettleDeliveries(t.Context(), webhook.Settling{Claimed: claimed[0], Settle: func(w *webhook.Webhook, d *webhook.Delivery) (*webhook.Attempt, error) {
		return &a.Attempt, webhook.Judge(w, d, a, h.office.Random)
	}})
	if err != nil {
		t.Fatal(err)
	}
}
