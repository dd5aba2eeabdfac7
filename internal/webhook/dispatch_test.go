package webhook_test

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/guide"
	"github.com/onedoor/onedoor/internal/webhook"
)

// keeper keeps webhooks and deliveries in memory, so that the clock of these tests
// is theirs alone. That a database does the same is shown in store and graph.
type keeper struct {
	webhook.Keeper // what a dispatcher does not need

	mu         sync.Mutex
	webhooks   map[string]webhook.Webhook
	deliveries map[string][]*kept // by webhook
	away       func() bool        // for claims that are renewed
}

type kept struct {
	webhook.Delivery
	until time.Time
}

func newKeeper(webhooks ...string) *keeper {
	k := &keeper{webhooks: map[string]webhook.Webhook{}, deliveries: map[string][]*kept{}, away: func() bool { return false }}
	for _, id := range webhooks {
		k.webhooks[id] = webhook.Webhook{ID: id, URL: id, State: webhook.Active}
	}
	return k
}

// add makes a delivery due.
func (k *keeper) add(id, caseID string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	seq := int64(len(k.deliveries[id]) + 1)
	d := webhook.Delivery{ID: fmt.Sprintf("dlv_%s_%d", id, seq), Webhook: id, Case: caseID, Seq: seq, State: webhook.Pending, NextAt: time.Now(), Since: time.Now()}
	k.deliveries[id] = append(k.deliveries[id], &kept{Delivery: d})
}

func (k *keeper) Webhook(_ context.Context, id string) (webhook.Webhook, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.webhooks[id], nil
}

func (k *keeper) FanOut(context.Context, time.Time, func(webhook.Webhook, webhook.Happening) bool) (int, error) {
	return 0, nil
}

func (k *keeper) DueWebhooks(_ context.Context, now time.Time) ([]webhook.Due, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var all []webhook.Due
	for id, w := range k.webhooks {
		due := slices.ContainsFunc(k.deliveries[id], func(d *kept) bool { return d.State == webhook.Pending && !d.NextAt.After(now) && !d.until.After(now) })
		if due && !w.Breaker.OpenUntil.After(now) {
			all = append(all, webhook.Due{ID: id, Failing: w.Breaker.Failures > 0})
		}
	}
	slices.SortFunc(all, func(a, b webhook.Due) int { return cmp.Compare(a.ID, b.ID) })
	return all, nil
}

func (k *keeper) ClaimDeliveries(_ context.Context, id, lease string, now, until time.Time, limit int) ([]webhook.Delivery, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var claimed []webhook.Delivery
	waits := map[string]bool{}
	for _, d := range k.deliveries[id] {
		if d.State != webhook.Pending {
			continue
		}
		if !waits[d.Case] && len(claimed) < limit && !d.NextAt.After(now) && !d.until.After(now) {
			d.Lease, d.until = lease, until
			claimed = append(claimed, d.Delivery)
		}
		waits[d.Case] = true
	}
	return claimed, nil
}

func (k *keeper) find(claimed webhook.Delivery) *kept {
	for _, d := range k.deliveries[claimed.Webhook] {
		if d.ID == claimed.ID && d.Lease == claimed.Lease && d.State == webhook.Pending {
			return d
		}
	}
	return nil
}

func (k *keeper) RenewClaim(_ context.Context, claimed webhook.Delivery, until time.Time) (bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.away() {
		return false, errors.New("the database is away")
	}
	d := k.find(claimed)
	if d != nil {
		d.until = until
	}
	return d != nil, nil
}

func (k *keeper) SettleDeliveries(_ context.Context, all ...webhook.Settling) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, one := range all {
		if d := k.find(one.Claimed); d != nil {
			w := k.webhooks[d.Webhook]
			if _, err := one.Settle(&w, &d.Delivery); err != nil {
				return err
			}
			k.webhooks[d.Webhook], d.Lease, d.until = w, "", time.Time{}
		}
	}
	return nil
}

// count counts the deliveries of a webhook in a state.
func (k *keeper) count(id string, state webhook.DeliveryState) (n int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, d := range k.deliveries[id] {
		if d.State == state {
			n++
		}
	}
	return n
}

type payloads struct{}

func (payloads) Check(context.Context, string) []fault.Problem { return nil }

func (payloads) Answer(context.Context, string, string) (webhook.Payload, bool, error) {
	return webhook.Payload{Kind: "openCase", Data: json.RawMessage(`{}`)}, true, nil
}

// sender sends by what a test says.
type sender func(ctx context.Context, m webhook.Message) webhook.Answer

func (sender) Check(context.Context, string) []fault.Problem { return nil }

func (s sender) Send(ctx context.Context, m webhook.Message) webhook.Answer { return s(ctx, m) }

// after answers when a time has passed, and not at all when ctx ends before.
func after(ctx context.Context, wait time.Duration, o webhook.Outcome) webhook.Answer {
	a := webhook.Answer{Attempt: webhook.Attempt{At: time.Now(), Outcome: o}}
	select {
	case <-ctx.Done():
		a.Outcome = webhook.Unreachable
	case <-time.After(wait):
		if o == webhook.Taken {
			a.Status = 200
		}
	}
	a.Took = time.Since(a.At)
	return a
}

// dispatch runs a dispatcher as a server does, until it is stopped.
func dispatch(ctx context.Context, k *keeper, s sender) (stop func()) {
	d := &webhook.Dispatcher{Keeper: k, Payloads: payloads{}, Sender: s, Book: guide.NewBook(&guide.Catalogue{}), Keys: webhook.Keys{{1}}, Now: time.Now, Random: rand.Reader}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			_ = d.Work(ctx) // the keeper has no errors
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		}
		d.Wait()
	}()
	return func() { cancel(); <-ended }
}

// A claim is kept while its message is on the way, however slow the endpoint: two
// servers send it once.
func TestAClaimIsRenewed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k, sent := newKeeper("w"), make(chan string, 10)
		k.add("w", "c")
		slow := func(ctx context.Context, m webhook.Message) webhook.Answer {
			sent <- m.ID
			return after(ctx, 19*time.Second, webhook.Taken)
		}
		for range 2 {
			defer dispatch(t.Context(), k, slow)()
		}
		time.Sleep(time.Minute)
		if len(sent) != 1 || k.count("w", webhook.Delivered) != 1 {
			t.Errorf("sent %d times, %d delivered", len(sent), k.count("w", webhook.Delivered))
		}
	})
}

// A server that cannot renew its claim any more stops sending before another one
// begins, and the next message of the case waits for that.
func TestAServerThatIsCutOffIsFollowed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := newKeeper("w")
		var cut, sending atomic.Bool
		k.away = cut.Load
		k.add("w", "c")
		k.add("w", "c")
		defer dispatch(t.Context(), k, func(ctx context.Context, _ webhook.Message) webhook.Answer {
			cut.Store(true)
			sending.Store(true)
			a := after(ctx, time.Hour, webhook.Taken)
			sending.Store(false)
			return a
		})()
		time.Sleep(time.Second)
		sent := make(chan string, 10)
		defer dispatch(t.Context(), k, func(ctx context.Context, m webhook.Message) webhook.Answer {
			if sending.Load() {
				t.Errorf("%s is sent by two servers", m.ID)
			}
			cut.Store(false)
			sent <- m.ID
			return after(ctx, 0, webhook.Taken)
		})()
		time.Sleep(time.Minute)
		if first, second := <-sent, <-sent; first != "dlv_w_1" || second != "dlv_w_2" || len(sent) > 0 {
			t.Errorf("sent %s, %s and %d more", first, second, len(sent))
		}
	})
}

// Thousands of endpoints, some that hang, some that fail, and some that take their time and
// then say yes keep no endpoint waiting that is prompt.
func TestNobodyStarves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := newKeeper("prompt")
		k.add("prompt", "first")
		for i := range 2000 {
			id := fmt.Sprintf("%s-%d", []string{"hangs", "fails", "dawdles"}[i%3], i)
			k.webhooks[id] = webhook.Webhook{ID: id, URL: id, State: webhook.Active}
			for c := range 3 {
				k.add(id, fmt.Sprint(c))
			}
		}
		var mu sync.Mutex
		busy, most := 0, 0
		defer dispatch(t.Context(), k, func(ctx context.Context, m webhook.Message) webhook.Answer {
			mu.Lock()
			busy++
			most = max(most, busy)
			mu.Unlock()
			defer func() { mu.Lock(); busy--; mu.Unlock() }()
			switch m.URL[0] {
			case 'p':
				return after(ctx, 10*time.Millisecond, webhook.Taken)
			case 'h':
				return after(ctx, 20*time.Second, webhook.Late)
			case 'd':
				return after(ctx, 19*time.Second, webhook.Taken)
			}
			return after(ctx, 10*time.Millisecond, webhook.Erred)
		})()
		for k.count("prompt", webhook.Delivered) == 0 { // it is known from now on
			time.Sleep(time.Minute)
		}
		for i := range 400 {
			k.add("prompt", fmt.Sprint(i))
		}
		time.Sleep(3 * time.Second)
		if n := k.count("prompt", webhook.Delivered); n != 401 {
			t.Errorf("of a prompt endpoint %d of 401 are delivered within seconds", n)
		}
		mu.Lock()
		defer mu.Unlock()
		if most > 256+64+64 {
			t.Errorf("%d messages were on their way at once", most)
		}
	})
}

// When the server stops, what is on its way arrives and is written down; nothing
// else is begun.
func TestStopping(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := newKeeper("quick", "endless")
		k.add("quick", "c")
		k.add("quick", "c")
		k.add("endless", "c")
		stop := dispatch(t.Context(), k, func(ctx context.Context, m webhook.Message) webhook.Answer {
			if m.URL == "quick" {
				return after(ctx, 3*time.Second, webhook.Taken)
			}
			return after(ctx, time.Hour, webhook.Taken)
		})
		time.Sleep(time.Second)
		stop()
		if k.count("quick", webhook.Delivered) != 1 || k.count("quick", webhook.Pending) != 1 || k.count("endless", webhook.Pending) != 1 {
			t.Errorf("%d delivered, %d and %d wait", k.count("quick", webhook.Delivered), k.count("quick", webhook.Pending), k.count("endless", webhook.Pending))
		}
		// Another server goes on at once: no claim is left.
		if due, err := k.DueWebhooks(t.Context(), time.Now()); err != nil || len(due) != 2 {
			t.Errorf("due: %v %v", due, err)
		}
	})
}
