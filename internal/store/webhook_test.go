package store_test

import (
	"context"
	crand "crypto/rand"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/store"
	"github.com/onedoor/onedoor/internal/testservices"
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

// A claim can be made to end later by who has it, and by nobody else; those of a
// dead process that alone could serve end when the next one starts.
func TestRenewedClaims(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store) {
		o := newOffice(t, s)
		if _, err := s.CreateWebhook(t.Context(), hook("whk_1")); err != nil {
			t.Fatal(err)
		}
		o.registrations(1)
		if _, err := s.FanOut(t.Context(), now, wantsAll); err != nil {
			t.Fatal(err)
		}
		claim := func(lease string, at time.Time) []webhook.Delivery {
			claimed, err := s.ClaimDeliveries(t.Context(), "whk_1", lease, at, at.Add(10*time.Second), 8)
			if err != nil {
				t.Fatal(err)
			}
			return claimed
		}
		renew := func(d webhook.Delivery, until time.Time) bool {
			ours, err := s.RenewClaim(t.Context(), d, until)
			if err != nil {
				t.Fatal(err)
			}
			return ours
		}
		first := claim("a", now)
		if len(first) != 1 || !renew(first[0], now.Add(30*time.Second)) {
			t.Fatalf("%d claimed, or not renewed", len(first))
		}
		if again := claim("b", now.Add(20*time.Second)); len(again) != 0 {
			t.Error("a renewed claim was taken")
		}
		if heir := claim("b", now.Add(31*time.Second)); len(heir) != 1 || heir[0].ID != first[0].ID {
			t.Errorf("the heir has %v", heir)
		}
		if renew(first[0], now.Add(time.Hour)) {
			t.Error("renewed by who lost it")
		}
		if err := s.EndClaims(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := map[bool]int{true: 0, false: 1}[strings.HasPrefix(t.Name()[strings.LastIndexByte(t.Name(), '/')+1:], "postgres")] // several may serve one
		if got := claim("c", now.Add(32*time.Second)); len(got) != want {
			t.Errorf("%d claimed after a start, want %d", len(got), want)
		}
	})
}

// What waits behind a delivery that failed is due when that is, and all of it at once
// when it is sent again or the endpoint is well.
func TestWhatWaitsBehindAFailure(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store) {
		o := newOffice(t, s)
		if _, err := s.CreateWebhook(t.Context(), hook("whk_1")); err != nil {
			t.Fatal(err)
		}
		o.registrations(1)
		if _, err := s.FanOut(t.Context(), now, wantsAll); err != nil {
			t.Fatal(err)
		}
		fail := func(at time.Time) webhook.Delivery {
			claimed, err := s.ClaimDeliveries(t.Context(), "whk_1", fmt.Sprint(at), at, at.Add(10*time.Second), 8)
			if err != nil || len(claimed) != 1 {
				t.Fatalf("%d claimed, %v", len(claimed), err)
			}
			err = s.SettleDeliveries(t.Context(), webhook.Settling{Claimed: claimed[0], Settle: func(_ *webhook.Webhook, d *webhook.Delivery) (*webhook.Attempt, error) {
				d.Attempts++
				d.NextAt = at.Add(8 * time.Hour)
				return &webhook.Attempt{At: at, Outcome: webhook.Rejected, Status: 400}, nil
			}})
			if err != nil {
				t.Fatal(err)
			}
			return claimed[0]
		}
		due := func(at time.Time) bool {
			ids, err := s.DueWebhooks(t.Context(), at)
			if err != nil {
				t.Fatal(err)
			}
			return len(ids) == 1
		}
		first := fail(now)
		if due(now.Add(7*time.Hour)) || !due(now.Add(8*time.Hour)) {
			t.Error("what waits behind a failure is due before it, or never")
		}
		if err := s.Redeliver(t.Context(), first.ID, now.Add(time.Hour), func(webhook.Webhook) error { return nil }); err != nil || !due(now.Add(time.Hour)) {
			t.Errorf("sent again, it is not due: %v", err)
		}
		if again := fail(now.Add(time.Hour)); again.ID != first.ID || due(now.Add(2*time.Hour)) {
			t.Errorf("%s was next, not %s", again.ID, first.ID)
		}
		if err := s.DueAtOnce(t.Context(), "whk_1"); err != nil || !due(now.Add(2*time.Hour)) {
			t.Errorf("the endpoint is well, and nothing is due: %v", err)
		}
	})
}

// Thousands of webhooks meet an event in few statements, whoever of them wants it.
func TestManyWebhooks(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store) {
		o := newOffice(t, s)
		const many = 2000 // SQLite would take its time to make more
		for i := range many {
			if _, err := s.CreateWebhook(t.Context(), hook(fmt.Sprintf("whk_%05d", i))); err != nil {
				t.Fatal(err)
			}
		}
		o.registrations(1)
		ctx, statements := store.CountStatements(t.Context())
		wants := func(w webhook.Webhook, _ webhook.Happening) bool { return strings.HasSuffix(w.ID, "00") }
		seen, err := s.FanOut(ctx, now, wants)
		if err != nil || seen == 0 || seen%many != 0 {
			t.Fatalf("%d seen, %v", seen, err)
		}
		if n := statements.Load(); n > 60 {
			t.Errorf("%d statements for %d webhooks", n, many)
		}
		if due, err := s.DueWebhooks(t.Context(), now); err != nil || len(due) != many/100 {
			t.Errorf("%d are due, %v", len(due), err)
		}
		if again, err := s.FanOut(t.Context(), now, wants); err != nil || again != 0 {
			t.Errorf("%d seen again, %v", again, err)
		}
	})
}

// TestClaimsAreReadOnce has a database that believes in few deliveries, as after
// weeks in which few waited at any time: claiming reads what waits once, and not
// once for each that waits.
func TestClaimsAreReadOnce(t *testing.T) {
	t.Parallel()
	url := testservices.PostgreSQL(t)
	s, err := store.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateWebhook(t.Context(), hook("whk_1")); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	const fill = `INSERT INTO webhook_deliveries (id, kind, case_id, seq, state, attempt_count, next_at, since, done_at, webhook_id)
		SELECT 'dlv_' || i, 'k', 'case_' || (i %% 500), i, '%s', 0, %s, now(), %s, 'whk_1' FROM generate_series(%d, %d) i`
	for _, statement := range []string{
		fmt.Sprintf(fill, "DELIVERED", "NULL", "now()", 1, 20000), "ANALYZE webhook_deliveries",
		fmt.Sprintf(fill, "PENDING", "now()", "NULL", 20001, 22000),
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	var plan string
	until := time.Now().Add(time.Hour)
	if err := db.QueryRowContext(t.Context(), "EXPLAIN (ANALYZE, FORMAT JSON) "+store.ClaimSQL, "lease", until, "whk_1", until, 8).Scan(&plan); err != nil {
		t.Fatal(err)
	}
	for _, loops := range regexp.MustCompile(`"Actual Loops": (\d+)`).FindAllStringSubmatch(plan, -1) {
		if n, err := strconv.Atoi(loops[1]); err != nil || n > 64 {
			t.Errorf("something is done %s times:\n%s", loops[1], plan)
			break
		}
	}
	claimed, err := s.ClaimDeliveries(t.Context(), "whk_1", "another", until.Add(2*time.Hour), until.Add(3*time.Hour), 8)
	if err != nil || len(claimed) != 8 || claimed[0].Seq != 20001 {
		t.Errorf("claimed %v, %v", claimed, err)
	}

	for _, statement := range []string{ // now it believes in one
		"DELETE FROM webhook_deliveries", fmt.Sprintf(fill, "PENDING", "now()", "NULL", 1, 1), "VACUUM ANALYZE webhook_deliveries",
		fmt.Sprintf(fill, "PENDING", "now()", "NULL", 2, 30),
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 3 {
		if claimed, err := s.ClaimDeliveries(t.Context(), "whk_1", "one", until, until.Add(time.Hour), 1); err != nil || len(claimed) != 1 || claimed[0].Seq != int64(i+1) {
			t.Errorf("claimed %v, %v", claimed, err)
		}
	}
}

// Secrets are sealed under a new key while others rotate them; what was stopped goes
// on, and in the end the new key alone opens all.
func TestReseal(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store) {
		old, fresh := webhook.Key{1}, webhook.Key{2}
		both := webhook.Keys{fresh, old}
		const many = 30
		want := map[string]string{}
		for i := range many {
			w := hook(fmt.Sprintf("whk_%02d", i))
			first, err := webhook.Keys{old}.NewSecret(w.ID, now, crand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			w.Secrets = []webhook.Secret{first}
			if _, err := s.CreateWebhook(t.Context(), w); err != nil {
				t.Fatal(err)
			}
			if want[w.ID], err = both.Reveal(w); err != nil {
				t.Fatal(err)
			}
		}
		stopped, stop := context.WithCancel(t.Context())
		half := &stopping{Keeper: s, after: many / 2, stop: stop}
		if done, err := webhook.Reseal(stopped, half, both, crand.Reader); err == nil || done.Anew == many {
			t.Fatalf("not stopped: %+v %v", done, err)
		}
		var rotating sync.WaitGroup
		rotating.Go(func() { // by a server that has both keys
			for i := many - 1; i >= 0; i -= 3 {
				id := fmt.Sprintf("whk_%02d", i)
				next, err := both.NewSecret(id, now, crand.Reader)
				if err == nil {
					err = s.UpdateWebhook(t.Context(), id, func(w *webhook.Webhook) error { w.Rotate(next, 0, now); return nil })
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
		done, err := webhook.Reseal(t.Context(), s, both, crand.Reader)
		rotating.Wait()
		if err != nil || done.Webhooks != many || len(done.Closed) > 0 || done.Anew > many-many/2+1 {
			t.Errorf("%+v %v", done, err)
		}
		for i := range many {
			id := fmt.Sprintf("whk_%02d", i)
			w, err := s.Webhook(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			got, err := webhook.Keys{fresh}.Reveal(w)
			if rotated := (many-1-i)%3 == 0; err != nil || rotated == (got == want[id]) {
				t.Errorf("%s: the new key alone gives %q %v; rotated: %v", id, got, err, rotated)
			}
		}
		if again, err := webhook.Reseal(t.Context(), s, both, crand.Reader); err != nil || again.Anew != 0 {
			t.Errorf("there was more to do: %+v %v", again, err)
		}
	})
}

// stopping stops after some webhooks have been changed.
type stopping struct {
	webhook.Keeper
	after int
	stop  func()
}

func (k *stopping) UpdateWebhook(ctx context.Context, id string, change func(w *webhook.Webhook) error) error {
	if k.after--; k.after == 0 {
		k.stop()
	}
	return k.Keeper.UpdateWebhook(ctx, id, change)
}
