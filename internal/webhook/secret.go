package webhook

import (
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

func (k Key) open(webhook string, sealed []byte) ([]byte, error) {
	aead := k.aead()
	if len(sealed) < aead.NonceSize() {
		return nil, errors.New("webhook.open: the sealed secret is too short")
	}
	secret, err := aead.Open(nil, sealed[:aead.NonceSize()], sealed[aead.NonceSize():], []byte(webhook))
	if err != nil {
		return nil, errors.New("webhook.open: the secret was sealed with another key: is ONEDOOR_SECRET_KEY the one that it was?")
	}
	return secret, nil
}

// NewSecret makes a secret for a webhook.
func (k Key) NewSecret(webhook string, now time.Time, random io.Reader) (Secret, error) {
	secret := make([]byte, secretSize)
	if _, err := io.ReadFull(random, secret); err != nil {
		return Secret{}, fmt.Errorf("webhook.NewSecret: %w", err)
	}
	sealed, err := k.seal(webhook, secret, random)
	return Secret{Sealed: sealed, CreatedAt: now.UTC()}, err
}

// Reveal spells the newest secret of a webhook for its owner.
func (k Key) Reveal(w Webhook) (string, error) {
	if len(w.Secrets) == 0 {
		return "", errors.New("webhook.Reveal: there is no secret")
	}
	secret, err := k.open(w.ID, w.Secrets[len(w.Secrets)-1].Sealed)
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
func (k Key) Sign(w Webhook, id string, at time.Time, body []byte) (string, error) {
	var signatures []string
	for _, s := range slices.Backward(w.Secrets) {
		if !s.valid(at) {
			continue
		}
		secret, err := k.open(w.ID, s.Sealed)
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
