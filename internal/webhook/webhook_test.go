package webhook_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/onedoor/onedoor/internal/viewer"
	"github.com/onedoor/onedoor/internal/webhook"
)

var now = time.Date(2026, 11, 25, 4, 0, 0, 0, time.UTC)

func regions(code string) []string {
	return map[string][]string{"jiangbei": {"jiangbei", "waitan", "zhuangqiao"}, "waitan": {"waitan"}, "zhuangqiao": {"zhuangqiao"}}[code]
}

func TestWants(t *testing.T) {
	t.Parallel()
	happening := webhook.Happening{Kind: "acceptCase", Case: "cas_1", Departments: []string{"samr", "fire"}, Region: "waitan", Scheme: "catering", Applicant: "app", Agent: "agent", Submitted: true}
	all := viewer.Viewer{Subject: "app", Role: viewer.Integrator}
	for name, c := range map[string]struct {
		owner  viewer.Viewer
		filter webhook.Filter
		change func(h *webhook.Happening)
		want   bool
	}{
		"everything":          {all, webhook.Filter{}, nil, true},
		"kind":                {all, webhook.Filter{Kinds: []string{"openCase", "acceptCase"}}, nil, true},
		"another kind":        {all, webhook.Filter{Kinds: []string{"openCase"}}, nil, false},
		"co-department":       {all, webhook.Filter{Department: "fire"}, nil, true},
		"another department":  {all, webhook.Filter{Department: "drain"}, nil, false},
		"region above":        {all, webhook.Filter{Region: "jiangbei"}, nil, true},
		"another region":      {all, webhook.Filter{Region: "zhuangqiao"}, nil, false},
		"no region, filtered": {all, webhook.Filter{Region: "waitan"}, func(h *webhook.Happening) { h.Region = "" }, false},
		"scheme":              {all, webhook.Filter{Scheme: "catering"}, nil, true},
		"another scheme":      {all, webhook.Filter{Scheme: "hotel"}, nil, false},
		"own as applicant":    {all, webhook.Filter{OwnCases: true}, nil, true},
		"own as agent":        {viewer.Viewer{Subject: "agent", Role: viewer.Integrator}, webhook.Filter{OwnCases: true}, nil, true},
		"not own":             {viewer.Viewer{Subject: "x", Role: viewer.Integrator}, webhook.Filter{OwnCases: true}, nil, false},
		"draft":               {all, webhook.Filter{}, func(h *webhook.Happening) { h.Submitted = false }, false},
		"outside the owner's": {viewer.Viewer{Subject: "x", Role: viewer.Integrator, Region: "zhuangqiao"}, webhook.Filter{}, nil, false},
		"inside the owner's":  {viewer.Viewer{Subject: "x", Role: viewer.Integrator, Region: "jiangbei"}, webhook.Filter{}, nil, true},
	} {
		h := happening
		if c.change != nil {
			c.change(&h)
		}
		if got := (webhook.Webhook{Owner: c.owner, Filter: c.filter}).Wants(h, regions); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestClassify(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]webhook.Outcome{
		200: webhook.Taken, 202: webhook.Taken, 204: webhook.Taken, 299: webhook.Taken, 410: webhook.Gone, 429: webhook.Throttled, 408: webhook.Erred, 425: webhook.Erred,
		500: webhook.Erred, 502: webhook.Erred, 503: webhook.Erred, 504: webhook.Erred, 301: webhook.Rejected, 302: webhook.Rejected, 400: webhook.Rejected, 401: webhook.Rejected, 404: webhook.Rejected, 422: webhook.Rejected,
	} {
		if got := webhook.Classify(status, 0); got != want {
			t.Errorf("%d is %s, want %s", status, got, want)
		}
	}
	if got := webhook.Classify(503, time.Second); got != webhook.Throttled {
		t.Errorf("503 with Retry-After is %s", got)
	}
}

// course gives how often a delivery is tried and for how long, when the endpoint
// always answers the same, and how its webhook ends.
func course(t *testing.T, a webhook.Answer, limit int) (webhook.Webhook, webhook.Delivery, time.Duration) {
	t.Helper()
	chance := rand.NewChaCha8([32]byte{1})
	w, d := webhook.Webhook{State: webhook.Active}, webhook.Delivery{State: webhook.Pending, Since: now, NextAt: now}
	at := now
	for range limit {
		a.At = at
		if err := webhook.Judge(&w, &d, a, chance); err != nil {
			t.Fatal(err)
		}
		if d.State != webhook.Pending || w.State != webhook.Active {
			break
		}
		if !d.NextAt.After(at) {
			t.Fatalf("tried again at once: %s after %s", d.NextAt, at)
		}
		at = d.NextAt
		if w.Breaker.OpenUntil.After(at) {
			at = w.Breaker.OpenUntil
		}
	}
	return w, d, at.Sub(now)
}

func TestJudge(t *testing.T) {
	t.Parallel()
	answer := func(o webhook.Outcome, retryAfter time.Duration) webhook.Answer {
		return webhook.Answer{Attempt: webhook.Attempt{Outcome: o}, RetryAfter: retryAfter}
	}
	for _, c := range []struct {
		answer   webhook.Answer
		webhook  webhook.State
		delivery webhook.DeliveryState
		attempts [2]int
		took     [2]time.Duration
	}{
		{answer(webhook.Taken, 0), webhook.Active, webhook.Delivered, [2]int{1, 1}, [2]time.Duration{0, 0}},
		{answer(webhook.Gone, 0), webhook.Disabled, webhook.Failed, [2]int{1, 1}, [2]time.Duration{0, 0}},
		{answer(webhook.Rejected, 0), webhook.Active, webhook.Failed, [2]int{5, 5}, [2]time.Duration{40 * time.Minute, 62 * time.Minute}},
		{answer(webhook.Unreadable, 0), webhook.Active, webhook.Failed, [2]int{5, 5}, [2]time.Duration{40 * time.Minute, 62 * time.Minute}},
		{answer(webhook.Erred, 0), webhook.Active, webhook.Failed, [2]int{14, 22}, [2]time.Duration{72 * time.Hour, 84 * time.Hour}},
		{answer(webhook.Late, 0), webhook.Active, webhook.Failed, [2]int{14, 22}, [2]time.Duration{72 * time.Hour, 84 * time.Hour}},
		{answer(webhook.Throttled, 12*time.Hour), webhook.Active, webhook.Failed, [2]int{7, 7}, [2]time.Duration{72 * time.Hour, 72 * time.Hour}},
		{answer(webhook.Throttled, 1000*time.Hour), webhook.Active, webhook.Failed, [2]int{4, 4}, [2]time.Duration{72 * time.Hour, 72 * time.Hour}},
	} {
		w, d, took := course(t, c.answer, 200)
		if w.State != c.webhook || d.State != c.delivery || d.Attempts < c.attempts[0] || d.Attempts > c.attempts[1] || took < c.took[0] || took > c.took[1] {
			t.Errorf("%s: webhook %s, delivery %s after %d attempts in %s", c.answer.Outcome, w.State, d.State, d.Attempts, took)
		}
		if d.State != webhook.Pending && (d.DoneAt.IsZero() || !d.NextAt.IsZero()) {
			t.Errorf("%s: a delivery that is done has another attempt: %+v", c.answer.Outcome, d)
		}
	}
}

// An endpoint that takes nothing for days is disabled; one success forgets all.
func TestBreaker(t *testing.T) {
	t.Parallel()
	chance := rand.NewChaCha8([32]byte{2})
	w := webhook.Webhook{State: webhook.Active}
	fail := func(at time.Time, o webhook.Outcome) {
		d := webhook.Delivery{State: webhook.Pending, Since: at}
		if err := webhook.Judge(&w, &d, webhook.Answer{Attempt: webhook.Attempt{At: at, Outcome: o}}, chance); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 4 {
		fail(now.Add(time.Duration(i)*time.Second), webhook.Erred)
	}
	if !w.Breaker.OpenUntil.IsZero() {
		t.Error("open after 4 failures")
	}
	at := now.Add(4 * time.Second)
	var pauses []time.Duration
	for w.State == webhook.Active {
		fail(at, webhook.Unreachable)
		pauses = append(pauses, w.Breaker.OpenUntil.Sub(at))
		at = w.Breaker.OpenUntil
	}
	if want := []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 16 * time.Minute, 32 * time.Minute, time.Hour, time.Hour}; !slices.Equal(pauses[:8], want) {
		t.Errorf("open for %v", pauses[:8])
	}
	if age := at.Sub(now); age < 120*time.Hour || age > 122*time.Hour || w.Reason == "" {
		t.Errorf("disabled after %s: %q", age, w.Reason)
	}
	w = webhook.Webhook{State: webhook.Active}
	for range 10 {
		fail(now, webhook.Rejected)
	}
	if w.Breaker != (webhook.Breaker{}) {
		t.Errorf("a rejected message is a failing endpoint: %+v", w.Breaker)
	}
	for range 7 {
		fail(now, webhook.Late)
	}
	fail(now, webhook.Taken)
	if w.Breaker != (webhook.Breaker{}) {
		t.Errorf("a success is not forgotten about: %+v", w.Breaker)
	}
}

func TestKey(t *testing.T) {
	t.Parallel()
	office := webhook.Office{Keys: webhook.Keys{{1}}, Random: rand.NewChaCha8([32]byte{3})}
	s, err := office.Keys.NewSecret("whk_1", now, office.Random)
	if err != nil {
		t.Fatal(err)
	}
	w := webhook.Webhook{ID: "whk_1", Secrets: []webhook.Secret{s}}
	text, err := office.Keys.Reveal(w)
	if err != nil || len(text) != len("whsec_")+44 {
		t.Errorf("%q %v", text, err)
	}
	if bytes.Contains(s.Sealed, []byte(text[6:20])) {
		t.Error("the secret is kept in clear")
	}
	if _, err := (webhook.Keys{{2}}).Reveal(w); err == nil {
		t.Error("another key opens it")
	}
	w.ID = "whk_2"
	if _, err := office.Keys.Reveal(w); err == nil {
		t.Error("it opens for another webhook")
	}
}

// Two secrets are valid at most, the older one for the overlap alone.
func TestRotate(t *testing.T) {
	t.Parallel()
	keys, chance := webhook.Keys{{1}}, rand.NewChaCha8([32]byte{4})
	w := webhook.Webhook{ID: "whk_1"}
	rotate := func(at time.Time, overlap time.Duration) {
		s, err := keys.NewSecret(w.ID, at, chance)
		if err != nil {
			t.Fatal(err)
		}
		w.Rotate(s, overlap, at)
	}
	signatures := func(at time.Time) int {
		text, err := keys.Sign(w, "dlv_1", at, []byte("{}"))
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Count([]byte(text), []byte("v1,"))
	}
	rotate(now, 0)
	for _, step := range []struct {
		after, overlap  time.Duration
		during, between int
	}{{time.Hour, 24 * time.Hour, 2, 1}, {2 * time.Hour, 24 * time.Hour, 2, 1}, {3 * time.Hour, 0, 1, 1}} {
		at := now.Add(step.after)
		rotate(at, step.overlap)
		if got := signatures(at.Add(time.Minute)); got != step.during {
			t.Errorf("after %s: %d signatures", step.after, got)
		}
		if got := signatures(at.Add(25 * time.Hour)); got != step.between {
			t.Errorf("a day later: %d signatures", got)
		}
		if len(w.Secrets) > 2 {
			t.Errorf("%d secrets are kept", len(w.Secrets))
		}
	}
}
