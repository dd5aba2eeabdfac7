package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/onedoor/onedoor/internal/store"
	"github.com/onedoor/onedoor/internal/webhook"
)

// secretFile holds the keys that seal secrets where the operator gives none: one a
// line, the first seals.
const secretFile = "secret.key"

// parseSecretKeys reads keys of 32 bytes in base64, with commas or space between.
func parseSecretKeys(text string) (webhook.Keys, error) {
	var keys webhook.Keys
	for _, one := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }) {
		raw, err := base64.StdEncoding.DecodeString(one)
		if err != nil || len(raw) != webhook.KeySize {
			return nil, fmt.Errorf("is %d bytes in base64: openssl rand -base64 %d; several keys have commas between, the first seals", webhook.KeySize, webhook.KeySize)
		}
		keys = append(keys, webhook.Key(raw))
	}
	return keys, nil
}

// openSecretKeys gives the operator's keys, or those of the data folder, where the
// first is made when there is none.
func openSecretKeys(given webhook.Keys, data string) (webhook.Keys, error) {
	if len(given) > 0 {
		return given, nil
	}
	path := filepath.Join(data, secretFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeSecretKey(data, path); err != nil {
			return nil, err
		}
		text, err = os.ReadFile(path) // ours, or that of who was faster
	}
	if err != nil {
		return nil, err
	}
	keys, err := parseSecretKeys(string(text))
	if err == nil && len(keys) == 0 {
		err = errors.New("has no key")
	}
	if err != nil {
		return nil, fmt.Errorf("%s %w", path, err)
	}
	return keys, nil
}

// makeSecretKey makes the file. It appears whole, by a link, which exactly one of
// several makers gets.
func makeSecretKey(data, path string) error {
	if err := os.MkdirAll(data, 0o750); err != nil {
		return err
	}
	draft, err := os.CreateTemp(data, "."+secretFile+"-*") // new, with mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(draft.Name())
	var key webhook.Key
	_, _ = rand.Read(key[:]) // never fails
	_, err = draft.WriteString(base64.StdEncoding.EncodeToString(key[:]) + "\n")
	if err == nil {
		err = draft.Sync()
	}
	if err := errors.Join(err, draft.Close()); err != nil {
		return err
	}
	if err := os.Link(draft.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// secretsCommand seals the secrets of webhooks under the operator's first key. It
// has as long as it needs; stopped, it goes on when it is called again.
func secretsCommand(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	c, rest, err := parseConfig("secrets reseal", args, getenv, stderr)
	if err != nil {
		return err
	}
	if len(rest) != 1 || rest[0] != "reseal" {
		return errors.New("usage: server secrets reseal")
	}
	keys, err := openSecretKeys(c.secretKeys, c.data)
	if err != nil {
		return err
	}
	s, err := store.Open(ctx, c.databaseURL)
	if err != nil {
		return err
	}
	defer s.Close()
	done, err := webhook.Reseal(ctx, s, keys, rand.Reader)
	fmt.Fprintf(stdout, "webhooks: %d; sealed anew: %d\n", done.Webhooks, done.Anew)
	if err != nil {
		return err
	}
	if len(done.Closed) > 0 {
		return fmt.Errorf("no key opens secrets of %s: keep the other keys, or have their owners rotate them", strings.Join(done.Closed, ", "))
	}
	return nil
}
