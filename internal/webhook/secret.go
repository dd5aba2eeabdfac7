package webhook

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/onedoor/onedoor/internal/fault"
)

// secretPrefix begins a secret as the subscriber gets it (Standard Webhooks).
const secretPrefix = "whsec_"

// secretSize is the size of a secret in bytes; Standard Webhooks asks for 24 to
// 64.
const secretSize = 32

// Secret is a secret as it is kept: sealed with the operator's key.
type Secret struct {
	Sealed    []byte    `json:"sealed"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at,omitzero"` // once it has been replaced
}

// valid says that messages are still signed with the secret.
func (s Secret) valid(now time.Time) bool { return s.ExpiresAt.IsZero() || s.ExpiresAt.After(now) }

// KeySize is the size of a Key in bytes.
const KeySize = 32

// Key is the operator's key, with which secrets are sealed (AES-256-GCM, bound to
// the webhook's identity). Without it the database alone gives no secret away.
type Key [KeySize]byte

func (k Key) aead() cipher.AEAD {
	block, err := aes.NewCipher(k[:])
	if err != nil {
		panic(err) // the size is right
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // AES has the block size of GCM
	}
	return aead
}

func (k Key) seal(webhook string, secret []byte, random io.Reader) ([]byte, error) {
	aead := k.aead()
	nonce := make([]byte, aead.NonceSize())
	if _, err := io.ReadFull(random, nonce); err != nil {
		return nil, fmt.Errorf("webhook.seal: %w", err)
	}
	return aead.Seal(nonce, nonce, secret, []byte(webhook)), nil
}

func (k Key) open(webhook string, sealed []byte) (secret []byte, ok bool) {
	aead := k.aead()
	if len(sealed) < aead.NonceSize() {
		return nil, false
	}
	secret, err := aead.Open(nil, sealed[:aead.NonceSize()], sealed[aead.NonceSize():], []byte(webhook))
	return secret, err == nil
}

// Keys are the operator's keys. The first seals; all of them open, so that one can
// follow another while servers run (see Reseal).
type Keys []Key

func (ks Keys) seal(webhook string, secret []byte, random io.Reader) ([]byte, error) {
	if len(ks) == 0 {
		return nil, errors.New("webhook.seal: there is no key")
	}
	return ks[0].seal(webhook, secret, random)
}

func (ks Keys) open(webhook string, sealed []byte) ([]byte, error) {
	for _, k := range ks {
		if secret, ok := k.open(webhook, sealed); ok {
			return secret, nil
		}
	}
	return nil, errors.New("webhook.open: the secret was sealed with another key: does ONEDOOR_SECRET_KEY still have the one that it was?")
}

// NewSecret makes a secret for a webhook.
func (ks Keys) NewSecret(webhook string, now time.Time, random io.Reader) (Secret, error) {
	secret := make([]byte, secretSize)
	if _, err := io.ReadFull(random, secret); err != nil {
		return Secret{}, fmt.Errorf("webhook.NewSecret: %w", err)
	}
	sealed, err := ks.seal(webhook, secret, random)
	return Secret{Sealed: sealed, CreatedAt: now.UTC()}, err
}

// Reveal spells the newest secret of a webhook for its owner.
func (ks Keys) Reveal(w Webhook) (string, error) {
	if len(w.Secrets) == 0 {
		return "", errors.New("webhook.Reveal: there is no secret")
	}
	secret, err := ks.open(w.ID, w.Secrets[len(w.Secrets)-1].Sealed)
	return secretPrefix + base64.StdEncoding.EncodeToString(secret), err
}

// Rotate adds a secret. Those before stay valid for overlap, the newest of them
// alone beside the new one: an endpoint never has to check more than two.
func (w *Webhook) Rotate(next Secret, overlap time.Duration, now time.Time) {
	w.Secrets = slices.DeleteFunc(w.Secrets, func(s Secret) bool { return !s.valid(now) })
	w.Secrets = w.Secrets[max(0, len(w.Secrets)-1):]
	for i := range w.Secrets {
		s := &w.Secrets[i]
		if until := now.Add(overlap).UTC(); s.ExpiresAt.IsZero() || until.Before(s.ExpiresAt) {
			s.ExpiresAt = until
		}
	}
	w.Secrets = append(w.Secrets, next)
}

// Sign gives the value of webhook-signature: one signature for each secret that
// is valid, the newest first (standardwebhooks.com: v1, HMAC-SHA256 over
// "id.timestamp.body").
func (ks Keys) Sign(w Webhook, id string, at time.Time, body []byte) (string, error) {
	var signatures []string
	for _, s := range slices.Backward(w.Secrets) {
		if !s.valid(at) {
			continue
		}
		secret, err := ks.open(w.ID, s.Sealed)
		if err != nil {
			return "", err
		}
		mac := hmac.New(sha256.New, secret)
		fmt.Fprintf(mac, "%s.%s.", id, strconv.FormatInt(at.Unix(), 10))
		mac.Write(body)
		signatures = append(signatures, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return strings.Join(signatures, " "), nil
}

// Resealed is what Reseal has done.
type Resealed struct {
	Webhooks int      // that there are
	Anew     int      // of them, whose secrets have been sealed anew
	Closed   []string // of them, which have a secret that no key opens; it is as it was
}

// Reseal seals all secrets under the first key that another has sealed, webhook by
// webhook, so that the other keys are not needed any more. Servers may run
// meanwhile, as long as they have all the keys. It can be stopped at any moment,
// and goes on when it is called again.
func Reseal(ctx context.Context, keeper Keeper, keys Keys, random io.Reader) (done Resealed, err error) {
	const page = 500
	for after := ""; ; {
		ids, err := keeper.WebhookIDs(ctx, after, page)
		if err != nil || len(ids) == 0 {
			return done, err
		}
		for _, id := range ids {
			anew, closed, err := keys.resealOne(ctx, keeper, id, random)
			if fault.CodeOf(err) == fault.NotFound { // deleted meanwhile
				continue
			}
			if err != nil {
				return done, err
			}
			done.Webhooks++
			if anew {
				done.Anew++
			}
			if closed {
				done.Closed = append(done.Closed, id)
			}
		}
		after = ids[len(ids)-1]
	}
}

func (ks Keys) resealOne(ctx context.Context, keeper Keeper, id string, random io.Reader) (anew, closed bool, err error) {
	w, err := keeper.Webhook(ctx, id)
	if err != nil {
		return false, false, err
	}
	if anew, closed, err = ks.reseal(&w, random); err != nil || !anew {
		return false, closed, err
	}
	err = keeper.UpdateWebhook(ctx, id, func(w *Webhook) (err error) { // as it is when nobody else changes it
		anew, closed, err = ks.reseal(w, random)
		return err
	})
	return anew, closed, err
}

// reseal seals under the first key what is not. A secret that no key opens stays.
func (ks Keys) reseal(w *Webhook, random io.Reader) (anew, closed bool, err error) {
	w.Secrets = slices.Clone(w.Secrets)
	for i := range w.Secrets {
		s := &w.Secrets[i]
		secret, err := ks.open(w.ID, s.Sealed)
		if err != nil {
			closed = true
			continue
		}
		if _, ok := ks[0].open(w.ID, s.Sealed); ok {
			continue
		}
		if s.Sealed, err = ks.seal(w.ID, secret, random); err != nil {
			return false, closed, err
		}
		anew = true
	}
	return anew, closed, nil
}
