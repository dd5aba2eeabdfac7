package webhook_test

import (
	"context"
	"crypto/rand"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/onedoor/onedoor/internal/webhook"
)

// TestTheLibraryVerifies has the public library of Standard Webhooks check what we
// sign, also while a secret is replaced: then each of both secrets verifies.
func TestTheLibraryVerifies(t *testing.T) {
	t.Parallel()
	keys, at := webhook.Keys{{1}}, time.Now()
	w := webhook.Webhook{ID: "whk_1"}
	var secrets []string
	for range 3 {
		s, err := keys.NewSecret(w.ID, at, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		w.Rotate(s, time.Hour, at)
		text, err := keys.Reveal(w)
		if err != nil {
			t.Fatal(err)
		}
		secrets = append(secrets, text)
	}
	const body = `{"type":"acceptCase","data":{"名称":"甲"}}`
	signed := func(at time.Time) http.Header {
		signature, err := keys.Sign(w, "dlv_1_1", at, []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		return http.Header{"Webhook-Id": {"dlv_1_1"}, "Webhook-Timestamp": {strconv.FormatInt(at.Unix(), 10)}, "Webhook-Signature": {signature}}
	}
	verifies := func(secret string, h http.Header, body string) bool {
		theirs, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			t.Fatal(err)
		}
		return theirs.Verify([]byte(body), h) == nil
	}
	if n := strings.Count(signed(at).Get("Webhook-Signature"), "v1,"); n != 2 {
		t.Errorf("%d signatures during a rotation", n)
	}
	other := signed(at)
	other.Set("Webhook-Id", "dlv_1_2")
	for name, c := range map[string]struct {
		got, want bool
	}{
		"new secret":       {verifies(secrets[2], signed(at), body), true},
		"the one before":   {verifies(secrets[1], signed(at), body), true},
		"two before":       {verifies(secrets[0], signed(at), body), false},
		"a tampered body":  {verifies(secrets[2], signed(at), strings.Replace(body, "甲", "乙", 1)), false},
		"another message":  {verifies(secrets[2], other, body), false},
		"an old timestamp": {verifies(secrets[2], signed(at.Add(-6*time.Minute)), body), false},
	} {
		if c.got != c.want {
			t.Errorf("%s: verified is %v", name, c.got)
		}
	}
}

// Keys follow one another: the first seals, all open, and what has been sealed anew
// needs the first alone.
func TestKeysFollowOneAnother(t *testing.T) {
	t.Parallel()
	old, fresh := webhook.Key{1}, webhook.Key{2}
	s, err := webhook.Keys{old}.NewSecret("whk_1", now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	w := webhook.Webhook{ID: "whk_1", Secrets: []webhook.Secret{s}}
	want, err := webhook.Keys{fresh, old}.Reveal(w)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (webhook.Keys{fresh}).Reveal(w); err == nil {
		t.Error("a key opens what another has sealed")
	}
	next, err := webhook.Keys{fresh, old}.NewSecret("whk_1", now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (webhook.Keys{fresh}).Reveal(webhook.Webhook{ID: "whk_1", Secrets: []webhook.Secret{next}}); err != nil {
		t.Errorf("not the first key has sealed: %v", err)
	}
	if _, err := (webhook.Keys{}).NewSecret("whk_1", now, rand.Reader); err == nil {
		t.Error("sealed without a key")
	}
	k := newKeeper()
	k.webhooks = map[string]webhook.Webhook{"whk_1": w, "whk_2": {ID: "whk_2", Secrets: []webhook.Secret{{Sealed: []byte("nonsense")}}}}
	for _, anew := range []int{1, 0} { // the second time there is nothing to do
		done, err := webhook.Reseal(t.Context(), k, webhook.Keys{fresh, old}, rand.Reader)
		if err != nil || done.Webhooks != 2 || done.Anew != anew || !slices.Equal(done.Closed, []string{"whk_2"}) {
			t.Errorf("%+v %v", done, err)
		}
	}
	if got, err := (webhook.Keys{fresh}).Reveal(k.webhooks["whk_1"]); err != nil || got != want {
		t.Errorf("the new key alone gives %q %v", got, err)
	}
}

func (k *keeper) WebhookIDs(_ context.Context, after string, limit int) (ids []string, err error) {
	for id := range k.webhooks {
		if id > after {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids[:min(limit, len(ids))], nil
}

func (k *keeper) UpdateWebhook(_ context.Context, id string, change func(w *webhook.Webhook) error) error {
	w := k.webhooks[id]
	err := change(&w)
	k.webhooks[id] = w
	return err
}
