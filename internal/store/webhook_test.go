package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/store"
	"github.com/onedoor/onedoor/internal/viewer"
	"github.com/onedoor/onedoor/internal/webhook"
)

func wantsAll(webhook.Webhook, webhook.Happening) bool { return true }

func hook(id string) webhook.Webhook {
	return webhook.Webhook{
		ID: id, URL: "https://example.com/", Selection: "{ kind }", State: webhook.Active, Owner: viewer.Viewer{Subject: "app", Role: viewer.Integrator, Region: "waitan"},
		Secrets: []webhook.Secret{{Sealed: []byte{1}, CreatedAt: now}}, Filter: webhook.Filter{Kinds: []string{"openCase"}, Department: "samr", OwnCases: true}, CreatedAt: now,
	}
}

func (o *office) registrations(n int) {
	o.t.Helper()
	for range n {
		id := o.must(o.Open(as(o.t, wang), casework.OpenInput{Item: "biz-reg", Applicant: "many", Facts: map[string]any{"industry": "catering"}}))
		o.must(o.Submit(as(o.t, wang), id, casework.Order{}))
	}
}

func TestAWebhookIsKeptWhole(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store) {
		w := hook("whk_1")
		once := viewer.WithOnce(t.Context(), viewer.Once{Key: "k", Request: "r"})
		for _, id := range []string{"whk_1", "whk_2"} { // the same request again
			w.ID = id
			if got, err := s.CreateWebhook(once, w); err != nil || got != "whk_1" {
				t.Fatalf("%s: %s %v", id, got, err)
			}
		}
		change := func(w *webhook.Webhook) {
			w.State, w.Reason, w.Cursor = webhook.Disabled, "gone", 7
			w.Breaker = webhook.Breaker{Failures: 3, FailingSince: now, OpenUntil: now.Add(time.Hour)}
			w.Filter = webhook.Filter{Kinds: []string{}, Region: "waitan", Scheme: "catering"}
			w.Secrets = append(w.Secrets, webhook.Secret{Sealed: []byte{2}, CreatedAt: now, ExpiresAt: now.Add(time.Hour)})
		}
		if err := s.UpdateWebhook(t.Context(), "whk_1", func(w *webhook.Webhook) error { change(w); return nil }); err != nil {
			t.Fatal(err)
		}
		w.ID = "whk_1"
		change(&w)
		got, err := s.Webhook(t.Context(), "whk_1")
		if err != nil || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", w) {
			t.Errorf("%v\n%+v, want\n%+v", err, got, w)
		}
		if n, err := s.CountWebhooks(t.Context(), "app"); err != nil || n != 1 {
			t.Errorf("%d webhooks, %v", n, err)
		}
		denied := fault.New(fault.NotFound, "test", "", "")
		if err := s.DeleteWebhook(t.Context(), "whk_1", func(webhook.Webhook) error { return denied }); fault.CodeOf(err) != fault.NotFound {
			t.Errorf("deleted by who may not: %v", err)
		}
		if err := s.DeleteWebhook(t.Context(), "whk_1", func(webhook.Webhook) error { return nil }); err != nil {
			t.Error(err)
		}
		if _, err := s.Webhook(t.Context(), "whk_1"); fault.CodeOf(err) != fault.NotFound {
			t.Errorf("it is still there: %v", err)
		}
	})
}

// Two workers claim, succeed, fail, and die in any order. Of a case never two
// deliveries are claimed at once, and each case's are settled in their order,
// every one of them.
func TestClaims(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store) {
		o := newOffice(t, s)
		w := hook("whk_1")
		if _, err := s.CreateWebhook(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		o.registrations(5)
		seen, err := s.FanOut(t.Context(), now, wantsAll)
		if err != nil || seen == 0 {
			t.Fatalf("%d events, %v", seen, err)
		}
		if again, err := s.FanOut(t.Context(), now, wantsAll); err != nil || again != 0 {
			t.Fatalf("%d events again, %v", again, err)
		}
		chance, at := rand.New(rand.NewPCG(1, 2)), now
		held := map[string]webhook.Delivery{} // by case
		settled := map[string][]int64{}
		total := 0
		settle := func(d webhook.Delivery, state webhook.DeliveryState) {
			err := s.SettleDeliveries(t.Context(), webhook.Settling{Claimed: d, Settle: func(_ *webhook.Webhook, d *webhook.Delivery) (*webhook.Attempt, error) {
				if d.State = state; state != webhook.Pending {
					settled[d.Case] = append(settled[d.Case], d.Seq)
					total++
					d.DoneAt, d.NextAt = at, time.Time{}
				}
				d.Attempts++
				return &webhook.Attempt{At: at, Outcome: webhook.Taken, Status: 200}, nil
			}})
			if err != nil {
				t.Fatal(err)
			}
		}
		for round := range 500 {
			if total == seen {
				break
			}
			switch chance.IntN(4) {
			case 0, 1:
				claimed, err := s.ClaimDeliveries(t.Context(), w.ID, fmt.Sprint("lease ", round), at, at.Add(time.Minute), 1+chance.IntN(4))
				if err != nil {
					t.Fatal(err)
				}
				for _, d := range claimed {
					if before, ok := held[d.Case]; ok {
						t.Fatalf("%s is claimed while %s of its case is", d.ID, before.ID)
					}
					held[d.Case] = d
				}
			case 2:
				for c, d := range held {
					settle(d, []webhook.DeliveryState{webhook.Delivered, webhook.Failed, webhook.Pending}[chance.IntN(3)])
					delete(held, c)
					break
				}
			case 3: // a worker dies: its leases end
				at = at.Add(time.Hour)
				dead := held
				held = map[string]webhook.Delivery{}
				if claimed, err := s.ClaimDeliveries(t.Context(), w.ID, fmt.Sprint("heir ", round), at, at.Add(time.Minute), 100); err != nil {
					t.Fatal(err)
				} else {
					for _, d := range claimed {
						held[d.Case] = d
					}
				}
				for _, d := range dead {
					settle(d, webhook.Delivered) // too late: nothing happens, unless it was not claimed again
				}
			}
		}
		if total != seen || len(settled) != 5 {
			t.Fatalf("%d of %d settled, of %d cases", total, seen, len(settled))
		}
		for c, places := range settled {
			if !slices.IsSorted(places) || len(slices.Compact(slices.Clone(places))) != len(places) {
				t.Errorf("%s: %v", c, places)
			}
		}
		if ids, err := s.DueWebhooks(t.Context(), at.Add(time.Hour)); err != nil || len(ids) != 0 {
			t.Errorf("due: %v %v", ids, err)
		}
		if err := s.ForgetDeliveries(t.Context(), at.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if n, err := s.Client().Delivery.Query().Count(viewer.With(t.Context(), viewer.Viewer{Subject: "root", Role: viewer.Admin})); err != nil || n != 0 {
			t.Errorf("%d deliveries are kept, %v", n, err)
		}
	})
}

// What a paused webhook misses waits in the log.
func TestPausedWebhooksWait(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store) {
		o := newOffice(t, s)
		w := hook("whk_1")
		w.State = webhook.Paused
		if _, err := s.CreateWebhook(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		o.registrations(1)
		if n, err := s.FanOut(t.Context(), now, wantsAll); err != nil || n != 0 {
			t.Errorf("%d events of a paused one, %v", n, err)
		}
		activate := func(w *webhook.Webhook) error { w.State = webhook.Active; return nil }
		if err := s.UpdateWebhook(context.Background(), "whk_1", activate); err != nil {
			t.Fatal(err)
		}
		if n, err := s.FanOut(t.Context(), now, wantsAll); err != nil || n < 2 {
			t.Errorf("%d events when it is active again, %v", n, err)
		}
		due := func(want int, change func(w *webhook.Webhook)) {
			t.Helper()
			if err := s.UpdateWebhook(t.Context(), "whk_1", func(w *webhook.Webhook) error { change(w); return nil }); err != nil {
				t.Fatal(err)
			}
			if ids, err := s.DueWebhooks(t.Context(), now); err != nil || len(ids) != want {
				t.Errorf("due: %v %v", ids, err)
			}
		}
		due(1, func(*webhook.Webhook) {})
		due(0, func(w *webhook.Webhook) { w.Breaker.OpenUntil = now.Add(time.Second) })
		due(1, func(w *webhook.Webhook) { w.Breaker.OpenUntil = now })
		due(0, func(w *webhook.Webhook) { w.State = webhook.Paused })
	})
}
